"""What is ticked, and the plan it makes on a machine. Also the check of a device's name."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.catalog.axes import Batch, check_batch, check_image, check_phases, variants
from cvbench_tui.catalog.environments import FORM, why_not_started
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.model_layers import LayersOf, is_well_formed
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.own_code import why_not_named
from cvbench_tui.catalog.sources import entry_of
from cvbench_tui.core import axes
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.image_sizes import MAX_IMAGE
from cvbench_tui.core.limits import MAX_CASES
from cvbench_tui.core.measurement import PASS_OF, Phase
from cvbench_tui.core.plan import BATCH_MAX, MAX_BATCH, Case, NamedEnvironment, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS, Extra, Protocol
from cvbench_tui.core.workload import Workload
from cvbench_tui.errors import SelectionError

_DEVICE = re.compile(r"(?P<kind>cpu|mps)|(?P<numbered>cuda|xpu)(:(?P<index>[0-9]{1,3}))?")
_DEVICE_FORMS = ("cpu", "cuda:0", "mps", "xpu:0")
_MEANT = {"gpu": "cuda:0", "nvidia": "cuda:0", "rocm": "cuda:0", "hip": "cuda:0", "metal": "mps", "intel": "xpu:0"}


@dataclass(frozen=True)
class Selection:
    """What is to be measured, before a machine is known."""

    name: str  # the preset's name, or ``selection``
    models: tuple[ModelEntry, ...]
    layers: tuple[LayerEntry, ...]
    devices: tuple[str, ...] | None  # as ``check_device_name`` returns them; None takes the machine's preferred device
    batches: tuple[Batch, ...] = ()  # each in turn, in place of every entry's own; none leaves them
    images: tuple[int, ...] = ()  # sides in pixels, in place of every image input's own; none leaves them
    protocol: str = "default"
    extras: tuple[Extra, ...] = ()  # secondary metrics in addition to those of the protocol
    settings: tuple[tuple[str, tuple[str, ...]], ...] = ()  # axes with the values that each takes in turn
    phases: tuple[Phase, ...] = ()  # those that are measured; none: all but ``step``
    layers_of: tuple[LayersOf, ...] = ()  # layers of models whose shapes are to be asked for
    alternate: str = ""  # the axis whose variants are measured in turn; empty: none
    environments: tuple[NamedEnvironment, ...] = ()  # that measure every row, each; none: the program's own alone
    code_in: tuple[tuple[str, ModelEntry], ...] = ()  # own models as they are in the environment of that name

    @property
    def code(self) -> tuple[ModelEntry, ...]:
        """Models of the user's own code in it."""
        models = (*self.models, *(each.model for each in self.layers_of))
        return tuple(dict.fromkeys(each for each in (*models, *(entry for _, entry in self.code_in)) if each.params))

    @property
    def cpu_only(self) -> bool:
        """True when it names the CPU and no other device."""
        return bool(self.devices) and all(name.strip().casefold() == "cpu" for name in self.devices or ())


def to_plan(selection: Selection, environment: Environment) -> Plan:
    """The plan of that selection on that machine, device by device. Raises SelectionError when nothing is selected, a
    number is impossible, or the machine lacks a device."""
    assert not selection.layers_of, "a model's layers are looked up first"
    if not selection.models and not selection.layers:
        raise SelectionError("Nothing is selected.", "Choose at least one model or layer.")
    models = [(entry.workload, entry.batch) for entry in selection.models]
    layers = [(entry.workload, entry.batch) for entry in selection.layers]
    devices = devices_of(selection.devices, environment)
    cores = environment.fact("usable_cores")
    chosen = dict(selection.settings)
    if selection.environments:
        chosen[axes.ENV] = tuple(each.name for each in selection.environments)
    every = variants(chosen, cores if type(cores) is int else usable_cores())
    batches = tuple(dict.fromkeys(map(check_batch, selection.batches)))
    images = tuple(dict.fromkeys(map(check_image, selection.images)))
    rows = len(models + layers) * len(devices) * (len(batches) or 1) * (len(images) or 1) * len(every)
    if rows > MAX_CASES:
        raise SelectionError(f"{rows:,} rows are too many for a run.", f"At most {MAX_CASES:,}: choose fewer values.")
    cases = expand(models + layers, devices, batches=batches, images=images, variants=every)
    cases = tuple(_as_there(case, selection.code_in) for case in cases)
    protocol = PROTOCOLS.get(selection.protocol.strip().casefold())
    if protocol is None:
        hint = f"{nearest(selection.protocol, PROTOCOLS)} Protocols are {', '.join(PROTOCOLS)}.".strip()
        raise SelectionError(f"Unknown protocol {quoted(selection.protocol)}.", hint)
    extras = tuple(dict.fromkeys(protocol.extras + selection.extras))
    passes = _passes(selection, protocol)
    protocol = replace(protocol, extras=extras, passes=passes)
    others = tuple(each for each in selection.environments if each.where)
    plan = Plan(selection.name, cases, protocol, selection.alternate, others)
    if plan.alternate and not any(plan.in_turn(case.case_id) for case in cases):
        words = plan.alternate.replace("_", " ")
        raise SelectionError(f"No rows differ in {words} alone, so none can be alternated along it.", _two_of(plan))
    return plan


def _as_there(case: Case, code_in: Collection[tuple[str, ModelEntry]]) -> Case:
    """The case with the code that its environment has under that name."""
    for name, entry in code_in:
        if name == case.setting(axes.ENV) and case.workload.kind == "model" and entry.name == case.workload.name:
            work = entry.workload if case.image is None else entry.workload.with_image(case.image)
            return replace(case, workload=work)
    return case


def _two_of(plan: Plan) -> str:
    """How two values of the axis that is alternated are named."""
    known = axes.axis(plan.alternate)
    if known is not None and known.named:
        return FORM
    if known is None:
        return f"Name two values or more: {'-b 1,8' if plan.alternate == 'batch' else '--image 160,224'}"
    return f"Name two values or more: {known.flag} {','.join(each.name for each in known.values[:2])}"


def _passes(selection: Selection, protocol: Protocol) -> tuple[PassName, ...]:
    """The passes that have the phases asked for. A value of the optimizer is a wish for its step."""
    wanted = {PASS_OF[phase] for phase in check_phases(selection.phases)} or set(protocol.passes)
    chosen = dict(selection.settings)
    wanted |= {PASS_OF[axis.phase] for axis in axes.AXES if axis.phase is not None and chosen.get(axis.name)}
    if "step" in wanted and protocol.method == "published":
        raise SelectionError(
            f"Protocol {protocol.name} takes no optimizer's step.",
            "Use protocol default, or leave out step and optimizer.",
        )
    return tuple(name for name in dict.fromkeys(PASS_OF.values()) if name in wanted)


def why_not_offered(
    case: Case, named: Collection[ModelEntry] = (), environments: Collection[NamedEnvironment] = ()
) -> str:
    """Why no selection makes this case, in one sentence; empty where one does. A run file may ask for anything: with
    other arguments a model of torchvision fetches its weights, and a layer can be larger than the machine. Names are
    not compared: an entry may be renamed. ``named``: models of the user's own code that he has named himself."""
    if why := why_not_started(case, environments) or why_not_named(case, named):
        return why
    workload, side = case.workload, case.image
    name = quoted(workload.name)
    if not _offered(case.workload, named):
        return f"{name} is not in the catalog of this version as the run file has it, so it is not measured."
    if _DEVICE.fullmatch(case.device) is None:
        return f"No device is written {quoted(case.device)}, so {name} is not measured."
    for what, value, most in (("batch", case.batch, MAX_BATCH), ("image", side, MAX_IMAGE)):
        if value is not None and not 1 <= value <= most:
            return f"The {what} of {name} is not from 1 to {most}, so it is not measured."
    for setting in case.settings:
        known = axes.axis(setting[0])
        if setting != BATCH_MAX and (known is None or not known.accepts(setting[1])):
            return f"This version has no {quoted('='.join(setting))}, so {name} is not measured."
    return ""


def _offered(workload: Workload, named: Collection[ModelEntry]) -> bool:
    """True for a workload of the lists, of the user's own code, or a layer of one of these models."""
    model = workload.model
    if model is not None:
        return is_well_formed(workload) and _offered(model, named)
    entries = (*named, *filter(None, (entry_of(workload.op),))) if workload.kind == "model" else LAYERS
    side = workload.image
    asked = workload.kind, workload.op, workload.input_shape, workload.params
    for entry in entries:
        own = entry.workload if side is None else entry.workload.with_image(side)
        if entry.op == workload.op and (own.kind, own.op, own.input_shape, own.params) == asked:
            return True
    return False


def check_device_name(text: str) -> str:
    """The device as PyTorch writes it, ``cuda`` being ``cuda:0``; whether the machine has it is not checked. Raises
    SelectionError when no device is written like that."""
    name = text.strip().casefold()
    match = _DEVICE.fullmatch(name)
    if match is None:
        meant = _MEANT.get(name) or next((kind for kind in ("cpu", "mps") if name.startswith(f"{kind}:")), None)
        near = f"Nearest: {meant}." if meant else nearest(name, _DEVICE_FORMS)
        hint = f"{near} Devices are cpu, mps, cuda:N and xpu:N; `cvbench-tui list devices` shows this machine's."
        raise SelectionError(f"Unknown device {quoted(text)}.", hint.strip())
    if match["kind"]:
        return match["kind"]
    return f"{match['numbered']}:{int(match['index'] or 0)}"


def devices_of(wanted: tuple[str, ...] | None, environment: Environment) -> tuple[str, ...]:
    """The devices to measure on, each once; None takes the preferred one. Raises SelectionError for a missing one."""
    if wanted is None:
        if environment.preferred is None:
            raise SelectionError("This machine offers no device to measure on.", "`cvbench-tui doctor` says why.")
        return (environment.preferred.id,)
    if not wanted:
        raise SelectionError("No device is selected.", f"Choose at least one of {_usable(environment)}.")
    return tuple(dict.fromkeys(_present(check_device_name(text), environment) for text in wanted))


def _present(name: str, environment: Environment) -> str:
    """The device itself. Raises SelectionError with the probe's reason when the machine lacks it."""
    if any(device.id == name for device in environment.usable):
        return name
    absent = environment.device(name) or environment.device(name.split(":")[0])
    reason = absent.reason if absent is not None else ""
    raise SelectionError(
        f"This machine has no usable device {name}. {reason}".strip(), f"It has {_usable(environment)}."
    )


def _usable(environment: Environment) -> str:
    return ", ".join(device.id for device in environment.usable) or "none"
