"""Detect asynchronous work that outlives the timed call, so that only a part of it was timed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from statistics import median

from cvbench_tui.worker.devices.backend import Backend

WINDOW_S = 0.02  # time right after a call in which the process should be idle
STILL_S = 0.005  # the same before another process has its turn, 20 times in a visit
IDLE_SHARE = 0.3  # below this share of one core a process that only sleeps counts as idle
MAX_SPIN_S = 0.22
"""Idle threads of OpenMP spin before they sleep: GNU's for 3 to 15 ms (300,000 pauses), Intel's and LLVM's 200 ms."""
QUIET_S = 1.0  # time after which what is still busy is not going to end soon
REPEATS = 3  # comparisons with an operator that is known to be done when it returns, whose threads spin alike


def deferred_share(backend: Backend, call: Callable[[], object]) -> float | None:
    """CPU seconds per second that this process uses right after ``call``, though nothing was asked of it any more.
    Without what idle threads use up by spinning. None where that is not known, and where threads spin for ever by
    configuration, which looks the same."""
    if _spins_for_ever():
        return None
    call()
    backend.settle()
    share = _busy_share(backend)
    if share is None or share <= IDLE_SHARE:
        return share
    busy_s, last = wait_until_idle(backend)
    if last > IDLE_SHARE:
        return last
    more = _beyond_spinning(backend, call, share)
    if more is None:  # no operator to compare with: by the time alone
        return share if busy_s > MAX_SPIN_S else 0.0
    return more


def _spins_for_ever() -> bool:
    """True where OpenMP's idle threads are set to spin until there is work again, or longer than usual."""
    words = {name: value.strip().lower() for name, value in os.environ.items()}
    return (
        words.get("OMP_WAIT_POLICY") == "active"
        or words.get("KMP_LIBRARY") == "turnaround"
        or not re.fullmatch(r"|(\d\d?|1\d\d|200)(ms)?", words.get("KMP_BLOCKTIME", ""))  # milliseconds
        or not re.fullmatch(r"|\d{1,7}", words.get("GOMP_SPINCOUNT", ""))  # pauses; 10 million take 0.1 to 0.5 s
    )


def _beyond_spinning(backend: Backend, call: Callable[[], object], share: float) -> float | None:
    """What is used more than after an operator of PyTorch's own; medians, where the first comparison finds much. None
    where there is no such operator."""
    works, spins = [share], []
    while True:
        if not backend.exercise():
            return None
        backend.settle()
        spins.append(_busy_share(backend) or 0.0)
        more = round(max(0.0, median(works) - median(spins)), 4)
        if more <= IDLE_SHARE or len(spins) == REPEATS:
            return more
        wait_until_idle(backend)
        call()
        backend.settle()
        works.append(_busy_share(backend) or 0.0)
        wait_until_idle(backend)


def wait_until_idle(backend: Backend, window_s: float = WINDOW_S) -> tuple[float, float]:
    """For a second at most: the seconds that took, and the share of one core used at the end."""
    begun_s = backend.now_s()
    while True:
        share, busy_s = _busy_share(backend, window_s) or 0.0, backend.now_s() - begun_s
        if share <= IDLE_SHARE or busy_s >= QUIET_S:
            return busy_s, share


def _busy_share(backend: Backend, window_s: float = WINDOW_S) -> float | None:
    """CPU seconds per second that this process uses while this thread sleeps; None where not known."""
    begun_s, before_s = backend.now_s(), backend.counters.read().cpu_s
    backend.wait(window_s)
    passed_s, after_s = backend.now_s() - begun_s, backend.counters.read().cpu_s
    if before_s is None or after_s is None or passed_s <= 0:
        return None
    return round(max(0.0, after_s - before_s) / passed_s, 4)
