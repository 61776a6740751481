"""What a verdict on a device holds. Plain data; ``judge`` makes it, and screens and files show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Literal

from cvbench_tui.core.environment import Environment, Fact
from cvbench_tui.core.evidence import Evidence
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.results.stats.phase_stats import PhaseResult

Standing = Literal["fine", "below", "unknown"]
Yardstick = Literal["peak", "kept", "published"]
RowKey = tuple[str, Phase]  # case id and phase


@dataclass(frozen=True)
class Reference:
    """What a row took in another run on the same kind of device."""

    name: str  # of that run
    seconds: float  # per iteration
    environment: Environment | None = None
    clock_hz: float | None = None  # median of its rounds; None where it was not read


@dataclass(frozen=True)
class References:
    """All that one device's rows are compared with."""

    kept: Mapping[RowKey, tuple[Reference, ...]] = field(default_factory=dict)  # newest first
    published: Mapping[RowKey, tuple[Reference, ...]] = field(default_factory=dict)
    peaks: tuple[DevicePeak, ...] = ()  # of earlier runs on the same kind of device


@dataclass(frozen=True)
class RowEvidence:
    """One phase of a row with all that may explain its time."""

    case: Case
    phase: Phase
    result: PhaseResult
    measurement: Measurement
    environment: Environment  # of the devices the processor and this one alone
    peak: DevicePeak | None = None
    kept: tuple[Reference, ...] = ()

    @property
    def on_cpu(self) -> bool:
        """True on the processor itself."""
        return self.case.device == "cpu"

    @cached_property
    def rounds(self) -> tuple[Evidence, ...]:
        """Of the phase's pass, in all visits."""
        return tuple(each for record in self.measurement.passes_of(self.phase) for each in record.evidence)

    @property
    def clock_hz(self) -> float | None:
        """Median clock of the rounds; None where it was not read."""
        return median_of(each.clock_hz for each in self.rounds)

    def fact(self, name: str) -> Fact:
        """A fact of the machine, or of the row's card: ``card.power_limit_w``."""
        return self.environment.fact(name.replace("card.", f"{self.case.device}.", 1))

    def number(self, name: str) -> float | None:
        """The fact where it is a number."""
        value = self.fact(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def median_of(values: object) -> float | None:
    """Of the numbers that are known; None without one."""
    known = [float(value) for value in values if value]  # type: ignore[attr-defined]
    return median(known) if known else None


@dataclass(frozen=True)
class Finding:
    """A likely cause, or a remark."""

    code: str
    sentence: str  # what was seen, with its figure
    remedy: str  # what the user can do; empty where there is nothing


@dataclass(frozen=True)
class Against:
    """A row, or a peak, against one yardstick."""

    what: Yardstick
    sentence: str
    below: bool | None  # None: it says nothing of the device
    slower: float | None = None  # by which share of the expected time it takes longer; below 0 less


@dataclass(frozen=True)
class RowVerdict:
    """One row, in the phase in which it fares worst."""

    case_id: str
    label: str
    phase: Phase
    seconds: float  # per iteration
    relative: float | None  # half width of its 95% interval as a share of it
    standing: Standing
    against: tuple[Against, ...]
    causes: tuple[Finding, ...] = ()  # of a row that is below, the likeliest first
    sentence: str = ""  # why it is not judged


@dataclass(frozen=True)
class PeakVerdict:
    """One measured peak of the device."""

    name: str  # ``float32 matmul``, ``copy``
    rate: float  # FLOP/s or bytes/s
    unit: str
    standing: Standing
    sentence: str


@dataclass(frozen=True)
class DeviceVerdict:
    """Whether one device is as fast as it should be."""

    device: str  # ``cuda:0``
    name: str  # product name
    standing: Standing
    summary: str  # in one sentence
    rows: tuple[RowVerdict, ...]
    peaks: tuple[PeakVerdict, ...]
    causes: tuple[Finding, ...]  # of all that is below, each once, the likeliest first
    remarks: tuple[Finding, ...]  # what is worth knowing, though nothing is slow because of it
    not_measured: tuple[tuple[str, str], ...] = ()  # labels of rows without numbers, and why
