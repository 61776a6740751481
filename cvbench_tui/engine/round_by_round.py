"""Visits to rows that are measured against each other: their processes live side by side, one computes at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Thread

from cvbench_tui.core.event import Event, Progress
from cvbench_tui.core.limits import MAX_ROUNDS
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.engine.case_events import CaseEvents
from cvbench_tui.engine.schedule import NextVisit
from cvbench_tui.engine.turns import POSSIBLE, Turns
from cvbench_tui.engine.worker_supervisor import WorkerSupervisor, start_all

ROUNDS = 20  # of a visit, fewer where a row may have many visits; each is a quarter as long as in a visit by itself
TIMED_S = 1.0  # of a pass in a visit, after which it ends with fewer: slow work has one round or two
WAITING = "waiting for its turn"

_Heard = tuple[int, Event | BaseException | None]  # from which process; None: it has ended


def in_turns(protocol: Protocol) -> Protocol:
    """The protocol of one visit round by round: more rounds, which are shorter."""
    rounds = min(ROUNDS, MAX_ROUNDS // protocol.max_visits - protocol.max_repeats)
    return dataclasses.replace(
        protocol,
        min_rounds=rounds,
        max_rounds=rounds + protocol.max_repeats,
        round_s=protocol.round_s / 4,
        round_iterations=1,
        budget_s=min(protocol.budget_s, TIMED_S),
    )


def can_go_round(visits: Sequence[NextVisit], protocol: Protocol, workers: Sequence[WorkerSupervisor]) -> bool:
    """Whether these visits can be made round by round: on processors alone, where all workloads have memory at a time,
    by workers that know how. Starts the workers; raises WorkerError where one cannot be started."""
    cases = [visit.case for visit in visits]
    if len(visits) < 2 or not POSSIBLE or protocol.method != "rounds":
        return False
    if any(case.device != "cpu" or case.finds_batch for case in cases):
        return False
    start_all(workers)
    return all(worker.can("turns") and not worker.one_case for worker in workers)


def round_by_round(
    visits: Sequence[NextVisit],
    protocol: Protocol,
    asked: Sequence[tuple[CaseEvents, WorkerSupervisor]],
) -> Iterator[Event]:
    """Events of the visits, those of one after those of the other, each up to its outcome. Raises WorkerError when a
    worker cannot be started."""
    names = [visit.case.case_id for visit in visits]
    turns, heard, alive = Turns(names), SimpleQueue[_Heard](), set(range(len(visits)))
    try:
        for place, (visit, (events, supervisor)) in enumerate(zip(visits, asked, strict=True)):
            arguments = place, visit, in_turns(protocol), events, supervisor, turns.paths[names[place]], heard
            Thread(target=_ask, args=arguments, daemon=True).start()
        yield from _in_order(_said(names, turns, heard, alive), alive, len(visits))
    finally:
        for place, (events, supervisor) in enumerate(asked):
            events.over()
            if place in alive:  # its answer must not meet the next request
                supervisor.discard(at_once=True)
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
    except BaseException as problem:
        heard.put((place, problem))
    else:
        heard.put((place, None))
