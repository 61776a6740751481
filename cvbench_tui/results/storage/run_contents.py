"""What a run is of, for a line of a list: its workloads, devices and settings, and what the user calls it.

Made of the header, the rows that were added and the names of the machine's devices; no measurement is read for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cvbench_tui.core.axes import AXES, Setting
from cvbench_tui.core.axes import axis as axis_of

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run

MAX_NAMES = 1_000  # workloads of a run that are kept, and devices; a run of all that timm has is cut
MAX_NAME = 100  # characters of each
NAMED_WORKLOADS = 2  # of a run that its line names; the others are counted
_VENDOR = re.compile(r"\ANVIDIA (?:GeForce )?|\((?:R|TM)\)")


@dataclass(frozen=True)
class RunContents:
    """What is known of a run without its measurements."""

    label: str = ""  # the user's name of the run
    tags: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()  # names, each once, in the plan's order
    devices: tuple[str, ...] = ()  # product names; the id of one that was never probed
    settings: tuple[str, ...] = ()  # values of each axis that is not at its default everywhere: ``fp32/bf16``

    @cached_property
    def text(self) -> str:
        """``Resnet18, VGG16 +7 on RTX 4090, fp32/bf16``: what the run measures. Text from outside, not escaped."""
        if not self.workloads:
            return ""
        where = _some([_VENDOR.sub("", name).strip() or name for name in self.devices])
        return ", ".join([f"{_some(self.workloads)} on {where}" if where else _some(self.workloads), *self.settings])


NOTHING_KNOWN = RunContents()


class ContentsTally:
    """Takes what a run's events say, one after the other."""

    def __init__(self) -> None:
        self._workloads: dict[str, None] = {}
        self._device_ids: dict[str, None] = {}
        self._products: dict[str, dict[str, None]] = {}  # by device id; several where it was gone on with elsewhere
        self._settings: dict[tuple[Setting, ...], None] = {}
        self._label: tuple[str, tuple[str, ...]] = ("", ())

    def case(self, workload: str, device: str, settings: Sequence[Setting]) -> None:
        """A row of the plan."""
        self._workloads[workload] = None
        self._device_ids[device] = None
        self._settings[tuple(settings)] = None

    def machine(self, products: Mapping[str, str]) -> None:
        """Product names by device id."""
        for device, product in products.items():
            self._products.setdefault(device, {})[product] = None

    def labelled(self, name: str, tags: Iterable[str]) -> None:
        """What the user calls it from now on."""
        self._label = name, tuple(tags)

    @property
    def contents(self) -> RunContents:
        """What the run is of so far."""
        devices = [name for each in self._device_ids for name in self._products.get(each) or (each,)]
        name, tags = self._label
        return RunContents(name, tags, _kept(self._workloads), _kept(devices), tuple(self._varied()))

    def _varied(self) -> Iterable[str]:
        names = dict.fromkeys(name for settings in self._settings for name, _ in settings if name != "batch")
        known = [axis.name for axis in AXES]
        for name in sorted(names, key=lambda each: known.index(each) if each in known else len(known)):
            axis = axis_of(name)
            default = axis.default if axis is not None else "default"
            values = list(dict.fromkeys(dict(settings).get(name, default) for settings in self._settings))
            if axis is None:  # of a newer version
                yield f"{name} {'/'.join(values)}"[:MAX_NAME]
            else:
                yield "/".join(axis.label(value) for value in sorted(values, key=axis.order))[:MAX_NAME]


def contents_of(run: Run) -> RunContents:
    """The same of a run that was read whole."""
    tally = ContentsTally()
    for case in run.plan.cases:
        tally.case(case.workload.name, case.device, case.settings)
    for environment in (*run.other_machines, *run.environments.values(), run.environment):
        if environment is not None:
            tally.machine({device.id: device.name for device in environment.devices})
    tally.labelled(run.name, run.tags)
    return tally.contents


def _kept(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name[:MAX_NAME] for name in names))[:MAX_NAMES]


def _some(names: Sequence[str]) -> str:
    others = len(names) - NAMED_WORKLOADS
    return ", ".join(names[:NAMED_WORKLOADS]) + f" +{others}" * (others > 0)
