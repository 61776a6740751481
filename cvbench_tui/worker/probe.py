"""What this machine and this PyTorch offer: devices, versions, settings. Runs in a child of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import torch
import torchvision

from cvbench_tui.core.environment import Device, Environment, Fact
from cvbench_tui.worker.threads import intra_op_threads, quota_cores, usable_cores


def probe() -> Environment:
    """Devices with names and memory, absent kinds with the reason, versions and flags."""
    return Environment(tuple(_versions()), tuple(_devices()), tuple(_facts()))


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


def _devices() -> Iterator[Device]:
    yield _cpu()
    yield from _cuda()
    yield _mps()
    yield from _xpu()


def _cpu() -> Device:
    return Device("cpu", cpu_name(), _memory_bytes(), detail=f"{intra_op_threads()} threads")


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


def _facts() -> Iterator[tuple[str, Fact]]:
    yield "platform", platform.platform()
    yield "host", platform.node()
    yield "cpu_cores", os.cpu_count()
    yield "usable_cores", usable_cores()
    yield "quota_cores", quota_cores()
    yield "threads", intra_op_threads()
    yield "cpu_capability", torch.backends.cpu.get_cpu_capability()
    yield "cudnn_benchmark", torch.backends.cudnn.benchmark
    yield "cudnn_deterministic", torch.backends.cudnn.deterministic
    yield "tf32_conv", torch.backends.cudnn.allow_tf32
    yield "tf32_matmul", torch.backends.cuda.matmul.allow_tf32
    yield "onednn", torch.backends.mkldnn.is_available()


def cpu_name(path: str = "/proc/cpuinfo") -> str:
    """The processor's product name; its architecture when the system does not tell."""
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "CPU"


def _memory_bytes() -> int | None:
    """Memory of the machine; None when the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
