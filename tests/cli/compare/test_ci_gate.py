"""The workflow file in the docs, its own shell steps executed: it fails for a slowdown that is certain, no other."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import RunStarted
from cvbench_tui.core.plan import Case, NamedEnvironment, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.wire import encode
from tests.results.samples import events_of, measurement, model

ROOT = Path(__file__).parents[3]
WORKFLOW = ROOT / "docs" / "ci-gate.yml"
SHELL_STEPS = ("Measure", "Compare", "Show", "Comment")
BASE = Case(model("mynet.model:make"), "cpu", 8).varied(env="base")
HEAD = BASE.varied(env="head")


def steps() -> dict[str, str]:
    """The shell of each step by its name, as the runner executes it."""
    found = {}
    for part in re.split(r"^      - ", WORKFLOW.read_text(), flags=re.MULTILINE)[1:]:
        name, shell = (
            re.match(r"name: (\w+)", part),
            re.search(r"^        run: \|\n((?:          .*\n|\n)+)", part, re.M),
        )
        if name and shell:
            found[name[1]] = textwrap.dedent(shell[1])
    assert tuple(found) == SHELL_STEPS
    return found


def variables() -> dict[str, str]:
    """What the workflow sets for all its steps, apart from what the runner fills in."""
    text = WORKFLOW.read_text()
    block = text[text.index("    env:\n") : text.index("    steps:\n")]
    found = dict(re.findall(r"^      (\w+): \"?([^\"#\n]*?)\"?(?: #.*)?$", block, re.MULTILINE))
    return {name: value for name, value in found.items() if "${{" not in value}


def executed(
    folder: Path, program: str, names: tuple[str, ...], **changed: str
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Those steps in that folder, one after the other as a runner does: also after one that failed, where it says so.
    ``program``: what ``cvbench-tui`` is; ``changed``: variables of the workflow."""
    tools = folder / "tools"
    tools.mkdir()
    for name, text in (("cvbench-tui", program), ("gh", 'cat "${@: -1}" > commented.md')):
        (tools / name).write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{text}\n")
        (tools / name).chmod(0o755)
    environment = {
        **os.environ, **variables(), "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "CVBENCH_RUNS_DIR": str(folder / "runs"), "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_REPOSITORY": "me/mynet", "NUMBER": "7", **changed,
    }  # fmt: skip
    shells = steps()
    return {
        name: subprocess.run(
            ["bash", "-eo", "pipefail", "-c", shells[name]],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )
        for name in names
    }  # fmt: skip


def recorded(folder: Path, head_s: float) -> str:
    """A program that in place of measuring takes this run, in which the head takes so long and the base 20 ms."""
    named = tuple(NamedEnvironment(name, folder=str(folder / name)) for name in ("base", "head"))
    plan = Plan("selection", (BASE, HEAD), PROTOCOLS["default"], "env", named)
    started, *events = events_of(plan, measurement(BASE, 0.02), measurement(HEAD, head_s))
    assert isinstance(started, RunStarted)
    run = folder / "recorded.jsonl"
    run.write_text("".join(f"{encode(event)}\n" for event in [replace(started, run_id="recorded"), *events]))
    python = shlex.quote(sys.executable)
    return (
        f'if [ "$1" = run ]; then echo "$@" > asked; mkdir -p runs; cp recorded.jsonl runs/; exit; fi\n'
        f'exec {python} -m cvbench_tui "$@"'
    )


@pytest.mark.parametrize(("head_s", "fails"), [(0.02, False), (0.0208, False), (0.022, True), (0.01, False)])
def test_its_steps_fail_for_more_than_5_percent_and_show_the_table(tmp_path: Path, head_s: float, fails: bool) -> None:
    done = executed(tmp_path, recorded(tmp_path, head_s), SHELL_STEPS)
    assert {name: each.returncode for name, each in done.items()} == {
        "Measure": 0, "Compare": int(fails), "Show": 0, "Comment": 0,
    }  # fmt: skip
    assert ("Slower by more than 5% for certain:" in done["Compare"].stderr) == fails
    table = (tmp_path / "comparison.md").read_text()
    assert "- A: base: selection" in table
    assert "| mynet.model:make |" in table
    assert (tmp_path / "summary.md").read_text() == (tmp_path / "commented.md").read_text() == table
    assert (tmp_path / "comparison.html").exists()


def test_it_measures_both_folders_in_turn(tmp_path: Path) -> None:
    executed(tmp_path, recorded(tmp_path, 0.02), ("Measure",))
    words = (tmp_path / "asked").read_text()
    assert words == (
        "run -m mynet.model:make -d cpu -b 8 --protocol default "
        "--env base=./base --env head=./head --alternate env --quiet\n"
    )


def code(folder: Path, layers: int) -> None:
    """A package with a net of so many layers."""
    package = folder / "mynet"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model.py").write_text(
        "from torch import nn\n\n\ndef make():\n"
        f"    layers = [nn.Conv2d(8, 8, 3, padding=1) for _ in range({layers})]\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *layers)\n"
    )


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("layers", "fails"), [(4, False), (12, True)])
def test_two_folders_of_code_are_measured_and_the_slower_one_fails(tmp_path: Path, layers: int, fails: bool) -> None:
    for name, number in (("base", 4), ("head", layers)):
        code(tmp_path / name, number)
    program = f'exec {shlex.quote(sys.executable)} -m cvbench_tui "$@"'
    done = executed(tmp_path, program, SHELL_STEPS, BATCH="1", PROTOCOL="quick")
    assert done["Measure"].returncode == 0, done["Measure"].stderr
    assert "A and B differ in env only." in done["Compare"].stdout
    if "busy" in done["Compare"].stderr or (fails and "not told apart" in done["Compare"].stdout):
        pytest.skip("other programs had the cores: nothing can be told, and the gate rightly says so")
    assert done["Compare"].returncode == int(fails), done["Compare"].stdout
