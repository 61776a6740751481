"""Visits to rows that are measured against each other: their processes live side by side, one computes at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Thread

from cvbench_tui.core.event import WAITING, Event, Progress
from cvbench_tui.core.limits import MAX_ROUNDS
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.engine.schedule import NextVisit
from cvbench_tui.engine.workers.case_events import CaseEvents
from cvbench_tui.engine.workers.turns import POSSIBLE, Turns
from cvbench_tui.engine.workers.worker_supervisor import WorkerSupervisor
from cvbench_tui.errors import WorkerError, os_reason

ROUNDS = 20  # of a visit, fewer where a row may have many visits; each is a quarter as long as in a visit by itself
MOST_ROWS = 4  # whose processes live at a time
END_S = 5.0  # most that is waited for what asked a worker that was ended
TIMED_S = 1.0  # of a pass in a visit, after which it ends with fewer: slow work has one round or two

_Heard = tuple[int, Event | BaseException | None]  # from which process; None: it has ended


def in_turns(protocol: Protocol, rows: int) -> Protocol:
    """The protocol of one visit round by round of so many rows: more rounds, which are shorter, and time for those of
    the others."""
    rounds = min(ROUNDS, MAX_ROUNDS // protocol.max_visits - protocol.max_repeats)
    return dataclasses.replace(
        protocol,
        min_rounds=rounds,
        max_rounds=rounds + protocol.max_repeats,
        round_s=protocol.round_s / 4,
        round_iterations=1,
        budget_s=min(protocol.budget_s, TIMED_S),
        timeout_s=rows * protocol.timeout_s,
    )


def may_go_round(visits: Sequence[NextVisit], protocol: Protocol, memory_bytes: int | None) -> bool:
    """Whether these visits may be made round by round: a few, on processors alone, each row visited before, so that it
    is known to work and what memory it takes; half of the machine's has to do for all."""
    if not 2 <= len(visits) <= MOST_ROWS or not POSSIBLE or protocol.method != "rounds":
        return False
    if any(visit.case.device != "cpu" or visit.number == 0 for visit in visits):
        return False
    needed = sum(visit.memory_bytes or 0 for visit in visits)
    return memory_bytes is None or needed <= memory_bytes / 2


def round_by_round(
    visits: Sequence[NextVisit],
    protocol: Protocol,
    asked: Sequence[tuple[CaseEvents, WorkerSupervisor]],
) -> Iterator[Event]:
    """Events of the visits, those of one after those of the other, each up to its outcome. Raises WorkerError when a
    worker cannot be started."""
    names = [visit.case.case_id for visit in visits]
    heard, alive, threads = SimpleQueue[_Heard](), set(range(len(visits))), list[Thread]()
    try:
        turns = Turns(names)
    except OSError as error:
        raise WorkerError(
            f"No pipe can be made for turns: {os_reason(error)}.", "Set TMPDIR to a folder with room."
        ) from error
    try:
        for place, (visit, (events, supervisor)) in enumerate(zip(visits, asked, strict=True)):
            path, of_visit = turns.paths[names[place]], in_turns(protocol, len(visits))
            arguments = place, visit, of_visit, events, supervisor, path, heard
            threads.append(Thread(target=_ask, args=arguments, daemon=True))
            threads[-1].start()
        yield from _in_order(_said(names, turns, heard, alive), alive, len(visits))
    finally:
        for place in alive:  # abandoned: its answer must not meet the next request, nor be asked for again
            asked[place][0].skipping = True
            asked[place][1].discard(at_once=True)
        for thread in threads:
            thread.join(END_S)
        turns.close()


def _said(
    names: Sequence[str], turns: Turns, heard: SimpleQueue[_Heard], alive: set[int]
) -> Iterator[tuple[int, Event | None]]:
    """What each process says, None where it has ended; gives them their turns meanwhile. Raises what was raised in a
    thread, when all have ended."""
    problem: BaseException | None = None
    while alive:
        place, said = heard.get()
        if said is None or isinstance(said, BaseException):
            alive.discard(place)
            turns.over(names[place])
            problem = problem or said
            yield place, None
        elif isinstance(said, Progress) and said.stage == WAITING:
            turns.waits(names[place], said.round)
        else:
            yield place, said
    if problem is not None:
        raise problem


def _in_order(heard: Iterator[tuple[int, Event | None]], alive: set[int], count: int) -> Iterator[Event]:
    """The events of the first, then those of the second, which are kept meanwhile, and so on."""
    kept, shown = [list[Event]() for _ in range(count)], 0
    for place, said in heard:
        if said is not None and place == shown:
            yield said
        elif said is not None:
            kept[place].append(said)
        while shown < count and shown not in alive:
            shown += 1
            yield from kept[shown] if shown < count else ()


def _ask(
    place: int,
    visit: NextVisit,
    protocol: Protocol,
    events: CaseEvents,
    supervisor: WorkerSupervisor,
    path: str,
    heard: SimpleQueue[_Heard],
) -> None:
    """In a thread of its own: hand over what that worker says of its visit."""
    try:
        worker = supervisor.ensure_running()
        request = {
            "kind": "measure",
            "case_id": visit.case.case_id,
            "case": dataclasses.asdict(visit.case),
            "protocol": dataclasses.asdict(protocol),
            "visit": visit.number,
            "keep": False,
            "turns": path,
        }
        for event in events.until_outcome(visit.case, protocol, worker, request):
            heard.put((place, event))
        end: BaseException | None = None
    except BaseException as problem:
        end = problem
    finally:
        events.over()
    heard.put((place, end))
