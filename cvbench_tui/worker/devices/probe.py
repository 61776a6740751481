"""What this machine and this PyTorch offer: devices, versions, settings. Runs in a child of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torchvision

from cvbench_tui.core.environment import Device, Environment, Fact, known
from cvbench_tui.worker.devices.cpu import intra_op_threads
from cvbench_tui.worker.devices.probe_process import cpu_name, process_facts
from cvbench_tui.worker.devices.probe_torch import torch_facts

CARD_FACTS: dict[str, Callable[[Any], Fact]] = {
    "compute_units": lambda card: getattr(card, "multi_processor_count", None) or card.max_compute_units,
    "pci_id": lambda card: f"{card.pci_domain_id:08X}:{card.pci_bus_id:02X}:{card.pci_device_id:02X}.0",
}
"""What is read from PyTorch's properties of a CUDA, ROCm or Intel card. Older versions have fewer."""


def probe() -> Environment:
    """Devices with names and memory, absent kinds with the reason, versions, and the facts this process can tell."""
    return Environment(tuple(_versions()), tuple(devices()), (*process_facts(), *torch_facts(), *card_facts()))


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    yield "torch", torch.__version__
    yield "torchvision", torchvision.__version__
    if torch.version.hip:
        yield "hip", torch.version.hip
    if torch.version.cuda:
        yield "cuda", torch.version.cuda
    if torch.cuda.is_available() and torch.backends.cudnn.is_available():
        yield "cudnn", str(torch.backends.cudnn.version())


def devices() -> Iterator[Device]:
    """The processor, then every kind of accelerator, present or not."""
    yield Device("cpu", cpu_name(), _memory_bytes(), detail=f"{intra_op_threads()} threads")
    yield from _cuda()
    yield _mps()
    yield from _xpu()


def card_facts() -> Iterator[tuple[str, Fact]]:
    """The facts of every card, each name with the card's id in front."""
    for kind in ("cuda", "xpu"):
        backend = getattr(torch, kind, None)
        if backend is None or not backend.is_available():
            continue
        for index in range(backend.device_count()):
            for name, value in known(CARD_FACTS, backend.get_device_properties(index)):
                yield f"{kind}:{index}.{name}", value


def _cuda() -> Iterator[Device]:
    """Each card, also ROCm's, which PyTorch calls cuda."""
    reason = _no_cuda()
    if reason:
        yield Device("cuda", "NVIDIA or AMD GPU", available=False, reason=reason)
        return
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        uuid = getattr(card, "uuid", None)
        detail = f"compute capability {card.major}.{card.minor}"
        yield Device(f"cuda:{index}", card.name, card.total_memory, uuid=uuid and f"GPU-{uuid}", detail=detail)


def _no_cuda() -> str:
    """Why no CUDA device can be used; empty when one can."""
    if not torch.version.cuda and not torch.version.hip:
        return "This PyTorch was built without CUDA and ROCm."
    if torch.cuda.is_available() and torch.cuda.device_count():
        return ""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every card."
    return "No usable card or driver was found."


def _mps() -> Device:
    if torch.backends.mps.is_available():
        return Device("mps", f"Apple GPU ({platform.machine()})", _memory_bytes(), detail="unified memory")
    built = torch.backends.mps.is_built()
    reason = "No Metal device was found." if built else "Only on Macs with Apple silicon."
    return Device("mps", "Apple GPU", available=False, reason=reason)


def _xpu() -> Iterator[Device]:
    xpu = getattr(torch, "xpu", None)
    if xpu is None or not xpu.is_available():
        yield Device("xpu", "Intel GPU", available=False, reason="This PyTorch finds no Intel GPU.")
        return
    for index in range(xpu.device_count()):
        card = xpu.get_device_properties(index)
        yield Device(f"xpu:{index}", card.name, card.total_memory)


def _memory_bytes() -> int | None:
    """Memory of the machine; None when the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
