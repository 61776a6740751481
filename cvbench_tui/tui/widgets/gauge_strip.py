"""The line of live gauges: what the machine and the ticked device are doing. The readings are ``engine.gauges``'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from cvbench_tui.base.escape import visible
from cvbench_tui.results.text.units import MISSING, hertz_text, share_text
from cvbench_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from cvbench_tui.engine.gauges import GaugeReading

OFF = "gauges off while measuring"
LAST = "last"  # label of a reading that is not live any more


class GaugeStrip(Line):
    """One line; what does not fit is left out from the right."""

    DEFAULT_CSS = """
    GaugeStrip { height: 1; padding: 0 1; background: $panel; color: $text-muted; text-wrap: nowrap; }
    GaugeStrip.-live { color: $text; }
    """

    _parts: Sequence[Sequence[str]] = ()
    _live = False

    def show(self, gauge: GaugeReading | None, device_id: str, paused: bool, *, live: bool = True) -> None:
        """Show this reading; nothing is drawn when the line stays as it was. ``live``: others will follow."""
        parts = [[OFF]] if paused else [] if gauge is None else gauge_parts(gauge, device_id)
        if gauge is not None and not paused and not live:
            parts[0].insert(0, LAST)
        self._parts, self._live = parts, live and bool(parts) and not paused
        self._draw()

    def _draw(self) -> None:
        self.set_class(self._live, "-live")
        self.put(Content(fitted(self._parts, self.size.width)))

    on_resize = _draw  # more or less may fit


def gauge_parts(gauge: GaugeReading, device_id: str) -> list[list[str]]:
    """The items of the machine, and those of the card if it is one: ``cpu 12%``, ``load 0.53``; a dash for None."""
    memory = _of(gauge.memory_used_bytes, gauge.memory_total_bytes)
    load = f"load {_number(gauge.load, 2)}"
    host = [f"cpu {share_text(gauge.cpu_share)}", *_clock(gauge.cpu_hz), load, f"mem {memory} GiB"]
    if device_id == "cpu":
        return [host]
    card = [
        f"{visible(device_id)} {share_text(gauge.gpu_share)}",
        *_clock(gauge.gpu_hz),
        f"{_number(gauge.gpu_celsius, 0)} C",
        f"{_number(gauge.gpu_watts, 0)} W",
        f"{_of(gauge.gpu_memory_used_bytes, gauge.gpu_memory_total_bytes)} GiB",
    ]
    known = (gauge.gpu_share, gauge.gpu_hz, gauge.gpu_celsius, gauge.gpu_watts, gauge.gpu_memory_total_bytes)
    return [host, card if any(value is not None for value in known) else [f"{visible(device_id)} {MISSING}"]]


def fitted(parts: Sequence[Sequence[str]], width: int) -> str:
    """The parts with a bar between them, so many whole items of them as there is room for."""
    line = ""
    for part in parts:
        for place, item in enumerate(part):
            longer = line + (" | " if line and not place else " " if line else "") + item
            if len(longer) > width:
                return line
            line = longer
    return line


def _clock(hz: float | None) -> list[str]:
    """Left out where it is not known, as in most virtual machines."""
    return [] if hz is None else [hertz_text(hz)]


def _number(value: float | None, decimals: int) -> str:
    return MISSING if value is None else f"{value:.{decimals}f}"


def _of(used: float | None, total: float | None) -> str:
    """``3.1/23.5``, in GiB."""
    return "/".join(_number(value and value / 2**30, 1) for value in (used, total))
