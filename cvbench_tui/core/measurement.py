"""What came of a case: samples, or the reason why there are none. Statistics are never stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Union

from cvbench_tui.core.evidence import Evidence, PassName, PassRecord
from cvbench_tui.core.sample_array import SampleArray

Phase = Literal["forward", "backward", "total", "inference"]
PHASES: tuple[Phase, ...] = ("forward", "backward", "total", "inference")

PASS_OF: dict[Phase, PassName] = {
    "forward": "training",
    "backward": "training",
    "total": "training",
    "inference": "inference",
}
"""Which pass takes a phase's samples."""

Clock = Literal["perf_counter", "cuda_event", "host_synchronize"]
Stop = Literal["precision", "rounds", "budget", "fixed"]
VariantKind = Literal["alone", "flushed", "device_only"]
FailureKind = Literal["out_of_memory", "unsupported", "error", "crashed", "timed_out", "cancelled", "skipped"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader of the number should know; it does not make the number wrong."""

    code: str
    """Stable key, e.g. ``unsettled``."""
    sentence: str
    """What was seen and what it means, in one sentence."""


@dataclass(frozen=True, slots=True)
class PhaseSamples:
    """All samples of one phase of one case."""

    phase: Phase
    rounds: tuple[tuple[float, ...], ...]
    """Seconds per iteration, one tuple per round, in the order taken; held as ``SampleArray``, which is equal to it."""
    iterations_per_sample: int
    """Iterations behind each sample: short iterations are grouped, and a sample is their mean."""
    clock: Clock
    stop: Stop
    """Why the rounds ended: precise enough, most rounds taken, budget spent, or a fixed number."""

    def __post_init__(self) -> None:
        """Pack the samples."""
        object.__setattr__(self, "rounds", SampleArray(self.rounds))


@dataclass(frozen=True, slots=True)
class Variant:
    """A phase measured in another way, to stand beside the headline and never for it."""

    kind: VariantKind
    """``alone``: the phase timed by itself, not fused with the others. ``flushed``: caches emptied before every
    region. ``device_only``: replayed from a graph, without the host's launches."""
    samples: PhaseSamples


@dataclass(frozen=True, slots=True)
class PhaseMemory:
    """Peak memory while one phase ran untimed, after the warm-up. None: not told by this device."""

    phase: Phase
    allocated_bytes: int | None = None
    """Held by tensors on the accelerator."""
    reserved_bytes: int | None = None
    """Taken from the driver by PyTorch's allocator, what it keeps for later included."""
    driver_bytes: int | None = None
    """Used on the whole card as the driver tells, contexts and libraries included."""
    resident_bytes: int | None = None
    """On the CPU: growth of the process's resident memory since before the module was built."""


@dataclass(frozen=True, slots=True)
class PassEnergy:
    """Energy of one pass repeated without a pause for at least three seconds, apart from the timed rounds."""

    name: PassName
    source: Literal["nvml", "rapl"]
    seconds: float
    iterations: int
    counter_j: float | None
    """Joules by the device's energy counter."""
    integral_j: float | None = None
    """Joules by summing power readings over time, in files of earlier versions."""
    idle_w: float | None = None
    """Watts while nothing ran, just before."""


@dataclass(frozen=True, slots=True)
class PhaseWork:
    """What one iteration of a phase has to compute and move, by formula. The whole batch."""

    phase: Phase
    flops: int
    """Floating-point operations; a multiply-add counts as two."""
    bytes: int
    """Bytes that the operators read and write, each operand once per operator (eager: nothing is fused)."""
    footprint_bytes: int
    """Bytes of different tensors that were there before the phase or outlive it, each once (forward: also what it keeps
    for the backward): the least that must be moved when no cache holds them."""
    winograd: bool = False
    """True when 3x3 or 5x5 convolutions are in it that an algorithm may do with fewer multiplications than counted."""
    uncounted: tuple[str, ...] = ()
    """Operators without a formula; their work is missing from ``flops``."""


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
    timed_s: float | None = None
    """Seconds inside timed regions, both passes; None in files of schema 1."""
    passes: tuple[PassRecord, ...] = ()
    """How each pass went, process by process; empty in files of schema 1."""
    memory: tuple[PhaseMemory, ...] = ()
    energy: tuple[PassEnergy, ...] = ()
    work: tuple[PhaseWork, ...] = ()
    variants: tuple[Variant, ...] = ()

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

    def evidence_by_process(self, name: Phase) -> tuple[tuple[Evidence, ...], ...]:
        """The evidence of that phase's rounds, split as ``rounds_by_process``; empty where none was taken."""
        return tuple(record.evidence for record in self.passes_of(name))

    def passes_of(self, name: Phase) -> tuple[PassRecord, ...]:
        """The records of the pass that took that phase, one for each process."""
        return tuple(record for record in self.passes if record.name == PASS_OF[name])

    def work_of(self, name: Phase) -> PhaseWork | None:
        """That phase's work, or None when it is not known."""
        return next((work for work in self.work if work.phase == name), None)

    def variant(self, kind: VariantKind, name: Phase) -> PhaseSamples | None:
        """The samples of that phase measured in that other way, or None."""
        found = (variant.samples for variant in self.variants if variant.kind == kind)
        return next((samples for samples in found if samples.phase == name), None)

    @property
    def processes(self) -> int:
        """How many fresh processes took part."""
        return max((len(counts) for _, counts in self.process_rounds), default=1)


@dataclass(frozen=True, slots=True)
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
    return Measurement(
        case_id=first.case_id,
        phases=tuple(phases),
        memory_peak_bytes=_largest((first.memory_peak_bytes, second.memory_peak_bytes)),
        parameters=first.parameters,
        first_call_s=first.first_call_s,
        warmup_s=first.warmup_s + second.warmup_s,
        wall_s=first.wall_s + second.wall_s,
        threads=first.threads,
        notices=tuple(dict.fromkeys((*first.notices, *second.notices))),
        process_rounds=tuple(counts),
        timed_s=_sum(first.timed_s, second.timed_s),
        passes=first.passes + second.passes,
        memory=_larger(first.memory, second.memory),
        energy=first.energy + second.energy,
        work=first.work or second.work,
        variants=_joined(first.variants, second.variants),
    )


def _sum(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return sum(known) if known else None


def _larger(first: tuple[PhaseMemory, ...], second: tuple[PhaseMemory, ...]) -> tuple[PhaseMemory, ...]:
    """Field by field the larger peak of each phase."""
    by_phase = {memory.phase: memory for memory in first}
    for memory in second:
        mine = by_phase.get(memory.phase, memory)
        by_phase[memory.phase] = PhaseMemory(
            memory.phase,
            _largest((mine.allocated_bytes, memory.allocated_bytes)),
            _largest((mine.reserved_bytes, memory.reserved_bytes)),
            _largest((mine.driver_bytes, memory.driver_bytes)),
            _largest((mine.resident_bytes, memory.resident_bytes)),
        )
    return tuple(by_phase.values())


def _largest(sizes: Iterable[int | None]) -> int | None:
    return max((size for size in sizes if size is not None), default=None)


def _joined(first: tuple[Variant, ...], second: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """The rounds of equal variants one after the other."""
    found = {(variant.kind, variant.samples.phase): variant for variant in first}
    for variant in second:
        mine = found.get((variant.kind, variant.samples.phase))
        if mine is not None:
            samples = replace(mine.samples, rounds=mine.samples.rounds + variant.samples.rounds)
            variant = replace(mine, samples=samples)
        found[variant.kind, variant.samples.phase] = variant
    return tuple(found.values())
