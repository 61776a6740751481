"""The command that measures a row once more, or all rows. It does not check that the machine is the same."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.model_layers import is_well_formed
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.own_code import FAMILY, IMAGE, reference
from cvbench_tui.catalog.sources import entry_of
from cvbench_tui.core.axes import AXES
from cvbench_tui.core.axes import axis as axis_of
from cvbench_tui.core.image_sizes import MAX_IMAGE
from cvbench_tui.core.measurement import WHOLE_PHASE
from cvbench_tui.core.plan import BATCH_MAX, MAX_BATCH, Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import LAYER_OF_MODEL, Kind, Workload

DEVICE_ID = re.compile(r"cpu|mps|(cuda|xpu):(0|[1-9][0-9]{0,2})")  # as the worker reports it
_NAMED_CELLS = 60  # of a name from outside in a sentence
NAME_OPTION: dict[Kind, str] = {"model": "-m", "layer": "-l"}


def command_line(run: Run, case: Case) -> str:
    """``cvbench-tui run -m Resnet18 -d cuda:0 -b 8 --protocol quick``, quoted for a shell; a sentence with the reason
    where no command makes this row."""
    run, case = run.home(case)
    entry = _entry(case)
    obstacle = _obstacle(run.plan.protocol, case, entry)
    if obstacle or entry is None:
        return f"No command repeats this row: {obstacle}"
    words = (
        "cvbench-tui",
        "run",
        NAME_OPTION[case.workload.kind],
        _name(case, entry),
        *_options(run.plan, case, entry),
    )
    return shlex.join(words)


def command_lines(run: Run, width: int) -> tuple[list[str], int]:
    """The commands that measure all rows once more, one for each device and image with lists of batches and
    settings, in lines of that many cells where no name is longer; and the number of rows that no command makes."""
    groups: dict[tuple[str, ...], dict[str, list[str]]] = {}
    left_out = 0
    for case in (case for case in run.plan.cases if case.case_id not in run.borrowed):
        entry = _entry(case)
        if entry is None or _obstacle(run.plan.protocol, case, entry):
            left_out += 1
            continue
        named = groups.setdefault(tuple(_options(run.plan, case, entry)), {})
        named.setdefault(NAME_OPTION[case.workload.kind], []).append(_name(case, entry).replace(" ", "\0"))
    lines = []
    for options, named in _together(groups):
        pairs = list(options)
        for option, names in reversed(named.items()):
            parts = _wrapped(" ".join(names), width - 20)
            pairs[:0] = [(option, part.replace(" ", ",").replace("\0", " ")) for part in parts]
        pairs += _alternated(run.plan.alternate, pairs)
        words = [f"{option} {shlex.quote(value)}".replace(" ", "\0") for option, value in pairs]
        folded = _wrapped(" ".join(["cvbench-tui", "run", *words]), width - 2, indent="    ")
        lines.append(" \\\n".join(folded).replace("\0", " "))
    return lines, left_out


_Pairs = tuple[tuple[str, str], ...]  # options, each with its value
_Named = dict[str, list[str]]  # ``-m`` and ``-l`` with their names


def _together(groups: Mapping[tuple[str, ...], _Named]) -> Iterator[tuple[_Pairs, _Named]]:
    """The options with their names, those put together that differ in one option only, which then has a list: batch by
    batch and axis by axis, so that each command makes the rows of its parts and no others."""
    defaults = {"-b": "", **{axis.flag: axis.default for axis in AXES}}
    repeated = {axis.flag for axis in AXES if axis.named}
    parts = []
    for options, named in groups.items():
        pairs = tuple(zip(options[::2], options[1::2], strict=True))
        others = tuple(pair for pair in pairs if pair[0] not in defaults)
        parts.append(({name: value for name, value in pairs if name in defaults}, others, named))
    for flag, default in defaults.items():
        merged: dict[object, tuple[dict[str, str], _Pairs, _Named]] = {}
        for chosen, others, named in parts:
            key = (*sorted(each for each in chosen.items() if each[0] != flag), others, str(named))
            if key in merged:
                into = merged[key][0]
                both = into.get(flag, default), chosen.get(flag, default)
                into[flag] = ("\n" if flag in repeated else ",").join(both)  # a path may have a comma
            else:
                merged[key] = (chosen, others, named)
        parts = list(merged.values())
    for chosen, others, named in parts:
        listed = tuple(
            (name, value)
            for name in defaults if name in chosen
            for value in (chosen[name].split("\n") if name in repeated else [chosen[name]])
        )  # fmt: skip
        yield (*others[:1], *listed, *others[1:]), named


def _alternated(axis: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The option that measures the values of that axis in turn, where these options have several of them."""
    known = axis_of(axis)
    flag = known.flag if known is not None else {"batch": "-b", "image": "--image"}.get(axis)
    values = [each for option, value in pairs if option == flag for each in value.split(",")]
    return [("--alternate", axis.replace("_", "-"))] if len(values) > 1 else []


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The text, whose words have single blanks between them, in lines of that width; by far most have one."""
    if len(text) <= width:
        return [text]
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def differs(protocol: Protocol) -> bool:
    """True when the protocol of that name measures with other numbers in this version: the command repeats the row, but
    not quite the method."""
    named = PROTOCOLS.get(protocol.name)
    return named is not None and replace(named, extras=protocol.extras, passes=protocol.passes) != protocol


def _options(plan: Plan, case: Case, entry: ModelEntry | LayerEntry) -> Iterator[str]:
    """Every other option that the case needs; batch and protocol always, since defaults change."""
    protocol = plan.protocol
    yield from ("-d", case.device, "-b", "max" if case.finds_batch else str(case.batch))
    model = case.workload.model
    side = case.image if model is None else model.input_shape[-1]
    if side is not None and (case.workload != entry.workload if model is None else side != _usual_image(model)):
        yield from ("--image", str(side))
    for name, value in case.settings:
        if known := axis_of(name):
            where = next((each.where for each in plan.environments if each.name == value), "")
            yield from (known.flag, f"{value}={where}" if known.named else value)
    yield from ("--protocol", protocol.name)
    if set(protocol.passes) != set(PROTOCOLS[protocol.name].passes):
        yield from ("--phases", ",".join(WHOLE_PHASE[name] for name in protocol.passes))
    for extra in protocol.extras:
        if extra not in PROTOCOLS[protocol.name].extras:
            yield from ("--extra", extra)


def _name(case: Case, entry: ModelEntry | LayerEntry) -> str:
    """What names it on the command line, in any folder."""
    model = case.workload.model
    if model is not None:
        return f"{reference(model) if model.code else model.op}:{case.workload.param('layer')}"
    return reference(case.workload) if case.workload.code else entry.name


def _usual_image(model: Workload) -> int:
    """Side of its images where nothing else is asked for, pixels."""
    entry = entry_of(model.op)
    return IMAGE if entry is None else entry.image


def _entry(case: Case) -> ModelEntry | LayerEntry | None:
    """What the catalog has under that name, if it is the same work; of a user's own code, and of a model's layer, what
    the case itself says."""
    work = case.workload
    if work.op == LAYER_OF_MODEL:
        known = work.model is not None and (work.model.code or entry_of(work.model.op)) and is_well_formed(work)
        return LayerEntry(work.name, work.op, "", work.input_shape, work.params, "", 0.0) if known else None
    if work.code is not None:
        return ModelEntry(work.name, work.op, FAMILY, None, IMAGE, None, None, params=work.params)
    model = entry_of(case.workload.op)
    entries: tuple[ModelEntry | LayerEntry | None, ...] = (model,) if case.workload.kind == "model" else LAYERS
    for entry in entries:
        if entry is None or entry.name != case.workload.name:
            continue
        workload = entry.workload if case.image is None else entry.workload.with_image(case.image)
        if workload == case.workload:
            return entry
    return None


def _obstacle(protocol: Protocol, case: Case, entry: ModelEntry | LayerEntry | None) -> str:
    """Why no command makes this case; empty when one does."""
    if case.framework != "torch":
        return f"there is no option for the framework {_short(case.framework)}."
    for name, setting in case.settings:
        known = axis_of(name)
        if (name, setting) != BATCH_MAX and (known is None or not known.accepts(setting)):
            return f"there is no option for the {_short(name.replace('_', ' '))} {_short(setting)}."
    if entry is None:
        return f"{_short(case.workload.name)} is not in the list as it was measured here."
    if "," in (name := _name(case, entry)):
        return f"{_short(name)} has a comma, which separates names on the command line."
    if protocol.name not in PROTOCOLS:
        return f"there is no protocol {_short(protocol.name)} in this version."
    for what, value, most in (("batch", case.batch, MAX_BATCH), ("image size", case.image or 1, MAX_IMAGE)):
        if not 1 <= value <= most:
            return f"the {what} {_short(str(value))} is not possible."
    return "" if DEVICE_ID.fullmatch(case.device) else f"no device is written {_short(case.device)}."


def _short(text: str) -> str:
    return shorten(one_line(text), _NAMED_CELLS)
