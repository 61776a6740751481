"""Other programs on the cores and cards that a plan measures on: what they use now, and the wait until they do not.

The load average is a mean of the last minute and counts this program too, so CPU seconds are read twice instead. What a
system does not report is None, and nothing is said about it. psutil is imported with the first look.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from cvbench_tui.base.cores import CORES_FOR_APP, affinity, usable_cores
from cvbench_tui.base.escape import one_line
from cvbench_tui.base.nvml import NvmlCard
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Plan
from cvbench_tui.engine.device_lock import DeviceLocks

if TYPE_CHECKING:
    import psutil

WINDOW_S = 0.5
"""Between two readings. The kernel counts CPU time in ticks of 10 ms: 2% of a core over this window."""
BUSY_CORES = 0.2
"""Cores that other programs take from a measurement, from which the machine is busy: ten times the resolution, and more
than what a desktop at rest draws and polls (some hundredths of a core; from four cores on one is left to it anyway). A
program that computes uses 0.9 or more. At 0.2 of two cores a thread may wait for a tenth of its time; 5% is grade C."""
IDLE_WINDOWS = 3  # in a row, before a wait ends: between two files a compiler is idle for a moment
MAIN_SHARE = 0.5  # of what others use, from which one program is named as the reason
MAX_NAME = 30  # characters
KERNEL_THREADS = 2  # process that is the parent of all of them
Programs = Mapping[tuple[int, str], float]  # CPU seconds since it began, by a process's id and name


@dataclass(frozen=True)
class Others:
    """What other programs use at a moment."""

    used_cores: float | None = None  # mean number of cores over the window, of those that we may use; None: not known
    cores: int = 1  # that we may use
    needed_cores: int = 1  # for the measurement
    program: str = ""  # the one that uses most of it, printable; empty when that is not known
    cards: tuple[str, ...] = ()  # ids of the plan's cards that they compute on
    holder: str = ""  # whose run measures on one of the plan's devices, in a sentence; empty when none does

    @property
    def taken(self) -> bool:
        """True where they use cores that the measurement needs."""
        spare_cores = self.cores - self.needed_cores
        return self.used_cores is not None and self.used_cores - spare_cores > BUSY_CORES

    @property
    def busy(self) -> bool:
        """True where times would be theirs too."""
        return self.taken or bool(self.cards) or bool(self.holder)

    @property
    def use(self) -> str:
        """``Other programs use 1.8 of the 2 cores, most of it ffmpeg, and compute on cuda:0``; another run, which would
        be most of it; empty when idle."""
        if self.holder:
            return self.holder.rstrip(".")
        parts = []
        if self.taken and self.used_cores is not None:
            many = "of the 1 core" if self.cores == 1 else f"of the {self.cores} cores"
            program = f", most of it {self.program}" if self.program else ""
            parts.append(f"use {self.used_cores:.1f} {many}{program}")
        if self.cards:
            parts.append(f"compute on {' and '.join(self.cards)}")
        return f"Other programs {', and '.join(parts)}" if parts else ""

    @property
    def sentence(self) -> str:
        """That, and what it means; empty when idle."""
        return f"{self.use}: the times would be theirs too." if self.busy else ""


class Machine(Protocol):
    """What is read of the machine; a test has one of its own. Every reading may be None or empty: not known."""

    cores: int  # that we may use
    usable_cores: int  # of them by the quota

    def now_s(self) -> float:
        """Seconds since any fixed moment."""

    def pause(self, stopped: threading.Event) -> None:
        """Let one window pass, less when it is stopped."""

    def others_s(self) -> float | None:
        """CPU seconds of all processes but ours on those cores, since any fixed moment."""

    def programs_s(self) -> Programs:
        """Every process but ours."""

    def busy_cards(self, since_s: float) -> tuple[str, ...]:
        """Ids of the cards on which others computed since then, seconds since the epoch."""


class Watch:
    """Looks at other programs where that plan would be measured. ``look`` and ``wait`` block; ``stop`` ends both, from
    any thread."""

    def __init__(
        self, environment: Environment, plan: Plan, machine: Machine | None = None, locks: DeviceLocks | None = None
    ) -> None:
        """``machine``: in place of this one. ``locks``: of the plan's devices; they are looked at and not kept."""
        self._environment = environment
        self._plan = plan
        self._machine = machine
        self._locks = locks
        self._stopped = threading.Event()

    def look(self) -> Others:
        """What others use now. A single busy moment does not count: there is a second window then."""
        with self._opened() as machine:
            others = self._window(machine)
            if not others.busy:
                return others
            programs = machine.programs_s()  # 0.1 ms for each process of the machine: only here
            others = self._window(machine)
            return replace(others, program=_main(programs, machine.programs_s()))

    def wait(self, limit_s: float = math.inf, tell: Callable[[Others], object] = lambda others: None) -> bool:
        """Wait until they have left, at most so long. ``tell`` gets what each look finds. False when they have not, or
        it was stopped."""
        idle = 0
        with self._opened() as machine:
            until_s = machine.now_s() + limit_s
            while not self._stopped.is_set():
                others = self._window(machine)
                tell(others)
                idle = 0 if others.busy else idle + 1
                if idle >= IDLE_WINDOWS:
                    return not self._stopped.is_set()
                if machine.now_s() >= until_s:
                    break
        return False

    def wait_for_devices(self) -> None:
        """Wait until no other run has one of the plan's devices."""
        while self._holder() and not self._stopped.wait(WINDOW_S):
            pass

    def stop(self) -> None:
        """No further look, and no waiting."""
        self._stopped.set()

    def _window(self, machine: Machine) -> Others:
        """What others use over one window."""
        begun_s, at_s, before_s = time.time(), machine.now_s(), machine.others_s()
        machine.pause(self._stopped)
        after_s, wall_s = machine.others_s(), machine.now_s() - at_s
        used = None if before_s is None or after_s is None else max(0.0, after_s - before_s) / max(wall_s, 1e-9)
        cards, holder = machine.busy_cards(begun_s), self._holder()
        return Others(used, machine.cores, self._needed(machine), cards=cards, holder=holder)

    def _holder(self) -> str:
        """Whose run has one of the plan's devices now, in a sentence; empty when none has."""
        if self._locks is None:
            return ""
        holder = self._locks.look()
        return "" if holder is None else holder.sentence

    def _needed(self, machine: Machine) -> int:
        """On the CPU all, of which a large machine leaves one; threads are as many or, with two logical cores to a
        physical one, half of them, whose neighbours slow them down too. For a card the host's thread needs one."""
        if "cpu" not in self._plan.devices:
            return 1
        usable = machine.usable_cores
        return usable - 1 if usable >= CORES_FOR_APP else usable

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Machine]:
        """The machine, with its cards kept initialised meanwhile."""
        if self._machine is not None:
            yield self._machine
            return
        from cvbench_tui.engine.host.metadata import nvml

        with nvml(self._environment, self._plan.devices) as (_, cards):
            yield ThisMachine(cards)


class ThisMachine:
    """By psutil and NVML. ``cards``: by their ids."""

    def __init__(self, cards: dict[str, NvmlCard]) -> None:
        self._mine = sorted(affinity() or range(os.cpu_count() or 1))
        self.cores = len(self._mine)
        self.usable_cores = usable_cores()
        self._cards = cards

    def now_s(self) -> float:
        """By a clock that nobody sets."""
        return time.monotonic()

    def pause(self, stopped: threading.Event) -> None:
        """Wait."""
        stopped.wait(WINDOW_S)

    def others_s(self) -> float | None:
        """Without idle time, and without guests' time, which is in user's time already."""
        import psutil

        try:
            by_core = psutil.cpu_times(percpu=True)
            busy_s = idle_s = 0.0
            for core in (by_core[number] for number in self._mine):
                idle_s += core.idle + getattr(core, "iowait", 0.0)
                busy_s += core.user + core.system
                busy_s += sum(getattr(core, name, 0.0) for name in ("nice", "irq", "softirq", "interrupt", "dpc"))
            ours = [each.cpu_times() for each in _ours()]
        except (psutil.Error, OSError, IndexError):
            return None
        # a sandbox shows zeros
        return busy_s - sum(each.user + each.system for each in ours) if busy_s + idle_s > 0 else None

    def programs_s(self) -> Programs:
        """Left out are processes that may not be asked, and Linux's kernel threads, which nobody can close."""
        import psutil

        found: dict[tuple[int, str], float] = {}
        ours = {each.pid for each in _ours()}
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError), each.oneshot():
                if each.pid not in ours and not (sys.platform == "linux" and each.ppid() == KERNEL_THREADS):
                    times = each.cpu_times()
                    found[each.pid, each.name()] = times.user + times.system
        return found

    def busy_cards(self, since_s: float) -> tuple[str, ...]:
        """By the driver's samples of the processes; where it has none, by its own and the processes that it lists."""
        ours = {each.pid for each in _ours()} if self._cards else set()
        return tuple(name for name, card in self._cards.items() if _computed_on(card, since_s, ours))


def _ours() -> list[psutil.Process]:
    """This process and what it has started."""
    import psutil

    this = psutil.Process()
    return [this, *this.children(recursive=True)]


def _computed_on(card: NvmlCard, since_s: float, ours: set[int]) -> bool:
    """True where a process that is not ours used the card. One that has only a context there is none."""
    active = card.processes_since(round(since_s * 1e6))
    if active is not None:
        return bool(active - ours)
    return bool(card.utilisation()) and bool({*(card.processes() or ())} - ours)


def _main(before: Programs, after: Programs) -> str:
    """The name whose processes used at least half of the CPU seconds between the two; empty without one."""
    used: dict[str, float] = {}
    for (number, name), seconds in after.items():
        used[name] = used.get(name, 0.0) + seconds - before.get((number, name), 0.0)
    most = max(used, key=lambda name: used[name], default="")
    named = bool(most) and used[most] > 0 and used[most] >= MAIN_SHARE * sum(used.values())
    return one_line(most[:MAX_NAME]) if named else ""
