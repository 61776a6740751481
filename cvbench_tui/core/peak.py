"""How fast a device can be at most, measured on it: what achieved rates are compared with. Never a data sheet's."""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.environment import Environment, Fact


@dataclass(frozen=True)
class DevicePeak:
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
    most_bytes_per_s: float | None = None
    """The fastest of a copy, a pass in place and a sum of a large tensor: no true rate is above it. It can be twice
    the copy's, since a processor reads a line of memory before it overwrites it, which the copy's figure leaves out."""

    def flops(self, *precisions: str) -> float | None:
        """The highest of those precisions' ceilings, floating-point operations per second; None when none is known."""
        return max((rate for name, rate in self.flops_per_s if name in precisions), default=None)


KEY_VERSION = "2"
"""Changes when ceilings are measured in another way."""


def peak_key(environment: Environment, device_id: str, threads: int | None = None) -> str:
    """What a ceiling of that device holds for: equal keys, equal ceilings.

    The card or processor, the driver, PyTorch, and what sets their speed: threads (None: the worker's own choice),
    host and governor on the CPU, power limit on a card. What is not known stands as ``-``.
    """
    device = environment.device(device_id)
    identity = (device.uuid or device.name) if device else None
    parts: list[Fact] = [KEY_VERSION, device_id.partition(":")[0], identity, environment.version("torch")]
    if device_id == "cpu":
        facts = ("host", "cpu_capability", "governor")
        parts += [threads or environment.fact("threads"), *(environment.fact(name) for name in facts)]
    else:
        parts += [environment.version(name) for name in ("driver", "cuda", "hip")]
        parts.append(environment.fact(f"{device_id}.power_limit_w"))
    return "|".join("-" if part is None else str(part) for part in parts)
