"""What this machine and this PyTorch offer: devices, versions, settings. Runs in a child of its own."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import torch
import torchvision

from cvbench_tui.core.environment import Environment
from cvbench_tui.worker.devices.probe_devices import card_facts, devices
from cvbench_tui.worker.devices.probe_process import process_facts
from cvbench_tui.worker.devices.probe_torch import torch_facts


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
