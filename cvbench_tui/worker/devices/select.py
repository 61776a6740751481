"""From a device to its backend and its energy meter."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import torch

from cvbench_tui.worker.devices.backend import Backend, HostClockBackend
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.devices.cuda import CudaBackend
from cvbench_tui.worker.devices.nvml import MeasuredCard, open_card, pci_bus_id
from cvbench_tui.worker.extras.energy import EnergyMeter, rapl_meter


def backend_for(device: torch.device) -> Backend:
    """The backend of that device. Makes it the current one, so that work needs not name it."""
    if device.type == "cpu":
        return CpuBackend()
    if device.type == "cuda":
        card = _card(device)  # first: processes on the card before this one touches it are other programs
        torch.cuda.set_device(device)
        return CudaBackend(device, card=card)
    if device.type == "xpu":
        torch.xpu.set_device(device)
        return HostClockBackend(partial(torch.xpu.synchronize, device))
    return HostClockBackend(getattr(torch, device.type).synchronize)


def meter_for(device: torch.device, backend: Backend) -> EnergyMeter | None:
    """What counts that device's energy; None where nothing does, or it may not be read."""
    if device.type == "cpu":
        return rapl_meter()
    card = backend.card if isinstance(backend, CudaBackend) else None
    return None if card is None else EnergyMeter("nvml", card.energy_j)


@cache
def _card(device: torch.device, cuda: Any = torch.cuda) -> MeasuredCard | None:
    """NVML's view of that card; None without NVML, and on ROCm, which has none. One for all visits of a process: what
    it knows of others is from before this process touched the card."""
    if not torch.version.cuda:
        return None
    properties = cuda.get_device_properties(device)
    uuid = getattr(properties, "uuid", None)
    return open_card(None if uuid is None else str(uuid), pci_bus_id(properties))
