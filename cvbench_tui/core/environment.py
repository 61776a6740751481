"""Environment of a run: the machine, its devices and the versions, as the worker saw them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Union

Fact = Union[bool, int, float, str, None]
CPU_INSTEAD = "No accelerator can be used, so the CPU is measured"  # the reason follows
NO_ANSWER = ("The driver crashed ", "The driver did not answer ", "The driver ended ")
"""How a device's reason begins whose driver hung, or ended the process that asked: a case must not ask it again."""
WAITING = "waiting for the graphics driver"  # how the worker's line on stderr begins that says so


@dataclass(frozen=True)
class Device:
    """One thing a case can run on, or the reason why it cannot."""

    id: str  # ``cpu``, ``cuda:0``, ``mps``, ``xpu:0``; a missing accelerator kind stands as ``cuda``
    name: str  # product name; what is missing, for an absent one
    memory_bytes: int | None = None  # memory of the card, or of the machine for ``cpu``
    available: bool = True
    reason: str = ""  # why it is not available, in one sentence; empty when it is
    uuid: str | None = None  # identity of this very card
    detail: str = ""  # ``16 threads``, ``compute capability 9.0``
    expected: bool = False  # not available, though its driver or a variable of the user says that it should be

    @property
    def is_cpu(self) -> bool:
        """True for the processor itself."""
        return self.id == "cpu"


@dataclass(frozen=True)
class Environment:
    """Versions, devices and settings at the start of a run. A fact that is not known is None or absent."""

    versions: tuple[tuple[str, str], ...]  # ``python``, ``torch``, ``cuda``, ``cudnn``, ``driver``, ``cvbench-tui`` ...
    devices: tuple[Device, ...]
    facts: tuple[tuple[str, Fact], ...] = ()
    """Host and framework facts by the names of ``core.facts``. A fact about one card has the card's id in front,
    ``cuda:0.power_limit_w``; an environment variable has ``env.``."""
    identity_hash: str | None = None
    """Digest of what decides whether runs can be compared (``core.facts``); None in files of schema 1."""

    def version(self, name: str) -> str | None:
        """The version of that component, or None when it is not there."""
        return dict(self.versions).get(name)

    def fact(self, name: str) -> Fact:
        """That fact, or None when it is not known."""
        return dict(self.facts).get(name)

    def device(self, device_id: str) -> Device | None:
        """The device of that id, or None."""
        return next((device for device in self.devices if device.id == device_id), None)

    @property
    def usable(self) -> tuple[Device, ...]:
        """The devices a case can run on."""
        return tuple(device for device in self.devices if device.available)

    @property
    def why_no_accelerator(self) -> str:
        """Why none can be used though one is expected, in one sentence; empty otherwise."""
        if any(not device.is_cpu for device in self.usable):
            return ""
        return next((device.reason for device in self.devices if device.expected), "")

    @property
    def preferred(self) -> Device | None:
        """The first accelerator, else the CPU: what a plan uses when none is named."""
        return next((d for d in self.usable if not d.is_cpu), next(iter(self.usable), None))


def known(readers: Mapping[str, Callable[..., Fact]], *source: object) -> Iterator[tuple[str, Fact]]:
    """Each fact that its reader gets from ``source``; one that is None or cannot be read is left out."""
    for name, read in readers.items():
        try:
            value = read(*source)
        except Exception:  # a driver, a sensor or an old PyTorch may raise anything, which must not fail the run
            continue
        if value is not None:
            yield name, value
