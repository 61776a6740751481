"""Measurements by hand for the tests of grades: quiet ones, and quiet ones with one thing wrong."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from cvbench_tui.core.evidence import Evidence, PassRecord, Visit
from cvbench_tui.core.measurement import Clock, Measurement, Phase, PhaseSamples
from cvbench_tui.core.protocol import PROTOCOLS

DEFAULT = replace(PROTOCOLS["default"], visits=1, max_visits=1)
BASE_S = 0.010
CALM = Evidence(wall_s=0.13, timed_s=0.12, cpu_s=0.13, thread_s=0.13, waited_s=0.0, others_s=0.0, stolen_s=0.0)
THREE = tuple(Visit(0.0, 1.0, process) for process in (1, 2, 3))


def noisy(level: float, count: int = 12, seed: int = 0, noise: float = 0.002) -> tuple[float, ...]:
    """Samples around ``level`` times 10 ms."""
    draw = Random(f"{level} {seed}")
    return tuple(BASE_S * level * (1 + draw.gauss(0, noise)) for _ in range(count))


def rounds(*levels: float, count: int = 12) -> tuple[tuple[float, ...], ...]:
    """One round around each level."""
    return tuple(noisy(level, count, seed) for seed, level in enumerate(levels))


def record(*evidence: Evidence, **changes: Any) -> PassRecord:
    """How an inference pass went."""
    return replace(PassRecord("inference", evidence or (CALM,) * 5, empty_region_s=1e-7), **changes)


def case(
    taken: tuple[tuple[float, ...], ...] | None = None,
    *passes: PassRecord,
    phase: Phase = "inference",
    clock: Clock = "perf_counter",
    **changes: Any,
) -> Measurement:
    """A measurement of one phase, in three processes; quiet unless told otherwise."""
    samples = PhaseSamples(phase, rounds(1, 1, 1, 1, 1) if taken is None else taken, 1, clock, "precision")
    made = replace(Measurement("case", (samples,), None, None, None, 0.5, 2.0, 1, passes=passes), visit_records=THREE)
    return replace(made, **changes)


def with_evidence(**changes: Any) -> Measurement:
    """A quiet measurement in whose every round the system did this."""
    return case(None, record(*(replace(CALM, **changes),) * 5))
