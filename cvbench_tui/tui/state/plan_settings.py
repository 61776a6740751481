"""How the plan is measured, and the values that the settings dialog offers. No widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cvbench_tui.catalog.axes import COMPARED, Batch, variants
from cvbench_tui.core.axes import LISTED, Axis, unsupported
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.plan import Case

PHASE_HELP: dict[Phase, str] = {
    "forward": "of a training pass; measured together with backward and total",
    "backward": "of a training pass; measured together with forward and total",
    "total": "forward and backward of a training pass",
    "inference": "forward alone, without what backward needs",
    "step": "zero_grad, forward, loss, backward and the optimizer's step",
}


@dataclass(frozen=True)
class PlanSettings:
    """How the plan is measured."""

    protocol: str  # name of one of ``PROTOCOLS``
    batches: tuple[Batch, ...] = ()  # inputs per iteration, each in turn; none: each workload's own
    images: tuple[int, ...] = ()  # sides of the square image in pixels, each in turn; none: each model's own
    settings: tuple[tuple[str, tuple[str, ...]], ...] = ()  # axes with the values that each takes in turn
    phases: tuple[Phase, ...] = ()  # those that are measured; none: all but ``step``
    alternate: str = ""  # axis along which rows are measured in turn; empty: none

    @property
    def several(self) -> tuple[str, ...]:
        """The axes with several values, along any of which rows can be measured in turn."""
        chosen = {"batch": self.batches, "image": self.images, **dict(self.settings)}
        return tuple(name for name in COMPARED if len(chosen.get(name, ())) > 1)


@dataclass(frozen=True)
class Choice:
    """One value that can be ticked."""

    name: str
    help: str  # what it means, part of a sentence
    reason: str = ""  # why no ticked device can do it, a sentence; empty where one can


def axis_choices(axis: Axis, samples: Sequence[Case]) -> tuple[Choice, ...]:
    """The values of that axis. ``samples``: cases of what is ticked; without any, nothing is known against a value."""
    return tuple(
        Choice(each.name, each.help + "; the default" * (each.name == axis.default), _why(axis, each.name, samples))
        for each in axis.values
    )


def phase_choices() -> tuple[Choice, ...]:
    """The phases."""
    return tuple(Choice(phase, PHASE_HELP[phase]) for phase in PHASES)


def turn_choices(how: PlanSettings) -> tuple[Choice, ...]:
    """The axes along which rows can be measured in turn, behind none."""
    named = [
        Choice(name, "its values are measured in turn, visit by visit, in fresh processes") for name in how.several
    ]
    return (Choice("none", "each row by itself; the default"), *named)


def chosen_settings(
    ticked: dict[str, tuple[str, ...]], before: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The axes with other ticks than the default alone. That stays where it was set before: to name an optimizer is to
    ask for its step."""
    return tuple(
        (axis.name, ticked[axis.name])
        for axis in LISTED
        if ticked.get(axis.name) and (ticked[axis.name] != (axis.default,) or (axis.name, (axis.default,)) in before)
    )


def _why(axis: Axis, value: str, samples: Sequence[Case]) -> str:
    """Why none of these cases can have that value; empty where one can."""
    reasons = []
    for case in samples:
        reason = unsupported(replace(case, settings=variants({axis.name: (value,)}, None)[0]))
        if not reason:
            return ""
        reasons.append(reason)
    return reasons[0] if reasons else ""
