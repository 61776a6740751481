"""Outcome of a case: samples, or the reason why there are none. Statistics are never stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from statistics import median
from typing import Literal, Union

from cvbench_tui.core.evidence import SLOTS, Evidence, PassName, PassRecord, Visit
from cvbench_tui.core.stats.record_array import Groups, RecordArray, packed
from cvbench_tui.core.stats.sample_array import SampleArray

Phase = Literal["forward", "backward", "total", "inference", "step"]
PHASES: tuple[Phase, ...] = ("forward", "backward", "total", "inference", "step")

PASS_OF: dict[Phase, PassName] = {
    "forward": "training", "backward": "training", "total": "training", "inference": "inference", "step": "step",
}  # fmt: skip
USUAL_PHASES: tuple[Phase, ...] = PHASES[:4]
"""What is measured where no phase is named."""
WHOLE_PHASE: dict[PassName, Phase] = {"training": "total", "inference": "inference", "step": "step"}
"""The phase that spans a whole iteration of each pass."""

Clock = Literal["perf_counter", "cuda_event", "host_synchronize"]
Stop = Literal["precision", "rounds", "budget", "fixed", "visit"]
VariantKind = Literal["alone", "flushed", "warm", "device_only"]
SLOWER = 1.01
"""Wall time of an iteration over the device's own, from which it is the number. Below it the two are one, but for
noise."""
HOST_BOUND = 1.05  # the same, from which a row is called host-bound: more than noise of the host on a busy machine
MAX_OUTRAN = 0.25  # share of the blocks that may be queued more slowly than their lead lasts: the median stays
Rounds = Sequence[Sequence[float]]  # samples by round, seconds per iteration
FailureKind = Literal["out_of_memory", "unsupported", "error", "crashed", "timed_out", "cancelled", "skipped"]


@dataclass(frozen=True, **SLOTS)
class Notice:
    """Information about a case that does not change its grade."""

    code: str  # stable key, e.g. ``unsettled``
    sentence: str  # what happened and what it means, in one sentence


@dataclass(frozen=True, **SLOTS)
class PhaseSamples:
    """All samples of one phase of one case."""

    phase: Phase
    rounds: tuple[tuple[float, ...], ...]  # seconds per iteration; stored as an equal ``SampleArray``
    iterations_per_sample: int  # iterations of a region: short ones are grouped, and a sample is their mean
    clock: Clock
    stop: Stop
    """Why the rounds ended: precise enough, maximum of rounds, time budget, a fixed number of iterations; ``visit``:
    one of several, of which all together are precise or not."""

    def __post_init__(self) -> None:
        """Pack the samples."""
        object.__setattr__(self, "rounds", SampleArray(self.rounds))


@dataclass(frozen=True, **SLOTS)
class Variant:
    """A phase measured in another way, as a secondary metric."""

    kind: VariantKind
    """``alone``: the phase timed by itself, not fused with the others. ``flushed``: caches emptied before every
    region. ``warm``: the same regions with nothing emptied, which ``flushed`` is compared with. ``device_only``:
    replayed from a graph, without the host's launches."""
    samples: PhaseSamples


@dataclass(frozen=True, **SLOTS)
class PhaseMemory:
    """Peak memory while one phase ran untimed, after the warm-up. None: not available on this device."""

    phase: Phase
    allocated_bytes: int | None = None  # held by tensors on the accelerator
    reserved_bytes: int | None = None  # allocated from the driver by PyTorch's allocator, its cache included
    driver_bytes: int | None = None  # in use on the whole card by the driver, contexts and libraries included
    resident_bytes: int | None = None  # on the CPU: growth of resident memory since before the module was built


@dataclass(frozen=True, **SLOTS)
class PassEnergy:
    """Energy of one pass, repeated without pause for at least three seconds outside the timed rounds."""

    name: PassName
    source: Literal["nvml", "rapl"]
    seconds: float
    iterations: int
    counter_j: float | None  # joules by the device's energy counter
    integral_j: float | None = None  # joules by power readings integrated over time; only in files of earlier versions
    idle_w: float | None = None  # watts of the idle device just before


@dataclass(frozen=True, **SLOTS)
class PhaseWork:
    """Operations and bytes of one iteration of a phase, by formula, for the whole batch."""

    phase: Phase
    flops: int  # floating-point operations; a multiply-add counts as two
    bytes: int
    """Bytes that the operators read and write, each operand once per operator (nothing is fused); 0 where they are not
    counted, under autocast and when compiled."""
    footprint_bytes: int
    """Bytes of the distinct tensors that exist before the phase or outlive it, each once (forward: also what it keeps
    for the backward): the minimum moved when no cache holds them."""
    winograd: bool = False  # has 3x3 or 5x5 convolutions: Winograd's algorithm needs fewer operations than counted
    uncounted: tuple[str, ...] = ()  # operators without a formula; their operations are missing from ``flops``


@dataclass(frozen=True, **SLOTS)
class ResultCheck:
    """How far a row's results are from those of float32, contiguous and eager, with the same weights and inputs: the
    largest difference over the largest number, once and untimed."""

    output_error: float
    output_bound: float  # what the row's precision explains at most
    gradient_error: float | None = None  # of the input's gradient, or the first weight's; None where neither has one
    gradient_bound: float | None = None
    batch: int | None = None  # it was compared at, where that is less than the row's

    @property
    def same(self) -> bool:
        """Whether the precision explains both."""
        gradient = (self.gradient_error or 0.0) <= (self.gradient_bound or 0.0)
        return self.output_error <= self.output_bound and gradient


@dataclass(frozen=True, **SLOTS)
class Compilation:
    """What torch.compile did in a visit before anything was timed."""

    compile_s: float
    """Wall seconds of the calls that compiled something, of training and inference; the work itself is in them."""
    graphs: int  # compiled
    breaks: int = 0  # graph breaks: places that are left to Python, between two graphs
    break_reason: str = ""  # why the first one is there, in the compiler's words
    recompiles: int = 0  # graphs compiled anew before the calls settled
    cache_hits: int = 0  # graphs that came from the compiler's cache on disk
    cache_misses: int = 0  # graphs that were not there, or may not be kept there
    graph_skips: int = 0  # graphs that were not recorded as CUDA graphs although the mode would

    @property
    def cache(self) -> str:
        """``warm``, ``cold`` or ``partly warm``; empty where no graph was looked for."""
        if self.cache_hits and self.cache_misses:
            return "partly warm"
        return "warm" if self.cache_hits else "cold" if self.cache_misses else ""


@dataclass(frozen=True)
class Measurement:
    """A measured case."""

    case_id: str
    phases: tuple[PhaseSamples, ...]  # on a device that queues its work: its own time, by marks behind a lead
    memory_peak_bytes: int | None  # allocated on the accelerator, growth of resident memory on the CPU
    parameters: int | None  # number of trainable parameters
    first_call_s: float | None
    """Seconds of the first training iteration, start-up and autotuning included. A card's context is made before it,
    when the module's weights are put there; graphs of a compiled row are, too."""
    warmup_s: float  # seconds spent warming up, both passes
    wall_s: float  # seconds from the request to the result, building the module included; without others' turns
    threads: int | None  # intra-op CPU threads
    notices: tuple[Notice, ...] = ()
    visit_rounds: tuple[tuple[Phase, tuple[int, ...]], ...] = ()
    """Per phase, the number of ``rounds`` of each visit, in order. Empty: all are of one visit."""
    timed_s: float | None = None  # seconds inside timed regions, both passes; None in files of schema 1
    passes: tuple[PassRecord, ...] = ()  # by visit, then pass; empty in files of schema 1; stored in columns
    memory: tuple[PhaseMemory, ...] = ()
    energy: tuple[PassEnergy, ...] = ()
    work: tuple[PhaseWork, ...] = ()
    variants: tuple[Variant, ...] = ()
    wall: tuple[PhaseSamples, ...] = ()
    """The same rounds' wall time in steady state: iterations queued back to back without a lead, where the slower one
    of host and device sets the pace. Empty where nothing is queued, and in files of earlier versions."""
    clean: Measurement | None = None
    """The same case by ``Protocol.clean``, in the same process after the published loop: times, warm-up and notices."""
    optimizer: str = ""  # what took the steps and how it went over the weights, in words; empty without the pass
    check: ResultCheck | None = None  # None for rows without settings that could change a result, and where it failed
    visit_records: tuple[Visit, ...] = ()  # in order; empty in files of earlier versions
    compilation: Compilation | None = None  # of the first visit, which alone may meet a cold cache; None: eager
    batch: int | None = None  # that the run has found to be the largest; None where the case names one

    def __post_init__(self) -> None:
        """Pack what every round and visit left behind."""
        object.__setattr__(self, "passes", packed(self.passes))
        object.__setattr__(self, "visit_records", packed(self.visit_records))

    def phase(self, name: Phase) -> PhaseSamples | None:
        """Samples of that phase's number, its wall time where the host is the slower one; None when not measured."""
        return (self.wall_of(name) if self._ratio(name) > SLOWER else None) or _named(self.phases, name)

    @property
    def numbers(self) -> tuple[PhaseSamples, ...]:
        """``phase`` of every phase that was measured."""
        return tuple(self.phase(each.phase) or each for each in self.phases)

    def wall_of(self, name: Phase) -> PhaseSamples | None:
        """Samples of that phase's wall time; None where nothing is queued."""
        return _named(self.wall, name)

    def device(self, name: Phase) -> PhaseSamples | None:
        """Samples of the device's own time for that phase; None where nothing is queued, and where it is not known,
        since no lead lasted until an iteration was queued."""
        return _named(self.phases, name) if self._ratio(name) < math.inf and self.wall_of(name) is not None else None

    def host_bound(self, name: Phase) -> bool:
        """True where the host is slower than the device, or where that is not known."""
        return self._ratio(name) > HOST_BOUND

    def _ratio(self, name: Phase) -> float:
        """Wall time over the device's own for the whole iteration of that phase's pass, so that all its phases have the
        same kind of time; infinite where the device's is not known, 0 where nothing is queued."""
        return self._ratios.get(PASS_OF[name], 0.0) if self.wall else 0.0

    @cached_property
    def _ratios(self) -> Mapping[PassName, float]:
        """Of each pass that has two times."""
        ratios = {}
        for name, whole in WHOLE_PHASE.items():
            device, wall = _named(self.phases, whole), _named(self.wall, whole)
            if device is not None and wall is not None:
                evidence = [each for record in self.passes_of(whole) for each in record.evidence]
                ratios[name] = loop_over_device(device.rounds, wall.rounds, evidence)
        return ratios

    def rounds_by_visit(self, name: Phase) -> tuple[tuple[tuple[float, ...], ...], ...]:
        """Rounds of that phase's number by visit."""
        phase = self.phase(name)
        return () if phase is None else self.by_visit(phase)

    def by_visit(self, samples: PhaseSamples) -> tuple[tuple[tuple[float, ...], ...], ...]:
        """Rounds of those samples by visit; device and wall time have equally many."""
        groups, start, rounds = [], 0, samples.rounds[:]
        for count in self.counts(samples):
            groups.append(rounds[start : start + count])
            start += count
        return tuple(groups)

    def counts(self, samples: PhaseSamples) -> tuple[int, ...]:
        """Number of those samples' rounds by visit."""
        return dict(self.visit_rounds).get(samples.phase, (len(samples.rounds),))

    @property
    def all_evidence(self) -> RecordArray[Evidence] | None:
        """That of every round of every pass, in columns; None without any."""
        column = self.passes.column("evidence") if isinstance(self.passes, RecordArray) else None
        return column.records if isinstance(column, Groups) else None

    def evidence_counts(self, name: Phase) -> tuple[int, ...]:
        """Number of rounds with evidence of that phase by visit."""
        if not isinstance(self.passes, RecordArray):
            return ()
        column, names = self.passes.column("evidence"), self.passes.values("name")
        lengths = column.lengths if isinstance(column, Groups) else map(len, self.passes.values("evidence"))
        return tuple([length for length, each in zip(lengths, names) if each == PASS_OF[name]])

    def evidence_by_visit(self, name: Phase) -> tuple[tuple[Evidence, ...], ...]:
        """Evidence of that phase's rounds by visit; empty in files of schema 1."""
        return tuple(record.evidence for record in self.passes_of(name))

    def passes_of(self, name: Phase) -> tuple[PassRecord, ...]:
        """Records of that phase's pass, one for each visit."""
        return tuple(record for record in self.passes if record.name == PASS_OF[name])

    def work_of(self, name: Phase) -> PhaseWork | None:
        """Work of that phase; None when unknown."""
        return next((work for work in self.work if work.phase == name), None)

    def variant(self, kind: VariantKind, name: Phase) -> PhaseSamples | None:
        """Samples of that variant of a phase; None when it was not measured."""
        samples = (variant.samples for variant in self.variants if variant.kind == kind)
        return next((each for each in samples if each.phase == name), None)

    @property
    def visits(self) -> int:
        """Number of visits."""
        return max((len(counts) for _, counts in self.visit_rounds), default=1)

    @property
    def processes(self) -> int:
        """Number of processes that it was measured in; in files of earlier versions every visit was one."""
        return len({visit.process for visit in self.visit_records}) or self.visits

    @property
    def begun_at_s(self) -> float | None:
        """When the first visit began, seconds since the epoch; None in files of earlier versions."""
        return min((visit.begun_at_s for visit in self.visit_records), default=None)

    @property
    def span_s(self) -> float | None:
        """Seconds from the first visit to the end of the last; None in files of earlier versions."""
        if self.begun_at_s is None:
            return None
        return max(visit.begun_at_s + visit.wall_s for visit in self.visit_records) - self.begun_at_s


@dataclass(frozen=True, **SLOTS)
class Failure:
    """A case without samples, and why."""

    case_id: str
    kind: FailureKind
    sentence: str  # one sentence for the user
    detail: str = ""  # end of the traceback or of the worker's stderr; empty when there was none


Outcome = Union[Measurement, Failure]


def merge(first: Measurement, second: Measurement) -> Measurement:
    """One measurement from two of visits to the same case: all rounds, larger memory, each notice once.
    First call, compilation, parameters and threads are those of the first visit."""
    counts = []
    for mine in first.phases:
        theirs = _named(second.phases, mine.phase)
        lengths = tuple(len(rounds) for rounds in first.rounds_by_visit(mine.phase))
        counts.append((mine.phase, (*lengths, len(theirs.rounds)) if theirs is not None else lengths))
    timed_s = [each.timed_s for each in (first, second) if each.timed_s is not None]
    memory = first.memory + second.memory
    sized = dict.fromkeys(each.phase for each in memory)
    return replace(
        first,
        phases=_joined(first.phases, second.phases),
        memory_peak_bytes=largest((first.memory_peak_bytes, second.memory_peak_bytes)),
        warmup_s=first.warmup_s + second.warmup_s,
        wall_s=first.wall_s + second.wall_s,
        notices=tuple(dict.fromkeys((*first.notices, *second.notices))),
        visit_rounds=tuple(counts),
        timed_s=sum(timed_s) if timed_s else None,
        passes=(*first.passes, *second.passes),
        memory=tuple(largest_memory(phase, [each for each in memory if each.phase == phase]) for phase in sized),
        energy=first.energy + second.energy,
        work=first.work or second.work,
        compilation=first.compilation or second.compilation,
        variants=_merge_variants(first.variants, second.variants),
        wall=_joined(first.wall, second.wall),
        check=first.check or second.check,
        visit_records=(*first.visit_records, *second.visit_records),
        clean=merge(first.clean, second.clean) if first.clean and second.clean else first.clean or second.clean,
    )


def _named(phases: Iterable[PhaseSamples], name: Phase) -> PhaseSamples | None:
    """The samples of that phase; None when there are none."""
    return next((samples for samples in phases if samples.phase == name), None)


def loop_over_device(device: Rounds, wall: Rounds, evidence: Iterable[Evidence]) -> float:
    """Wall time over the device's own, of a whole iteration, from the samples of both by round. Infinite where the
    leads of most blocks ended too soon, as where the launch queue (about 1,000) is full: what was taken behind them is
    a mixture of both times then."""
    return middle(wall) / middle(device) if leads_lasted(evidence) else math.inf


def leads_lasted(evidence: Iterable[Evidence]) -> bool:
    """False where the leads of most blocks ended before all was queued."""
    late = [each.outran for each in evidence if each.outran is not None]
    return not late or median(late) <= MAX_OUTRAN


def middle(rounds: Rounds) -> float:
    """Median of the rounds' medians, seconds: of its number a round has more samples than of the other time. Raises
    statistics.StatisticsError without a sample."""
    return median(median(samples) for samples in rounds if samples)


def _joined(first: tuple[PhaseSamples, ...], second: tuple[PhaseSamples, ...]) -> tuple[PhaseSamples, ...]:
    """The first ones' phases with the rounds of both."""
    joined = []
    for mine in first:
        theirs = _named(second, mine.phase)
        if theirs is not None:
            stop = theirs.stop if mine.stop == "precision" else mine.stop
            mine = replace(mine, rounds=(*mine.rounds, *theirs.rounds), stop=stop)
        joined.append(mine)
    return tuple(joined)


def largest_memory(phase: Phase, parts: Sequence[PhaseMemory]) -> PhaseMemory:
    """The largest peaks of those parts, field by field."""
    sizes = [field.name for field in fields(PhaseMemory) if field.name != "phase"]
    return PhaseMemory(phase, *(largest(getattr(part, size) for part in parts) for size in sizes))


def largest(sizes: Iterable[int | None]) -> int | None:
    """The largest that is known; None when none is."""
    return max((size for size in sizes if size is not None), default=None)


def _merge_variants(first: tuple[Variant, ...], second: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """The rounds of equal variants, one visit after the other."""
    merged = {(variant.kind, variant.samples.phase): variant for variant in first}
    for variant in second:
        key = variant.kind, variant.samples.phase
        if key in merged:
            samples = merged[key].samples
            variant = Variant(variant.kind, replace(samples, rounds=(*samples.rounds, *variant.samples.rounds)))
        merged[key] = variant
    return tuple(merged.values())
