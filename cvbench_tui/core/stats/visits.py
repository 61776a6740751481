"""How many visits a case needs: until it is precise, has had its time, or the most; and how far it is on the way."""

from __future__ import annotations

import math
from weakref import finalize

from cvbench_tui.core.measurement import Measurement, Stop
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.stop_rule import precise_over_visits

GIVEN_UP = ("visit_failed", "visit_skipped")  # notices after which a case is not visited again
MIN_VISITS = 5  # of a slow case, whose time budget is over after them: for fewer Student's t is above 2.8


def enough(measurement: Measurement, protocol: Protocol) -> bool:
    """True when no further visit is made: the case has had what it needs, or one failed or was skipped."""
    return complete(measurement, protocol) or given_up(measurement)


def given_up(measurement: Measurement) -> bool:
    """True for a case of which a visit failed or was skipped: it gets no further one."""
    return any(notice.code in GIVEN_UP for notice in measurement.notices)


_KNOWN: dict[int, tuple[Protocol, bool]] = {}
"""Of measurements in use, by identity: asked for each row at every drawing, and some ms of work at a look."""


def complete(measurement: Measurement, protocol: Protocol) -> bool:
    """True when no further visit is needed; computed once for each measurement and protocol."""
    known = _KNOWN.get(id(measurement))
    if known is None or known[0] is not protocol:
        if known is None:
            finalize(measurement, _KNOWN.pop, id(measurement), None).atexit = False
        known = _KNOWN[id(measurement)] = protocol, _complete(measurement, protocol)
    return known[1]


def _complete(measurement: Measurement, protocol: Protocol) -> bool:
    """True when no further visit is needed. Precision is looked at once in ``Protocol.visits``: a rule that looks after
    every visit ends where chance made the spread small, and of times that wander (AR(1), 0.3 from visit to visit)
    89% of intervals contain the true value instead of 95%."""
    visits = measurement.visits
    if visits >= protocol.max_visits:
        return True
    if visits >= min(MIN_VISITS, protocol.visits) and timed_s(measurement) >= protocol.budget_s:
        return (measurement.span_s or 0.0) >= protocol.span_s
    if visits % max(1, protocol.visits) or (measurement.span_s or 0.0) < protocol.span_s:
        return False
    return precise_over_visits(measurement, protocol)


def ended_by(measurement: Measurement, protocol: Protocol) -> Stop:
    """Why no further visit was made: precise enough, time budget, the most visits; ``visit``: it lacks some."""
    if protocol.max_visits == 1:
        return next((each.stop for each in measurement.phases if each.stop != "precision"), "precision")
    if not complete(measurement, protocol):
        return "visit"
    if precise_over_visits(measurement, protocol):
        return "precision"
    return "rounds" if measurement.visits >= protocol.max_visits else "budget"


def share(measurement: Measurement, protocol: Protocol) -> float:
    """Share of the visits that the case has had, 0 to 1, if it needs the most; 1 when it is complete."""
    if complete(measurement, protocol):
        return 1.0
    visits = measurement.visits
    # at least one more, whatever the budget: the shortest span is not over
    return visits / max(visits + 1, most_visits(timed_s(measurement) / visits, protocol))


def most_visits(timed_s: float, protocol: Protocol) -> int:
    """The most visits to a case whose visits have so many timed seconds in a pass: the time budget may end them."""
    within_budget = math.ceil(protocol.budget_s / timed_s) if timed_s > 0 else protocol.max_visits
    return min(protocol.max_visits, max(min(MIN_VISITS, protocol.visits), within_budget))


def timed_s(measurement: Measurement) -> float:
    """Timed seconds of the pass that took the longest."""
    by_pass: dict[str, float] = {}
    for record in measurement.passes:
        timed_s = sum(evidence.timed_s for evidence in record.evidence)
        by_pass[record.name] = by_pass.get(record.name, 0.0) + timed_s
    return max(by_pass.values(), default=0.0)
