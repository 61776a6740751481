"""Order in which a plan's cases are visited, and how often. Pure: starts nothing, reads no clock.

Times wander over seconds to minutes, so a case is not measured at one go: it is visited again and again, each time
briefly, in turn with all others, until it is precise or has had its visits. So every row has numbers after the first
round over the plan, which then narrow. The first round has the plan's order; each later one has an order of its own, by
chance, so that a machine that slows down during a run favours no case. Rows of one workload on one device, which differ
in batch, image or settings and are there to be compared, are visited one right after the other.

Along the axis that a plan alternates, rows are measured in turn: the same number of visits to each, in an order by
chance and the next time in the reverse of it (A B, B A), so that a steady drift hits all alike. They go on until their
ratios are precise (``core.stats.pairs``). Where one fails, the others go on without it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cvbench_tui.core.event import BatchFound, CaseFailed, CaseFinished, Event
from cvbench_tui.core.measurement import Measurement, merge
from cvbench_tui.core.plan import Case, Plan, unique
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.pairs import group_over
from cvbench_tui.core.stats.visits import enough


@dataclass(frozen=True)
class NextVisit:
    """What is measured next."""

    case: Case
    number: int  # of the visit to this case, from 0
    not_before_s: float | None  # seconds since the epoch: a short plan takes its time; None: at once
    in_turn: bool = False  # measured in turn with others: in a fresh process, as each of them
    memory_bytes: int | None = None  # that the row is known to take at most


class Schedule:
    """Iterate it for what is next, a visit or those to rows that are measured in turn, and ``record`` their events
    before asking for more."""

    def __init__(
        self,
        plan: Plan,
        *,
        measured: Mapping[str, Measurement] | None = None,
        more: Callable[[], Iterable[Case]] = tuple,
        rng: random.Random | None = None,
    ) -> None:
        """``measured``: what there is already of cases that go on. ``more`` gives cases that were added meanwhile; it
        is asked before each round over the plan."""
        self._plan = plan
        self._protocol = plan.protocol
        self._more = more
        self._rng = rng or random.Random()
        self._measured = dict(measured or {})
        self._over: set[str] = set()
        self._orders: dict[tuple[str, ...], list[str]] = {}  # of the last visits to rows that are measured in turn

    def __iter__(self) -> Iterator[tuple[NextVisit, ...]]:
        """A case whose visit failed is not visited again."""
        while True:
            self._add(self._more())
            due = [case for case in self._plan.cases if not self._done(case)]
            if not due:
                return
            if all(case.case_id in self._measured for case in due):
                due = self._by_chance(due)
            for group in self._alternated(due):
                if visits := tuple(self._next(case) for case in group if case.case_id not in self._over):
                    yield visits

    def _by_chance(self, cases: Iterable[Case]) -> list[Case]:
        """Workload by workload, and within each row by row, both in an order by chance."""
        groups: dict[tuple[object, ...], list[Case]] = {}
        for case in cases:
            work = case.workload
            groups.setdefault((work.kind, work.name, work.op, work.params, case.device), []).append(case)
        in_turn = list(groups.values())
        self._rng.shuffle(in_turn)
        for variants in in_turn:
            self._rng.shuffle(variants)
        return [case for variants in in_turn for case in variants]

    def record(self, event: Event) -> None:
        """Keep an outcome of the case that was given last, or the batch that was found for it; other events are
        ignored."""
        if isinstance(event, BatchFound):
            key, batch = event.case_id, event.batch
            cases = tuple(_at_batch(case, batch) if case.case_id == key else case for case in self._plan.cases)
            self._plan = replace(self._plan, cases=cases)
        elif isinstance(event, CaseFinished):
            new = event.measurement
            before = self._measured.get(new.case_id)
            self._measured[new.case_id] = merge(before, new) if before else new
        elif isinstance(event, CaseFailed):
            self._over.add(event.failure.case_id)

    def _add(self, cases: Iterable[Case]) -> None:
        """More cases; one that was here before is measured anew."""
        for case in cases:
            self._measured.pop(case.case_id, None)
            self._over.discard(case.case_id)
            self._plan = replace(self._plan, cases=unique((*self._plan.cases, case)))

    def _next(self, case: Case) -> NextVisit:
        """A case whose visits would fill the shortest span too soon waits for its turn."""
        before = self._measured.get(case.case_id)
        number = before.visits if before is not None else 0
        case = _at_batch(case, before.batch if before is not None else None)
        last_s = max((visit.begun_at_s for visit in before.visit_records), default=None) if before is not None else None
        not_before_s = None if last_s is None else last_s + pause_s(self._protocol)
        memory_bytes = before.memory_peak_bytes if before else None
        return NextVisit(case, number, not_before_s, bool(self._plan.in_turn(case.case_id)), memory_bytes)

    def _alternated(self, due: Iterable[Case]) -> list[list[Case]]:
        """Those in the same order, each with the others that are measured in turn with it. Of these only the ones with
        the fewest visits: after a run that was cut off within a pair the other half comes first."""
        found: list[list[Case]] = []
        begun: set[str] = set()
        for case in due:
            group = self._plan.in_turn(case.case_id)
            if len(group) < 2:
                found.append([case])
            elif case.case_id not in begun:
                begun.update(group)
                alive = [each for each in self._in_order(group) if each not in self._over]
                fewest = min(map(self._visits, alive))
                found.append([self._plan.case(each) for each in alive if self._visits(each) == fewest])
        return found

    def _in_order(self, group: tuple[str, ...]) -> Sequence[str]:
        """The first time in the plan's order, then reversed, then by chance, reversed, and so on."""
        visits = min((self._visits(each) for each in group if each not in self._over), default=0)
        if visits % 2:
            return self._orders.setdefault(group, list(group))[::-1]
        self._orders[group] = self._rng.sample(group, len(group)) if visits else list(group)
        return self._orders[group]

    def _visits(self, case_id: str) -> int:
        measurement = self._measured.get(case_id)
        return measurement.visits if measurement is not None else 0

    def _done(self, case: Case) -> bool:
        if case.case_id in self._over:
            return True
        alive = [each for each in self._plan.in_turn(case.case_id) if each not in self._over]
        measured = [self._measured[each] for each in alive if each in self._measured]
        if len(alive) > 1:
            return len(measured) == len(alive) and group_over(measured, self._protocol)
        measurement = self._measured.get(case.case_id)
        return measurement is not None and enough(measurement, self._protocol)


def _at_batch(case: Case, batch: int | None) -> Case:
    """The case at the batch that was found for it; None: as it is."""
    return case if batch is None or not case.finds_batch or batch == case.batch else replace(case, batch=batch)


def pause_s(protocol: Protocol) -> float:
    """Seconds from the begin of one visit to that of the next, so that the most visits fill the shortest span."""
    return protocol.span_s / max(1, protocol.max_visits - 1)
