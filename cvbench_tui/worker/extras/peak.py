"""The measured peak of a device: FLOP/s of large matmuls, bytes/s of large passes over memory.

The fastest of repeated runs counts, over several sizes: anything else on the machine can only make it slower. The
clock is the backend's, as for everything else. About 1.5 s a device. In files and on the wire a peak is a ``ceiling``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cvbench_tui.base.system_files import cpuinfo
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.stats.stop_rule import COOLING, disturbance
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import evidence

BUDGET_S = 1.5  # seconds for all of it, shared out evenly
SIDES = (256, 512, 1024, 2048, 4096, 8192)
"""Of the matrices, as far as time and memory go. A matmul of 8192 keeps the largest cards busy for milliseconds."""
REGION_S = 2e-3  # shortest timed region; faster work is repeated in it
MIN_SIDES = 3  # where there was no time for so many, the largest rate may lie beyond them
MIN_REPEATS = 3
MAX_REPEATS = 10
MAX_GROUP = 1000
WARM_CALLS = 2  # calls before the regions: a first one, and one to see how long it takes
AGREEMENT = 1.05  # the second fastest may take so many times the fastest; beyond that the fastest was not reached twice
CACHES = 4  # a pass over memory is over so many times the last cache: little of it is still there from the one before
MAX_BYTES = 512 << 20
UNKNOWN_CACHE_BYTES = 64 << 20
MEMORY_SHARE = 8  # at most this part of the free memory is allocated
NATIVE_BFLOAT16 = frozenset(("avx512_bf16", "amx_bf16", "bf16"))
"""Flags of processors that compute in bfloat16; others convert, at a small part of float32's speed."""
NATIVE_FLOAT16 = frozenset(("avx512_fp16", "amx_fp16", "asimdhp"))
"""The same for float16; ``asimdhp`` is Arm's."""
AMPERE = 8  # first major compute capability with TF32 and bfloat16

DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class FastestCall(NamedTuple):
    """The fastest of repeated calls."""

    seconds: float
    reproduced: bool  # whether it was reached twice


def measure(device: torch.device, backend: Backend, key: str) -> DevicePeak:
    """The measured peak of ``device``, under ``key`` (``core.peak.peak_key``, which the parent works out). A precision
    that the device refuses is left out. Raises RuntimeError when float32 itself is refused."""
    precisions = [precision for precision in _precisions(device) if _started(device, precision, backend)]
    before, started_s = backend.counters.read(), backend.now_s()
    share_s = BUDGET_S / (len(precisions) + 1)
    rates, reproduced = [], True
    for precision in precisions:
        with _may_refuse(precision):
            rate, twice = _matmul_rate(device, precision, backend, share_s)
            rates.append((precision, rate))
            reproduced = reproduced and twice
    cache_bytes = backend.cache_bytes()
    copy, fastest_pass, twice = _memory_rates(device, backend, cache_bytes, share_s)
    wall_s = backend.now_s() - started_s
    seen = evidence(before, backend.counters.read(), backend.read_device(), wall_s=wall_s, timed_s=wall_s)
    sure = reproduced and twice and disturbance(seen) is None and not set(seen.throttle) - COOLING
    at_s = round(time.time(), 3)
    return DevicePeak(str(device), key, tuple(rates), copy, cache_bytes, sure, at_s, most_bytes_per_s=fastest_pass)


def fastest(backend: Backend, work: Callable[[], object], share_s: float) -> FastestCall | None:
    """One call of ``work`` at its fastest, in about ``share_s``; None when the clock gives no duration."""
    work()
    backend.settle()
    until_s = backend.now_s() + share_s
    one_s = _seconds(backend, work, 1)
    region_s = max(REGION_S, backend.region_s)
    group = min(MAX_GROUP, math.ceil(region_s / one_s)) if one_s > 0 else MAX_GROUP
    times: list[float] = []
    while len(times) < MIN_REPEATS or (len(times) < MAX_REPEATS and backend.now_s() < until_s):
        times.append(_seconds(backend, work, group) / group)
    times = sorted(seconds for seconds in times if 0 < seconds < math.inf)
    return FastestCall(times[0], times[1] <= AGREEMENT * times[0]) if len(times) >= MIN_REPEATS else None


def _seconds(backend: Backend, work: Callable[[], object], count: int) -> float:
    """Of ``count`` calls in one region."""
    start = backend.mark()
    for _ in range(count):
        work()
    end = backend.mark()
    backend.settle()
    return float(backend.seconds(start, end))


def _started(device: torch.device, precision: str, backend: Backend) -> bool:
    """One matmul before the clock runs, which makes the context and loads libraries and kernels: seconds on a card.
    False when the device refuses the precision; raises RuntimeError when that is float32."""
    with _may_refuse(precision), _tf32(device, precision == "tf32"):
        _matmul(SIDES[0], DTYPES[precision], device)()
        backend.settle()
        return True
    return False


def _may_refuse(precision: str) -> AbstractContextManager[object, bool | None]:
    """Any precision but float32 may be refused."""
    return nullcontext() if precision == "float32" else suppress(RuntimeError)


def _matmul_rate(device: torch.device, precision: str, backend: Backend, share_s: float) -> tuple[float, bool]:
    """FLOP/s of the fastest square matmul, 2 n^3 each, and whether it is sure. Raises RuntimeError for none."""
    dtype = DTYPES[precision]
    until_s = backend.now_s() + share_s
    best, last_s, tried, hurried = (0.0, False), 0.0, 0, False
    with _tf32(device, precision == "tf32"):
        for side in SIDES:
            next_s = 8 * last_s * (MIN_REPEATS + WARM_CALLS)
            hurried = backend.now_s() + next_s > until_s
            if hurried or 3 * side * side * dtype.itemsize > _usable_bytes(backend):
                break
            tried += 1
            call = fastest(backend, _matmul(side, dtype, device), share_s / len(SIDES))
            if call is not None:
                last_s = call.seconds
                best = max(best, (2 * side**3 / call.seconds, call.reproduced))
    rate, reproduced = best
    if not rate:
        raise RuntimeError(f"no matmul in {precision} could be timed")
    return rate, reproduced and not (hurried and tried < MIN_SIDES)


def _matmul(side: int, dtype: torch.dtype, device: torch.device) -> Callable[[], object]:
    """One matmul of random matrices: zeros would let a card draw less power and clock higher."""
    first, second = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return partial(torch.mm, first, second, out=torch.empty_like(first))


def _memory_rates(
    device: torch.device, backend: Backend, cache_bytes: int | None, share_s: float
) -> tuple[float | None, float | None, bool]:
    """Bytes per second of a copy, of the fastest pass of any kind, and whether both were reached twice."""
    size = min(MAX_BYTES, CACHES * (cache_bytes or UNKNOWN_CACHE_BYTES), _usable_bytes(backend) // 2)
    source = torch.ones(max(1, int(size) // 4), device=device)
    target = torch.ones_like(source)
    moved = source.numel() * source.element_size()
    passes: tuple[tuple[int, Callable[[], object]], ...] = (
        (2 * moved, partial(target.copy_, source)),
        (2 * moved, partial(target.mul_, 1.0)),
        (moved, source.sum),
    )
    calls = [(size, fastest(backend, work, share_s / len(passes))) for size, work in passes]
    rates = [(size / call.seconds, call.reproduced) if call else (0.0, False) for size, call in calls]
    copy, best = rates[0], max(rates)
    return copy[0] or None, best[0] or None, copy[1] and best[1]


def _precisions(device: torch.device) -> list[str]:
    """What the device computes in hardware; a precision it refuses all the same is left out later."""
    if device.type == "cpu":
        halves = [("bfloat16", NATIVE_BFLOAT16), ("float16", NATIVE_FLOAT16)]
        return ["float32", *(name for name, flags in halves if computes_by(flags))]
    if device.type != "cuda":
        return ["float32", "bfloat16", "float16"]
    if torch.version.hip or torch.cuda.get_device_capability(device)[0] < AMPERE:
        return ["float32", "float16"] + (["bfloat16"] if torch.version.hip else [])
    return ["float32", "tf32", "bfloat16", "float16"]


def computes_by(instructions: frozenset[str], root: Path = Path("/")) -> bool:
    """Whether the processor has one of those instructions, by Linux; False elsewhere."""
    flags = cpuinfo("flags", root) or cpuinfo("Features", root)
    return bool(instructions & set(flags.split()))


@contextmanager
def _tf32(device: torch.device, allowed: bool) -> Iterator[None]:
    """Let float32 matmuls use TF32, or not, and put the setting back."""
    if device.type != "cuda":
        yield
        return
    settings: Any = torch.backends.cuda.matmul
    before = settings.allow_tf32
    settings.allow_tf32 = allowed
    try:
        yield
    finally:
        settings.allow_tf32 = before


def _usable_bytes(backend: Backend) -> float:
    """A part of the device's free memory; infinite where it is not known."""
    free = backend.free_bytes()
    return math.inf if free is None else free // MEMORY_SHARE
