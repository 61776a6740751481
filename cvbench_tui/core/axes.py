"""Axes: the settings of a row besides workload, device, batch and image, each with its values.

A new axis is one entry of ``AXES`` and one hook of the worker (``worker.workloads.axis_hooks``). Selection, presets,
command line, the app's settings, columns, labels, files and comparisons iterate this registry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.text import plural
from cvbench_tui.core.workload import Workload

Setting = tuple[str, str]  # axis and value


class Case(Protocol):
    """What axes and names of rows read of ``core.plan.Case``, which needs both."""

    @property
    def workload(self) -> Workload:
        """What is timed."""

    @property
    def device(self) -> str:
        """Where."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Pairs that are not default."""

    @property
    def batch(self) -> int:
        """Inputs per iteration."""

    @property
    def image(self) -> int | None:
        """Side of the image, pixels."""

    @property
    def framework(self) -> str:
        """What measures it."""

    @property
    def finds_batch(self) -> bool:
        """True where the batch is found by the run."""

    def setting(self, name: str) -> str:
        """The value of that axis."""


WhyNot = Callable[[Case, str], str]  # of a case and a value: why the row cannot be, empty where it can


def _always(case: Case, value: str) -> str:
    return ""


@dataclass(frozen=True)
class Value:
    """One value of an axis."""

    name: str  # in flags, presets, files and cells
    help: str  # one line for help, the settings dialog and the manual
    short: str = ""  # in labels; ``name`` where empty
    peaks: tuple[str, ...] = ()  # measured peaks of ``core.peak`` that such work may reach; none: those of the default
    memory: float = 1.0  # training memory as a multiple of float32's, by guess
    weight_copies: int = 0  # of an optimizer's state: so many numbers for each weight
    time: tuple[float, float] = (1.0, 1.0)  # of an iteration on a CPU and a card, multiples of the default's, by guess
    setup_s: float = 0.0  # that a visit takes longer, before its first round
    first_s: float = 0.0  # that a model's first visit takes longer still
    records_graphs: bool = False  # it has CUDA graphs recorded by itself, on a card
    cores: float | None = None  # it is this share of the machine's cores: a row has the number in its place

    @property
    def label(self) -> str:
        """What a row of this value is called by, after its name."""
        return self.short or self.name


@dataclass(frozen=True)
class Axis:
    """One setting that is varied."""

    name: str  # in files and presets: ``memory_format``
    title: str  # heading of its column and of its line in the settings
    help: str
    values: tuple[Value, ...]  # the first is the default
    why_not: WhyNot = _always
    most: int | None = None  # whole numbers from 1 to this are values too
    unit: str = ""  # after such a number in a label: ``4 threads``
    id_mark: str = ""  # before the value in a case's id; ``name=`` where empty
    noun: str = ""  # of one value, where values are counted: ``compile mode``; the title where empty
    checked: bool = True  # whether what such a row computes is compared with a row without settings
    named: bool = False  # its other values are names that the user gives, and that the run's plan explains
    phase: Phase | None = None  # the only one in which its values play a part; None: in all

    @property
    def default(self) -> str:
        """The value of a row that names none."""
        return self.values[0].name

    def counted(self, number: int) -> str:
        """``2 precisions``: so many of its values."""
        return plural(number, self.noun or self.title.lower())

    @property
    def flag(self) -> str:
        """``--memory-format``."""
        return f"--{self.name.replace('_', '-')}"

    def value(self, name: str) -> Value:
        """The value of that name; one without properties for a number, or for what a newer version has written."""
        return next((each for each in self.values if each.name == name), Value(name, ""))

    def number(self, name: str) -> int | None:
        """The whole number that this value is, as a file has it; None for a word and for what cannot be."""
        digits = self.most is not None and name.isascii() and name.isdecimal() and len(name) < 10
        return (int(name) or None) if digits else None

    def label(self, name: str) -> str:
        """``channels_last``, ``4 threads``: what a row of that value is called by."""
        return (
            f"{name} {self.unit}{'s' * (name != '1')}"
            if self.unit and self.number(name) is not None
            else self.value(name).label
        )

    def order(self, name: str) -> int:
        """Where that value stands among the others: as in the registry, numbers after the words."""
        names = [each.name for each in self.values]
        return names.index(name) if name in names else len(names) + (self.number(name) or 0)

    def accepts(self, name: str) -> bool:
        """True for a value of this axis, written as in a file."""
        if any(each.name == name for each in self.values):
            return True
        if self.named:
            return NAME.fullmatch(name) is not None
        number = self.number(name)
        return number is not None and name == name.lstrip("0") and number <= (self.most or 0)


def _precision(case: Case, value: str) -> str:
    if value == "tf32" and not case.device.startswith("cuda"):
        return "TF32 is a mode of NVIDIA cards; measure fp32 on this device."
    return ""


def _memory_format(case: Case, value: str) -> str:
    if value == "channels_last" and len(case.workload.input_shape) != 3:
        return "channels_last needs images or feature maps (channels, height, width) as input."
    return ""


def _graph(case: Case, value: str) -> str:
    if value == "on" and not case.device.startswith("cuda"):
        return "CUDA graphs are recorded on CUDA devices only."
    if value == "on" and records_graphs(case.settings):
        return f"torch.compile's {case.setting('compile')} records CUDA graphs itself: leave one out."
    return ""


def _cudnn(case: Case, value: str) -> str:
    if value != "heuristic" and not case.device.startswith("cuda"):
        return "cuDNN chooses algorithms on CUDA devices only."
    return ""


def _threads(case: Case, value: str) -> str:
    if value != "cores" and case.device != "cpu":
        return "The number of threads is set for the CPU only."
    known = axis("threads")
    if known is not None and known.value(value).cores is not None:
        return f"{value.capitalize()} of the threads is another number on each machine: a row has the number itself."
    return ""


MAX_THREADS = 4096
ENV = "env"  # the axis whose values are environments
NAME = re.compile(r"[^\W_][\w.-]{0,39}")  # of an environment: it stands in ids, labels, columns and command lines
F32, F16, B16, TF32 = "float32", "float16", "bfloat16", "tf32"

AXES: tuple[Axis, ...] = (
    Axis(
        "precision", "Precision", "What is computed with.",
        (
            Value("default", "float32 as PyTorch sets it: on a card TF32 in convolutions and not in products"),
            Value("fp32", "float32, TF32 off everywhere", peaks=(F32,), time=(1.0, 1.5)),
            Value("tf32", "float32, TF32 on in convolutions and products", peaks=(F32, TF32)),
            Value("amp-bf16", "autocast to bfloat16, weights float32", peaks=(B16,), memory=0.7, time=(2.0, 0.5)),
            Value(
                "amp-fp16", "autocast to float16, weights float32, scaled loss", peaks=(F16,), memory=0.7,
                time=(4.0, 0.5),
            ),
            Value("bf16", "weights and inputs bfloat16", peaks=(B16,), memory=0.5, time=(2.0, 0.4)),
            Value("fp16", "weights and inputs float16", peaks=(F16,), memory=0.5, time=(4.0, 0.4)),
        ),
        _precision,
    ),
    Axis(
        "memory_format", "Memory format", "How images lie in memory.",
        (
            Value("contiguous", "channel by channel (NCHW)"),
            Value("channels_last", "pixel by pixel (NHWC), module and input"),
        ),
        _memory_format,
    ),
    Axis(
        "compile", "Compile", "torch.compile, by its mode.",
        (
            Value("eager", "not compiled"),
            # resnet18 on two cores: 3.5 to 6.3 s with a warm cache, 75 to 94 s with a cold one
            Value("default", "torch.compile", short="compiled", setup_s=5.0, first_s=90.0),
            Value(
                "reduce-overhead",
                "torch.compile, mode reduce-overhead: CUDA graphs on a card",
                setup_s=5.0,
                first_s=90.0,
                records_graphs=True,
            ),
            Value(
                "max-autotune",
                "torch.compile, mode max-autotune: minutes of trying kernels",
                setup_s=5.0,
                first_s=300.0,
                records_graphs=True,
            ),
        ),
        noun="compile mode",
    ),
    Axis(
        "graph", "CUDA graph", "A whole iteration recorded once and replayed.",
        (
            Value("off", "launched operator by operator"),
            Value("on", "inference and the whole training iteration, replayed", short="CUDA graph"),
        ),
        _graph,
        noun="CUDA graph setting",
        checked=False,  # the check calls the module itself, and replays nothing
    ),
    Axis(
        "cudnn", "cuDNN", "How cuDNN chooses its algorithms.",
        (
            Value("heuristic", "by its rules, as PyTorch does by default"),
            Value("benchmark", "by trying each, untimed", short="cudnn-benchmark"),
            Value("deterministic", "only those that give the same bits again", short="cudnn-deterministic"),
        ),
        _cudnn,
        noun="cuDNN mode",
    ),
    Axis(
        "threads", "Threads", "Threads of the CPU within an operator.",
        (
            Value("cores", "as many as there are usable cores"),
            Value("half", "half as many", cores=0.5),
        ),
        _threads,
        most=MAX_THREADS,
        unit="thread",
        id_mark="t",
        noun="thread count",
        checked=False,
    ),
    Axis(
        "optimizer", "Optimizer", "What takes the step, where the phase step is measured.",
        (
            Value("sgd", "SGD with momentum 0.9, as PyTorch chooses its loop", weight_copies=1),
            Value("sgd-fused", "SGD with momentum 0.9 in one kernel", weight_copies=1),
            Value("adamw", "AdamW, as PyTorch chooses its loop", weight_copies=2),
            Value("adamw-fused", "AdamW in one kernel", weight_copies=2),
        ),
        checked=False,
        phase="step",
    ),
    Axis(
        ENV, "Environment", "Which Python, or which folder of code, measures.",
        (Value("own", "the Python that runs cvbench-tui"),),
        checked=False,
        named=True,
    ),
)  # fmt: skip
"""Every axis, in the order of columns and labels. No default changes what rows without settings measured before."""
LISTED = tuple(each for each in AXES if not each.named)
"""Those whose values stand in the registry, and so can be offered."""


def axis(name: str) -> Axis | None:
    """The axis of that name; None where there is none."""
    return next((each for each in AXES if each.name == name), None)


def pairs(chosen: Mapping[str, str]) -> tuple[Setting, ...]:
    """Those settings that are not default, in the registry's order."""
    return tuple((each.name, chosen[each.name]) for each in AXES if chosen.get(each.name, each.default) != each.default)


def checked(settings: Sequence[Setting]) -> bool:
    """Whether what such a row computes is compared with a row without settings."""
    return any((known := axis(name)) is not None and known.checked for name, _ in settings)


def records_graphs(settings: Sequence[Setting]) -> bool:
    """Whether one of them has CUDA graphs recorded by itself, on a card."""
    return any(known.value(value).records_graphs for name, value in settings if (known := axis(name)))


def id_parts(settings: Sequence[Setting]) -> str:
    """The end of a case's id: ``|t4|precision=bf16``; empty without settings."""
    marks = {each.name: each.id_mark for each in AXES}
    return "".join(f"|{marks.get(name) or f'{name}='}{value}" for name, value in settings)


def peaks(case_id: str) -> tuple[str, ...]:
    """The measured peaks that the work of the case of that id may reach, by its precision; empty for the default, of
    which the device and the workload decide."""
    settings = case_id.rpartition("|eager")[2].split("|")
    chosen = next((part.partition("=")[2] for part in settings if part.startswith("precision=")), "")
    known = axis("precision")
    return known.value(chosen).peaks if known and chosen else ()


def unsupported(case: Case) -> str:
    """Why one of its settings forbids this case, in a sentence; empty where nothing is known against it."""
    for name, value in case.settings:
        if name == "batch":
            continue
        known = axis(name)
        if known is None or not known.accepts(value):
            return f"This version has no {name.replace('_', ' ')} {value}."
        why = known.why_not(case, value)
        if why:
            return why
    return ""


def memory_factor(settings: Sequence[Setting]) -> float:
    """Training memory as a multiple of that without the settings."""
    return prod(known.value(value).memory for name, value in settings if (known := axis(name)))


def time_factor(settings: Sequence[Setting], device: str) -> float:
    """Time of an iteration as a multiple of that without the settings, by guess."""
    known = (found.value(value) for name, value in settings if (found := axis(name)))
    return prod(each.time[device != "cpu"] for each in known)


def setup_s(settings: Sequence[Setting]) -> float:
    """Seconds by which a visit is longer for them, by guess."""
    return sum(found.value(value).setup_s for name, value in settings if (found := axis(name)))


def first_s(settings: Sequence[Setting]) -> float:
    """Seconds by which a model's first visit is longer still, by guess: what a cache on disk then saves the others."""
    return sum(found.value(value).first_s for name, value in settings if (found := axis(name)))


def labels(settings: Sequence[Setting]) -> tuple[str, ...]:
    """A word for each setting: ``("amp-bf16", "4 threads")``; largest batches are labelled as ``batch max``."""
    return tuple(known.label(value) if (known := axis(name)) else f"{name} {value}" for name, value in settings)
