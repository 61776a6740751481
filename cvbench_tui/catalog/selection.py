"""What a user has ticked or named, and the plan it makes on a machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cvbench_tui.catalog.layers import LayerEntry
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.names import nearest
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.errors import SelectionError

MOST_BATCH = 65536
MOST_IMAGE = 4096
DEVICE_KINDS = ("cpu", "cuda", "mps", "xpu")
NUMBERED = ("cuda", "xpu")


@dataclass(frozen=True)
class Selection:
    """Models, layers, devices and overrides, in the order they were chosen."""

    name: str = "selection"
    """Of the preset it came from."""
    models: tuple[ModelEntry, ...] = ()
    layers: tuple[LayerEntry, ...] = ()
    devices: tuple[str, ...] | None = None
    """None: the machine's preferred one."""
    batch: int | None = None
    """None: each workload's own."""
    image: int | None = None
    """Side in pixels; None: each workload's own."""
    protocol: str = "default"


def to_plan(selection: Selection, environment: Environment) -> Plan:
    """The plan on this machine. Raises SelectionError when nothing is chosen or a device is not there."""
    entries: tuple[ModelEntry | LayerEntry, ...] = (*selection.models, *selection.layers)
    if not entries:
        raise SelectionError("Nothing to measure.", "Choose at least one model or layer.")
    if selection.devices is not None and not selection.devices:
        raise SelectionError("No device to measure on.", "Choose at least one device.")
    protocol = PROTOCOLS.get(selection.protocol)
    if protocol is None:
        raise SelectionError(f"Unknown protocol '{selection.protocol}'.", nearest(selection.protocol, PROTOCOLS))
    workloads = [(entry.workload, entry.batch) for entry in entries]
    cases = expand(workloads, _devices(selection, environment), batch=selection.batch, image=selection.image)
    return Plan(selection.name, cases, protocol)


def check_batch(value: int) -> int:
    """The batch, if it can be one. Raises SelectionError."""
    return _within(value, MOST_BATCH, "Batch")


def check_image(value: int) -> int:
    """The image side in pixels, if it can be one. Raises SelectionError."""
    return _within(value, MOST_IMAGE, "Image size")


def check_device_name(text: str) -> str:
    """``cuda`` to ``cuda:0`` and the like, whatever the machine has. Raises SelectionError for no kind of device."""
    match = re.fullmatch(r"([a-z]+)(?::(\d{1,3}))?", text.strip().casefold())
    kind, number = (match[1], match[2]) if match else ("", None)
    if kind not in DEVICE_KINDS or (number and kind not in NUMBERED):
        raise SelectionError(
            f"Unknown device '{text}'.", "There are cpu, cuda:N, mps and xpu:N: cvbench-tui list devices"
        )
    return f"{kind}:{int(number or 0)}" if kind in NUMBERED else kind


def _within(value: int, most: int, what: str) -> int:
    if not 1 <= value <= most:
        raise SelectionError(f"{what} {value} is not possible.", f"Give a whole number from 1 to {most}.")
    return value


def _devices(selection: Selection, environment: Environment) -> tuple[str, ...]:
    """The devices to measure on. Raises SelectionError for one the machine lacks."""
    if selection.devices is None:
        preferred = environment.preferred
        if preferred is None:
            raise SelectionError("This machine has no device to measure on.", "Look at: cvbench-tui doctor")
        return (preferred.id,)
    usable = [device.id for device in environment.usable]
    for name in selection.devices:
        if name not in usable:
            reason = _why_absent(name, environment)
            raise SelectionError(f"This machine has no device '{name}'.", f"{reason}There are: {', '.join(usable)}.")
    return selection.devices


def _why_absent(name: str, environment: Environment) -> str:
    """The probe's reason for that kind of device, if it gave one."""
    kind = name.partition(":")[0]
    reasons = [d.reason for d in environment.devices if d.id.partition(":")[0] == kind and not d.available]
    return f"{reasons[0]} " if reasons else ""
