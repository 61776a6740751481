"""The line of live gauges: what the machine and the picked device are doing. The readings are ``engine.gauges``'.

It is live only while it can be of use. An app that nobody touches writes nothing to its terminal and uses no processor,
and no way of rounding keeps the numbers of an idle machine still. So the thread reads once a second while a run is on
and for ``LIVE_S`` after each key or click; then the last reading stays, dim and called so, and the thread sleeps
without a time-out until it is woken. While a case is timed on a machine with few cores it is off, and says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rich.text import Text
from textual.message import Message
from textual.widgets import Static

from cvbench_tui.base.cores import CORES_FOR_APP
from cvbench_tui.base.escape import visible
from cvbench_tui.results.text.units import MISSING, hertz_text, share_text

if TYPE_CHECKING:
    from cvbench_tui.engine.gauges import GaugeReading

EVERY_S = 1.0
"""Shortest time between two readings."""
LIVE_S = 5.0
"""How long the gauges stay live after a key."""
OFF = "gauges off while measuring"
LAST = "last"
"""Stands before a reading that is not live any more."""
_GIB = 2**30


def allowed(running_device: str | None, cores: int) -> bool:
    """False while a case is measured on the cpu of a machine with fewer than four usable cores.

    ``running_device``: where the case runs that is being measured, None between cases and without a run.
    """
    return running_device != "cpu" or cores >= CORES_FOR_APP


class GaugeRead(Message):
    """A reading. ``live`` is False for one that repeats the last, because no other will come for now."""

    def __init__(self, gauge: GaugeReading, *, live: bool = True) -> None:
        super().__init__()
        self.gauge = gauge
        self.live = live


class Reader(Protocol):
    """What the thread reads: ``engine.gauges.Gauges``."""

    def read(self) -> GaugeReading:
        """One reading."""

    def close(self) -> None:
        """Let the libraries go."""


class GaugeThread(threading.Thread):
    """Reads while it is wanted and posts ``GaugeRead``; begins asleep. Every method may be called from any thread."""

    def __init__(
        self, post: Callable[[Message], object], gauges: Reader, *, every_s: float = EVERY_S, live_s: float = LIVE_S
    ) -> None:
        super().__init__(daemon=True, name="gauges")
        self._post, self._gauges = post, gauges
        self._every_s, self._live_s = every_s, live_s
        self._changed = threading.Condition()
        self._until = float("-inf")
        self._running = self._paused = self._stopped = False

    def wake(self) -> None:
        """Somebody is there: live for the next seconds. Costs nothing while it is live already."""
        asleep = self._until < time.monotonic()
        self._until = time.monotonic() + self._live_s
        if asleep:
            self._tell()

    def follow(self, *, running: bool, paused: bool) -> None:
        """``running``: a run is on, so live until it is not. ``paused``: read nothing, see ``allowed``.

        To be told when a case starts and when the run ends, not in the moment between two cases.
        """
        if (running, paused) != (self._running, self._paused):
            if self._paused and not paused:  # what stands there is OFF, which a reading has to replace
                self._until = time.monotonic() + self._live_s
            self._running, self._paused = running, paused
            self._tell()

    def stop(self) -> None:
        """End it; the thread ends at once, or as soon as the driver has answered."""
        self._stopped = True
        self._tell()

    def run(self) -> None:
        """Read and post until stopped."""
        while self._sleep(None):
            self._gauges.read()  # the busy share counts from here on, not from the last key
            self._sleep(self._every_s / 4)
            gauge = None
            while self._wanted() and not self._stopped:
                gauge = self._gauges.read()
                self._post(GaugeRead(gauge))
                self._sleep(self._every_s)
            if gauge is not None and not (self._wanted() or self._paused or self._stopped):
                self._post(GaugeRead(gauge, live=False))
        self._gauges.close()

    def _sleep(self, seconds: float | None) -> bool:
        """So long, or with None until a reading is wanted; shorter when stopped or paused. False when stopped."""
        with self._changed:
            if seconds is None:
                self._changed.wait_for(lambda: self._stopped or self._wanted())
            else:
                self._changed.wait_for(lambda: self._stopped or self._paused, seconds)
        return not self._stopped

    def _wanted(self) -> bool:
        return not self._paused and (self._running or time.monotonic() < self._until)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()


class GaugeStrip(Static):
    """One line; what does not fit is left out from the right."""

    DEFAULT_CSS = """
    GaugeStrip { height: 1; padding: 0 1; background: $panel; color: $text-muted; text-wrap: nowrap; }
    GaugeStrip.-live { color: $text; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._shown: tuple[list[list[str]], bool] = ([], False)
        self._line = ""

    def show(self, gauge: GaugeReading | None, device_id: str, paused: bool, *, live: bool = True) -> None:
        """Show this reading; nothing is drawn when the line stays as it was. ``live``: others will follow."""
        if paused:
            parts = [[OFF]]
        else:
            parts = [] if gauge is None else gauge_parts(gauge, device_id)
            if parts and not live:
                parts[0].insert(0, LAST)
        self._shown = (parts, live and bool(parts) and not paused)
        self._draw()

    def on_resize(self) -> None:
        """More or less may fit."""
        self._draw()

    def _draw(self) -> None:
        parts, live = self._shown
        line = fitted(parts, self.size.width)
        self.set_class(live, "-live")
        if line != self._line:
            self._line = line
            self.update(Text(line), layout=False)


def gauge_parts(gauge: GaugeReading, device_id: str) -> list[list[str]]:
    """The items of the machine, and those of the card if it is one: ``cpu 12%``, ``load 0.53``; a dash for None."""
    load = MISSING if gauge.load is None else f"{gauge.load:.2f}"
    memory = _of(gauge.memory_used_bytes, gauge.memory_total_bytes)
    host = [f"cpu {share_text(gauge.cpu_share)}", *_clock(gauge.cpu_hz), f"load {load}", f"mem {memory}"]
    if device_id == "cpu":
        return [host]
    card = [
        f"{visible(device_id)} {share_text(gauge.gpu_share)}",
        *_clock(gauge.gpu_hz),
        f"{_whole(gauge.gpu_celsius)} C",
        f"{_whole(gauge.gpu_watts)} W",
        _of(gauge.gpu_memory_used_bytes, gauge.gpu_memory_total_bytes),
    ]
    known = (gauge.gpu_share, gauge.gpu_hz, gauge.gpu_celsius, gauge.gpu_watts, gauge.gpu_memory_total_bytes)
    return [host, card if any(value is not None for value in known) else [f"{visible(device_id)} {MISSING}"]]


def fitted(parts: list[list[str]], width: int) -> str:
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
    """Left out where it is not told, as in most virtual machines."""
    return [] if hz is None else [hertz_text(hz)]


def _whole(value: float | None) -> str:
    return MISSING if value is None else f"{value:.0f}"


def _of(used: float | None, total: float | None) -> str:
    """``3.1/23.5 GiB``."""
    texts = (MISSING if value is None else f"{value / _GIB:.1f}" for value in (used, total))
    return f"{'/'.join(texts)} GiB"
