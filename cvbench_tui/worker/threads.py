"""How many threads an operator may use on the CPU."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch

APP_CORE_FROM = 4
"""With this many usable cores or more, one is left to the app."""


def usable_cores() -> int:
    """Cores this process may run on, by affinity and by the control group's quota; at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = quota_cores()
    return max(1, min(cores, math.ceil(quota))) if quota else cores


def quota_cores(path: str = "/sys/fs/cgroup/cpu.max") -> float | None:
    """Cores that the control group's quota allows, from ``cpu.max`` ("max 100000"); None without a quota."""
    try:
        quota, period = Path(path).read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def intra_op_threads() -> int:
    """PyTorch's own choice (physical cores), but never more than are usable, less one for the app where there are 4."""
    usable = usable_cores()
    if usable >= APP_CORE_FROM:
        usable -= 1
    return max(1, min(torch.get_num_threads(), usable))
