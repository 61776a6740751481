"""Does a workload go on after its calls have returned? Then the clock saw only a part of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from cvbench_tui.worker.devices.backend import Backend

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
QUIET_S = 1.0
"""Time after which what is still busy is not going to end soon."""
ENDLESS = 10_000_000
"""Pauses of GNU's OpenMP, 0.1 to 0.5 s of spinning, from which on it is not waited for (GOMP_SPINCOUNT) ..."""
ENDLESS_MS = 500
"""... and milliseconds of Intel's and LLVM's (KMP_BLOCKTIME)."""
FACTORS = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
"""Suffixes of GOMP_SPINCOUNT."""
REPEATS = 3
"""Comparisons with an operator that is known to be done when it returns, whose threads spin alike."""


def deferred_share(backend: Backend, again: Callable[[], object]) -> float | None:
    """CPU seconds per second that this process uses right after ``again``, a call of the workload, though nothing was
    asked of it any more; without what threads use up by spinning. None when that is not told, and where threads were
    told to spin for ever, which looks the same."""
    if spins_for_ever(os.environ):
        return None
    share = _share_after(backend, again)
    if share is None or share <= IDLE_SHARE:
        return share
    backend.wait(LONG_SPIN_S if _spins_long() else SPIN_S)
    later = _look(backend)
    if later is None or (later > IDLE_SHARE and not _falls_quiet(backend)):
        return later
    more = _beyond_spinning(backend, again, share)
    if more is None:
        return later if later > IDLE_SHARE else 0.0
    return more


def spins_for_ever(variables: Mapping[str, str]) -> bool:
    """True where these environment variables let OpenMP's idle threads spin until there is work again."""
    words = {name: value.strip().lower() for name, value in variables.items()}
    if words.get("OMP_WAIT_POLICY") == "active" or words.get("KMP_LIBRARY") == "turnaround":
        return True
    pauses, blocktime = words.get("GOMP_SPINCOUNT", ""), words.get("KMP_BLOCKTIME", "")
    if pauses.startswith("infinit") or blocktime.startswith("infinit"):
        return True
    factor = FACTORS.get(pauses[-1:], 1.0)
    unit_ms = 1000.0 if blocktime.endswith("s") and not blocktime.endswith("ms") else 1.0
    return factor * _leading(pauses) > ENDLESS or unit_ms * _leading(blocktime) > ENDLESS_MS


def _leading(text: str) -> int:
    """The number that the text begins with; 0 without one."""
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    return int(digits) if digits else 0


def _falls_quiet(backend: Backend) -> bool:
    """Wait for it for a second at most."""
    until_s = backend.now_s() + QUIET_S
    while backend.now_s() < until_s:
        if (_look(backend) or 0.0) <= IDLE_SHARE:
            return True
    return False


def _beyond_spinning(backend: Backend, again: Callable[[], object], share: float) -> float | None:
    """What is used more than after an operator of PyTorch's own; medians, where the first comparison finds much.

    None where there is no such operator.
    """
    works, spins = [share], []
    while True:
        if not backend.exercise():
            return None
        backend.settle()
        spins.append(_look(backend) or 0.0)
        more = round(max(0.0, median(works) - median(spins)), 4)
        if more <= IDLE_SHARE or len(spins) == REPEATS:
            return more
        _falls_quiet(backend)
        works.append(_share_after(backend, again) or 0.0)
        _falls_quiet(backend)


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
