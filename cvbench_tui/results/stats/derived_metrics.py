"""Secondary metrics of a phase or a row, derived from what the run file holds: rates and their share of a measured
peak, energy per input, variants. The columns and the detail format them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.core.axes import peaks
from cvbench_tui.core.environment import Fact
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Measurement, PassEnergy, Phase, VariantKind
from cvbench_tui.core.plan import Case
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.results.stats.phase_stats import PhaseResult, Terms

_OPS = {f"layer:{entry.name}": entry.op for entry in LAYERS} | {f"model:{entry.name}": entry.op for entry in MODELS}
"""What builds each entry of the catalog, by the beginning of its case ids; models of other sources are not judged."""
_MATMUL_OPS = ("linear", "multihead_attention", "sdpa", "swin", "vit", "convnext")
"""Beginnings of those whose operations are matmuls for the most part; ConvNeXt's convolutions are depthwise."""


@dataclass(frozen=True)
class Rates:
    """What a phase achieved, from its work by formula and its median time."""

    flop_per_s: float  # floating-point operations per second, two for a multiply-add
    flop_share: float | None  # of the fastest matmul measured on this device; None without one that is sure
    bytes_per_s: float | None
    """Bytes that the operators read and write, per second; from caches too. None where they are not counted."""
    bytes_share: float | None  # of the copy measured on this device; more than 1 where caches serve it


@dataclass(frozen=True)
class VariantResult:
    """A phase measured in another way."""

    kind: VariantKind
    phase: Phase
    median_s: float
    half_width_s: float | None
    ratio: float | None
    """Its median over that of the same regions with warm caches (``flushed``), or over the phase's own: the device's
    time (``alone``), or its number (``device_only``). None where that is not known."""


@dataclass(frozen=True)
class Energy:
    """What one pass used, over all its processes."""

    name: PassName
    source: str
    joules_per_input: float  # by the counter; by the power integral where there is no counter
    counter_j: float | None
    integral_j: float | None
    seconds: float
    iterations: int
    idle_w: float | None  # watts while nothing ran, the mean of the processes
    disagreement: float | None  # how far the integral is from the counter, as a share of that; None without both

    @property
    def doubtful(self) -> bool:
        """True when counter and integral differ by more than 5%: one of them is wrong."""
        return (self.disagreement or 0.0) > 0.05


def rates(measurement: Measurement, phase: Phase, result: PhaseResult | None, terms: Terms) -> Rates | None:
    """What that phase achieved; None where its work or its time is not known, or its time is zero."""
    work = measurement.work_of(phase)
    if work is None or result is None or result.median_s <= 0:
        return None
    flop_per_s, bytes_per_s = work.flops / result.median_s, work.bytes / result.median_s if work.bytes else None
    if terms.peak is None or not terms.peak.sure:  # 6539% was printed of a peak measured while disturbed
        return Rates(flop_per_s, None, bytes_per_s, None)
    peak_flops = terms.peak.flops(*precisions(terms.peak.device, measurement.case_id, dict(terms.facts)))
    bytes_share = None if bytes_per_s is None else _share(bytes_per_s, terms.peak.bytes_per_s)
    return Rates(flop_per_s, _share(flop_per_s, peak_flops), bytes_per_s, bytes_share)


def precisions(device: str, case_id: str = "", facts: Mapping[str, Fact] | None = None) -> tuple[str, ...]:
    """The peaks that the work of that case may reach there: those of its precision, or by the default those of float32
    and the settings for TF32 among ``facts``.

    Settings that are not known are PyTorch's own: TF32 for convolutions, none for matmuls. What is not in the catalog
    may be a convolution.
    """
    if chosen := peaks(case_id):
        return chosen
    if device == "cpu":
        return ("float32",)
    if _OPS.get(case_id.partition("|")[0], "").startswith(_MATMUL_OPS):
        allowed = (facts or {}).get("tf32_matmul") is True
    else:
        allowed = (facts or {}).get("tf32_conv") is not False
    return ("float32", "tf32") if allowed else ("float32",)


def energies(measurement: Measurement, case: Case) -> Iterator[Energy]:
    """Energy by pass, the processes of one source added up."""
    groups: dict[tuple[PassName, str], list[PassEnergy]] = {}
    for each in measurement.energy:
        groups.setdefault((each.name, each.source), []).append(each)
    for (name, source), parts in groups.items():
        iterations = sum(each.iterations for each in parts)
        counter_j, integral_j = _total(each.counter_j for each in parts), _total(each.integral_j for each in parts)
        joules = counter_j if counter_j is not None else integral_j
        if joules is None or iterations <= 0:
            continue
        seconds, idle_w = sum(each.seconds for each in parts), _total(each.idle_w for each in parts)
        apart = abs(integral_j / counter_j - 1) if integral_j is not None and counter_j and counter_j > 0 else None
        yield Energy(
            name, source, joules / iterations / case.batch, counter_j, integral_j, seconds, iterations,
            None if idle_w is None else idle_w / len(parts), apart,
        )  # fmt: skip


def variants(measurement: Measurement, phase: Phase, result: PhaseResult) -> Iterator[VariantResult]:
    """What was measured of that phase in other ways."""
    mine = {each.kind: estimate((each.samples.rounds,)) for each in measurement.variants if each.samples.phase == phase}
    warm = mine.pop("warm", None)
    device_s = result.median_s if result.host_s is None else result.device_s
    bases = {"flushed": device_s if warm is None else warm.median_s, "alone": device_s}
    for kind, centre in mine.items():
        if centre is not None:
            ratio = _share(centre.median_s, bases.get(kind, result.median_s))
            yield VariantResult(kind, phase, centre.median_s, centre.half_width_s, ratio)


def _share(value: float, of: float | None) -> float | None:
    return value / of if of else None


def _total(values: Iterable[float | None]) -> float | None:
    """The sum; None when one of them is not known, since a partial sum would look complete."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
