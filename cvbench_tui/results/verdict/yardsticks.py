"""A row, or a peak, against what it should be: the device's own peaks, kept runs, published figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.text import plural
from cvbench_tui.results.stats.derived_metrics import precisions
from cvbench_tui.results.text.units import part_text, prefixed, seconds_text
from cvbench_tui.results.verdict.model import Against, PeakVerdict, Reference, RowEvidence, Standing

KEPT_BOUND = 0.05  # longer than kept runs by more, interval included, is below; more where they differ more themselves
PUBLISHED_BOUND = 0.10  # another host, driver and version of everything
PEAK_BOUND = {True: 0.20, False: 0.10}
"""By which a peak may be lower than the best one kept, on a processor and on a card: on a shared machine a product that
fits the cache is 9% slower in slow hours, and a copy more than that."""
FLOORS = {True: 0.20, False: 0.04}
"""Least plausible share of the matmul peak, in plain float32 and where TF32 or half precision sets it; a choice. The
published inference of a GTX 1080 Ti, batch 8, is 38% (Resnet50) to 93% (VGG16) of the 11.3 TFLOP/s of its data sheet.
NVIDIA's published Resnet50, batch 256, trains at 15% (TF32) and 19% (AMP) of the 156 and 312 TFLOP/s of the A100's data
sheet, and at 24% of the V100's 125, with three times the operations of an inference. A smaller batch reaches less."""
DENSE = ("vgg", "resnet")  # beginnings of the models that the floors are of: convolutions that fill a device
MIN_BATCH = 8  # of a row on a card that the floors are of: a smaller one does not fill it


def against_peak(row: RowEvidence) -> Against | None:
    """The share of the matmul peak of the row's precision, or of the bandwidth where that is the greater: what sets its
    pace. Below the floor only where the device sets the pace, of models that are known to fill it."""
    peak, work, seconds = row.peak, row.measurement.work_of(row.phase), row.result.median_s
    if peak is None or not peak.sure or work is None or seconds <= 0:
        return None
    names = precisions(row.case.device, row.case.case_id, dict(row.environment.facts))
    most, bandwidth = peak.flops(*names), peak.most_bytes_per_s or peak.bytes_per_s
    flops = work.flops / seconds / most if most else 0.0
    moved = work.footprint_bytes / seconds / bandwidth if bandwidth else 0.0
    if not flops and not moved:
        return None
    name = max(((rate, name) for name, rate in peak.flops_per_s if name in names), default=(0.0, ""))[1]
    if flops >= moved:
        sentence = f"{part_text(flops)} of its {name} matmul peak"
    else:
        sentence = f"{part_text(moved)} of its memory bandwidth"
    floor = FLOORS[name == "float32"]
    fills = row.case.workload.op.startswith(DENSE) and (row.on_cpu or row.case.batch >= MIN_BATCH)
    if not fills or row.result.host_bound:
        why = "; the host sets the pace" if row.result.host_bound else ""
        return Against("peak", sentence + why, None)
    below = max(flops, moved) < floor
    return Against("peak", f"{sentence}{f', below the plausible {part_text(floor)}' if below else ''}", below)


def against_kept(row: RowEvidence) -> Against | None:
    """Against the median of the kept runs; None without one."""
    return _against_times("kept", row, row.kept, KEPT_BOUND)


def against_published(row: RowEvidence, published: Sequence[Reference]) -> Against | None:
    """Against published figures; None without one."""
    return _against_times("published", row, published, PUBLISHED_BOUND)


def _against_times(what: str, row: RowEvidence, others: Sequence[Reference], bound: float) -> Against | None:
    times = [each.seconds for each in others if each.seconds > 0]
    if not times:
        return None
    expected = median(times)
    slower = row.result.median_s / expected - 1
    # an interval of no width is taken where there is none: what is slower by more than the bound is worth a sentence
    surely = (row.result.low_s if row.result.low_s is not None else row.result.median_s) / expected - 1
    below = surely > max(bound, max(times) / expected - 1)
    word = "slower" if slower >= 0 else "faster"
    far = f"{part_text(abs(slower))} {word} than" if abs(slower) >= 0.01 else "as fast as"
    if what == "published":
        names = ", ".join(dict.fromkeys(one_line(each.name) for each in others))
        return Against("published", f"{far} {names} ({seconds_text(expected)})", below, slower)
    span = f"{seconds_text(min(times))} to {seconds_text(max(times))}" if len(times) > 1 else seconds_text(expected)
    many = f"the median of {plural(len(times), 'kept run')}" if len(times) > 1 else "the one kept run"
    return Against("kept", f"{far} {many} ({span})", below, slower)


def peak_verdicts(peak: DevicePeak, others: Sequence[DevicePeak]) -> Iterator[PeakVerdict]:
    """Each peak against the best that is kept of the same kind of device."""
    copy = [] if peak.bytes_per_s is None else [("copy", peak.bytes_per_s, "B/s")]
    for name, rate, unit in [*((f"{name} matmul", rate, "FLOP/s") for name, rate in peak.flops_per_s), *copy]:
        known = [_rate(each, name) for each in others if each.sure]
        best = max((each for each in known if each is not None), default=None)
        standing: Standing = "unknown"
        if not peak.sure:
            sentence = "measured while the machine was disturbed, so it says little"
        elif best is None:
            sentence = "nothing kept to compare it with"
        else:
            lower = 1 - rate / best
            standing = "below" if lower > PEAK_BOUND[peak.device == "cpu"] else "fine"
            words = " ".join(prefixed(best, unit, digits=3))
            sentence = f"{part_text(abs(lower))} {'below' if lower > 0 else 'above'} the best one kept ({words})"
        yield PeakVerdict(name, rate, unit, standing, sentence)


def _rate(peak: DevicePeak, name: str) -> float | None:
    return peak.bytes_per_s if name == "copy" else peak.flops(name.removesuffix(" matmul"))
