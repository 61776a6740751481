"""In which ways something can be compared: the axes of a run, the phases of two sides, and what is the same on both."""

from __future__ import annotations

from collections.abc import Iterator

from cvbench_tui.catalog.axes import SIDES
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_names import differing
from cvbench_tui.core.run import Run
from cvbench_tui.results.compare.match import cases_of, matched
from cvbench_tui.results.compare.model import Side
from cvbench_tui.results.compare.row_times import row_times
from cvbench_tui.results.text.fact_text import fact_text

VERSIONS = ("torch", "cuda", "driver", "cudnn", "python")  # that are named where they are the same


def ways(run: Run) -> tuple[str, ...]:
    """The axes along which rows of one workload differ, so that they can be compared."""
    alike: dict[tuple[str, str], list[Case]] = {}
    for case in run.plan.cases:
        alike.setdefault((case.workload.kind, case.workload.name), []).append(case)
    found = {name for cases in alike.values() if len(cases) > 1 for name in differing(cases)}
    return tuple(name for name in SIDES if name in found)


def common_phases(a: Side, b: Side, along: str) -> tuple[Phase, ...]:
    """The phases that two rows which are compared both have."""
    pairs = matched(cases_of(a, along), cases_of(b, along), along)
    data = [(row_times(a.run, mine), row_times(b.run, theirs)) for mine, theirs in pairs]
    return tuple(phase for phase in PHASES if any(all(each.time(phase) for each in both) for both in data))


def alike(a: Side, b: Side) -> tuple[str, ...]:
    """What is the same on both sides, as far as it is known: ``torch 2.14.1``, ``protocol default``."""
    return tuple(_alike(a.run, b.run))


def _alike(a: Run, b: Run) -> Iterator[str]:
    before, now = a.environment, b.environment
    if before is not None and now is not None:
        for device_id in sorted(a.plan.devices & b.plan.devices):
            was, here = before.device(device_id), now.device(device_id)
            if was is not None and here is not None and was.name == here.name:
                yield was.name
            limit = f"{device_id}.power_limit_w"
            if now.fact(limit) is not None and before.fact(limit) == now.fact(limit):
                yield f"power limit {fact_text(limit, now.fact(limit))}"
        for name in VERSIONS:
            if now.version(name) is not None and before.version(name) == now.version(name):
                yield f"{name} {now.version(name)}"
        if now.fact("threads") is not None and before.fact("threads") == now.fact("threads"):
            yield f"{now.fact('threads')} threads"
    if a.plan.protocol == b.plan.protocol:
        yield f"protocol {b.plan.protocol.name}"
