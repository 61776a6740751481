"""Values of axes, batches and image sizes as a user writes them: ``8,64,max``, ``fp32,amp-bf16``, ``half,4``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Literal

from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.base.toml import Kind, some_of
from cvbench_tui.core import axes
from cvbench_tui.core.axes import AXES, LISTED, Axis, Setting
from cvbench_tui.core.image_sizes import MAX_IMAGE
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.plan import MAX_BATCH
from cvbench_tui.errors import SelectionError

Batch = int | Literal["max"]
COMPARED = ("batch", "image", *(axis.name for axis in AXES))  # what rows can be compared and ranked along
SIDES = (*COMPARED, "device")  # what the rows of a run can be laid side by side along
GROUPINGS = ("none", "workload", "kind", "device", *COMPARED)  # what the rows of one group of the table share
NEAR = 0.5  # of a value's name, which is short: ``fp8`` is near to ``fp16``
MAX_VARIANTS = 4096  # of one workload on one device: seven axes ticked wholly are 2,688


def _is_number(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


BATCHES = Kind(
    f'a whole number from 1 to {MAX_BATCH} or "max", or a list of these',
    lambda value: value == "max" or _is_number(value, MAX_BATCH), ("max",), is_list=True, single=True,
)  # fmt: skip
IMAGES = Kind(
    f"a whole number of pixels from 1 to {MAX_IMAGE}, or a list of these",
    lambda value: _is_number(value, MAX_IMAGE), is_list=True, single=True,
)  # fmt: skip
PHASE_NAMES = replace(some_of(PHASES), single=True)


def _is_value(axis: Axis, value: object) -> bool:
    """True for a value of that axis in a file, where a number needs no quotes."""
    return axis.accepts(value) if isinstance(value, str) else _is_number(value, axis.most or 0)


def values_kind(axis: Axis) -> Kind:
    """What a file may hold for that axis."""
    names = [each.name for each in axis.values]
    numbers = f" or a number from 1 to {axis.most}" if axis.most is not None else ""
    expected = f"one of {', '.join(names)}{numbers}, or a list of these"
    return Kind(expected, partial(_is_value, axis), tuple(names), is_list=True, single=True, cutoff=NEAR)


def _is_setting(value: object) -> bool:
    name, _, chosen = value.partition("=") if isinstance(value, str) else ("", "", "")
    known = axes.axis(name)
    return known is not None and not known.named and known.accepts(chosen)


SETTINGS = Kind(
    'axes with a value, such as "precision=amp-bf16"', _is_setting,
    tuple(f"{axis.name}={value.name}" for axis in LISTED for value in axis.values), is_list=True,
)  # fmt: skip


def axis_named(name: str) -> Axis:
    """The axis of that name, with hyphens or underscores. Raises SelectionError naming the nearest."""
    key = name.strip().casefold().replace("-", "_")
    found = axes.axis(key)
    if found is None:
        names = [each.name for each in AXES]
        raise SelectionError(f"There is no axis {quoted(name)}.", f"{nearest(key, names)} Axes: {', '.join(names)}.")
    return found


def check_values(axis: Axis, names: Sequence[str]) -> tuple[str, ...]:
    """The values of that axis, each once. Raises SelectionError naming the nearest."""
    return tuple(dict.fromkeys(_value(axis, name) for name in names))


def known_settings(texts: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The axes with their values of ``axis=value`` texts; what this version does not have is left out."""
    chosen: dict[str, tuple[str, ...]] = {}
    for name, _, value in (text.partition("=") for text in texts):
        known = axes.axis(name)
        if known is not None and not known.named and known.accepts(value):
            chosen[name] = (*chosen.get(name, ()), value)
    return tuple((each.name, tuple(dict.fromkeys(chosen[each.name]))) for each in AXES if each.name in chosen)


def split(text: str) -> tuple[str, ...]:
    """The pieces of a list with commas, without blanks around them; an empty one stays, to be complained of."""
    return tuple(piece.strip() for piece in text.split(","))


def check_batch(value: int | str) -> Batch:
    """The batch itself. Raises SelectionError unless it is 1 to ``MAX_BATCH``, or ``max``."""
    if isinstance(value, str) and value.strip().casefold() == "max":
        return "max"
    return _number("Batch", value, MAX_BATCH, f"A batch is a whole number from 1 to {MAX_BATCH}, or max.")


def check_image(value: int | str) -> int:
    """The image side itself. Raises SelectionError unless it is 1 to ``MAX_IMAGE`` pixels."""
    return _number("Image size", value, MAX_IMAGE, f"A side is a whole number of pixels from 1 to {MAX_IMAGE}.")


def check_phases(names: Sequence[str]) -> tuple[Phase, ...]:
    """Those phases, in the order of the columns. Raises SelectionError naming the nearest."""
    keys = [name.strip().casefold() for name in names]
    for name, key in zip(names, keys, strict=True):
        if key not in PHASES:
            hint = f"{nearest(key, PHASES)} Phases: {', '.join(PHASES)}.".strip()
            raise SelectionError(f"There is no phase {quoted(name)}.", hint)
    return tuple(phase for phase in PHASES if phase in keys)


def variants(chosen: Mapping[str, Sequence[str]], cores: int | None) -> tuple[tuple[Setting, ...], ...]:
    """Every combination of the values, in the registry's order, the last axis the fastest; the one without settings
    where nothing is chosen. ``cores``: usable ones of the machine, for ``half``. Raises SelectionError for too many."""
    ordered = [each for each in AXES if chosen.get(each.name)]
    count = 1
    for axis in ordered:
        count *= len(chosen[axis.name])
    if count > MAX_VARIANTS:
        raise SelectionError(f"{count:,} combinations of settings are too many.", f"At most {MAX_VARIANTS:,}.")
    rows = product(*([(axis.name, _of_machine(axis, name, cores)) for name in chosen[axis.name]] for axis in ordered))
    return tuple(dict.fromkeys(axes.pairs(dict(row)) for row in rows))


def _of_machine(axis: Axis, name: str, cores: int | None) -> str:
    """A share of the cores as a number: the row is the same on every machine. One core at the least."""
    share = axis.value(name).cores
    return name if share is None else str(max(1, int(share * (cores or 2))))


def _value(axis: Axis, text: str) -> str:
    names = [each.name for each in axis.values]
    key = text.strip().casefold()
    found = next((name for name in names if key.replace("_", "-") == name.replace("_", "-")), key)
    if not axis.accepts(found):
        numbers = f", or a number from 1 to {axis.most}" if axis.most is not None else ""
        hint = f"{nearest(key, names, cutoff=NEAR)} Values: {', '.join(names)}{numbers}."
        raise SelectionError(f"{axis.title} has no value {quoted(text)}.", hint.strip())
    return found


def _number(what: str, value: int | str, most: int, rule: str) -> int:
    """Raises SelectionError for what is no whole number from 1 to ``most``."""
    digits = str(value).strip() if not isinstance(value, int) or abs(value) < 10**15 else "0"
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16 and 1 <= int(digits) <= most):
        shown = quoted(value) if isinstance(value, str) else value if abs(value) < 10**15 else "of that length"
        raise SelectionError(f"{what} {shown} is not possible.", rule)
    return int(digits)
