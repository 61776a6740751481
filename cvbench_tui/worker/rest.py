"""Does a workload go on after its calls have returned? Then the clock saw only a part of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from cvbench_tui.worker.backend import Backend

LOOK_S = 0.02
"""Time right after a call in which the process should be idle."""
IDLE_SHARE = 0.3
"""Below this share of one core a process that only sleeps counts as idle."""
SPIN_S = 0.03
"""Threads of GNU's OpenMP go on spinning after their work: 300,000 pauses, some 3 to 15 ms. After this time what is
still busy is the workload ..."""
LONG_SPIN_S = 0.22
"""... save that Intel's and LLVM's spin for 200 ms (KMP_BLOCKTIME), where one of them is loaded."""
LONG_SPINNERS = ("libiomp", "libomp.")
REPEATS = 3
"""Comparisons with an operator that is known to be done when it returns, whose threads spin alike."""


def deferred_share(backend: Backend, again: Callable[[], object]) -> float | None:
    """CPU seconds per second that this process uses right after ``again``, a call of the workload, though nothing was
    asked of it any more; without what threads use up by spinning. None when that is not told."""
    share = _share_after(backend, again)
    if share is None or share <= IDLE_SHARE:
        return share
    backend.wait(LONG_SPIN_S if _spins_long() else SPIN_S)
    later = _look(backend)
    if later is None or later > IDLE_SHARE:
        return later
    return _beyond_spinning(backend, again, share)


def _beyond_spinning(backend: Backend, again: Callable[[], object], share: float) -> float:
    """What is used more than after an operator of PyTorch's own; medians, where the first comparison finds much."""
    works, spins = [share], []
    while True:
        if not backend.exercise():
            return 0.0
        backend.settle()
        spins.append(_look(backend) or 0.0)
        more = round(max(0.0, median(works) - median(spins)), 4)
        if more <= IDLE_SHARE or len(spins) == REPEATS:
            return more
        backend.wait(SPIN_S)
        works.append(_share_after(backend, again) or 0.0)
        backend.wait(SPIN_S)


def _share_after(backend: Backend, again: Callable[[], object]) -> float | None:
    again()
    backend.settle()
    return _look(backend)


def _look(backend: Backend) -> float | None:
    begun_s, before_s = backend.now_s(), backend.counters.read().cpu_s
    backend.wait(LOOK_S)
    passed_s, after_s = backend.now_s() - begun_s, backend.counters.read().cpu_s
    if before_s is None or after_s is None or passed_s <= 0:
        return None
    return round(max(0.0, after_s - before_s) / passed_s, 4)


def _spins_long(maps: Path = Path("/proc/self/maps")) -> bool:
    """True where an OpenMP is loaded whose threads spin for 200 ms; other systems than Linux do not tell."""
    try:
        loaded = maps.read_text()
    except OSError:
        return True
    return any(name in loaded for name in LONG_SPINNERS)
