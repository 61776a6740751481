"""A cell of the table: a value with unit and interval, and how it is written on screens and in files."""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.results.text import units
from cvbench_tui.results.text.units import MISSING, Scale

Value = str | int | float | None
PEAK_UNITS = ("FLOP/s", "B/s")  # rates that are shares of a measured peak; written with a decimal prefix
OWN_UNITS = ("", "s", "bytes", "x", *PEAK_UNITS)  # the number sets how the unit is written, so no heading has it


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row has in a column."""

    value: Value  # in ``unit``; a count or a name without one; None: not available
    unit: str = ""  # s, bytes, px, x, FLOP/s, B/s, img/s, J/img
    relative: float | None = None  # half width of the value's 95% interval as a share of it
    valid: bool = True  # False for a number of grade X, which is shown grey and sorted last
    doubtful: bool = False  # True for energy whose two sources differ
    reference: bool = False  # True in the row that the others are compared with
    modes: tuple[float, float] | None = None  # the faster and the slower speed, where ``value`` describes neither
    minimum: float | None = None  # the least sample, where the method reports it
    share: float | None = None  # of the measured peak; None where none is known for sure
    passes: tuple[tuple[int, int, int], ...] = ()  # samples, rounds and repeated rounds of each pass


def number_and_unit(cell: Cell, scale: Scale | None = None, *, between: str = "/") -> tuple[str, str]:
    """A number and its unit as text, digits by the interval; times in that scale, or in the one that suits them.

    ``between``: what stands between two speeds.
    """
    value, relative = cell.value, cell.relative
    if not isinstance(value, (int, float)):
        return MISSING if value is None else value, ""
    if cell.unit == "s":
        scale = scale or units.scale_for([value])
        if cell.modes is not None:
            return between.join(map(scale.number, cell.modes)), scale.unit
        return scale.number(value, relative), scale.unit
    if cell.unit == "bytes":
        return units.bytes_parts(int(value))
    if cell.unit in PEAK_UNITS:
        return units.prefixed(value, cell.unit, relative)
    if cell.unit == "x":
        return "ref" if cell.reference else f"{units.rounded(value, relative)}x", ""
    return str(value) if isinstance(value, int) else units.rounded(value, relative), cell.unit


def cell_text(
    cell: Cell, scale: Scale | None = None, *, unit: bool = True, close: bool = False, alone: bool = False,
    made: tuple[str, str] | None = None,
) -> str:  # fmt: skip
    """``24.5 ms \u00b11.2%``; ``unit``: with it; ``close``: without the blanks in it; ``alone``: without interval and
    minimum; ``made``: what ``number_and_unit`` gave for it, if that is known."""
    if not isinstance(cell.value, (int, float)):
        return MISSING if cell.value is None else cell.value
    if cell.passes:
        counts = dict.fromkeys(cell.passes)
        return "; ".join(f"{n} in {rounds}" + f" +{more}" * bool(more) for n, rounds, more in counts)
    number, name = made or number_and_unit(cell, scale)
    blank = "" if close else " "
    text = (f"{number}{blank}{name}" if unit and name else number) + "?" * cell.doubtful
    if cell.unit in PEAK_UNITS:
        text += f" {units.part_text(cell.share)}"
    if alone:
        return text
    if cell.relative is not None and cell.valid:  # an interval would make an X look reliable
        text += blank + units.relative_text(cell.relative)
    if cell.minimum is not None and scale is not None:
        text += f" (min {scale.number(cell.minimum, cell.relative)})"
    return text
