"""What the stopwatch assumes about a card, and the times it should find, in plain torch: not one line of ours.

First the facts: the clock of the spin kernel, how many launches fit the queue, what an empty region and the gap between
two kernels cost. Then each model, training and inference:

    wall     seconds an iteration, back to back, by the host's clock
    host     seconds in which the host queues one iteration, from an idle device
    kernels  seconds of the kernels alone, by the profiler, and how many there are
    span     from the first kernel to the end of the last, by the profiler, behind a spin: kernels and their gaps.
             None where the host does not get all queued while the spin lasts
    graph    one replay of a graph of the same kernels, by events: the shortest gaps there can be

A probe that fails costs its own figure only. Without a card the wall times are all there is. About a minute on a card.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torchvision
from torch.autograd import DeviceType  # type: ignore[attr-defined, unused-ignore]
from torch.profiler import ProfilerActivity, profile

MODELS = ("resnet18:8", "resnet50:8", "vgg16:8", "resnet101:4", "resnet152:4", "resnet50:128")
IMAGE = 224
WARM_UP = 5
WALL_S = 0.3  # of one of the three wall measurements, whose median counts
TRACED = 5  # iterations under the profiler
REPLAYS = 20
SPIN = "spin_kernel"  # in the name of the kernel behind torch.cuda._sleep

cuda: Any = torch.cuda  # typed in part only
Kernel = tuple[str, float, float]
"""Name, start and end, microseconds."""
Step = Callable[[], object]
Figures = dict[str, float | None]


def iterations(kernels: Iterable[Kernel]) -> list[tuple[float, float, float, int]]:
    """For each spin, by time: its seconds; then, of the kernels up to the next one, the seconds of them all, from the
    first's start to the last's end, and how many they are."""
    groups: list[tuple[float, list[Kernel]]] = []
    for kernel in sorted(kernels, key=lambda each: each[1]):
        if SPIN in kernel[0]:
            groups.append(((kernel[2] - kernel[1]) * 1e-6, []))
        elif groups:
            groups[-1][1].append(kernel)
    return [
        (
            spin_s,
            sum(end - start for _, start, end in group) * 1e-6,
            (max(end for *_, end in group) - group[0][1]) * 1e-6,
            len(group),
        )
        for spin_s, group in groups
        if group
    ]


class Card:
    """Events, spins and waits on one card."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        cuda.set_device(device)
        self.cycles_per_s = [self.spin_rate() for _ in range(3)][-1]

    def mark(self) -> Any:
        """An event recorded on the current stream."""
        event = cuda.Event(enable_timing=True)
        event.record()
        return event

    def wait(self) -> None:
        """Until the card has done all it was given."""
        cuda.synchronize(self.device)

    def spin(self, seconds: float) -> None:
        """Keep the current stream busy for about so long."""
        cuda._sleep(int(seconds * self.cycles_per_s))

    def spin_rate(self, cycles: int = 20_000_000) -> float:
        """Cycles a second of the spin kernel."""
        start = self.mark()
        cuda._sleep(cycles)
        end = self.mark()
        self.wait()
        return float(cycles / (start.elapsed_time(end) * 1e-3))


def spin_clock(card: Card) -> dict[str, float]:
    """How steady the spin's clock is."""
    rates = [card.spin_rate() for _ in range(5)]
    return {"spin_lowest_hz": min(rates), "spin_highest_hz": max(rates)}


def queue_depth(card: Card) -> dict[str, float]:
    """How many launches fit the queue: the first one behind a long spin that takes more than 20 ms."""
    one, found = torch.zeros(1, device=card.device), {}
    launches: dict[str, Step] = {"kernel": lambda: one.add_(1), "event": card.mark}
    for kind, launch in launches.items():
        card.wait()
        card.spin(0.5)
        times = []
        for _ in range(3000):
            start = time.perf_counter()
            launch()
            times.append(time.perf_counter() - start)
        card.wait()
        found[f"queue_{kind}s"] = float(next((place for place, each in enumerate(times) if each > 0.02), len(times)))
        found[f"launch_{kind}_s"] = median(times)
    return found


def empty_region(card: Card) -> dict[str, float]:
    """Seconds between two events with nothing in between, on an idle device and behind a spin."""
    card.wait()
    idle = [(card.mark(), card.mark()) for _ in range(200)]
    card.wait()
    card.spin(0.02)
    behind = [(card.mark(), card.mark()) for _ in range(200)]
    card.wait()
    seconds = {
        kind: [start.elapsed_time(end) * 1e-3 for start, end in pairs]
        for kind, pairs in (("idle", idle), ("behind", behind))
    }
    readings = sorted({round(each, 10) for values in seconds.values() for each in values})
    steps = [after - before for before, after in pairwise(readings)]
    found = {f"empty_{kind}_s": median(values) for kind, values in seconds.items()}
    return found | {"event_step_s": min(steps, default=0.0)}


def gaps(card: Card) -> dict[str, float]:
    """Seconds of one of the smallest kernels, with its gap, in regions of so many of them behind a spin."""
    small, found = torch.zeros(1 << 12, device=card.device), {}
    for count in (1, 8, 64):
        card.spin(0.01)
        regions = []
        for _ in range(12):
            start = card.mark()
            for _ in range(count):
                small.add_(1)
            regions.append((start, card.mark()))
        card.wait()
        found[f"kernel_of_{count}_s"] = median(start.elapsed_time(end) * 1e-3 for start, end in regions) / count
    return found


def idle_wait(card: Card) -> dict[str, float]:
    """Seconds of waiting for a device that has nothing to do."""
    card.wait()
    start = time.perf_counter()
    for _ in range(200):
        card.wait()
    return {"idle_wait_s": (time.perf_counter() - start) / 200}


PROBES = (spin_clock, queue_depth, empty_region, gaps, idle_wait)


def wall_s(step: Step, wait: Callable[[], object]) -> float:
    """Seconds of an iteration, back to back."""
    for _ in range(WARM_UP):
        step()
    wait()
    means, count = [], 1
    for _ in range(4):  # the first one, of a single iteration, only says how many to take
        start = time.perf_counter()
        for _ in range(count):
            step()
        wait()
        means.append((time.perf_counter() - start) / count)
        count = max(5, int(WALL_S / means[0]))
    return median(means[1:])


def host_s(step: Step, wait: Callable[[], object]) -> float:
    """Seconds in which one iteration is queued, from an idle device: the queue has room."""
    times = []
    for _ in range(7):
        wait()
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    wait()
    return median(times)


def traced(step: Step, card: Card, queued_s: float) -> Figures:
    """The kernels of an iteration by the profiler, each one behind a spin longer than the host should need."""
    needed = []
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for _ in range(TRACED):
            card.spin(3 * queued_s + 0.005)  # the profiler makes launches slower
            start = time.perf_counter()
            step()
            needed.append(time.perf_counter() - start)
            card.wait()
    events: Any = profiler.events()
    found = iterations(
        (event.name, event.time_range.start, event.time_range.end)
        for event in events
        if event.device_type == DeviceType.CUDA and "Sync" not in event.name
    )
    if len(found) != TRACED:
        raise RuntimeError(f"{len(found)} of {TRACED} spins in the trace")
    covered = [span for (spin, _, span, _), host in zip(found, needed, strict=True) if host < spin]
    return {
        "kernel_s": median(kernel for _, kernel, _, _ in found),
        "launches": median(count for *_, count in found),
        "span_s": median(covered) if covered else None,
    }


def replayed(step: Step, card: Card) -> Figures:
    """Seconds of one replay of a graph of the iteration."""
    side = cuda.Stream(card.device)
    side.wait_stream(cuda.current_stream(card.device))
    with cuda.stream(side):
        for _ in range(3):
            step()
    cuda.current_stream(card.device).wait_stream(side)
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        step()
    for _ in range(3):
        graph.replay()
    start = card.mark()
    for _ in range(REPLAYS):
        graph.replay()
    end = card.mark()
    card.wait()
    return {"graph_s": start.elapsed_time(end) * 1e-3 / REPLAYS}


def survive(name: str, probe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What it finds, and nothing where it fails: the others go on."""
    try:
        return probe()
    except Exception:
        print(f"{name} failed:")
        traceback.print_exc(file=sys.stdout)
        return {}


def phase(name: str, step: Step, card: Card | None) -> Figures:
    """All that is known of one pass."""
    wait = card.wait if card else lambda: None
    found: Figures = {"wall_s": wall_s(step, wait)}
    if card is None:
        return found
    found["host_s"] = queued_s = host_s(step, wait)
    found |= survive(f"{name}, profiler", lambda: traced(step, card, queued_s))
    return found | survive(f"{name}, graph", lambda: replayed(step, card))


def model(name: str, batch: int, device: torch.device, card: Card | None) -> dict[str, Figures]:
    """One model: its training iteration (``total``) and ``inference``."""
    network = getattr(torchvision.models, name)(weights=None).to(device).train()
    images = torch.randn(batch, 3, IMAGE, IMAGE, device=device)
    gradient = torch.randn_like(network(images).detach())
    parameters = list(network.parameters())

    def train() -> None:
        for parameter in parameters:
            parameter.grad = None
        network(images).backward(gradient)

    total = phase(f"{name}, training", train, card)
    for parameter in parameters:
        parameter.grad = None
    network.eval()
    with torch.inference_mode():
        return {"total": total, "inference": phase(f"{name}, inference", lambda: network(images), card)}


def line(name: str, batch: int, phases: dict[str, Figures]) -> str:
    """One model as it is printed."""
    texts = []
    for title, found in phases.items():
        times = {key[:-2]: value for key, value in found.items() if key.endswith("_s")}
        figures = [f"{key} {'-' if value is None else format(1e3 * value, '.3f')}" for key, value in times.items()]
        launches = f", {found['launches']:.0f} launches" if found.get("launches") else ""
        texts.append(f"{title} {', '.join(figures)} ms{launches}")
    return f"{name} x{batch}: {'; '.join(texts)}"


def entry(text: str) -> tuple[str, int]:
    """``resnet18:8``: name and batch."""
    name, _, batch = text.partition(":")
    return name, int(batch or 1)


def main(words: Sequence[str] | None = None) -> int:
    """Print every fact; write them after each model. Returns the exit code: 1 where a model gave nothing."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("device", nargs="?", default="cuda:0", help="cuda:0, cpu (default: %(default)s)")
    arguments.add_argument("-o", "--output", type=Path, help="all figures as JSON, in seconds")
    arguments.add_argument("--models", type=entry, nargs="*", default=[entry(text) for text in MODELS])
    arguments.add_argument("--only-models", action="store_true", help="no facts of the card")
    options = arguments.parse_args(words)
    device = torch.device(options.device)
    told: dict[str, Any] = {"device": options.device, "torch": torch.__version__, "facts": {}, "models": []}
    card = None
    if device.type == "cuda" and not cuda.is_available():
        print("PyTorch finds no card here; for the wall times alone: gpu_truth.py cpu")
        return 1
    if device.type == "cuda":
        card, properties = Card(device), cuda.get_device_properties(device)
        told |= {"name": properties.name, "uuid": str(getattr(properties, "uuid", "")), "cuda": torch.version.cuda}
        told["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call, unused-ignore]
    else:
        print(f"{device} has no events and no launch queue: the facts of a card are left out")
    print(", ".join(f"{key} {value}" for key, value in told.items() if isinstance(value, (str, int))), flush=True)
    for probe in () if card is None or options.only_models else PROBES:
        found = survive(probe.__name__, lambda probe=probe: probe(card))  # type: ignore[misc]
        told["facts"] |= found
        print(f"{probe.__name__}: {', '.join(f'{key} {value:.4g}' for key, value in found.items())}", flush=True)
    for name, batch in options.models:
        started = time.perf_counter()
        phases = survive(name, lambda name=name, batch=batch: model(name, batch, device, card))  # type: ignore[misc]
        told["models"].append({"name": name, "batch": batch, "image": IMAGE, "phases": phases})
        print(f"{line(name, batch, phases)} [{time.perf_counter() - started:.1f} s]", flush=True)
        if card is not None:
            cuda.empty_cache()
        if options.output:
            options.output.write_text(json.dumps(told, indent=1) + "\n")
    return int(any(not each["phases"] for each in told["models"]))


if __name__ == "__main__":
    sys.exit(main())
