"""What a line, a plan and a figure may be at most. Run files, presets and the worker's lines come from outside: what is
beyond these limits is refused before it is used, with one sentence.

Bounds of figures go by the unit in a field's name, so that a new field has some without a line here. They are far
beyond any machine, and narrow enough for every later sum, square, quotient and date to be a finite number.
"""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from cvbench_tui.core import axes
from cvbench_tui.core.event import RunLabelled
from cvbench_tui.core.measurement import Measurement, PhaseSamples
from cvbench_tui.core.plan import BATCH_MAX, Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.record_array import Groups, RecordArray, Same, reader
from cvbench_tui.core.stats.sample_array import SampleArray
from cvbench_tui.core.workload import Workload

Bounds = tuple[float, float]  # the smallest and the largest that is accepted

MAX_LINE_BYTES = 64 << 20  # 12 rounds of 120 samples are 100 kB, a plan of 20,000 cases 8 MB
MAX_FILE_BYTES = 4 << 30  # 20,000 rows under the default protocol, 100 kB each, are 2 GB
MAX_VALUES = 4_000_000  # in a line: so many samples fill one of the longest; as many empty lists take 0.6 GB
MAX_CASES = 20_000  # of a run, rows that were added included: 84 models on 4 devices at 60 batches
MAX_TUPLE = 1_000  # values of one field that is not named below
MAX_VISITS = 500  # to a case, in one line or in several; no protocol has more than 60
MAX_ROUNDS = 1_000  # of a phase, all visits together: 60 of 12 rounds are 720. The estimate takes every pair of them.
MAX_DIMENSIONS = 8  # of an input; images have three
MAX_ARGUMENTS = 64  # of a layer; a transposed convolution has ten
MAX_SETTINGS = 32  # of a case; this version has seven axes
MAX_SETTING = 100  # characters of an axis or a value
MAX_LABEL = 100  # characters of a run's name, and of a tag
MAX_TAGS = 50  # of a run
MAX_DEVICES = 1_000  # of one machine; the largest have 16 cards
MAX_TEXT = 1 << 14  # characters of a name or a sentence; file systems and drivers give names of at most 4,096
MAX_DETAIL = 1 << 20  # of a traceback with 40 lines of stderr, 2,000 characters each

SECONDS: Bounds = (0.0, 1e9)  # 31 years
SAMPLE_S: Bounds = (1e-12, 1e9)  # a nanosecond, the finest tick of any clock, over a thousand iterations
MOMENT_S: Bounds = (0.0, 32_503_680_000.0)
"""1970 to 2999, seconds since the epoch. Linux shows any year below 2**31, Windows none outside of these."""
BYTES: Bounds = (0, 1 << 63)  # 8 EiB; a control group without a limit says 9223372036854771712
RATE: Bounds = (1.0, 1e21)  # per second: FLOP or bytes. The fastest card has 1e16; nothing divides by zero.
COUNT: Bounds = (0, 1 << 53)  # whole numbers that a float holds as they are
WORK: Bounds = (0, 1e21)  # operations or bytes of an iteration
SHARE: Bounds = (0.0, 1e6)
PROCESS: Bounds = (0, 0xFFFFFFFF)  # numbers of processes: 22 bits on Linux, 32 on Windows
PROTOCOL_S: Bounds = (0.0, 1e6)  # 11 days
FACT: Bounds = (-(2.0**64), 2.0**64)  # a number about the machine, or an argument of a layer

_UNITS: Mapping[str, Bounds] = {
    "at_s": MOMENT_S,
    "per_s": RATE,
    "s": SECONDS,
    "seconds": SECONDS,
    "bytes": BYTES,
    "share": SHARE,
    "error": SHARE,
    "bound": SHARE,
    "hz": (0.0, 1e12),
    "w": (0.0, 1e7),
    "j": (0.0, 1e15),
    "c": (-273.15, 1e4),
}
"""By the end of a field's name."""
_FIELDS: Mapping[str, Bounds] = {
    "pid": PROCESS,
    "process": PROCESS,
    "fraction": (0.0, 1.0),
    "utilisation": SHARE,
    "outran": (0.0, 1.0),
    "group": (1, 1e9),
    "iterations_per_sample": (1, 1e9),
    "iterations": (1, 1e9),
    "batch": (1, 1 << 31),
    "threads": (1, 1 << 16),
    "input_shape": (1, 1 << 31),
    "schema": (1, 1 << 16),
    "flops": WORK,
    "bytes": WORK,
    "footprint_bytes": WORK,
    "flops_per_s": RATE,
    "facts": FACT,
    "params": FACT,
}
"""By the whole name, which goes before the unit."""
_PROTOCOL: Mapping[str, Bounds] = {
    "precision": (0.0, 1e3),
    "warmup_agreement": (0.0, 1e3),
    "iterations": (1, 1e6),
    "iterations_cpu": (1, 1e6),
    "visits": (1, 1e4),
    "max_visits": (1, 1e4),
    "min_rounds": (0, 1e6),
    "max_rounds": (1, 1e6),
    "seed": (-(1 << 63), (1 << 64) - 1),
}
"""The same of a protocol, whose seconds have bounds of their own."""
_LENGTHS: Mapping[str, int] = {
    "cases": MAX_CASES,
    "devices": MAX_DEVICES,
    "input_shape": MAX_DIMENSIONS,
    "params": MAX_ARGUMENTS,
    "settings": MAX_SETTINGS,
    "tags": MAX_TAGS,
    "facts": 10_000,  # 13 for each card, 80 for the machine, and its variables
    "evidence": MAX_ROUNDS,
    "warmup_windows_s": 10_000,
}


def impossible(record: Any) -> str:
    """What in a record of ``core`` no clock, counter or machine gives, or is more than there can be, in a sentence
    without its end: ``measurement.warmup_s is not a number from 0 to 1e+09``. Empty when all is possible."""
    rounds = record.rounds if isinstance(record, PhaseSamples) else None
    if isinstance(rounds, SampleArray) and not rounds.within(*SAMPLE_S):
        return f"{record.phase}: a sample is not a positive number of seconds"
    if rounds is not None and len(rounds) > MAX_ROUNDS:
        return f"{record.phase}: {len(rounds):,} rounds, and there may be at most {MAX_ROUNDS:,}"
    values, fields = _fields_of(record.__class__)
    for value, (name, bounds) in zip(values(record), fields):
        kind = type(value)  # what there is most of by far is looked at here: a measurement has 23 fields
        if kind is float or kind is int:
            if bounds[0] <= value <= bounds[1]:
                continue
        elif value is None or kind is bool or value == () or (kind is str and len(value) <= MAX_TEXT):
            continue
        if wrong := _wrong(value, name, bounds):
            return f"{name}{wrong}"
    return _contradiction(record) if isinstance(record, _CONTRADICTORY) else ""


def bounds_of(name: str, rules: Mapping[str, Bounds] = _FIELDS) -> Bounds:
    """The bounds of a field of that name: its own, those of its unit, or else those of a count."""
    unit = next((each for each in ("per_s", "at_s") if name.endswith(each)), name.rpartition("_")[2])
    known = rules.get(name) or _UNITS.get(unit, COUNT)
    return PROTOCOL_S if rules is _PROTOCOL and known is SECONDS else known


@cache
def _fields_of(record: Any) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[tuple[str, Bounds], ...]]:
    """What reads all the fields of such a record, and their names and bounds."""
    rules = _PROTOCOL if record is Protocol else _FIELDS
    names = [field.name for field in dataclasses.fields(record)]
    return reader(record), tuple((name, bounds_of(name, rules)) for name in names)


def _wrong(value: Any, name: str, bounds: Bounds) -> str:
    """What is wrong with a value, or with one of those in it; to follow the field's name."""
    if type(value) is tuple:
        return _any_wrong(value, name, bounds)
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, (int, float)):  # compared, never converted: an int may have any number of digits
        return _outside(value, bounds)
    if isinstance(value, str):
        most = MAX_DETAIL if name == "detail" else MAX_TEXT
        return "" if len(value) <= most else f" has more than {most:,} characters"
    if isinstance(value, SampleArray) or (isinstance(value, RecordArray) and _possible(value, name)):
        return ""
    if hasattr(value, "__dataclass_fields__"):  # dataclasses.is_dataclass takes twice as long
        wrong = impossible(value)
        return f".{wrong}" if wrong else ""
    return _any_wrong(value, name, bounds)


def _possible(records: RecordArray[Any], name: str) -> bool:
    """Whether nothing is wrong with records in columns, column by column, which is quicker than each record by itself;
    what is wrong is then found there."""
    if len(records) > _LENGTHS.get(name, MAX_TUPLE):
        return False
    for column, (field, bounds) in zip(records.columns, _fields_of(records.kind)[1]):
        if isinstance(column, Same):
            fine = not _wrong(column.value, field, bounds)
        elif isinstance(column, array):
            fine = not math.isnan(sum(column)) and bounds[0] <= min(column) and max(column) <= bounds[1]
        elif isinstance(column, Groups):
            most = _LENGTHS.get(field, MAX_TUPLE)
            fine = max(column.lengths) <= most and _possible(column.records, field)
        else:
            fine = not any(_wrong(each, field, bounds) for each in set(column))
        if not fine:
            return False
    return True


def _any_wrong(value: Sequence[Any], name: str, bounds: Bounds) -> str:
    most = _LENGTHS.get(name, MAX_TUPLE)
    if len(value) > most:
        return f" are {len(value):,}, and may be at most {most:,}"
    for each in value:
        if wrong := _wrong(each, name, bounds):
            return wrong
    return ""


def _outside(value: float, bounds: Bounds) -> str:
    if bounds[0] <= value <= bounds[1]:
        return ""
    if bounds is MOMENT_S:
        return " is no time from 1970 to 2999"
    if isinstance(value, float) and not math.isfinite(value):
        return " is not finite"
    return f" is not a number from {bounds[0]:g} to {bounds[1]:g}"


_CONTRADICTORY = (Workload, Case, PhaseSamples, Measurement, Protocol, RunLabelled)


def _contradiction(record: Any) -> str:
    """What parts of a record say against each other."""
    if isinstance(record, Workload):
        return "" if record.input_shape else "input_shape has no dimension"
    if isinstance(record, Case):
        return _wrong_settings(record.settings) if record.settings else ""
    if isinstance(record, RunLabelled):
        long = any(len(text) > MAX_LABEL for text in (record.name, *record.tags))
        return f"a name or a tag has more than {MAX_LABEL} characters" if long else ""
    if isinstance(record, PhaseSamples):
        return "" if any(map(len, record.rounds)) else "rounds have no sample"
    if isinstance(record, (Measurement, Protocol)) and record.clean is not None and record.clean.clean is not None:
        return "clean has a clean of its own"
    if isinstance(record, Measurement):
        for name in ("phases", "wall", "memory", "work"):
            named = [each.phase for each in getattr(record, name)]
            if len(set(named)) < len(named):
                return f"{name} have a phase twice"
        rounds = {each.phase: len(each.rounds) for each in record.phases}
        if any(sum(counts) != rounds.get(phase) for phase, counts in record.visit_rounds):
            return "visit_rounds are not as many as there are rounds"
    return ""


def _wrong_settings(settings: Sequence[axes.Setting]) -> str:
    """Two rows would be the same one under two ids if an axis stood there twice, in another order or with its default.
    Axes of a newer version may be among them: the row is shown, and is not measured."""
    names = [name for name, _ in settings]
    if not all(0 < len(text) <= MAX_SETTING for setting in settings for text in setting):
        return f"settings have a text that is empty or has more than {MAX_SETTING} characters"
    if len(set(names)) < len(names):
        return "settings have an axis twice"
    if "batch" in names and settings[0] != BATCH_MAX:
        return "settings have a batch that is not max, or is not the first of them"
    known = [each.name for each in axes.AXES if each.name in names]
    if [name for name in names if name in known] != known:
        return "settings are not in the order of the axes"
    if any(axis.default == value for name, value in settings if (axis := axes.axis(name))):
        return "settings have the default of an axis"
    return ""
