"""Several environments as sides: each has a worker of its own, started once, and only what the user has named runs."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import CaseFinished, CaseStarted, EnvironmentProbed
from cvbench_tui.core.plan import NamedEnvironment, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import environment_of
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.workers.environments import MODULE
from cvbench_tui.errors import SelectionError
from tests.engine.test_live import Kept

FAKE = Path(__file__).parent / "workers" / "fake.py"
LAYERS = [(Workload("layer", name, "conv2d", (3, 8, 8)), 1) for name in ("first", "second")]
OLD, NEW = (("env", "old"),), (("env", "new"),)
CASES = expand(LAYERS, ["cpu"], variants=(OLD, NEW))
SHORT = replace(PROTOCOLS["quick"], span_s=0.0)


@pytest.fixture
def interpreter(tmp_path: Path):
    """Makes a program that takes Python's place: a fake worker of that mode, which says where it was started."""

    def make(name: str, mode: str) -> str:
        path = tmp_path / name
        told = f'printf "%s\\n" "{name} $PWD $PYTHONPATH $*" >> {tmp_path}/started'
        path.write_text(f"#!/bin/sh\n{told}\nexec {sys.executable} {FAKE} {mode} {tmp_path}/mark\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture
def source():
    """Makes sources with environments; each is closed at the end."""
    made: list[LiveSource] = []

    def make(*environments: NamedEnvironment, **options) -> LiveSource:
        command = (sys.executable, str(FAKE), "good", os.devnull)
        made.append(LiveSource(command, start_s=60, environments=environments, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def plan(*environments: NamedEnvironment) -> Plan:
    return Plan("two", CASES, SHORT, "env", environments)


def test_each_environment_measures_its_rows_in_turn_and_the_run_has_its_versions(interpreter, source, tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    old = NamedEnvironment("old", python=interpreter("old-python", "newer"))
    new = NamedEnvironment("new", python=interpreter("new-python", "good"), folder=str(folder))
    kept = Kept()
    *_, (_, run) = Session(source(old, new), plan(old, new)).run(kept)

    assert {m.visits for m in run.measured} == {SHORT.visits}
    assert len(run.measured) == 4
    assert run.plan.environments == (old, new)
    versions = {case.setting("env"): environment_of(run, case).version("torch") for case in run.plan.cases}
    assert versions == {"old": "2.1.0", "new": "2.0.0"}
    assert run.environment.version("torch") == "2.0.0"
    probed = [event.env for event in kept.events if isinstance(event, EnvironmentProbed)]
    assert probed == ["", "old", "new"]
    # never two at a time: each visit ends before the next one begins
    visits = [event for event in kept.events if isinstance(event, (CaseStarted, CaseFinished))]
    assert [type(event) for event in visits] == [CaseStarted, CaseFinished] * (len(visits) // 2)

    started = (tmp_path / "started").read_text().splitlines()
    assert sorted(line.split()[0] for line in started) == SHORT.visits * ["new-python"] + SHORT.visits * ["old-python"]
    lines = {line.split()[0]: line.split()[1:] for line in started}
    where, path, *arguments = lines["new-python"]
    assert where == str(folder)
    assert tuple(arguments) == MODULE
    bundle, second = path.split(os.pathsep)[:2]
    assert second == str(folder), "code of the folder is found before all that is installed"
    assert [each.name for each in Path(bundle).iterdir()] == ["cvbench_tui"], "nothing else of ours"


def test_the_folder_that_is_made_for_the_workers_is_removed(interpreter, source, tmp_path):
    only = NamedEnvironment("old", python=interpreter("old-python", "good"))
    live = source(only)
    live.probe()
    live.probe_named()
    bundle = Path((tmp_path / "started").read_text().split()[2].split(os.pathsep)[0])
    assert [each.name for each in bundle.iterdir()] == ["cvbench_tui"]
    live.close()
    assert not bundle.exists()


@pytest.mark.parametrize("mode", ["notorch", "mismatch", "chattering"])
def test_one_that_cannot_be_used_is_a_sentence_before_the_run(interpreter, source, mode):
    live = source(NamedEnvironment("old", python=interpreter("old-python", mode)))
    with pytest.raises(SelectionError, match=r"The environment old \(.*old-python\) cannot be used: ") as refused:
        live.probe_named()
    assert refused.value.exit_code == 2


def test_a_crash_in_one_environment_costs_its_row_alone(interpreter, source):
    old = NamedEnvironment("old", python=interpreter("old-python", "crashing"))
    new = NamedEnvironment("new", python=interpreter("new-python", "good"))
    *_, (_, run) = Session(source(old, new), plan(old, new)).run(Kept())
    assert [(failure.kind, run.plan.case(failure.case_id).setting("env")) for failure in run.failures] == [
        ("crashed", "old")
    ]
    assert len(run.measured) == 3


def test_rows_of_an_environment_that_was_not_named_start_nothing(source):
    from cvbench_tui.catalog.environments import why_not_started

    live, false = source(refuse=lambda case: why_not_started(case, ())), "/bin/false"
    asked = plan(NamedEnvironment("old", false), NamedEnvironment("new", false))
    *_, (_, run) = Session(live, asked).run(Kept())
    assert {failure.kind for failure in run.failures} == {"unsupported"}
    assert "only where you name it with --env old=WHERE" in run.failures[0].sentence
