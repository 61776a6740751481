"""The thread that reads the gauges, while that can be of use.

An app without user input writes nothing to its terminal and uses no CPU, but even an idle machine's readings change at
any rounding. So they are read once a second while a run is on and for ``LIVE_S`` after each key or click; then the
thread sleeps without a time-out until it is woken. It rests while a case is timed on few cores.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from cvbench_tui.tui.messages import GaugeRead, Post

if TYPE_CHECKING:
    from cvbench_tui.engine.host.gauges import GaugeReader

EVERY_S = 1.0  # shortest time between two readings
LIVE_S = 5.0  # how long the gauges stay live after a key


class GaugeThread(threading.Thread):
    """Posts ``GaugeRead`` while readings are wanted; begins asleep. Every method may be called from any thread."""

    def __init__(self, post: Post, gauges: GaugeReader, *, every_s: float = EVERY_S, live_s: float = LIVE_S) -> None:
        super().__init__(daemon=True, name="gauges")
        self._post, self._gauges = post, gauges
        self._every_s, self._live_s = every_s, live_s
        self._changed = threading.Condition()
        self._until = float("-inf")
        self._running = self._paused = self._stopped = False

    def wake(self) -> None:
        """Live for the next seconds, after user input. Costs nothing while it is live already."""
        asleep = self._until < time.monotonic()
        self._until = time.monotonic() + self._live_s
        if asleep:
            self._notify()

    def follow(self, *, running: bool, paused: bool) -> None:
        """``running``: a run is on, so live until it is not. ``paused``: read nothing. Not between two cases."""
        if (running, paused) != (self._running, self._paused):
            if self._paused and not paused:  # the strip says that gauges are off, which a reading has to replace
                self._until = time.monotonic() + self._live_s
            self._running, self._paused = running, paused
            self._notify()

    def stop(self) -> None:
        """End it; the thread ends at once, or as soon as the driver has answered."""
        self._stopped = True
        self._notify()

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
        """Wait so many seconds, with None until a reading is wanted; less when stopped or paused. False when
        stopped."""
        with self._changed:
            if seconds is None:
                self._changed.wait_for(lambda: self._stopped or self._wanted())
            else:
                self._changed.wait_for(lambda: self._stopped or self._paused, seconds)
        return not self._stopped

    def _wanted(self) -> bool:
        return not self._paused and (self._running or time.monotonic() < self._until)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
