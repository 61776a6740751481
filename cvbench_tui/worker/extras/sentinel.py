"""The sentinel: the same small work in every visit of every case, so that a change of the machine's own speed shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import torch

from cvbench_tui.worker.devices.backend import Backend

SIDES = {"cpu": 256, "": 1024}  # of the matrices: 0.8 MB in all fits a core's cache, 12 MB that of a card
COPIED_BYTES = {"cpu": 32 << 20, "": 256 << 20}  # twice that is moved, and no usual last cache holds it
REGION_S = 1e-3  # shortest timed region
REGIONS = 5


def sentinel(device: torch.device, backend: Backend) -> tuple[float, float]:
    """Seconds of a matrix product whose data fits a cache, and of a copy that does not: the medians of five regions of
    at least a millisecond each, so that both take some 20 ms. Raises what the device does, e.g. for want of memory."""
    side = SIDES.get(device.type, SIDES[""])
    count = COPIED_BYTES.get(device.type, COPIED_BYTES[""]) // 4
    with torch.inference_mode():
        left, right = (torch.ones(side, side, device=device) for _ in range(2))
        product_s = _seconds(backend, partial(torch.mm, left, right))
        source = torch.ones(count, device=device)
        copy_s = _seconds(backend, partial(torch.empty_like(source).copy_, source))
    return product_s, copy_s


def _seconds(backend: Backend, work: Callable[[], object]) -> float:
    """One call of ``work``, seconds."""
    work()
    first_s = _region(backend, work, 1)
    calls = max(1, round(max(REGION_S, backend.region_s) / max(first_s, 1e-6)))
    return round(median(_region(backend, work, calls) for _ in range(REGIONS)) / calls, 12)


def _region(backend: Backend, work: Callable[[], object], calls: int) -> float:
    backend.settle()
    begin = backend.mark()
    for _ in range(calls):
        work()
    end = backend.mark()
    backend.settle()
    return backend.seconds(begin, end)
