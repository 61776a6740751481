"""What a row is called where it is named alone: rows that differ in anything never share a name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cvbench_tui.core import axes
from cvbench_tui.core.axes import Case

SIZES: dict[str, Callable[[Case], str]] = {
    "framework": lambda case: case.framework,
    "device": lambda case: case.device,
    "batch": lambda case: batch_text(case),
    "image": lambda case: f"{case.image} px" if case.image is not None else "",
}
"""What rows differ in besides their settings, and the word for it."""


def batch_text(case: Case) -> str:
    """``batch 8``; ``batch max`` for the largest that fits, ``batch max (96)`` once it is found."""
    if not case.finds_batch:
        return f"batch {case.batch}"
    return f"batch max ({case.batch})" if case.batch > 1 else "batch max"


def settings_of(case: Case) -> tuple[axes.Setting, ...]:
    """Its settings that are not default, without the search for the largest batch, which its batch says."""
    return tuple(each for each in case.settings if each[0] != "batch")


def title(case: Case) -> str:
    """``Resnet18 amp-bf16 4 threads``: the workload's name and a word for each setting."""
    return " ".join((case.workload.name, *axes.labels(settings_of(case))))


def differing(cases: Sequence[Case]) -> tuple[str, ...]:
    """In what these rows differ besides their workload's name: axes, then device, batch, image side and framework."""
    chosen = {each.settings for each in cases}
    names = dict.fromkeys(name for settings in chosen for name, _ in settings if name != "batch")
    known = [axis.name for axis in axes.AXES if axis.name in names]
    named = [*known, *(name for name in names if name not in known)]
    differ = [name for name in named if len({dict(settings).get(name) for settings in chosen}) > 1]
    return (*differ, *(name for name, word in SIZES.items() if len({word(case) for case in cases}) > 1))


def label(case: Case, differ: Collection[str]) -> str:
    """The name with a word for each of these in which the row is not default; for all settings where none differ."""
    chosen = settings_of(case)
    words = axes.labels([each for each in chosen if each[0] in differ] if differ else chosen)
    sizes = (word(case) for name, word in SIZES.items() if name in differ)
    return " ".join((case.workload.name, *words, *filter(None, sizes)))
