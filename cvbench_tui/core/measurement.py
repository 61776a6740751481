"""What came of a case: samples, or the reason why there are none. Statistics are never stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

Phase = Literal["forward", "backward", "total", "inference"]
PHASES: tuple[Phase, ...] = ("forward", "backward", "total", "inference")

Clock = Literal["perf_counter", "cuda_event", "host_synchronize"]
Stop = Literal["precision", "rounds", "budget", "fixed"]
FailureKind = Literal["out_of_memory", "unsupported", "error", "crashed", "timed_out", "cancelled"]


@dataclass(frozen=True)
class Notice:
    """Something a reader of the number should know; it does not make the number wrong."""

    code: str
    """Stable key, e.g. ``unsettled``."""
    sentence: str
    """What was seen and what it means, in one sentence."""


@dataclass(frozen=True)
class PhaseSamples:
    """All samples of one phase of one case."""

    phase: Phase
    rounds: tuple[tuple[float, ...], ...]
    """Seconds per iteration, one tuple per round, in the order taken."""
    iterations_per_sample: int
    """Iterations behind each sample: short iterations are grouped, and a sample is their mean."""
    clock: Clock
    stop: Stop
    """Why the rounds ended: precise enough, most rounds taken, budget spent, or a fixed number."""


@dataclass(frozen=True)
class Measurement:
    """A measured case."""

    case_id: str
    phases: tuple[PhaseSamples, ...]
    memory_peak_bytes: int | None
    """Peak memory of the case: allocated on the accelerator, or growth of resident memory on the CPU."""
    parameters: int | None
    """Number of trainable parameters."""
    first_call_s: float | None
    """Seconds of the first training iteration, start-up and autotuning included."""
    warmup_s: float
    """Seconds spent warming up, both passes."""
    wall_s: float
    """Seconds from the request to the result, building the module included."""
    threads: int | None
    """CPU threads inside an operator."""
    notices: tuple[Notice, ...] = ()
    process_rounds: tuple[tuple[Phase, tuple[int, ...]], ...] = ()
    """Per phase, how many of ``rounds`` each fresh process took, in order. Empty: one process took all."""

    def phase(self, name: Phase) -> PhaseSamples | None:
        """The samples of that phase, or None when it was not measured."""
        return next((phase for phase in self.phases if phase.phase == name), None)

    def rounds_by_process(self, name: Phase) -> tuple[tuple[tuple[float, ...], ...], ...]:
        """The rounds of that phase, split by the process that took them."""
        phase = self.phase(name)
        if phase is None:
            return ()
        counts = dict(self.process_rounds).get(name, (len(phase.rounds),))
        groups, start = [], 0
        for count in counts:
            groups.append(phase.rounds[start : start + count])
            start += count
        return tuple(groups)

    @property
    def processes(self) -> int:
        """How many fresh processes took part."""
        return max((len(counts) for _, counts in self.process_rounds), default=1)


@dataclass(frozen=True)
class Failure:
    """A case without numbers, and why."""

    case_id: str
    kind: FailureKind
    sentence: str
    """One sentence a user understands."""
    detail: str = ""
    """Tail of the traceback or of the worker's stderr. Empty when there was none."""


Outcome = Union[Measurement, Failure]


def merge(first: Measurement, second: Measurement) -> Measurement:
    """One measurement from two of the same case taken in different processes; the rounds of both are kept.

    The first call, memory and notices: first call of the first process, the larger memory, all notices once.
    """
    phases, counts = [], []
    for mine in first.phases:
        theirs = second.phase(mine.phase)
        taken = tuple(len(group) for group in first.rounds_by_process(mine.phase))
        if theirs is None:
            phases.append(mine)
            counts.append((mine.phase, taken))
            continue
        stop = theirs.stop if mine.stop == "precision" else mine.stop
        phases.append(
            PhaseSamples(mine.phase, mine.rounds + theirs.rounds, mine.iterations_per_sample, mine.clock, stop)
        )
        counts.append((mine.phase, (*taken, len(theirs.rounds))))
    peaks = [peak for peak in (first.memory_peak_bytes, second.memory_peak_bytes) if peak is not None]
    return Measurement(
        case_id=first.case_id,
        phases=tuple(phases),
        memory_peak_bytes=max(peaks, default=None),
        parameters=first.parameters,
        first_call_s=first.first_call_s,
        warmup_s=first.warmup_s + second.warmup_s,
        wall_s=first.wall_s + second.wall_s,
        threads=first.threads,
        notices=tuple(dict.fromkeys((*first.notices, *second.notices))),
        process_rounds=tuple(counts),
    )
