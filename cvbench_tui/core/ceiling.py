"""How fast a device can be at most, measured on it: what achieved rates are compared with. Never a data sheet's figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ceiling:
    """The fastest matrix multiplication for each precision, and the fastest copy, of one device."""

    device: str
    """``cpu``, ``cuda:0``."""
    key: str
    """What it holds for: device identity, driver, PyTorch and threads. Equal keys may share a ceiling."""
    flops_per_s: tuple[tuple[str, float], ...]
    """By precision (``float32``, ``tf32``, ``bfloat16``, ``float16``): floating-point operations per second, two
    for a multiply-add, of one large square matrix multiplication."""
    bytes_per_s: float | None
    """Of one large copy, bytes read and bytes written both counted; None when it could not be measured."""
    cache_bytes: int | None = None
    """Size of the last cache before memory; work that fits in it may pass ``bytes_per_s``."""
    sure: bool = True
    """False when the machine was disturbed meanwhile: too low then, and no reason to call a number impossible."""
    at_s: float = 0.0
    """Seconds since the epoch."""

    def flops(self, *precisions: str) -> float | None:
        """The highest of those precisions' ceilings, floating-point operations per second; None when none is known."""
        return max((rate for name, rate in self.flops_per_s if name in precisions), default=None)
