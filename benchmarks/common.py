"""What the benchmark programs share: our engine and other harnesses side by side, and the machine in one line."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.results.stats.phase_stats import PhaseResult
from cvbench_tui.selftest.context import CheckContext, Scope
from cvbench_tui.selftest.reference import Reference

RIVALS = (sys.executable, str(Path(__file__).with_name("rival_loops.py")))
"""The reference program with the harnesses of ``rival_loops.py``."""
IDLE = 0.05  # most that others may use of the cores on a machine that is called idle
Entry = tuple[str, int, int]
"""Name, side of the image (0: a layer), batch."""


@contextmanager
def opened(
    device: str, scope: Scope, worker: Sequence[str] | None = None, loops: Sequence[str] = RIVALS
) -> Iterator[CheckContext]:
    """Both sides, started; ended again whatever happens. ``worker``: another command for ours; ``loops``: another
    reference program."""
    source, reference = LiveSource(worker), Reference(loops)
    try:
        environment = source.probe()
        found = environment.device(device)
        if found is None or not found.available:
            raise SystemExit(f"{device} cannot be used here.")
        yield CheckContext(source, reference, environment, device, int(environment.fact("threads") or 1), scope)
    finally:
        source.close()
        reference.close()


def machine(bench: CheckContext) -> str:
    """The machine and its load, in one line."""
    found = bench.environment.device(bench.device)
    name = found.name if found else bench.device
    torch = bench.environment.version("torch")
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    return f"{name}, {os.cpu_count()} cores, {bench.threads} threads, torch {torch}, load {load}"


def workload_of(entry: Entry) -> Workload:
    """The entry's model or layer."""
    name, image, _ = entry
    return find_model(name).workload.with_image(image) if image else find_layer(name).workload


def case_of(bench: CheckContext, entry: Entry, scale: int = 1) -> Case:
    """The entry on the bench's device, its batch times ``scale``."""
    return bench.case(workload_of(entry), batch=entry[2] * scale)


def label(entry: Entry, scale: int = 1) -> str:
    """``resnet18@64 x2``."""
    name, image, batch = entry
    return f"{name}@{image} x{batch * scale}" if image else f"{name} x{batch * scale}"


def letter(result: PhaseResult | None) -> str:
    """The number's own letter, capped by its marks; X where there is none."""
    return "X" if result is None or result.grade is None else result.grade


@dataclass(frozen=True)
class Reading:
    """Clocks of the machine, seconds."""

    at_s: float
    busy_s: float | None
    """Of all cores, the hypervisor's other guests included; None where the system does not tell."""
    own_s: float
    """Of this process and of all that it waited for."""

    @classmethod
    def now(cls, stat: Path = Path("/proc/stat")) -> Reading:
        """At this moment."""
        busy_s = None
        if stat.exists():
            user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, stat.read_text().split()[1:9])
            busy_s = (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
        return cls(time.monotonic(), busy_s, sum(os.times()[:4]))

    def others(self, before: Reading, cores: int) -> float | None:
        """Share of the cores that others used since then."""
        if self.busy_s is None or before.busy_s is None:
            return None
        theirs_s = (self.busy_s - before.busy_s) - (self.own_s - before.own_s)
        return max(0.0, theirs_s / (cores * (self.at_s - before.at_s)))


@dataclass(frozen=True)
class Bar:
    """A limit that a program's figure has to reach."""

    name: str
    value: float | None
    """None: not judged."""
    limit: float
    at_least: bool = True
    """False: the limit is the most that it may be."""
    note: str = ""
    """What the figure is of, or why it is not judged."""

    @property
    def verdict(self) -> str:
        """met, missed or not judged."""
        if self.value is None:
            return "not judged"
        reached = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "met" if reached else "missed"

    def line(self) -> str:
        """``missed      overlap  0.850, bar at least 0.9: 17 of 20``."""
        value = "-" if self.value is None else f"{self.value:.3f}"
        side = "at least" if self.at_least else "at most"
        return (
            f"{self.verdict:<11} {self.name:<44}{value:>8}  bar {side} {self.limit:.3g}{self.note and ': '}{self.note}"
        )


def conclude(bars: Sequence[Bar]) -> int:
    """Print the bars. Returns the exit code: 1 when one is missed."""
    for bar in bars:
        print(bar.line())
    return int(any(bar.verdict == "missed" for bar in bars))


def cv(values: Sequence[float]) -> float:
    """Standard deviation over mean: the spread of runs, as a share."""
    return stdev(values) / fmean(values)


def robust_cv(values: list[float]) -> float:
    """The same from the median absolute deviation, which one bad run does not move (1.4826: equal for a normal)."""
    centre = median(values)
    return 1.4826 * median(abs(value - centre) for value in values) / centre


def parser(description: str | None, *, device: str = "cpu") -> argparse.ArgumentParser:
    """With what every program takes: ``--device``, and ``--help`` as the file's own first lines."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-d", "--device", default=device, help="cpu, cuda:0, mps ... (default: %(default)s)")
    return made
