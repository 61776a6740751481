"""The accelerators that PyTorch can use, and why one that is there cannot be used.

A driver may hang or crash, and a process that has asked one cannot fork children that use it. So each driver is asked
in a process of its own, and NVIDIA's or AMD's is not where a variable hides all its cards.
"""

from __future__ import annotations

import os
import platform
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from cvbench_tui.base.nearest import quoted
from cvbench_tui.base.visible_cards import CUDA_VARIABLE, ON_PURPOSE, hides_all
from cvbench_tui.core.environment import Device, Fact, known
from cvbench_tui.worker.devices.cpu import memory_bytes
from cvbench_tui.worker.devices.nvml import pci_bus_id
from cvbench_tui.worker.process.isolated import isolated

NAMES = {"cuda": "NVIDIA or AMD GPU", "mps": "Apple GPU", "xpu": "Intel GPU"}
"""Kinds of accelerators as PyTorch names them; ROCm's cards are ``cuda`` to it."""
NVIDIA_FILES, AMD_FILES = ("proc/driver/nvidia", "dev/nvidiactl"), ("dev/kfd",)
"""Of the drivers, in the container too where the kernel has them."""
CARD_FOLDERS = "proc/driver/nvidia/gpus/*"  # one for each NVIDIA card
START_S, CARD_S, MAX_S = 20.0, 10.0, 100.0
"""Time in which a driver must have answered: some seconds, and 10 for each card, since without persistence mode it
initialises them one after the other, 1 to 3 s each by its manual. 30 s with one card; the parent waits 150."""
ROCM_VARIABLES = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", CUDA_VARIABLE)
NO_DRIVER = "Found no NVIDIA driver"
CARD_FACTS: dict[str, Callable[[Any], Fact]] = {
    "compute_units": lambda card: getattr(card, "multi_processor_count", None) or card.max_compute_units,
    "pci_id": pci_bus_id,
}
"""What is read from PyTorch's properties of a CUDA, ROCm or Intel card. Older versions have fewer."""


@dataclass
class Accelerators:
    """Devices, present or not; facts with the card's id in front; cuDNN's version where there is one."""

    devices: list[Device] = field(default_factory=list)
    facts: list[tuple[str, Fact]] = field(default_factory=list)
    cudnn: str | None = None


def accelerators(root: Path = Path("/")) -> Accelerators:
    """Every kind, present or not. ``root``: of the file system, for tests."""
    found = _of_driver("cuda", _why_not_asked(root), root)
    if torch.backends.mps.is_available():
        name = f"{NAMES['mps']} ({platform.machine()})"
        found.devices.append(Device("mps", name, memory_bytes(), detail="unified memory"))
    else:
        why = "No Metal device was found." if torch.backends.mps.is_built() else "Only on Macs with Apple silicon."
        found.devices.append(_absent("mps", why))
    lacks_xpu = not (hasattr(torch, "xpu") and getattr(torch._C, "_has_xpu", True))
    intel = _of_driver("xpu", _absent("xpu", "This PyTorch finds no Intel GPU.") if lacks_xpu else None, root)
    found.devices += intel.devices
    found.facts += intel.facts
    return found


def _absent(kind: str, reason: str, *, expected: bool = False) -> Device:
    return Device(kind, NAMES[kind.split(":")[0]], available=False, reason=reason, expected=expected)


def _of_driver(kind: str, refused: Device | None, root: Path) -> Accelerators:
    """What its driver says, asked in a process of its own; ``refused`` stands where it need not be asked."""
    if refused is not None:
        return Accelerators([refused])
    count = len(list(root.glob(CARD_FOLDERS))) if kind == "cuda" else 1
    limit_s = min(MAX_S, START_S + CARD_S * max(1, count))
    found, problem = isolated(partial(cards, kind, root), limit_s)
    return found or Accelerators([_absent(kind, f"The driver {problem}.", expected=True)])


def cards(kind: str, root: Path = Path("/")) -> Accelerators:
    """The usable cards of that kind, and those that cannot be used. Asks the driver in this very process."""
    backend = getattr(torch, kind)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = Accelerators()
        for index in range(backend.device_count() if backend.is_available() else 0):
            _add(found, backend, f"{kind}:{index}")
    if not found.devices:
        found.devices.append(_why_none(kind, root, [str(each.message) for each in said]))
    elif kind == "cuda" and torch.backends.cudnn.is_available():
        found.cudnn = next((str(version) for _, version in known({"": lambda: torch.backends.cudnn.version()})), None)
    return found


def _add(found: Accelerators, backend: Any, device: str) -> None:
    """One card; one that does not even tell its name is not available."""
    try:
        card = backend.get_device_properties(int(device.split(":")[1]))
        capability = f"compute capability {card.major}.{card.minor}" if hasattr(card, "major") else ""
        memory, uuid = getattr(card, "total_memory", None), getattr(card, "uuid", None)
        prefix = "MIG" if " MIG " in card.name else "GPU"  # NVML writes it in front; PyTorch leaves it out
        uuid = uuid and f"{prefix}-{uuid}"
        found.devices.append(Device(device, card.name, memory or None, uuid=uuid, detail=capability))
    except Exception as error:
        found.devices.append(_absent(device, f"PyTorch cannot use it: {own_words(str(error))}.", expected=True))
        return
    found.facts += ((f"{device}.{name}", value) for name, value in known(CARD_FACTS, card))


def _why_not_asked(root: Path) -> Device | None:
    """The reason for which CUDA's driver need not be asked; None when it has to be."""
    if not torch.version.cuda and not torch.version.hip:
        return _absent("cuda", "This PyTorch was built without CUDA and ROCm.", expected=_has_driver(root))
    for name, value in _set_variables():
        if hides_all(name):
            meant = value.strip() in ON_PURPOSE
            return _absent("cuda", f"{name}={quoted(value)} hides every card.", expected=not meant)
    return None


def _why_none(kind: str, root: Path, warned: list[str]) -> Device:
    """The reason for which the driver gave no card. PyTorch warns of an error, but not of no driver and of no card."""
    if warned:
        return _absent(kind, f"The driver is there, but PyTorch cannot use it: {own_words(warned[-1])}.", expected=True)
    if kind != "cuda":
        return _absent(kind, "This PyTorch finds no Intel GPU.")
    try:
        torch.cuda.init()
        words = "No CUDA GPUs are available"
    except Exception as error:
        words = own_words(str(error))
    there = _has_driver(root)
    if NO_DRIVER in words:
        if not there:
            return _absent(kind, "No usable card or driver was found.")
        hint = "a container must be started with --gpus all"
        return _absent(kind, f"The kernel has a driver, but PyTorch says: {words} ({hint}).", expected=True)
    named = [f"{name}={quoted(value)}" for name, value in _set_variables()]
    if named:
        return _absent(kind, f"{' and '.join(named)} names no card that the driver has.", expected=True)
    return _absent(kind, f"PyTorch says: {words}.", expected=there)


def own_words(text: str) -> str:
    """PyTorch's reason without what it puts around it: ``Error 803: system has unsupported display driver ...``."""
    text = re.sub(r"^\w+ initialization: ", "", " ".join(text.split("(Triggered internally")[0].split()))
    error = re.search(r"Error \d+: .*", text)  # before it are guesses at calls that nobody made
    first, *_ = re.split(r"(?<=[.!?])\s+(?=[A-Z])| - this may be due", error.group() if error else text)
    return first.rstrip(".") or "no message"


def _set_variables() -> Iterator[tuple[str, str]]:
    """The variables that choose among this PyTorch's cards, those that are set. HIP uses its own before CUDA's."""
    own_is_set = ROCM_VARIABLES[0] in os.environ
    names = (CUDA_VARIABLE,) if not torch.version.hip else ROCM_VARIABLES[:-1] if own_is_set else ROCM_VARIABLES
    yield from ((name, os.environ[name]) for name in names if name in os.environ)


def _has_driver(root: Path) -> bool:
    """Whether the kernel has a driver that this PyTorch could use; of a build for the CPU, any."""
    files = AMD_FILES if torch.version.hip else NVIDIA_FILES if torch.version.cuda else NVIDIA_FILES + AMD_FILES
    return any((root / file).exists() for file in files)
