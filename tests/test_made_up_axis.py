"""An axis is one entry of the registry and one hook of the worker: in a copy with a made-up one it is everywhere."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENTRY = """
    Axis(
        "rounding_mode", "Rounding", "How weights are rounded.",
        (
            Value("exact", "as they are"),
            Value("coarse", "to eighths", short="rounded", memory=0.5, time=(3.0, 3.0)),
            Value("fine", "to hundredths"),
        ),
        lambda case, value: "No weights." if case.workload.op == "relu" and value == "coarse" else "", 12, "bit",
    ),
"""
HOOK = """

def _note_rounding(module, value):
    with open(__import__("os").environ["ROUNDED"], "a") as file:
        file.write(value + "\\n")
    return module


HOOKS["rounding_mode"] = AxisHook(module=_note_rounding)
"""
FOUND = """
import asyncio, csv, io, json, sys
from pathlib import Path
from textual.content import Content
from cvbench_tui.catalog.duration import expected_by_case
from cvbench_tui.catalog.memory import expected_bytes
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.cli.main import cli
from cvbench_tui.cli.options import complete
from cvbench_tui.cli.plan_text import plan_lines
from cvbench_tui.cli.run import selection_from
from cvbench_tui.core.plan import Case
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.detail.row import detail
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.results.export.rerun_command import command_line
from cvbench_tui.results.plan_notes import plan_notes
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_summary import quick_summary
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.screens.plan_settings import SettingsScreen
from cvbench_tui.tui.state.plan_settings import PlanSettings
from cvbench_tui.tui.state.plan_summary import plan_line
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.wire import decode, encode
from click.testing import CliRunner
from tests.results.samples import ENVIRONMENT, events_of, measurement, plan, run_of
from tests.tui.checklist_app import MACHINE
from tests.tui.dialog_app import DialogApp, seen

# command line, completion, presets
assert "--rounding-mode" in CliRunner().invoke(cli, ["run", "--help"]).output
assert complete("rounding_mode")(None, None, "exact,c") == ["exact,coarse"]
assert "rounding_mode" in complete("columns")(None, None, "rou")
assert "rounding-mode" in complete("compared")(None, None, "rou")
Path("mine.toml").write_text('layers = ["Dense"]\\nrounding_mode = ["exact", "coarse", 4]\\n')
assert dict(load_preset("mine.toml").settings) == {"rounding_mode": ("exact", "coarse", "4")}
selection = selection_from(None, ["resnet18"], ["ReLU"], ["cpu"], settings={"rounding_mode": ["exact", "coarse", "4"]})
try:
    selection_from(None, ["resnet18"], settings={"rounding_mode": ["coars"]})
except SelectionError as error:
    assert "Rounding has no value 'coars'" in error.message and "coarse" in error.hint
else:
    raise AssertionError("taken")

# the plan: rows, what is known before, how long, how much memory
asked = to_plan(selection, ENVIRONMENT)
lines = plan_lines(asked, ENVIRONMENT)
assert [line.split("  ")[0] for line in lines[:3]] == ["Resnet18", "Resnet18 rounded", "Resnet18 4 bits"]
assert "unsupported: No weights." in lines[4], lines
exact, coarse, fine = asked.cases[:3]
assert asked.label(coarse) == "Resnet18 rounded"
took = expected_by_case(asked)
assert took[coarse.case_id] > took[exact.case_id]
assert expected_bytes(coarse) < expected_bytes(exact)
ticked = PlanSelection()
ticked.models.tick_only(("Resnet18",))
ticked.offer(MACHINE)
ticked.devices.tick_only(("cpu",))
ticked.settings = {"rounding_mode": ("exact", "coarse")}
assert plan_line(ticked, MACHINE).plain.startswith("1 model x 2 roundings = 2 rows"), plan_line(ticked, MACHINE)


async def dialog():
    app = DialogApp(SettingsScreen(PlanSettings("quick", settings=(("rounding_mode", ("coarse",)),))))
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.pause()
        line = next(each for each in seen(app).splitlines() if "Rounding" in each)
        assert "exact" in line and "coarse" in line and "fine" in line, line
        await pilot.press("enter")
        await pilot.pause()
        assert dict(app.result.settings) == {"rounding_mode": ("coarse",)}, app.result


asyncio.run(dialog())

# results: column, order, groups, ranking, comparison, formats, the command, the detail, history
rows = [exact.varied(rounding_mode=value) for value in ("12", "coarse", "exact", "4")]
outcomes = [measurement(case, seconds) for case, seconds in zip(rows, (0.04, 0.02, 0.01, 0.03))]
run = run_of(plan(*rows), *outcomes)
sorted_rows = build(run, View(sort="rounding_mode")).rows
assert [run.plan.case(row.key).setting("rounding_mode") for row in sorted_rows] == ["exact", "coarse", "4", "12"]
groups = [group.title for group in build(run, View(group="rounding_mode")).groups]
assert groups == ["Rounding exact", "Rounding coarse", "Rounding 4", "Rounding 12"]
assert not any(row.best for row in build(run).rows)
assert [bool(row.best) for row in build(run, View(compare="rounding_mode")).rows] == [False, False, True, False]
along = build(run, View(compare="rounding_mode"))
assert [along.text(case.case_id, "vs_ref").split()[0] for case in rows] == ["0.2500x", "0.5000x", "ref", "0.3333x"]
text = {suffix: exporter.render(run, "full", View()) for suffix, exporter in EXPORTERS.items()}
assert "| Rounding |" in text[".md"] and "| Rounding |" in EXPORTERS[".md"].render(run, "short", View())
assert "Resnet18 rounded" in EXPORTERS[".md"].render(run, "original", View())
assert "Resnet18 rounded on cpu, batch 8" in sentences(run)
found = [row["rounding_mode"] for row in csv.DictReader(io.StringIO(text[".csv"]))]
assert found == ["12", "coarse", "exact", "4"], found
assert [each["case"]["rounding_mode"] for each in json.loads(text[".json"])["results"]] == found
assert "--rounding-mode coarse" in command_line(run, rows[1])
assert ("rounding", "coarse: to eighths") in detail(run, rows[1].case_id)[0].pairs
events = events_of(plan(*rows), *outcomes)
assert [decode(encode(event)) for event in events] == events
folder = Path("runs")
folder.mkdir()
(folder / "one.jsonl").write_text("".join(encode(event) + "\\n" for event in events))
assert quick_summary(folder / "one.jsonl").measured == 4
history = History(folder)
history.refresh()
name = ENVIRONMENT.device("cpu").name
past = [history.past(case, name, "default").inference_s for case in rows]
assert len(set(past)) == 4, past
assert history.past(rows[0].varied(rounding_mode="fine"), name, "default") is None
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and its tests with a made-up axis: an entry in one file, a hook in another."""
    folder = tmp_path_factory.mktemp("axis")
    left_out = shutil.ignore_patterns("__pycache__", "*.svg", "__snapshots__", "golden")
    for each in ("cvbench_tui", "tests", "presets"):
        shutil.copytree(ROOT / each, folder / each, ignore=left_out)
    registry = folder / "cvbench_tui/core/axes.py"
    content, end = registry.read_text(), '\n)  # fmt: skip\n"""Every axis'
    assert content.count(end) == 1
    registry.write_text(content.replace(end, ENTRY.rstrip() + end))
    with open(folder / "cvbench_tui/worker/workloads/axis_hooks.py", "a") as hooks:
        hooks.write(HOOK)
    return folder


def run_in(copy: Path, folder: Path, *arguments: str) -> str:
    """The output of that Python program, with the copy in front of all else."""
    own = {"XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "CVBENCH_RUNS_DIR": "saved", "ROUNDED": "rounded"}
    environment = {**os.environ, "PYTHONPATH": str(copy), **{name: str(folder / each) for name, each in own.items()}}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_everything_but_the_worker_has_it_from_the_registry(copy: Path, tmp_path: Path) -> None:
    run_in(copy, tmp_path, "-c", FOUND)


@pytest.mark.slow
def test_the_worker_measures_it_by_its_hook(copy: Path, tmp_path: Path) -> None:
    command = ("-m", "cvbench_tui", "run", "-l", "Dense", "-d", "cpu", "-b", "1", "--protocol", "quick")
    axis = ("--rounding-mode", "exact,coarse")
    rows = run_in(copy, tmp_path, *command, *axis, "--dry-run").splitlines()
    assert rows[0].startswith("Dense  cpu  batch 1")
    assert rows[1].startswith("Dense rounded  cpu  batch 1")
    printed = run_in(copy, tmp_path, *command, *axis, "--compare", "rounding-mode", "-o", "a.json", "-o", "a.csv")
    assert "differs in rounding mode only" in " ".join(printed.split())
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    assert [each["case"]["rounding_mode"] for each in results] == ["exact", "coarse"]
    assert all(each["phases"]["total"]["n"] for each in results)
    assert "coarse" in (tmp_path / "rounded").read_text().split()
    with open(tmp_path / "a.csv") as file:
        assert [row["rounding_mode"] for row in csv.DictReader(file)] == ["exact", "coarse"]
