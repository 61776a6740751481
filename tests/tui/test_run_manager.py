"""Begin, add, skip, again, open, quit: the run_manager without an app, its messages handled as the app does."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, cast

import pytest
from textual.message import Message

from cvbench_tui.core.event import CaseFailed, CaseFinished, EnvironmentProbed, Event, Progress, RowsAdded
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run, fold
from cvbench_tui.core.stats.visits import enough
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.source import EventSource
from cvbench_tui.engine.workers import worker_process
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_file import load, read_events
from cvbench_tui.results.storage.run_index import SeenFile, seen
from cvbench_tui.results.storage.runs import list_runs
from cvbench_tui.results.table.build import build
from cvbench_tui.tui.controllers import run_manager as run_manager
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.messages import Logged, RunAdvanced, RunRefused
from cvbench_tui.tui.state.run_state import RunState
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.waits import wait_until

GOOD = Path(__file__).parents[1] / "data" / "good.jsonl"
FAKE = Path(__file__).parents[1] / "engine" / "workers" / "fake.py"
EVENTS = list(read_events(GOOD))
PLAN: Plan = EVENTS[0].plan  # type: ignore[union-attr]
NOW_S = 1_764_000_100.0
WAIT_S = 600.0
"""Longer than a test may take: its time-out comes first."""


class Gate(ReplaySource):
    """Stands still at the first progress of a case, until it is let go on."""

    def __init__(self, recorded: list[Event]) -> None:
        super().__init__(recorded)
        self.reached = threading.Event()
        self.let = threading.Event()

    def events(self, plan: Plan, *more: Any) -> Iterator[Event]:
        for event in super().events(plan, *more):
            yield event
            if isinstance(event, Progress):
                self.reached.set()
                self.let.wait(WAIT_S)

    def cancel(self) -> None:
        super().cancel()
        self.let.set()


class Bench:
    """A run_manager and what the app does with its messages."""

    def __init__(self, folder: Path, source: EventSource) -> None:
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.refusals: list[str] = []
        self.logged = 0
        self.run_manager = RunManager(source, History(folder / "runs"), self.messages.put, lambda: NOW_S)
        self.run_manager.probed(source.probe())

    def until(self, true: Callable[[], bool]) -> None:
        """Handle messages until it is so."""
        while not true():
            message = self.messages.get(timeout=WAIT_S)
            if isinstance(message, RunAdvanced):
                self.run_manager.advanced(message.run)
            elif isinstance(message, RunRefused):
                self.run_manager.refused()
                self.refusals.append(message.error.message)
            self.logged += isinstance(message, Logged)

    def until_ended(self) -> Run:
        self.until(lambda: not self.run_manager.state.running)
        assert self.run_manager.state.run is not None
        return self.run_manager.state.run


def some(*cases: Case) -> Plan:
    return replace(PLAN, cases=cases)


@pytest.fixture
def replay(tmp_path: Path) -> Bench:
    return Bench(tmp_path, ReplaySource(EVENTS))


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[Bench, Gate]]:
    source = Gate(EVENTS)
    bench = Bench(tmp_path, source)
    yield bench, source
    bench.run_manager.shut_down()


def test_rows_are_added_to_the_run_that_goes_on_and_only_new_ones(gated: tuple[Bench, Gate]) -> None:
    bench, source = gated
    run_manager = bench.run_manager
    assert run_manager.add(PLAN) == 0
    run_manager.begin(some(*PLAN.cases[:2]))
    assert source.reached.wait(WAIT_S)
    stepping = replace(PLAN, protocol=replace(PLAN.protocol, passes=(*PLAN.protocol.passes, "step")))
    assert run_manager.lacking_passes(PLAN) == ()
    assert run_manager.lacking_passes(stepping) == ("step",)
    assert run_manager.add(PLAN) == 4
    assert run_manager.add(PLAN) == 0
    source.let.set()
    run = bench.until_ended()
    assert (len(run.plan.cases), run.pending, run.ended) == (6, 0, "finished")
    assert run_manager.state.run_file is not None
    assert load(run_manager.state.run_file.path) == run
    assert run_manager.add(PLAN) == 0


def test_a_row_is_skipped_and_measured_again_in_the_same_file(gated: tuple[Bench, Gate]) -> None:
    bench, source = gated
    run_manager = bench.run_manager
    run_manager.skip()
    run_manager.begin(some(*PLAN.cases[:2]))
    assert source.reached.wait(WAIT_S)
    assert not run_manager.state.repeatable
    run_manager.skip()
    source.let.set()
    run = bench.until_ended()
    assert [failure.kind for failure in run.failures] == ["skipped"]
    path = run_manager.state.run_file.path
    assert run_manager.state.repeatable
    assert run_manager.again()
    assert run_manager.state.running
    run = bench.until_ended()
    assert (len(run.measured), run.failures, run_manager.state.run_file.path) == (2, (), path)
    assert path is not None
    assert load(path) == run
    assert not run_manager.state.repeatable
    assert not run_manager.again()


def test_poor_rows_are_repeated_and_their_state_is_asked_for_once(tmp_path: Path) -> None:
    run = reduce(fold, recorded.graded(), cast(Run, None))
    bench = Bench(tmp_path, ReplaySource(recorded.graded()))
    assert bench.run_manager.open(run, SeenFile(tmp_path / "run.jsonl", None))
    poor = {row.key for row in build(run).rows if row.quality.letter not in ("A", "B")}
    state = bench.run_manager.state
    repeatable = {case.case_id for case in state.repeatable}
    assert poor <= repeatable
    assert repeatable < {case.case_id for case in run.plan.cases}
    assert state.repeatable is state.repeatable
    outcomes = [each for each in run.measured if not enough(each, run.plan.protocol)]
    lacking = {each.case_id for each in outcomes}
    meanwhile = {case.case_id for case in replace(state, status="running").repeatable}
    assert meanwhile == repeatable - lacking, "rows that lack visits have them still to come"
    for status in ("cancelling", "looking", "waiting"):
        assert replace(state, status=status).repeatable == ()


class Scripted(ReplaySource):
    """Each call has outcomes of its own. At ``gate`` it stands still before the last one of the first call."""

    def __init__(self, *calls: list[Event], gate: bool = False) -> None:
        super().__init__(EVENTS)
        self._calls = iter(calls)
        self._gate = gate
        self.let = threading.Event()
        self.plans: list[Plan] = []

    def events(
        self,
        plan: Plan,
        measured: Mapping[str, Measurement] | None = None,
        more: Callable[[], Iterable[Case]] = tuple,
    ) -> Iterator[Event]:
        self.plans.append(plan)
        yield EnvironmentProbed(self.probe())
        *first, last = next(self._calls)
        yield from first
        if self._gate:
            self.let.wait(WAIT_S)
            self._gate = False
        yield last
        while cases := tuple(more()):
            self.plans.append(replace(plan, cases=cases))
            yield from next(self._calls)

    def close(self) -> None:
        self.let.set()


def plain(*cases: Case) -> Plan:
    return Plan("p", cases, Protocol("plain"))


def outcome(case: Case, spread: float) -> CaseFinished:
    """Five rounds that differ by so much."""
    rounds = tuple((0.01 * (1 + spread * step),) * 3 for step in (0, 1, -1, 0.5, -0.5))
    samples = PhaseSamples("inference", rounds, 1, "perf_counter", "precision")
    return CaseFinished(Measurement(case.case_id, (samples,), None, None, None, 0.5, 2.0, 1))


@pytest.mark.parametrize("spreads", [(0.2, 0.0001), (0.2, 0.9)])
def test_the_better_one_of_a_repeated_row_is_kept_and_both_are_in_the_file(
    tmp_path: Path, spreads: tuple[float, float]
) -> None:
    case = PLAN.cases[0]
    first, second = (outcome(case, spread) for spread in spreads)
    bench = Bench(tmp_path, Scripted([first], [second]))
    bench.run_manager.begin(plain(case))
    assert bench.until_ended().measured == (first.measurement,)
    assert bench.run_manager.state.repeatable == (case,)
    assert bench.run_manager.again()
    run = bench.until_ended()
    better = second if spreads[1] < spreads[0] else first
    assert run.measured == (better.measurement,)
    path = bench.run_manager.state.run_file.path
    assert path is not None
    assert load(path) == run
    assert [event for event in read_events(path) if isinstance(event, CaseFinished)] == [first, second]


def test_complete_rows_of_a_running_run_are_repeated_in_it_and_those_to_come_are_not(tmp_path: Path) -> None:
    poor, other = PLAN.cases[0], PLAN.cases[2]
    source = Scripted([outcome(poor, 0.2), outcome(other, 0.2)], [outcome(poor, 0.0001)], gate=True)
    bench = Bench(tmp_path, source)
    bench.run_manager.begin(plain(poor, other))
    bench.until(lambda: bench.run_manager.state.repeatable == (poor,))
    assert bench.run_manager.again()
    source.let.set()
    run = bench.until_ended()
    assert [[case.case_id for case in plan.cases] for plan in source.plans] == [
        [poor.case_id, other.case_id], [poor.case_id]
    ]  # fmt: skip
    assert run.measured == (outcome(poor, 0.0001).measurement, outcome(other, 0.2).measurement)


def test_a_row_that_lacks_visits_goes_on_and_is_not_doubled_while_it_is_visited(tmp_path: Path) -> None:
    case = PLAN.cases[0]
    visits = Plan("p", (case,), replace(Protocol("plain"), visits=2, max_visits=2))
    source = Scripted([outcome(case, 0.2), CaseFailed(Failure(case.case_id, "cancelled", "Cancelled."))],
                      [outcome(case, 0.1)], gate=True)  # fmt: skip
    bench = Bench(tmp_path, source)
    bench.run_manager.begin(visits)
    bench.until(lambda: bench.run_manager.state.run is not None and bool(bench.run_manager.state.run.measured))
    assert bench.run_manager.state.repeatable == ()
    source.let.set()
    bench.until_ended()
    assert bench.run_manager.state.repeatable == (case,)
    assert bench.run_manager.again()
    (measurement,) = bench.until_ended().measured
    assert measurement.visits == 2


def test_failed_rows_are_added_while_the_run_goes_on(tmp_path: Path) -> None:
    """The first time the first case crashes, and the second one waits at the gate."""
    first, second = PLAN.cases[0], PLAN.cases[2]

    class Flaky(Gate):
        calls = 0

        def events(self, plan: Plan, *more: Any) -> Iterator[Event]:
            self.calls += 1
            if self.calls == 1:
                yield CaseFailed(Failure(first.case_id, "crashed", "Crashed."))
                plan = replace(plan, cases=plan.cases[1:])
            yield from super().events(plan, *more)

    source = Flaky(EVENTS)
    bench = Bench(tmp_path, source)
    bench.run_manager.begin(some(first, second))
    assert source.reached.wait(WAIT_S)
    bench.until(lambda: bench.run_manager.state.repeatable == (first,))
    assert bench.run_manager.again()
    source.let.set()
    run = bench.until_ended()
    assert (len(run.measured), run.failures) == (2, ())
    assert bench.run_manager.state.run_file is not None
    (added,) = (event for event in read_events(bench.run_manager.state.run_file.path) if isinstance(event, RowsAdded))
    assert added.cases == (first,)


def test_a_cancelled_run_goes_on_where_it_was_left(gated: tuple[Bench, Gate]) -> None:
    bench, source = gated
    run_manager = bench.run_manager
    run_manager.begin(PLAN)
    assert source.reached.wait(WAIT_S)
    bench.until(lambda: run_manager.state.run is not None)
    run_manager.cancel()
    assert run_manager.state.status == "cancelling"
    assert not run_manager.state.repeatable
    assert not run_manager.again()
    assert run_manager.add(some(replace(PLAN.cases[0], batch=999))) == 0
    run = bench.until_ended()
    assert (run.ended, run.pending) == ("cancelled", 5)
    assert run_manager.again()
    run = bench.until_ended()
    assert (run.ended, run.pending, len(run.measured)) == ("finished", 0, 5)


def test_a_run_of_the_past_is_shown_and_goes_on_in_its_file(replay: Bench, tmp_path: Path) -> None:
    replay.run_manager.begin(PLAN)
    replay.until_ended()
    path = replay.run_manager.state.run_file.path
    assert path is not None
    torn = path.read_bytes()
    cut = torn.index(b"\n", torn.index(b'"case_started"')) + 20
    path.write_bytes(torn[:cut])
    later = Bench(tmp_path, ReplaySource(EVENTS))
    assert later.run_manager.open(load(path), seen(path))
    assert later.run_manager.state.run is not None
    assert (later.run_manager.state.running, later.run_manager.state.run.running) == (False, None)
    assert later.run_manager.again()
    run = later.until_ended()
    assert (run.pending, len(run.measured)) == (0, 5)
    assert load(path) == run
    assert [summary.ended for summary in list_runs(tmp_path / "runs")] == ["finished"]


def test_a_run_of_another_machine_is_shown_but_never_mixed_with_this_one(replay: Bench) -> None:
    replay.run_manager.begin(PLAN)
    run = replay.until_ended()
    assert replay.run_manager.state.repeatable
    assert run.environment is not None
    other = replace(run, environment=replace(run.environment, versions=(("torch", "1.0"),), identity_hash="other"))
    assert replay.run_manager.open(other, SeenFile(Path("other.jsonl"), None))
    assert not replay.run_manager.state.repeatable
    assert not replay.run_manager.again()


def test_no_run_is_opened_over_one_that_goes_on(gated: tuple[Bench, Gate]) -> None:
    bench, source = gated
    bench.run_manager.begin(some(PLAN.cases[0]))
    assert source.reached.wait(WAIT_S)
    bench.until(lambda: bench.run_manager.state.run is not None)
    shown = bench.run_manager.state.run
    assert shown is not None
    assert not bench.run_manager.open(replace(shown, id="other"), SeenFile(Path("other.jsonl"), None))
    assert bench.run_manager.state.running


def test_what_cannot_be_measured_again_leaves_the_run_as_it_was(replay: Bench, tmp_path: Path) -> None:
    replay.run_manager.begin(PLAN)
    before = replay.until_ended()
    for file in (tmp_path / "runs").iterdir():
        file.unlink()
    assert replay.run_manager.again()
    replay.until_ended()
    assert "No such file" in replay.refusals[0]
    assert replay.run_manager.state.run == before


def test_the_log_has_our_notes_and_the_workers_words(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LiveSource((sys.executable, str(FAKE), "exits", str(tmp_path / "mark")), start_s=60))
    bench.run_manager.begin(some(*PLAN.cases[:2]))
    bench.until_ended()
    bench.until(lambda: "last words" in bench.run_manager.log.lines)
    bench.run_manager.shut_down()
    clock = time.strftime("%H:%M:%S", time.localtime(NOW_S))
    lines = list(bench.run_manager.log.lines)
    assert f"{clock} Resnet18 cpu started" in lines
    assert any(line.startswith(f"{clock} Resnet18 cpu failed: ") for line in lines)
    assert lines[-1] == f"{clock} run finished: 1 measured, 1 failed"
    assert bench.run_manager.log.count == len(lines)
    assert bench.logged >= 1


@pytest.mark.parametrize("mode", ["forking", "orphan", "onecase"])
def test_quitting_in_mid_run_waits_for_no_worker_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(worker_process, "END_S", WAIT_S)  # whoever waits for a worker to end by itself waits in vain
    monkeypatch.setattr(run_manager, "EXIT_WAIT_S", WAIT_S)
    mark = tmp_path / "mark"
    bench = Bench(tmp_path, LiveSource((sys.executable, str(FAKE), mode, str(mark)), start_s=60))
    bench.run_manager.begin(some(*PLAN.cases[:2]))
    wait_until(lambda: mark.exists() and mark.read_text())
    bench.until(lambda: bench.run_manager.state.run is not None and bench.run_manager.state.run.running is not None)
    bench.run_manager.shut_down()
    wait_until(lambda: not _alive(int(mark.read_text())))
    assert bench.run_manager.state.run_file is not None
    assert load(bench.run_manager.state.run_file.path).ended == "cancelled"


def _alive(pid: int) -> bool:
    """Whether the process still runs; a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_while_it_is_being_cancelled_nothing_is_repeatable() -> None:
    run = reduce(fold, recorded.graded(), None)
    assert RunState("running", run.environment, run=run).repeatable
    assert RunState("cancelling", run.environment, run=run).repeatable == ()


def test_the_table_is_drawn_for_all_that_it_shows_and_seldom_for_progress() -> None:
    run = reduce(fold, recorded.graded(), None)
    state = RunState(run=run)
    assert state.same_rows(replace(state, run=fold(run, Progress(run.plan.cases[0].case_id, "measuring"))))
    single = replace(run, plan=replace(run.plan, protocol=replace(run.plan.protocol, max_visits=1)), progress=None)
    case, at = run.plan.cases[0].case_id, RunState(run=single)
    shares = (0.01, 0.04, 0.06, 0.5)
    moved = [replace(at, run=fold(single, Progress(case, "measuring", fraction=share))) for share in shares]
    assert [at.same_rows(each) for each in moved] == [True, True, False, False], "a twentieth of a single visit"
    for name, value in {
        "id": "o",
        "plan": replace(run.plan),
        "environment": None,
        "ceilings": {},
        "outcomes": {},
        "running": object(),
        "ended": None,
    }.items():
        assert not state.same_rows(replace(state, run=replace(run, **{name: value}))), name
    assert not state.same_rows(RunState())


def test_a_refusal_brings_back_what_was_shown_only_before_the_first_message(tmp_path: Path) -> None:
    run = reduce(fold, recorded.good(), None)
    bench = Bench(tmp_path, ReplaySource(EVENTS))
    manager = bench.run_manager
    manager._before = manager.state
    manager._set(status="running")
    going = replace(run, ended=None)
    manager.advanced(going)
    manager.refused()
    assert (manager.state.run, manager.state.running) == (going, False)


def test_a_run_that_is_opened_takes_the_queued_one_off(tmp_path: Path) -> None:
    run = reduce(fold, recorded.good(), None)
    manager = Bench(tmp_path, ReplaySource(EVENTS)).run_manager
    manager._set(status="queued")
    assert manager.open(run, SeenFile(tmp_path / "run.jsonl", None))
    assert manager.state.status == "probing"


def test_a_copy_that_was_opened_goes_on_in_the_copy_and_a_changed_file_not_at_all(
    replay: Bench, tmp_path: Path
) -> None:
    replay.run_manager.begin(PLAN)
    replay.until_ended()
    assert replay.run_manager.state.run_file is not None
    path = replay.run_manager.state.run_file.path
    original = path.read_bytes()
    copy = tmp_path / "elsewhere" / "backup of mine.jsonl"
    copy.parent.mkdir()
    copy.write_bytes(original[: original.index(b'"case_finished"')])
    later = Bench(tmp_path, ReplaySource(EVENTS))
    assert later.run_manager.open(load(copy), seen(copy))
    assert later.run_manager.again()
    run = later.until_ended()
    assert (load(copy), len(run.measured)) == (run, 5)
    assert path.read_bytes() == original
    assert later.run_manager.state.run_file == seen(copy)
    copy.write_bytes(original)
    assert later.run_manager.again()
    later.until_ended()
    assert copy.read_bytes() == original
    assert later.run_manager.state.run == run, "what was shown is shown again"
