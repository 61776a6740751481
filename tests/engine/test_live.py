"""The live source against real child processes that behave badly, one way each."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event, RunFinished
from cvbench_tui.core.plan import Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import LAYER_OF_MODEL, Workload
from cvbench_tui.engine import live as live_module
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.workers import worker_process as process_module
from cvbench_tui.engine.workers.worker_process import WorkerProcess
from cvbench_tui.errors import MismatchError, WorkerError
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.selftest.reference import Reference
from tests.engine.test_host_nvml import Card, Library
from tests.processes import wait_until, wait_until_gone

FAKE = Path(__file__).parent / "workers" / "fake.py"
TWO = [(Workload("layer", name, "conv2d", (3, 8, 8)), 1) for name in ("first", "second")]


class Kept:
    """A recorder that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event, run: object) -> None:
        self.events.append(event)


def plan(**limits: float) -> Plan:
    protocol = replace(PROTOCOLS["quick"], **{"visits": 1, "max_visits": 1, **limits})
    return Plan("two", expand(TWO, ["cpu"]), protocol)


def run_of(source: LiveSource, the_plan: Plan) -> Run:
    return list(Session(source, the_plan).run(Kept()))[-1][1]


def marked(mark: Path) -> int:
    """The process that a worker has written into its mark file; 0 as long as there is none."""
    return int(mark.read_text() or 0) if mark.exists() else 0


def test_a_good_worker_measures_every_case(live):
    run = run_of(live("good"), plan())
    assert [m.case_id for m in run.measured] == [case.case_id for case in run.plan.cases]
    assert run.ended == "finished"
    assert run.environment is not None
    assert run.environment.version("cvbench-tui")


def test_repetitions_are_merged_into_one_measurement(live):
    the_plan = replace(plan(), protocol=replace(PROTOCOLS["rigorous"], visits=3, max_visits=3, span_s=0.0))
    run = run_of(live("good"), the_plan)
    assert [m.visits for m in run.measured] == [3, 3]
    assert [len(m.phases[0].rounds) for m in run.measured] == [15, 15]


def test_a_talkative_worker_is_not_blocked(live):
    assert len(run_of(live("chatty"), plan()).measured) == 2


def test_a_crash_costs_one_row_and_names_the_signal(live):
    run = run_of(live("crashing"), plan())
    assert [(f.kind, f.case_id.split("|")[0]) for f in run.failures] == [("crashed", "layer:first")]
    assert "signal 9" in run.failures[0].sentence
    assert "last words" in run.failures[0].detail
    assert len(run.measured) == 1


def test_a_process_that_dies_in_each_later_visit_leaves_the_rows_with_their_first_numbers(live):
    run = run_of(live("fading"), plan(visits=5, max_visits=5))
    assert (run.ended, [m.visits for m in run.measured]) == ("finished", [1, 1])
    for case in run.plan.cases:
        measurement = run.outcomes[case.case_id]
        assert [notice.code for notice in measurement.notices] == ["visit_failed"]
        assert "Visit 2 failed: The measuring process ended" in measurement.notices[0].sentence
        quality = row_data(run, case).quality
        assert (quality.share, quality.letter not in ("A", None), quality.word) == (None, True, "few visits")


def test_an_exit_code_is_named(live):
    assert "exit code 7" in run_of(live("exits"), plan()).failures[0].sentence


def test_a_silent_worker_is_ended_and_replaced(live):
    run = run_of(live("silent"), plan(silence_s=3.0))
    assert [f.kind for f in run.failures] == ["timed_out"]
    assert "No answer for 3 s" in run.failures[0].sentence
    assert len(run.measured) == 1


def test_a_case_that_takes_too_long_is_ended_though_it_speaks(live):
    the_plan = plan(timeout_s=3.0)
    run = run_of(live("slow"), the_plan)
    assert [(f.kind, f.case_id) for f in run.failures] == [("timed_out", the_plan.cases[0].case_id)]
    assert run.failures[0].sentence == "Not finished after 3 s, the limit of protocol quick."
    assert len(run.measured) == 1


def test_a_line_that_is_no_event_fails_the_case(live):
    run = run_of(live("garbage"), plan())
    assert [f.kind for f in run.failures] == ["crashed"]
    assert "this is not an event" in run.failures[0].detail
    assert len(run.measured) == 1


def test_a_giant_line_ends_the_worker(live, monkeypatch):
    monkeypatch.setattr(process_module, "MAX_LINE_BYTES", 1 << 21)
    run = run_of(live("giant"), plan())
    assert [f.kind for f in run.failures] == ["crashed", "crashed"]


def test_no_torch_is_a_sentence_with_a_hint(live):
    with pytest.raises(WorkerError, match="No module named 'torch'") as caught:
        live("notorch").probe()
    assert "import torch" in caught.value.hint


def test_a_torchvision_of_another_torch_is_the_users_mistake(live):
    with pytest.raises(MismatchError) as caught:
        live("mismatch").probe()
    assert caught.value.message == "torchvision 0.1 and torch 2.0 do not belong together."
    assert "pip install" in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_pytorch_that_is_linked_to_the_driver_is_given_it(live, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert len(run_of(live("linked"), plan()).measured) == 2
    command = [sys.executable, str(FAKE), "linked", "none"]
    reference = Reference(command, no_driver=True)
    reference.start()
    reference.close()


@pytest.mark.parametrize(("mode", "replaced"), [("hung", True), ("refused", False)])
def test_only_a_driver_that_gave_no_answer_costs_another_start(live, mode, replaced):
    events = list(live(mode).events(plan()))
    pids = {event.kind: event.pid for event in events if event.kind in ("worker_ready", "case_started")}
    assert (pids["worker_ready"] != pids["case_started"]) is replaced


@pytest.mark.parametrize("early", [False, True])
def test_a_card_stays_initialised_while_it_is_measured(live, monkeypatch, early):
    library = Library(Card("GPU-aa", "00000000:01:00.0", 300))
    monkeypatch.setitem(sys.modules, "pynvml", library)
    source = live("card")
    on_card = replace(plan(), cases=expand(TWO, ["cuda:0"]))
    source.probe()
    assert library.started == 0
    events = source.events(on_card)
    for event in events:
        assert (library.started, library.attached) == (1, {"GPU-aa"}), event.kind
        if early and event.kind == "case_started":
            events.close()
    assert (library.started, library.attached) == (0, set())


def test_no_card_is_initialised_for_the_cpu(live, monkeypatch):
    library = Library(Card("GPU-aa", "00000000:01:00.0", 300))
    monkeypatch.setitem(sys.modules, "pynvml", library)
    for event in live("card").events(plan()):
        assert library.started == 0, event.kind


def test_a_run_without_torch_ends_as_failed(live):
    run = run_of(live("notorch"), plan())
    assert run.ended == "failed"
    assert "torch" in run.ended_sentence


def test_a_command_that_does_not_exist_is_a_sentence():
    with pytest.raises(WorkerError, match="could not be started"):
        LiveSource(("/nonexistent/python",)).probe()


def test_a_source_that_was_closed_before_its_first_worker_starts_none(tmp_path):
    mark = tmp_path / "mark"
    source = LiveSource((sys.executable, "-c", f"open({str(mark)!r}, 'w')"))
    source.listen(print)
    source.skip()
    source.cancel()
    source.close()
    with pytest.raises(WorkerError, match="was closed"):
        source.probe()
    assert not mark.exists()


def test_cancel_keeps_what_is_finished_and_leaves_no_orphan(live, tmp_path):
    source = live("orphan")
    session = Session(source, plan())
    kept = Kept()

    def cancel_when_started() -> None:
        wait_until(lambda: marked(tmp_path / "mark"))
        session.cancel()

    thread = threading.Thread(target=cancel_when_started, daemon=True)
    thread.start()
    for _ in session.run(kept):
        pass
    thread.join()
    failed = [event for event in kept.events if isinstance(event, CaseFailed)]
    assert [event.failure.kind for event in failed] == ["cancelled"]
    assert kept.events[-1] == RunFinished("cancelled", kept.events[-1].at_s, "")
    wait_until_gone(marked(tmp_path / "mark"))


def test_closing_ends_what_a_worker_started(live, tmp_path):
    source = live("orphan")
    events = source.events(plan())
    while next(events).kind != "case_started":
        pass
    wait_until(lambda: marked(tmp_path / "mark"))
    source.close()
    wait_until_gone(marked(tmp_path / "mark"))


def test_a_late_answer_to_an_earlier_case_is_not_taken_for_the_next_ones(live):
    run = run_of(live("stale"), plan())
    assert [m.case_id for m in run.measured] == [case.case_id for case in run.plan.cases]
    assert not run.failures


def test_a_worker_that_ended_between_two_cases_costs_no_row(live):
    source = live("good")
    source.probe()
    os.kill(source._supervisor._worker._process.pid, 9)
    assert len(run_of(source, plan()).measured) == 2


def test_a_worker_that_closed_its_pipe_and_has_not_ended_yet_is_replaced(live):
    """As one in the middle of dying: its descriptors are closed before the system reports its end."""
    assert len(run_of(live("shut"), plan(silence_s=30, timeout_s=30)).measured) == 2


def test_the_users_folder_is_not_on_the_workers_path(tmp_path, monkeypatch):
    if sys.version_info < (3, 11):
        pytest.skip("Python 3.10 has no safe path")
    (tmp_path / "random.py").write_text("raise RuntimeError('the user has a random.py')\n")
    monkeypatch.chdir(tmp_path)
    script = "import random, sys, cvbench_tui.core; print('ok', file=sys.stderr)"
    source = LiveSource((sys.executable, "-c", script))
    with pytest.raises(WorkerError, match="ok"):
        source.probe()


def test_a_case_left_early_is_not_answered_to_the_next_one(live):
    source = live("good")
    for event in source.events(plan()):
        if event.kind == "case_started":
            break
    run = run_of(source, plan())
    assert [m.case_id for m in run.measured] == [case.case_id for case in run.plan.cases]


def test_a_source_can_measure_a_second_plan_of_the_same_rows_with_a_worker_of_its_own(live):
    source = live("good")
    pids = set()
    for _ in range(2):
        for event, run in Session(source, plan()).run(Kept()):
            if isinstance(event, CaseFinished):
                assert run.environment is not None
        pids.add(source._supervisor._worker._process.pid)
    assert len(pids) == 2


def test_no_worker_measures_a_row_on_processors_twice_and_one_measures_all_rows_of_a_sweep(live, tmp_path):
    (tmp_path / "mark").write_text("0")  # nobody sleeps
    source, workers = live("good"), []
    for event in source.events(plan(**SPREAD)):
        if event.kind == "case_started":
            workers.append(source._supervisor.worker_pid)
    assert len(workers) == 6
    assert [len({*workers[sweep : sweep + 2]}) for sweep in (0, 2, 4)] == [1, 1, 1]
    assert len({*workers}) == 3


def test_the_worker_is_not_in_our_process_group(live):
    source = live("good")
    source.probe()
    assert os.getpgid(source._supervisor._worker._process.pid) != os.getpgid(0)


class Watched(Kept):
    """A recorder that does something once a case is under way for good: the mark has its process."""

    def __init__(self, mark: Path, act) -> None:
        super().__init__()
        self._thread = threading.Thread(target=self._wait, args=(mark, act), daemon=True)
        self._thread.start()

    def _wait(self, mark: Path, act) -> None:
        wait_until(lambda: marked(mark) and any(event.kind == "case_started" for event in self.events))
        act()

    def join(self) -> None:
        self._thread.join()


@pytest.mark.parametrize("mode", ["forking", "onecase", "orphan"])
def test_a_skipped_case_is_a_row_of_its_own_and_the_next_one_is_measured(live, tmp_path, mode):
    source = live(mode)
    the_plan = replace(plan(), cases=plan().cases[:1]) if mode == "orphan" else plan()  # every case of an orphan hangs
    session = Session(source, the_plan)
    watched = Watched(tmp_path / "mark", session.skip)
    run = list(session.run(watched))[-1][1]
    watched.join()
    assert [(f.kind, f.sentence, f.detail) for f in run.failures] == [
        ("skipped", "Skipped while it was being measured.", "")
    ]
    assert (run.ended, len(run.measured)) == ("finished", len(the_plan.cases) - 1)
    wait_until_gone(marked(tmp_path / "mark"))


def test_under_rigorous_a_skipped_case_is_not_visited_again(live, tmp_path):
    the_plan = replace(plan(), protocol=replace(PROTOCOLS["rigorous"], visits=3, max_visits=3, span_s=0.0))
    session = Session(live("forking"), the_plan)
    watched = Watched(tmp_path / "mark", session.skip)
    run = list(session.run(watched))[-1][1]
    watched.join()
    first, second = (case.case_id for case in the_plan.cases)
    assert [event.case_id for event in watched.events if event.kind == "case_started"] == [first, *[second] * 3]
    assert run.outcomes[first].kind == "skipped"


def test_a_skip_between_two_cases_does_nothing(live, monkeypatch):
    killed = []
    monkeypatch.setattr("cvbench_tui.engine.workers.case_events.kill_group", killed.append)
    source = live("good")
    session = Session(source, plan())
    source.skip()
    kinds = []
    for event, run in session.run(Kept()):
        kinds.append(event.kind)
        if event.kind in ("environment_probed", "case_finished"):
            session.skip()
        measured = len(run.measured)
    assert measured == 2
    assert kinds.count("worker_ready") == 1
    assert killed == []


def test_cancel_waits_for_no_polite_end_of_a_case_that_hears_none(live, tmp_path, monkeypatch):
    monkeypatch.setattr(process_module, "END_S", 3600.0)  # what a worker is given to end by itself
    session = Session(live("forking"), plan())
    watched = Watched(tmp_path / "mark", session.cancel)
    run = list(session.run(watched))[-1][1]
    watched.join()
    assert (run.ended, [f.kind for f in run.failures]) == ("cancelled", ["cancelled"])
    wait_until_gone(marked(tmp_path / "mark"))


def test_what_is_added_is_measured_by_the_same_worker(live):
    one, other = (replace(plan(), cases=(case,)) for case in plan().cases)
    session = Session(live("good"), one)
    pids, kinds = set(), []
    for event, run in session.run(Kept()):
        kinds.append(event.kind)
        measured = len(run.measured)
        if event.kind == "case_started":
            pids.add(event.pid)
            session.add(other.cases)
    assert (measured, len(pids)) == (2, 1)
    assert kinds.count("environment_probed") == 1


def test_who_listens_hears_every_worker_also_one_that_replaces_another(live):
    source, heard = live("exits"), []
    source.probe()
    source.listen(heard.append)
    run_of(source, plan())
    assert heard.count("last words") == 1
    chatty, noise = live("chatty"), []
    chatty.listen(noise.append)
    run_of(chatty, plan())
    assert max(len(line) for line in noise) == 2000


def test_a_listener_that_fails_does_not_stop_the_draining(live):
    source = live("chatty")
    source.listen(lambda line: 1 / 0)
    assert len(run_of(source, plan()).measured) == 2


SPREAD = {"visits": 3, "max_visits": 3, "span_s": 0.0}


def started(events) -> list[tuple[int, int]]:
    """Visit and process of each visit."""
    return [(event.visit, event.pid) for event in events if event.kind == "case_started"]


def test_where_forking_is_unsafe_a_first_visit_is_a_fresh_worker_and_the_others_share_one(live, tmp_path):
    (tmp_path / "mark").write_text("0")  # nobody sleeps
    visits = started(live("onecase").events(plan(**SPREAD)))
    first, second, *others = [pid for _, pid in visits]
    assert [number for number, _ in visits] == [0, 0, 1, 1, 2, 2]
    assert first != second
    assert len(set(others)) == 1


def test_a_protocol_may_ask_for_a_fresh_process_in_each_visit(live, tmp_path):
    (tmp_path / "mark").write_text("0")
    the_plan = plan(**SPREAD)
    visits = started(live("onecase").events(replace(the_plan, protocol=replace(the_plan.protocol, fresh=True))))
    assert len({pid for _, pid in visits}) == 6


@pytest.mark.parametrize(
    ("mode", "device", "kept"),
    [
        ("card", "cpu", [False] * 6),
        ("card", "cuda:0", [False] * 2 + [True] * 4),
        ("onecase", "cpu", [True] * 6),  # its process goes on to others after each visit
    ],
)
def test_a_process_that_goes_on_to_other_visits_is_told_to_give_everything_back(
    live, monkeypatch, tmp_path, mode, device, kept
):
    (tmp_path / "mark").write_text("0")  # nobody sleeps
    monkeypatch.setitem(sys.modules, "pynvml", Library(Card("GPU-aa", "00000000:01:00.0", 300)))
    asked = []
    send = WorkerProcess.send

    def sent(worker, request):
        asked.append(request)
        send(worker, request)

    monkeypatch.setattr(WorkerProcess, "send", sent)
    source = live(mode)
    list(source.events(replace(plan(**SPREAD), cases=expand(TWO, [device]))))
    assert [request["keep"] for request in asked if request["kind"] == "measure"] == kept
    assert (source._supervisor._worker is None) is any(kept), "a card's memory is given back when the run ends"


OWN = Workload("model", "net", "file:/net.py:make", (3, 32, 32), (("sha256", "0"),))
LAYER_OF_OWN = Workload(
    "layer", "conv", LAYER_OF_MODEL, (3, 32, 32), (("image", 32), ("layer", "conv"), ("model", OWN.op), ("sha256", "0"))
)


@pytest.mark.parametrize("own", [OWN, LAYER_OF_OWN], ids=lambda each: each.kind)
def test_a_users_code_never_runs_in_a_process_that_is_kept_for_other_rows(live, monkeypatch, tmp_path, own):
    (tmp_path / "mark").write_text("0")  # nobody sleeps
    monkeypatch.setitem(sys.modules, "pynvml", Library(Card("GPU-aa", "00000000:01:00.0", 300)))
    asked = []
    send = WorkerProcess.send

    def sent(worker, request):
        asked.append(request)
        send(worker, request)

    monkeypatch.setattr(WorkerProcess, "send", sent)
    first, second = expand(TWO, ["cuda:0"])
    cases = first, replace(second, workload=own)
    list(live("card").events(replace(plan(**SPREAD), cases=cases)))
    visits = [request for request in asked if request["kind"] == "measure"]
    kept = {(request["case_id"], request["visit"]): request["keep"] for request in visits}
    assert [kept[first.case_id, visit] for visit in range(3)] == [False, True, True]
    assert [kept[cases[1].case_id, visit] for visit in range(3)] == [False] * 3


def test_a_short_plan_waits_between_its_visits_and_a_cancel_ends_the_wait(live, monkeypatch):
    source = live("good")
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) > 2:
            source.cancel()
        return source._cancelled.is_set()

    monkeypatch.setattr(source._cancelled, "wait", wait)
    events = list(source.events(plan(visits=5, max_visits=11, span_s=10000.0)))
    assert waits[:2] == [0.0, 0.0]
    assert waits[2] == pytest.approx(400.0, abs=10)  # the first visit began 600 s ago
    assert [event.visit for event in events if event.kind == "case_finished"] == [0, 0]


def test_a_cancel_between_two_visits_keeps_the_worker(live, monkeypatch):
    source = live("good")
    waits = iter([False, False, True])

    def wait(_seconds):
        if over := next(waits):
            source.cancel()
        return over

    killed = []
    monkeypatch.setattr(source._cancelled, "wait", wait)
    monkeypatch.setattr(source._supervisor, "kill", lambda: killed.append(True))
    list(source.events(plan(visits=5, max_visits=11, span_s=10000.0)))
    assert (killed, source._supervisor._worker is None) == ([], False)


def test_a_pause_is_never_longer_than_one_should_the_clock_be_set_back(live, monkeypatch):
    source = live("good")
    waits = []

    def wait(seconds):
        waits.append(seconds)
        return len(waits) > 2

    monkeypatch.setattr(source._cancelled, "wait", wait)
    now_s = time.time()
    for _ in source.events(plan(visits=5, max_visits=11, span_s=10.0)):
        monkeypatch.setattr(live_module.time, "time", lambda: now_s - 86400)
    assert waits[2] == 1.0


def test_a_failure_of_an_earlier_visit_that_comes_late_is_not_the_next_ones(live):
    events = list(live("late").events(plan(**SPREAD)))
    assert [event.visit for event in events if isinstance(event, CaseFinished)] == [0, 0, 1, 1, 2, 2]
    assert not any(isinstance(event, CaseFailed) for event in events)
