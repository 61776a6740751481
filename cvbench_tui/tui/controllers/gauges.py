"""Which device the gauges read and when: one thread for the ticked device, off where it would disturb the timing."""

from __future__ import annotations

from cvbench_tui.base.cores import CORES_FOR_APP, usable_cores
from cvbench_tui.tui.background.gauge_thread import GaugeThread
from cvbench_tui.tui.messages import Post
from cvbench_tui.tui.state.checklist_model import ChecklistModel
from cvbench_tui.tui.state.run_state import RunState
from cvbench_tui.tui.widgets.strips import GaugeStrip


class GaugesController:
    """Reads the gauges of the ticked device and shows them."""

    def __init__(self, post: Post, strip: GaugeStrip, devices: ChecklistModel, *, off: bool) -> None:
        """``off``: the user wants no gauges; then nothing is ever read."""
        self.paused = False  # True while they would disturb what is measured
        self.device_id = "cpu"  # the device of the gauges
        self._post = post
        self._strip = strip
        self._devices = devices
        self._off = off
        self.thread: GaugeThread | None = None

    def follow(self, state: RunState) -> None:
        """Read the first ticked device, while the run leaves room for that. Between two cases everything stays."""
        case = state.run.running if state.run is not None else None
        if self._off or (state.running and case is None):
            return
        ticked = next(iter(self._devices.ticked), "cpu")
        if self.thread is None or ticked != self.device_id:
            self._begin(ticked, state)
        on = state.run.plan.case(case.case_id).device if state.run is not None and case is not None else None
        self.paused = on == "cpu" and usable_cores() < CORES_FOR_APP
        if self.thread is not None:
            self.thread.follow(running=state.running, paused=self.paused)
        if self.paused:
            self._strip.show(None, self.device_id, True)

    def _begin(self, device_id: str, state: RunState) -> None:
        from cvbench_tui.engine.host.gauges import GaugeReader

        self.stop()
        device = state.environment.device(device_id) if state.environment is not None else None
        self.device_id = device.id if device is not None else "cpu"
        uuid = (device.uuid or None) if device is not None else None
        fact = state.environment.fact(f"{device_id}.pci_id") if state.environment is not None else None
        reader = GaugeReader(self.device_id, uuid=uuid, pci_id=str(fact) if fact else None)
        self.thread = GaugeThread(self._post, reader)
        self.thread.start()

    def stop(self) -> None:
        """No more readings."""
        if self.thread is not None:
            self.thread.stop()
            self.thread = None
