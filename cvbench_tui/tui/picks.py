"""What is ticked, as the catalog's selection: the catalog's entries as list items and back. No widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.results.units import bytes_text, parameters_text, significant
from cvbench_tui.tui.ticks import Item, Ticks

Entry = TypeVar("Entry", ModelEntry, LayerEntry)

USUAL_IMAGE = 224
"""Image side that is not worth a word in the list, pixels."""


class Picks:
    """Everything a run is made of, as the user sets it."""

    def __init__(self, base: Selection | None = None, protocol: str | None = None) -> None:
        self.models = Ticks([_model_item(entry) for entry in MODELS], _names(base.models if base else ()))
        self.layers = Ticks([_layer_item(entry) for entry in LAYERS], _names(base.layers if base else ()))
        self.devices = Ticks()
        self.missing: tuple[str, ...] = ()
        """Devices that were asked for and are not there."""
        self.batch = base.batch if base else None
        self.image = base.image if base else None
        self.protocol = protocol or (base.protocol if base else "default")
        self._base = base

    @property
    def workloads(self) -> int:
        """How many models and layers are ticked."""
        return len(self.models.ticked) + len(self.layers.ticked)

    def offer(self, environment: Environment) -> None:
        """List the machine's devices; tick those asked for, else those ticked before, else the preferred one."""
        wanted = self.devices.ticked or (self._base.devices if self._base else None)
        self.missing = tuple(name for name in wanted or () if name not in {device.id for device in environment.usable})
        if not wanted and environment.preferred is not None:
            wanted = (environment.preferred.id,)
        self.devices.offer([_device_item(device) for device in environment.devices], wanted or ())

    def next_protocol(self) -> None:
        """Go on to the next named protocol."""
        names = list(PROTOCOLS)
        self.protocol = names[(names.index(self.protocol) + 1) % len(names)]

    def selection(self) -> Selection:
        """What is ticked now. As long as that is the preset, it keeps the preset's name and order."""
        models = _ticked(MODELS, self.models)
        layers = _ticked(LAYERS, self.layers)
        name, base = "selection", self._base
        if base is not None and set(models) == set(base.models) and set(layers) == set(base.layers):
            name, models, layers = base.name, base.models, base.layers
        return Selection(name, models, layers, self.devices.ticked, self.batch, self.image, self.protocol)


def _names(entries: Sequence[ModelEntry] | Sequence[LayerEntry]) -> list[str]:
    return [entry.name for entry in entries]


def _ticked(entries: Sequence[Entry], ticks: Ticks) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if ticks.has(entry.name))


def _model_item(entry: ModelEntry) -> Item:
    image = "" if entry.image == USUAL_IMAGE else f" {entry.image} px"
    note = f"{parameters_text(entry.parameters):>6}{significant(entry.gmacs, 2):>4}{image}"
    return Item(entry.name, entry.name, note, entry.family, words=entry.op)


def _layer_item(entry: LayerEntry) -> Item:
    shape = "x".join(str(size) for size in entry.input_shape)
    return Item(entry.name, entry.name, shape, entry.family, words=f"{entry.op} {entry.description}")


def _device_item(device: Device) -> Item:
    memory = bytes_text(device.memory_bytes) if device.memory_bytes is not None else ""
    note = "  ".join(part for part in (device.name, memory, device.detail) if part)
    return Item(device.id, device.id, note, words=device.name, reason="" if device.available else device.reason)
