"""Rows measured round by round: whose turn it is, and what comes of one that fails."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, Progress
from cvbench_tui.core.limits import MAX_ROUNDS
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.engine.schedule import NextVisit
from cvbench_tui.engine.workers.round_by_round import WAITING, in_turns, may_go_round, round_by_round
from cvbench_tui.engine.workers.turns import POSSIBLE, Turns
from cvbench_tui.errors import WorkerError
from tests.results.samples import measurement, model

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this system has no pipes with names")
NAMES = ("a", "b", "c")
CASES = [Case(model("Resnet18"), "cpu", 8).varied(memory_format=each) for each in ("contiguous", "channels_last")]


def given(turns: Turns, count: int, names: tuple[str, ...] = NAMES) -> str:
    """Who gets the next turns, each of which is over at once."""
    pipes = {name: os.open(turns.paths[name], os.O_RDONLY | os.O_NONBLOCK) for name in names}
    had, seen = dict.fromkeys(names, 0), ""
    while len(seen) < count:
        holders = [name for name in names if _has_turn(pipes[name])]
        assert len(holders) == 1, "one at a time"
        seen += holders[0]
        had[holders[0]] += 1
        turns.waits(holders[0], had[holders[0]])
    for pipe in pipes.values():
        os.close(pipe)
    return seen


def _has_turn(pipe: int) -> bool:
    try:
        return bool(os.read(pipe, 1))
    except BlockingIOError:
        return False


def test_turns_go_round_and_back_and_begin_when_all_wait() -> None:
    with closing(Turns(NAMES)) as turns:
        turns.waits("b", 0)
        turns.waits("a", 0)
        with pytest.raises(AssertionError, match="one at a time"):
            given(turns, 1)
        turns.waits("a", 0)  # still
        turns.waits("c", 0)
        assert given(turns, 12) == "abccbaabccba"


def test_one_that_is_over_has_no_further_turn_whenever_it_ends() -> None:
    with closing(Turns(NAMES)) as turns:
        turns.over("b")  # it never began
        turns.waits("a", 0)
        turns.waits("c", 0)
        assert given(turns, 5, ("a", "c")) == "accaa"
        turns.over("c")  # its turn had come
        turns.over("c")
        assert given(turns, 1, ("a",)) == "a"


def test_pipes_are_removed() -> None:
    turns = Turns(NAMES)
    assert all(map(os.path.exists, turns.paths.values()))
    turns.close()
    assert not any(map(os.path.exists, turns.paths.values()))


class Scripted:
    """Stands for a worker: takes its turns, and notes when it computes."""

    def __init__(self, log: list[str], rounds: int, fails_at: int | None = None) -> None:
        self.log, self.rounds, self.fails_at, self.ended = log, rounds, fails_at, False

    def until_outcome(self, case: Case, _protocol: Any, _worker: Any, request: dict[str, Any]) -> Iterator[Any]:
        name = case.setting("memory_format")
        with open(request["turns"], "rb", buffering=0) as pipe:
            yield CaseStarted(case.case_id, 1, request["visit"], 1.0)
            for number in range(self.rounds):
                for _ in range(2):  # said again it is no other turn
                    yield Progress(case.case_id, WAITING, round=number)
                assert pipe.read(1)
                if number == self.fails_at:
                    yield CaseFailed(Failure(case.case_id, "error", "No."))
                    return
                self.log.append(name)
                yield Progress(case.case_id, "measuring", round=number)
        yield CaseFinished(measurement(case, 0.01), request["visit"])

    def over(self) -> None:
        self.ended = True


WORKER = SimpleNamespace(ensure_running=lambda: None)


def run(*workers: Scripted) -> list[Any]:
    visits = [NextVisit(case, 3, None, True) for case in CASES]
    before = set(threading.enumerate())
    found = list(round_by_round(visits, PROTOCOLS["default"], [(each, WORKER) for each in workers]))  # type: ignore[misc]
    assert all(each.ended for each in workers)
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()
    return found


def test_rounds_alternate_and_events_come_row_by_row() -> None:
    log: list[str] = []
    found = run(Scripted(log, 6), Scripted(log, 6))
    assert log == ["contiguous", "channels_last", "channels_last", "contiguous"] * 3
    kinds = [(each.kind, getattr(each, "case_id", "") or each.measurement.case_id) for each in found]
    assert not any(isinstance(each, Progress) and each.stage == WAITING for each in found)
    assert kinds == [
        (kind, case.case_id)
        for case in CASES
        for kind in ("case_started", *["progress"] * 6, "case_finished")
    ]  # fmt: skip


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("number", [0, 3])
def test_where_one_fails_the_other_goes_on(first: bool, number: int) -> None:
    log: list[str] = []
    workers = [Scripted(log, 6, number), Scripted(log, 6)]
    found = run(*(workers if first else workers[::-1]))
    outcomes = [each.kind for each in found if isinstance(each, (CaseFailed, CaseFinished))]
    assert outcomes == (["case_failed", "case_finished"] if first else ["case_finished", "case_failed"])
    assert log.count("channels_last" if first else "contiguous") == 6


def test_what_a_worker_cannot_do_is_raised_when_the_others_have_ended() -> None:
    class Broken(Scripted):
        def until_outcome(self, *_arguments: Any) -> Iterator[Any]:
            raise RuntimeError("broken")

    log: list[str] = []
    with pytest.raises(RuntimeError, match="broken"):
        run(Scripted(log, 4), Broken(log, 4))
    assert log == ["contiguous"] * 4


@pytest.mark.parametrize("protocol", [each for each in PROTOCOLS.values() if each.max_visits > 1])
def test_a_row_never_has_more_rounds_than_may_be_read(protocol: Protocol) -> None:
    visit = in_turns(protocol, 2)
    assert visit.max_rounds * protocol.max_visits <= MAX_ROUNDS
    assert visit.max_rounds - protocol.max_repeats == visit.min_rounds >= 10


def test_workers_of_visits_that_are_abandoned_are_ended() -> None:
    log: list[str] = []
    ended: list[str] = []

    def worker(name: str) -> Any:
        return SimpleNamespace(ensure_running=lambda: None, discard=lambda at_once: ended.append(name))

    asked: Any = [(Scripted(log, 6), worker(name)) for name in ("one", "other")]
    visits = [NextVisit(case, 3, None, True) for case in CASES]
    with closing(round_by_round(visits, PROTOCOLS["default"], asked)) as events:  # type: ignore[type-var]
        assert next(events).kind == "case_started"
    assert ended == ["one", "other"]


def test_rows_go_round_when_all_were_visited_and_half_of_the_memory_does() -> None:
    default = PROTOCOLS["default"]

    def visits(number: int, gib: float | None, rows: int = 2, device: str = "cpu") -> list[NextVisit]:
        made = [Case(model("Resnet18"), device, batch) for batch in range(1, rows + 1)]
        return [NextVisit(case, number, None, True, None if gib is None else int(gib * 2**30)) for case in made]

    assert may_go_round(visits(1, 1.0), default, 4 * 2**30)
    assert may_go_round(visits(1, None), default, 4 * 2**30)
    assert may_go_round(visits(1, 9.0), default, None)
    assert not may_go_round(visits(1, 1.1), default, 4 * 2**30)
    assert not may_go_round(visits(0, 1.0), default, 4 * 2**30), "nobody knows yet whether it works"
    assert not may_go_round(visits(1, 0.1, rows=5), default, 4 * 2**30)
    assert not may_go_round(visits(1, 0.1, rows=1), default, 4 * 2**30)
    assert not may_go_round(visits(1, 0.1, device="cuda:0"), default, 4 * 2**30)
    assert not may_go_round(visits(1, 0.1), PROTOCOLS["original"], 4 * 2**30)


def test_a_pipe_that_cannot_be_made_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "mkfifo", full)
    with pytest.raises(WorkerError, match="No pipe can be made for turns: No space left on device"):
        run(Scripted([], 1), Scripted([], 1))
