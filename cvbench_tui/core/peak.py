"""Measured peak rates of a device, with which achieved rates are compared. Measured on it, never from a data sheet."""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.environment import Environment, Fact


@dataclass(frozen=True)
class DevicePeak:
    """The fastest matmul of each precision, and the fastest copy, of one device."""

    device: str  # ``cpu``, ``cuda:0``
    key: str  # device identity, driver, PyTorch and threads (``peak_key``). Runs of equal keys share a peak.
    flops_per_s: tuple[tuple[str, float], ...]
    """By ``float32``, ``tf32``, ``bfloat16``, ``float16``: FLOP/s of a large matmul, a multiply-add counted as two."""
    bytes_per_s: float | None  # of one large copy, bytes read and written both counted; None when not measured
    cache_bytes: int | None = None  # of the last cache before memory; work that fits in it may exceed ``bytes_per_s``
    sure: bool = True  # False when the machine was disturbed: maybe too low, so no rate is called impossible by it
    at_s: float = 0.0  # seconds since the epoch
    most_bytes_per_s: float | None = None
    """The fastest of a copy, an in-place operation and a sum of a large tensor; no rate from memory exceeds it. It can
    be twice the copy's: a processor reads a cache line before it overwrites it, which that rate does not count."""
    product_s: float | None = None  # the fastest sentinel (``core.evidence.Visit``) of all runs before; None: none

    def flops(self, *precisions: str) -> float | None:
        """The highest peak of those precisions, FLOP/s; None when none was measured."""
        return max((rate for name, rate in self.flops_per_s if name in precisions), default=None)


KEY_VERSION = "2"  # incremented when peaks are measured in another way


def peak_key(environment: Environment, device_id: str) -> str:
    """What determines the peak of that device; unknown parts are ``-``. The card or processor, the driver, PyTorch, and
    what sets their speed: threads, host and governor on the CPU, power limit on a card."""
    device = environment.device(device_id)
    identity = (device.uuid or device.name) if device else None
    parts: list[Fact] = [KEY_VERSION, device_id.partition(":")[0], identity, environment.version("torch")]
    if device_id == "cpu":
        parts += [environment.fact(name) for name in ("threads", "host", "cpu_capability", "governor")]
    else:
        parts += [environment.version(name) for name in ("driver", "cuda", "hip")]
        parts.append(environment.fact(f"{device_id}.power_limit_w"))
    return "|".join("-" if part is None else str(part) for part in parts)
