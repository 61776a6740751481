"""What is ticked, as the catalog's selection: the catalog's entries as list items and back. No widget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from cvbench_tui.catalog.axes import Batch, variants
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.catalog.sources import all_models
from cvbench_tui.core.axes import AXES
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.plan import Case, expand
from cvbench_tui.core.protocol import PROTOCOLS, Extra
from cvbench_tui.results.text.units import bytes_text, parameters_text, significant
from cvbench_tui.settings import Last
from cvbench_tui.tui.state.checklist_model import ChecklistModel, Item
from cvbench_tui.tui.state.plan_settings import PlanSettings

PastText = Callable[[Case], str]  # the last time of a case as a short text, or nothing

USUAL_IMAGE = 224  # image side that is not worth a word in the list, pixels
UNFOLDED = ("VGG", "ResNet", "Original tables")
"""Families that are open from the start, in addition to those with ticks. All 23 families of models open are 130 lines,
nine screens of the usual pane; these two and the other headings are 36, and a newcomer sees the best-known names first
and the other families below them."""
LAST_TIME = "last time"
NOT_COUNTED = "-"


class PlanSelection:
    """Everything a run is made of, as the user sets it."""

    def __init__(self, base: Selection | None = None) -> None:
        """``base``: what is ticked at the start."""
        self._models = {entry.name: entry for entry in all_models(late=False)}
        self._layers = {entry.name: entry for entry in LAYERS}
        models, layers = (
            list(map(_model_item, self._models.values())),
            list(map(_layer_item, self._layers.values())),
        )
        self.models = ChecklistModel(models, headings=("image px", "GMACs", "parameters", LAST_TIME), noun="model")
        self.layers = ChecklistModel(layers, headings=("input shape", LAST_TIME), noun="layer")
        self.devices = ChecklistModel(noun="device")
        self.missing: tuple[str, ...] = ()  # devices that were asked for and are not there
        self.batches: tuple[Batch, ...] = ()
        self.images: tuple[int, ...] = ()
        self.settings: dict[str, tuple[str, ...]] = {}  # axes with the values that each takes in turn
        self.phases: tuple[Phase, ...] = ()  # those that are measured; none: all but ``step``
        self.alternate = ""  # axis along which rows are measured in turn
        self.protocol = "default"
        self.extras: tuple[Extra, ...] = ()  # measured in addition to what the protocol measures anyway
        self._base: Selection | None = None
        self._environment: Environment | None = None
        self._asked: object = None  # what ``remember`` was last asked for
        self.models.times, self.layers.times = {}, {}
        for ticks in (self.models, self.layers):
            ticks.folded = set(ticks.groups) - set(UNFOLDED)
        if base is not None:
            self.apply(base)

    @property
    def workloads(self) -> int:
        """How many models and layers are ticked."""
        return len(self.models.ticked) + len(self.layers.ticked)

    def apply(self, selection: Selection) -> None:
        """Tick and set that in place of what is; families with ticks unfold. Without devices the ticked ones stay."""
        self._base = selection
        self.offer_models(selection.models)
        self.batches, self.images, self.protocol = selection.batches, selection.images, selection.protocol
        self.settings, self.phases = dict(selection.settings), selection.phases
        self.extras, self.alternate = selection.extras, selection.alternate
        for ticks, entries in ((self.models, selection.models), (self.layers, selection.layers)):
            ticks.tick_only([entry.name for entry in entries])
            ticks.folded -= {group for group in ticks.groups if ticks.ticked_of(group)[0]}
        if self._environment is not None and selection.devices is not None:
            self._tick_devices(selection.devices, self._environment)

    def offer_models(self, entries: Iterable[ModelEntry], *, first: bool = False) -> None:
        """List those models, too, new families folded; what is ticked stays. ``first``: in this order, what is listed
        already behind them. Without it they are put where they are listed already, or at the end."""
        offered = {entry.name: entry for entry in entries}
        if offered.keys() <= self._models.keys() and not first:
            return
        groups = set(self.models.groups)
        self._models = offered | self._models if first else self._models | offered
        self.models.offer(list(map(_model_item, self._models.values())), self.models.ticked)
        new = set(self.models.groups) - groups
        self.models.folded |= {group for group in new if not self.models.ticked_of(group)[0]}

    def model(self, name: str) -> ModelEntry | None:
        """The model that is listed under that name."""
        return self._models.get(name)

    def add_model(self, entry: ModelEntry) -> None:
        """List a model of the user's own code before the others, and tick it; it may have changed since."""
        others = {name: each for name, each in self._models.items() if each.op != entry.op}
        self._models = {entry.name: entry} | others
        self.models.offer(list(map(_model_item, self._models.values())), {*self.models.ticked, entry.name})
        self.models.folded.discard(entry.family)

    def add_layers(self, layers: Sequence[LayerEntry], ticked: Sequence[LayerEntry]) -> None:
        """List the ticked ones of a model's layers, and tick them; untick the others."""
        names = {entry.name for entry in layers}
        kept = {name: entry for name, entry in self._layers.items() if name not in names}
        self._layers = {entry.name: entry for entry in ticked} | kept
        now = {*self.layers.ticked} - names | {entry.name for entry in ticked}
        self.layers.offer(list(map(_layer_item, self._layers.values())), now)
        self.layers.folded -= {entry.family for entry in ticked}

    def offer(self, environment: Environment) -> None:
        """List the machine's devices; tick those asked for, else those ticked before, else the preferred one."""
        self._environment = environment
        wanted = self.devices.ticked or (self._base.devices if self._base else None)
        if not wanted and environment.preferred is not None:
            wanted = (environment.preferred.id,)
        self.devices.offer([_device_item(device) for device in environment.devices], ())
        self._tick_devices(wanted or (), environment)

    def _tick_devices(self, wanted: Sequence[str], environment: Environment) -> None:
        self.devices.tick_only(wanted)
        self.missing = tuple(name for name in wanted if name not in {device.id for device in environment.usable})

    def remember(self, past: PastText, version: object = None) -> bool:
        """Show beside every model and layer its last time on the first ticked device, if any, at the size of the plan.

        ``version``: of what ``past`` answers. Returns whether a text has changed.
        """
        devices = self.devices.ticked[:1]
        asked = (devices, self.batches, self.images, self.settings, version)
        if version is not None and asked == self._asked:
            return False
        sizes = self.batches[:1], self.images[:1]
        cores = self._environment.fact("usable_cores") if self._environment is not None else None
        chosen = {name: values[:1] for name, values in self.settings.items()}  # all of them may be more than a plan has
        first = variants(chosen, cores if isinstance(cores, int) else None)
        self._asked, before = asked, (self.models.times, self.layers.times)
        self.models.times, self.layers.times = (
            {
                entry.name: text
                for entry in entries
                for case in expand(
                    [(entry.workload, entry.batch)], devices, batches=sizes[0], images=sizes[1], variants=first
                )
                if (text := past(case))
            }
            for entries in (self._models.values(), self._layers.values())
        )
        return before != (self.models.times, self.layers.times)

    @property
    def how(self) -> PlanSettings:
        """How it is measured."""
        return PlanSettings(self.protocol, self.batches, self.images, self._chosen, self.phases, self.alternated)

    def set_how(self, how: PlanSettings) -> None:
        """Measure like that."""
        self.protocol, self.batches, self.images = how.protocol, how.batches, how.images
        self.settings, self.phases = dict(how.settings), how.phases
        self.alternate = how.alternate

    def samples(self) -> tuple[Case, ...]:
        """A case for each device that is ticked and each kind of input: they say which values an axis can have."""
        selection = self.selection()
        entries: tuple[ModelEntry | LayerEntry, ...] = (*selection.models, *selection.layers)
        kinds = {(entry.workload.kind, len(entry.workload.input_shape)): entry for entry in reversed(entries)}
        return expand([(entry.workload, entry.batch) for entry in kinds.values()], self.devices.ticked)

    def next_protocol(self) -> None:
        """Go on to the next named protocol."""
        names = list(PROTOCOLS)
        at = names.index(self.protocol) if self.protocol in names else -1
        self.protocol = names[(at + 1) % len(names)]

    def selection(self) -> Selection:
        """What is ticked now. As long as that is the preset, it keeps the preset's name and order."""
        models = tuple(entry for entry in self._models.values() if entry.name in self.models.ticked_keys)
        layers = tuple(entry for entry in self._layers.values() if entry.name in self.layers.ticked_keys)
        name, base = "selection", self._base
        if base is not None and set(models) == set(base.models) and set(layers) == set(base.layers):
            name, models, layers = base.name, base.models, base.layers
        ticked = Selection(name, models, layers, self.devices.ticked, *self._how())
        return replace(ticked, alternate=self.alternated)

    def last(self) -> Last:
        """What is ticked now, by name, for the settings; before the devices are known, those asked for."""
        devices = self.devices.ticked
        if self._environment is None and self._base is not None:
            devices = self._base.devices or ()
        texts = tuple(f"{name}={value}" for name, values in self.settings.items() for value in values)
        return Last(
            self.models.ticked,
            self.layers.ticked,
            devices,
            self.batches,
            self.images,
            self.protocol,
            texts,
            self.phases,
        )

    def _how(self) -> tuple[Any, ...]:
        """The fields of a selection after its devices."""
        return self.batches, self.images, self.protocol, self.extras, self._chosen, self.phases

    @property
    def alternated(self) -> str:
        """The axis along which rows are measured in turn, as long as several of its values are chosen; else empty."""
        chosen = PlanSettings(self.protocol, self.batches, self.images, self._chosen)
        return self.alternate if self.alternate in chosen.several else ""

    @property
    def _chosen(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return tuple((axis.name, self.settings[axis.name]) for axis in AXES if self.settings.get(axis.name))


def _model_item(entry: ModelEntry) -> Item:
    image = "" if entry.image == USUAL_IMAGE else str(entry.image)
    gmacs = "" if entry.gmacs is None else significant(entry.gmacs, 2 if entry.gmacs >= 0.1 else 1)
    weights = "" if entry.parameters is None else parameters_text(entry.parameters).replace(" ", "")
    columns = (image, gmacs or NOT_COUNTED, weights or NOT_COUNTED)
    # Names of the other sources have up to 40 letters: fitted to them, every model would lose its parameters.
    return Item(entry.name, entry.name, group=entry.family, words=entry.op, columns=columns, aside=":" in entry.op)


def _layer_item(entry: LayerEntry) -> Item:
    shape = "x".join(str(size) for size in entry.input_shape)
    words = f"{entry.op} {entry.description}"
    return Item(entry.name, entry.name, group=entry.family, words=words, columns=(shape,))


def _device_item(device: Device) -> Item:
    memory = bytes_text(device.memory_bytes) if device.memory_bytes is not None else ""
    note = "  ".join(part for part in (device.name, memory, device.detail) if part)
    return Item(device.id, device.id, note, words=device.name, reason="" if device.available else device.reason)
