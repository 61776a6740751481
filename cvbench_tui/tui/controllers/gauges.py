"""Which device the gauges read and when: one thread for the ticked device, off where it would disturb the timing."""

from __future__ import annotations

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.core.environment import Device
from cvbench_tui.tui.background.gauge_thread import GaugeThread, allowed
from cvbench_tui.tui.messages import Post


class GaugesController:
    """Reads the gauges of the ticked device. It draws nothing."""

    def __init__(self, post: Post, *, off: bool) -> None:
        """``off``: the user wants no gauges; then nothing is ever read."""
        self.device_id = "cpu"  # the device of the gauges
        self.paused = False  # True while they would disturb what is measured
        self._post = post
        self._off = off
        self._thread: GaugeThread | None = None

    def follow(self, device: Device | None, pci_id: str = "", *, running: bool, on: str | None) -> None:
        """``device``: the ticked one, ``pci_id``: its address on the bus, where it is a card with one.

        ``running``: a run is on; ``on``: the device of the case being measured, None while there is none.
        """
        if self._off:
            return
        device_id = device.id if device is not None else "cpu"
        if self._thread is None or device_id != self.device_id:
            from cvbench_tui.engine.gauges import GaugeReader

            self.stop()
            self.device_id = device_id
            uuid = (device.uuid or None) if device else None
            self._thread = GaugeThread(self._post, GaugeReader(device_id, uuid=uuid, pci_id=pci_id or None))
            self._thread.start()
        self.paused = not allowed(on, usable_cores())
        self._thread.follow(running=running, paused=self.paused)

    def wake(self) -> None:
        """The user pressed a key: read for a while."""
        if self._thread is not None:
            self._thread.wake()

    def stop(self) -> None:
        """No more readings."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
