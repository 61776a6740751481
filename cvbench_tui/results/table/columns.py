"""Every column of the table, declared once: screens, exporters, fitting, sorting, help and manual iterate them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Literal

from cvbench_tui.core.axes import AXES, Axis
from cvbench_tui.core.axes import axis as axis_of
from cvbench_tui.core.axes import labels as setting_labels
from cvbench_tui.core.measurement import PHASES, USUAL_PHASES, WHOLE_PHASE, Phase
from cvbench_tui.core.row_names import settings_of
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.stats.phase_stats import PhaseResult
from cvbench_tui.results.stats.quality import QUALITY_HELP
from cvbench_tui.results.stats.row_data import RowData
from cvbench_tui.results.table.cell import PEAK_UNITS, Cell


@dataclass(frozen=True)
class Column:
    """One column."""

    key: str
    heading: str
    help: str
    cell: Callable[[RowData], Cell]
    file_name: str = ""  # of its value in CSV; empty for what stands there in parts, or not at all
    right: bool = True  # aligned to the right
    hide: int = 0  # priority of hiding where there is too little room: the largest goes first, 0 never
    identifies: bool = False  # says which row it is, so it is hidden only where all rows have the same
    scaled: bool = False  # times, in the unit that all times of a row share
    room: int = 0  # cells counted before there is a text, so that no column goes when the first row is measured
    secondary: bool = False  # no time: does not come back into room that is left
    pasted: tuple[Kind, ...] = ()  # kinds of rows whose tables to paste have it, unless the user chose columns
    optional: bool = False  # not every device has it: left out where no row has it
    usual: str | None = None  # of an optional column: the value that says nothing where all rows have it
    axis: Axis | None = None  # of ``core.axes`` whose values it has; sorted in the order of the registry
    phase: Phase | None = None  # its time makes rows of equal work faster or slower here; None: nothing is ranked
    fastest: Literal["least", "most"] = "least"
    max_cells: int | None = None  # of its text on a screen; files have all of it
    named_by_unit: bool = False  # the unit that all rows share is heading enough in a table to paste
    drawn: bool = False  # on screens only, always where a row has it: files write the unit beside each number
    spoken: str = ""  # heading in sentences, where the written one would be misheard
    clean: bool = False  # of what is measured beside the published loop: only there with a protocol that does
    several: bool = False  # only there where rows of several runs or frameworks stand together


PHASE_MEANINGS: dict[Phase, str] = {
    "forward": "Forward pass in training mode.",
    "backward": "Backward pass, gradients for the parameters and, for a layer, for its input.",
    "total": "Forward and backward pass of the same training iteration.",
    "inference": "Forward pass in evaluation mode, without gradients.",
    "step": "A whole training step: gradients cleared, forward, loss, backward, optimizer.",
}
_BASES: dict[Literal["device", "host"], str] = {
    "device": "The device's own time for an iteration, its work queued ahead of it.",
    "host": "Wall time of an iteration in a loop, where the host launches as it goes: the number of the row where the "
    "host is the slower one.",
}
QUALITY = "quality"  # key of the column that rows are sorted by from the best to the worst
UNIT = "unit"  # key of the column that ``results.table.build`` fills, once it knows the units of all rows
ALL_KINDS: tuple[Kind, ...] = ("model", "layer")
_HIDE: dict[Phase, int] = {"forward": 20, "inference": 30, "backward": 40, "total": 0, "step": 12}
_MEDIAN = (
    "Median time of one iteration, and half its 95% interval. "
    "Two times, faster/slower, where the samples have two speeds."
)
# the total stays beside its mean where all else has gone; the others give way before any mean
_HIDE_CLEAN: dict[Phase, int] = {"total": 15, "inference": 42, "forward": 44, "backward": 46, "step": 48}


_shared = lru_cache(maxsize=4096, typed=True)(Cell)  # most rows of 20,000 have their name and their grade from others
_NOTHING = Cell(None)
_NO_TIME = Cell(None, "s")  # one for all: most cells of most tables are such


def _plain(path: str, unit: str = "") -> Callable[[RowData], Cell]:
    """What a row has there, as it is."""
    read = attrgetter(path)
    return lambda row: _shared(read(row), unit)


def _time(result: PhaseResult) -> Cell:
    """The median; both speeds, and no interval, where the samples have two."""
    modes = (result.modes.low_s, result.modes.high_s) if result.modes is not None else None
    return Cell(result.median_s, "s", None if modes else result.relative, result.valid, modes=modes)


def _mean(result: PhaseResult) -> Cell:
    """The mean and the minimum."""
    return Cell(result.mean_s, "s", result.mean_relative, result.valid, minimum=result.min_s)


def _phase(phase: Phase, *, published: bool = False) -> Column:
    """A phase: its median and interval; under the published method the mean, and the minimum."""
    write = _mean if published else _time
    number = "Mean time of one iteration, half its 95% interval, and the least sample." if published else _MEDIAN
    return Column(
        phase,
        f"{phase.capitalize()}{' mean' * published}",
        f"{PHASE_MEANINGS[phase]} {number}",
        lambda row: write(row.phases[phase]) if phase in row.phases else _NO_TIME,
        f"{phase}_{'mean' if published else 'median'}_s",
        hide=_HIDE[phase],
        scaled=True,
        pasted=ALL_KINDS,
        room=len("120.0\u00b10.2%"),
        phase=phase,
        optional=phase not in USUAL_PHASES,  # only where it was asked for
    )


def _base(phase: Phase, base: Literal["device", "host"], hide: int) -> Column:
    """One of the two times of a whole iteration on a device that queues its work."""

    field = f"{base}_s"

    def cell(row: RowData) -> Cell:
        result = row.phases.get(phase)
        value = getattr(result, field, None)
        return _NO_TIME if result is None or (value is None and result.valid) else Cell(value, "s", valid=result.valid)

    return Column(
        f"{phase}_{base}", f"{phase.capitalize()} {base}",
        f"{_BASES[base]} A dash on devices that do not queue their work.",
        cell, f"{phase}_{base}_s", hide=hide, scaled=True, secondary=True, optional=True,
    )  # fmt: skip


def _clean(phase: Phase) -> Column:
    """A phase by today's method, beside its published mean."""
    return Column(
        f"{phase}_clean",
        f"{phase.capitalize()} clean",
        f"Under the protocol original only: {phase} by today's method, in the same process after the published loop. "
        f"{_MEDIAN}",
        lambda row: _time(row.clean[phase]) if phase in row.clean else _NO_TIME,
        f"{phase}_clean_median_s",
        hide=_HIDE_CLEAN[phase],
        scaled=True,
        pasted=ALL_KINDS if phase in WHOLE_PHASE.values() else (),
        optional=True,
        clean=True,
    )


def _throughput(of: Callable[[PhaseResult], Cell] = _time) -> Column:
    """The batch over the number of inference, with the interval of that number."""

    def cell(row: RowData) -> Cell:
        unit = "img/s" if row.case.image is not None else "inputs/s"
        result = row.phases.get("inference")
        time = of(result) if result is not None else Cell(None)
        per_s = row.case.batch / time.value if isinstance(time.value, float) and time.value > 0 else None
        return Cell(per_s, unit, time.relative, time.valid)

    return Column(
        "throughput", "Throughput",
        "Images, or other inputs, per second in inference: the batch over its time, with the interval of that.",
        cell, "inference_per_s", hide=80, room=len("1234 img/s \u00b10.2%"), phase="inference", fastest="most",
        pasted=("model",), named_by_unit=True,
    )  # fmt: skip


_NO_RATE = {unit: Cell(None, unit) for unit in PEAK_UNITS}


def _rate(row: RowData, number: str, share: str, unit: str) -> Cell:
    """A rate of inference, with the interval of its time."""
    if row.rates is None:
        return _NO_RATE[unit]
    time = _time(row.phases["inference"])
    return Cell(getattr(row.rates, number), unit, time.relative, time.valid, share=getattr(row.rates, share))


def _energy(row: RowData) -> Cell:
    """One number, without an interval."""
    unit, result = f"J/{row.input_noun}", row.phases.get("inference")
    if row.energy is None:
        return _shared(None, unit)
    valid = result is None or result.valid
    return Cell(row.energy.joules_per_input, unit, valid=valid, doubtful=row.energy.doubtful)


def _compile(row: RowData) -> Cell:
    found = row.measurement.compilation if row.measurement is not None else None
    return _shared(found.compile_s if found is not None else None, "s")


def _versus(row: RowData) -> Cell:
    if row.versus is None:
        return Cell(None, "x")
    if row.versus.is_reference:
        return Cell(1.0, "x", reference=True)
    return Cell(row.versus.ratio, "x", row.versus.relative)


def _samples(row: RowData) -> Cell:
    results = (
        [] if row.figure is not None else [row.phases[each] for each in WHOLE_PHASE.values() if each in row.phases]
    )
    passes = tuple((each.n, each.rounds, each.repeated_rounds) for each in results)
    return _shared(sum(each.n for each in results) or None, passes=passes)


def _batch(row: RowData) -> Cell:
    """A number; of the largest that fits what was found, and before that the word."""
    if not row.case.finds_batch:
        return _shared(row.case.batch)
    return _shared("max" if row.measurement is None and row.case.batch == 1 else row.case.batch, "max")


def _axis(place: int, axis: Axis) -> Column:
    """A setting that rows may differ in."""
    default = _shared(axis.default)

    def cell(row: RowData) -> Cell:
        if not row.case.settings:  # as most rows of most tables
            return default
        value = next((value for name, value in row.case.settings if name == axis.name), None)
        if value is None:
            return default
        number = axis.number(value)
        return _shared(value if number is None else number)

    return Column(
        axis.name, axis.title, f"{axis.help} Only there where a row is not {axis.default}.", cell, axis.name,
        right=axis.most is not None, hide=50 + place, identifies=True, optional=True, usual=axis.default, axis=axis,
    )  # fmt: skip


def _unknown(row: RowData) -> Cell:
    if not row.case.settings:
        return _NOTHING
    settings = [each for each in settings_of(row.case) if axis_of(each[0]) is None]
    return _shared(", ".join(setting_labels(settings)) or None)


COLUMNS: tuple[Column, ...] = (
    Column(
        "name", "Name", "The model or the layer.",
        _plain("case.workload.name"), "name", right=False, identifies=True, max_cells=40,
    ),
    Column(
        "device", "Device", "Where it ran: cpu, cuda:N, mps or xpu:N.",
        _plain("case.device"), "device", right=False, hide=60, identifies=True, max_cells=20,
    ),
    Column(
        "origin", "From",
        "Whose row it is: this run's, that of another run, or a framework and its device with published figures. Only "
        "there where rows of several stand together.",
        lambda row: _shared(row.origin or None), "origin", right=False, hide=5, identifies=True,
        pasted=ALL_KINDS, optional=True, max_cells=40, several=True,
    ),
    Column(
        "batch", "Batch", "Images, or other inputs, per iteration; max: the largest that fits into the memory.",
        _batch, "batch", hide=70, identifies=True,
    ),
    Column(
        "image", "Image", "Side of the square input image in pixels; a dash for other inputs.",
        _plain("case.image", "px"), "image", hide=100, identifies=True,
    ),
    *(_axis(place, axis) for place, axis in enumerate(AXES)),
    Column(
        "other_settings", "Other settings", "Settings that this version does not have, of a file of a newer one.",
        _unknown, "other_settings", right=False, hide=49, identifies=True, optional=True, max_cells=40,
    ),
    Column(
        UNIT, "Unit", "Unit of the row's times, where rows have different ones; otherwise the headings have it.",
        lambda row: _NOTHING, right=False, optional=True, drawn=True,
    ),
    *(_phase(phase) for phase in PHASES),
    *(_clean(phase) for phase in USUAL_PHASES),  # the published loop has none
    _base("total", "device", 102), _base("total", "host", 104),
    _base("inference", "device", 106), _base("inference", "host", 108),
    _throughput(),
    Column(
        "samples", "Samples in rounds",
        "Samples and the rounds they are from, training then inference; +1: one round that something outside disturbed "
        "and that was repeated.",
        _samples, hide=150, secondary=True, spoken="samples",
    ),
    Column(
        "compute", "Inference compute",
        "Floating-point operations per second of inference, two for a multiply-add, by formula over the median time; "
        "percent: of a large matmul measured on this device, a dash where that was disturbed; interval of that time.",
        lambda row: _rate(row, "flop_per_s", "flop_share", "FLOP/s"), "inference_flop_per_s",
        hide=120, room=len("12.3 TFLOP/s 12% \u00b10.2%"), secondary=True, optional=True,
    ),
    Column(
        "bandwidth", "Inference bandwidth",
        "Bytes that the operators of inference read and write per second, by formula over the median time; percent: of "
        "a large copy measured on this device, more than 100% where caches serve it, a dash where it was disturbed; "
        "interval of that time.",
        lambda row: _rate(row, "bytes_per_s", "bytes_share", "B/s"), "inference_bytes_per_s",
        hide=130, secondary=True, optional=True,
    ),
    Column(
        "energy", "Inference energy",
        "Joules of the device for one image, or other input, in inference, by its energy counter; in files "
        "of earlier versions ?: a sum of its power readings differs by more than 5%.",
        _energy, "inference_joules_per_input", hide=110, secondary=True, optional=True,
    ),
    Column(
        "memory", "Memory",
        "Peak memory of the row: allocated on the accelerator, or growth of the process on the CPU.",
        lambda row: _shared(row.measurement.memory_peak_bytes if row.measurement is not None else None, "bytes"),
        "memory_peak_bytes", hide=90, room=len("12.34 GiB"),
    ),
    Column(
        "first_call", "First call",
        "Time of the very first training iteration in a fresh process, start-up and autotuning included; the context "
        "of a card, which is made before it, is not. Of a compiled row the first one after its compilation.",
        lambda row: _shared(row.measurement.first_call_s if row.measurement is not None else None, "s"), "first_call_s",
        hide=140, secondary=True,
    ),
    Column(
        "compile_time", "Compile time",
        "Seconds of the calls in which torch.compile compiled the row's graphs, of training and inference, before "
        "anything was timed: much less where its cache on disk has them. A dash for rows that are not compiled.",
        _compile, "compile_s", hide=145, secondary=True, optional=True,
    ),
    Column(
        "vs_ref", "vs ref",
        "How many times as fast per input as the row that is marked as reference, or, along an axis, as the row of its "
        "default that is alike otherwise: by the total, or by inference where one of the two has no total. \u00b1 is "
        "the root of the sum of the squares of both intervals. Only there while something is compared.",
        _versus, "vs_ref", hide=10, pasted=ALL_KINDS, room=len("12.3x \u00b10.2%"),
    ),
    Column(
        QUALITY, "Quality", QUALITY_HELP,
        lambda row: _shared(row.quality.text, valid=row.quality.letter != "X"), "quality", right=False,
        room=len("B one process"),
    ),
)  # fmt: skip
_MEANS = {column.key: column for column in (*(_phase(phase, published=True) for phase in PHASES), _throughput(_mean))}
PUBLISHED_COLUMNS = tuple(_MEANS.get(column.key, column) for column in COLUMNS)
"""Under the published method; keys and order are those of ``COLUMNS``."""
