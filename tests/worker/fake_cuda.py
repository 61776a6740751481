"""A stand-in for ``torch.cuda``: a host clock, a device clock, streams that run side by side, events.

Host time passes when the host does something; the device works through what was queued in the meantime, and idles where
it is done before the next launch. Kernels and events fill one launch queue, and a host that finds it full waits. An
event's time is the device's when it gets there, and asking for it too early is an error, as on a card."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import contextmanager

import torch

from cvbench_tui.worker.devices.cuda import CudaBackend
from cvbench_tui.worker.timing.counters import DeviceReading, Snapshot

LAUNCH_S = 5e-6
"""Between a launch on an idle device and its beginning to run."""
HERTZ = 1e9
QUEUE = 1024
"""Launches that fit the queue; the host waits for room beyond."""


class Stream:
    """Work runs in order; ``free_s`` is when the device is done with all that was queued."""

    def __init__(self) -> None:
        self.free_s = 0.0
        self.idle_s = 0.0
        """Gaps between one piece of work and the launch of the next."""
        self.ends_s: deque[float] = deque()
        """Of what is queued and not done, as far as somebody has looked."""

    def wait_stream(self, other: Stream) -> None:
        self.free_s = max(self.free_s, other.free_s)


class FakeCuda:
    """The module. ``queue`` is how a workload launches a kernel."""

    def __init__(self, *, spins: bool = True, properties=None) -> None:
        self.host_s = 100.0
        self.event_s = 1e-6
        """Host time to make and record an event."""
        self.settle_s = 10e-6
        """From the end of all work to the return of a synchronise."""
        self.default = Stream()
        self.current = self.default
        self.streams = [self.default]
        self.synchronised: list = []
        self.spun_s: list[float] = []
        self.statistics = {"num_device_alloc": 3, "num_alloc_retries": 0}
        self.allocated = 0
        self.peak = 0
        self.total = 1 << 35
        self.elsewhere = 1 << 34
        """Bytes that others hold, and libraries beside the allocator."""
        self.fraction = 1.0
        self.properties = properties
        self.Event = type("Event", (FakeEvent,), {"cuda": self})
        self.CUDAGraph = type("CUDAGraph", (FakeGraph,), {"cuda": self})
        self.recording: FakeGraph | None = None
        self.sick = ""
        """What a recording fails with; empty where it does not."""
        if spins:
            self._sleep = self._spin

    def queue(self, device_s: float, host_s: float = 3e-6) -> None:
        """One kernel: the host needs ``host_s`` to launch it, the device ``device_s`` to run it. While a graph is
        recorded it is written down and not run."""
        self.host_s += host_s
        if self.recording is not None:
            self.recording.device_s += device_s
            return
        stream = self.current
        while stream.ends_s and stream.ends_s[0] <= self.host_s:
            stream.ends_s.popleft()
        if len(stream.ends_s) >= QUEUE:
            self.host_s = stream.ends_s.popleft()
        begins_s = max(stream.free_s, self.host_s + LAUNCH_S)
        stream.idle_s += begins_s - stream.free_s
        stream.free_s = begins_s + device_s
        stream.ends_s.append(stream.free_s)

    def new_stream(self) -> Stream:
        self.streams.append(Stream())
        return self.streams[-1]

    Stream = new_stream

    def current_stream(self) -> Stream:
        return self.current

    @contextmanager
    def stream(self, stream: Stream):
        before, self.current = self.current, stream
        yield
        self.current = before

    @contextmanager
    def graph(self, graph: FakeGraph):
        self.recording = graph
        try:
            yield
        finally:
            self.recording = None
        if self.sick:
            raise RuntimeError(self.sick)

    def _spin(self, cycles: int) -> None:
        self.spun_s.append(cycles / HERTZ)
        self.queue(cycles / HERTZ)

    def synchronize(self, device) -> None:
        self.synchronised.append(device)
        self.host_s = max(self.host_s, *(stream.free_s for stream in self.streams)) + self.settle_s

    def memory_stats(self, device) -> dict:
        return self.statistics

    def reset_peak_memory_stats(self, device) -> None:
        self.peak = self.allocated

    def max_memory_allocated(self, device) -> int:
        return self.peak

    def mem_get_info(self, device) -> tuple[int, int]:
        return self.total - self.elsewhere - self.allocated, self.total

    def memory_reserved(self, device) -> int:
        return self.allocated

    def set_per_process_memory_fraction(self, fraction: float, device) -> None:
        self.fraction = fraction

    def allocate(self, size: int) -> None:
        """As PyTorch's allocator: out of memory above the process's share, or where the card has no more."""
        held = self.allocated + size
        if held > min(self.fraction * self.total, self.total - self.elsewhere):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.allocated, self.peak = held, max(self.peak, held)

    def release(self, size: int) -> None:
        self.allocated -= size

    def get_device_properties(self, device):
        return self.properties


class FakeGraph:
    """What was recorded; a replay is one launch of it all."""

    cuda: FakeCuda

    def __init__(self) -> None:
        self.device_s = 0.0

    def replay(self) -> None:
        self.cuda.queue(self.device_s)


class FakeEvent:
    cuda: FakeCuda

    def __init__(self, *, enable_timing: bool) -> None:
        assert enable_timing
        self.at_s: float | None = None

    def record(self) -> None:
        self.cuda.queue(0.5e-6, self.cuda.event_s)
        self.at_s = self.cuda.current.free_s

    def elapsed_time(self, end: FakeEvent) -> float:
        if self.at_s is None or end.at_s is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        if max(self.at_s, end.at_s) > self.cuda.host_s:
            raise RuntimeError("device not ready")
        return 1e3 * (end.at_s - self.at_s)


class FakeCudaBackend(CudaBackend):
    """The real backend on the stand-in, with the stand-in's host clock."""

    def __init__(self, cuda: FakeCuda, device="cuda:0", card=None) -> None:
        super().__init__(device, cuda, card)
        self.counters = self
        self.fake = cuda
        self.gauged_at: list[tuple[float, float]] = []

    def read(self) -> Snapshot:
        return Snapshot(cpu_s=0.0, allocations=self.allocations())

    def now_s(self) -> float:
        return self.fake.host_s

    def wait(self, seconds: float) -> None:
        self.fake.host_s += seconds

    def read_device(self) -> DeviceReading:
        self.gauged_at.append((self.fake.host_s, self.fake.default.free_s))
        self.fake.host_s += 2e-3
        return super().read_device()


class FakePass:
    """A training pass of kernels: ``forward_s`` and ``backward_s`` on the device. ``host_s`` to launch each half and
    its ``kernels``, the same for both or two numbers."""

    name = "training"
    phases = ("forward", "backward", "total")
    segments = True

    def __init__(self, backend: FakeCudaBackend, forward_s: float, backward_s: float, host_s, kernels=4) -> None:
        self.backend, self.cuda = backend, backend.fake
        self.halves = (forward_s, backward_s)
        self.host_s = host_s
        self.kernels = kernels
        """Both may be changed after it was made, so they are read at each launch."""
        self.noise: Callable[[], float] = lambda: 1.0
        """Factor of each half's device time."""
        self.host_noise: Callable[[], float] = lambda: 1.0
        """Factor of each half's host time."""
        self.side_s = 0.0
        self.side = None

    def begin(self) -> None:
        pass

    def regions(self, count: int, group: int):
        return [self._region(group) for _ in range(count)]

    def seconds(self, marks):
        start, between, end = marks
        forward, backward = self.backend.seconds(start, between), self.backend.seconds(between, end)
        return forward, backward, forward + backward

    def segmented(self, operators: int, cut):
        """Each kernel is an operator."""
        counts = []
        for half, (device_s, host_s, kernels) in enumerate(self._halves()):
            if half:
                cut()
            counts.append(1)
            for number in range(kernels):
                if number and number % operators == 0:
                    cut()
                    counts[-1] += 1
                self.cuda.queue(device_s / kernels, host_s / kernels)
        self._hide(1)
        return tuple(counts)

    def _halves(self):
        """Device seconds, host seconds and kernels of forward and backward."""
        host_s, kernels = (each if isinstance(each, tuple) else (each, each) for each in (self.host_s, self.kernels))
        noise = [self.noise() for _ in self.halves]
        host_noise = [self.host_noise() for _ in self.halves]
        scaled = (
            [seconds * factor for seconds, factor in zip(*pair, strict=True)]
            for pair in ((self.halves, noise), (host_s, host_noise))
        )
        return list(zip(*scaled, kernels, strict=True))

    def _hide(self, group: int) -> None:
        """Work on a stream of its own."""
        if self.side_s:
            self.side = self.side or self.cuda.new_stream()
            self.cuda.current = self.side
            for _ in range(group):
                self.cuda.queue(self.side_s)
            self.cuda.current = self.cuda.default

    def _region(self, group: int):
        marks = [self.backend.mark()]
        for device_s, host_s, kernels in self._halves():
            for _ in range(group * kernels):
                self.cuda.queue(device_s / kernels, host_s / kernels)
            marks.append(self.backend.mark())
        self._hide(group)
        return tuple(marks)
