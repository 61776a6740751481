"""What a process does before it measures a case, or tries a batch of it."""

from __future__ import annotations

import contextlib
import time
import warnings

import torch

from cvbench_tui.core.plan import Case
from cvbench_tui.worker.devices.cpu import intra_op_threads

_now_s = time.time


def now_s() -> float:
    """Seconds since the epoch, to the millisecond."""
    return round(_now_s(), 3)


def threads_of(case: Case) -> int:
    """Intra-op threads of the CPU that it computes with."""
    return case.threads or intra_op_threads()


def count_cards() -> None:
    """Let each driver start before anything is timed. The first backward of a process counts the cards, on the CPU too,
    for which a driver needs 0.1 to 3 s. What it says or fails with does not matter there."""
    for count in ("_cuda_getDeviceCount", "_xpu_getDeviceCount"):
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            getattr(torch._C, count, int)()
