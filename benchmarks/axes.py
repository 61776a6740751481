"""Each value of each axis against a hand-written loop that does the same, on eight models.

Three sides take turns in fresh processes: one visit of ours with the setting; the loop (``axis_loops.py``:
torch.autocast, ``.to(memory_format=...)``, ``torch.set_num_threads``, an optimizer's step ...); and the same loop once
more. Ours over the loop is the ratio, the loop over itself the machine's own noise at that time. Both are medians over
the pairs of all models, with intervals by the sign test. ``within``: ours over the loop holds 1, or lies within the
noise; ``OFF``: it does not; ``too noisy to tell``: where an interval reaches farther than 10%. Bar: no value is off.

``--compile``: torch.compile of resnet18 instead, with warm caches, each side measuring eager and compiled one right
after the other. Speed-ups are compared as the ratios above; and no timed round of ours may hold a compilation, by
Dynamo's own counter. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import log, log1p
from pathlib import Path

from common import Bar, Entry, conclude, label, machine, opened, parser, workload_of
from fidelity import VISIT

from cvbench_tui.core import axes
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.selftest.context import CheckContext, CheckFailed, Scope
from cvbench_tui.selftest.figures import MIN_PAIRS, RatioEstimate, compare
from cvbench_tui.selftest.reference import ReferenceFailed

LOOPS = (sys.executable, str(Path(__file__).with_name("axis_loops.py")))
MODELS: tuple[Entry, ...] = (
    ("resnet18", 64, 2), ("mobilenet_v3_small", 96, 2), ("vgg11", 64, 1), ("shufflenet_v2_x0_5", 96, 2),
    ("squeezenet1_1", 96, 2), ("vit_b_16", 32, 1), ("convnext_tiny", 64, 1), ("efficientnet_b0", 64, 1),
)  # fmt: skip
CUDA_SCALE = 64
COMPILED: Entry = ("resnet18", 96, 4)
NOISY = 0.10
"""Half width of an interval from which nothing is said."""
LEAST = 0.01
"""Noise that a machine has at least: what no eight pairs can show is not judged."""

Sides = Mapping[str, Callable[[], Mapping[str, float]]]
"""By name, what gives seconds by phase."""


def ends(found: RatioEstimate) -> float | None:
    """The end of the interval that is farther from 1, as a logarithm; None without one."""
    return None if found.low is None or found.high is None else max(abs(log(found.low)), abs(log(found.high)))


def verdict(found: RatioEstimate, noise: RatioEstimate) -> str:
    """within, OFF, too noisy to tell, or too few pairs; by the ratio and that of the loop over itself."""
    width, own = ends(found), ends(noise)
    if width is None or own is None or found.low is None or found.high is None:
        return "too few pairs"
    allowed = max(own, log1p(LEAST))
    if own > log1p(NOISY):
        return "too noisy to tell"
    if width <= allowed:
        return "within"
    if found.low <= 1 <= found.high:
        return "within" if width <= log1p(NOISY) else "too noisy to tell"
    return "OFF" if min(abs(log(found.low)), abs(log(found.high))) > allowed else "too noisy to tell"


@dataclass
class Tested:
    """One value of an axis, or one speed-up, and what its sides took on each workload so far."""

    name: str
    taken: list[tuple[str, Mapping[str, Mapping[str, float]]]] = field(default_factory=list)
    """The workload, and seconds by side and phase."""
    failures: dict[str, str] = field(default_factory=dict)
    """By workload, why one side has no number; it is left out from then on."""

    def take(self, workload: str, sides: Sides) -> None:
        """Every side once, another one first each time."""
        names = list(sides)
        first = len(self.taken) % len(names)
        try:
            self.taken.append((workload, {name: sides[name]() for name in names[first:] + names[:first]}))
        except (CheckFailed, ReferenceFailed) as error:
            self.failures[workload] = str(error)

    def ratios(self, phase: str) -> tuple[RatioEstimate, RatioEstimate] | None:
        """Ours over the loop, and the loop over itself; None without a pair."""
        pairs = [sides for _, sides in self.taken if all(phase in each for each in sides.values())]
        if not pairs:
            return None
        ours, loop, again = ([sides[name][phase] for sides in pairs] for name in ("ours", "loop", "again"))
        return compare(ours, loop), compare(again, loop)

    @property
    def phases(self) -> tuple[str, ...]:
        """Those that the sides have."""
        return tuple(dict.fromkeys(phase for _, sides in self.taken for phase in sides["ours"]))

    def verdicts(self) -> dict[str, str]:
        """By phase."""
        return {phase: verdict(*found) for phase in self.phases if (found := self.ratios(phase))}

    def lines(self) -> list[str]:
        """For printing: one for each phase and each failure."""
        made = []
        for phase in self.phases:
            found = self.ratios(phase)
            if found is not None:
                ratio, noise = found
                made.append(
                    f"{self.name:<30}{phase:<11}{ratio.ratio:7.3f}  {_interval(ratio):<16}"
                    f"{_interval(noise):<16}{ratio.pairs:>5}  {verdict(ratio, noise)}"
                )
        return made + [f"{self.name:<30}{name}: {why}" for name, why in self.failures.items()]


def _interval(found: RatioEstimate) -> str:
    return "-" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"


def values_of(device: str, only: Sequence[str]) -> list[tuple[str, str]]:
    """Every axis and value that are not default and can be on that device, but torch.compile's; ``only`` these axes."""
    probe = Case(workload_of(MODELS[0]), device, 1)
    made = []
    for axis in axes.AXES:
        numbers = ("1",) if axis.name == "threads" else ()
        for name in (*(value.name for value in axis.values if value.name != "half"), *numbers):
            case = probe.varied(**{axis.name: name})
            chosen = axis.name in only if only else axis.name != "compile"
            optimizer = axis.name == "optimizer"
            if chosen and (name != axis.default or optimizer) and not axes.unsupported(case):
                made.append((axis.name, name))
    return made


def ours(bench: CheckContext, case: Case, protocol: Protocol) -> dict[str, float]:
    """One visit of ours: what a loop takes, by phase."""
    found = bench.measure(case, protocol).results
    return {phase: each.median_s if each.host_s is None else each.host_s for phase, each in found.items()}


def loop(bench: CheckContext, case: Case, settings: Mapping[str, str], phases: Sequence[Phase]) -> dict[str, float]:
    """The loop by hand."""
    threads = int(settings.get("threads", bench.threads))
    options = {"phases": list(phases), "settings": dict(settings)}
    return bench.reference.ask(case, "by_hand", seconds=bench.scope.loop_s, threads=threads, **options).values_s


def sides_of(bench: CheckContext, entry: Entry, setting: tuple[str, str], scale: int) -> Sides:
    """Ours, the loop, and the loop again, of one value on one model."""
    axis, value = setting
    plain = bench.case(workload_of(entry), batch=entry[2] * scale)
    phases: tuple[Phase, ...] = ("step",) if axis == "optimizer" else ("total", "inference")
    passes: tuple[PassName, ...] = ("step",) if axis == "optimizer" else ("training", "inference")
    mine = partial(_whole, bench, plain.varied(**{axis: value}), replace(VISIT, passes=passes), phases)
    other = partial(loop, bench, plain, {axis: value}, phases)
    return {"ours": mine, "loop": other, "again": other}


def _whole(bench: CheckContext, case: Case, protocol: Protocol, phases: Sequence[Phase]) -> dict[str, float]:
    return {phase: seconds for phase, seconds in ours(bench, case, protocol).items() if phase in phases}


@dataclass
class Speedups:
    """torch.compile of one model: sides that measure eager and compiled, one right after the other."""

    bench: CheckContext
    scale: int
    rounds: int = 0  # of ours, compiled
    compiled_in_rounds: int = 0
    unknown: int = 0  # rounds without Dynamo's counter
    caches: set[str] = field(default_factory=set)

    def sides(self) -> Sides:
        """Speed-ups by phase: eager over compiled."""
        return {"ours": self._ours, "loop": self._loop, "again": self._loop}

    def _ours(self) -> dict[str, float]:
        plain = self._case()
        eager, compiled = ours(self.bench, plain, VISIT), self.bench.measure(plain.varied(compile="default"), VISIT)
        self.note(compiled.measurement)
        return {phase: eager[phase] / compiled.results[phase].median_s for phase in ("total", "inference")}

    def note(self, measured: Measurement) -> None:
        """What was compiled in its timed rounds, and before."""
        for record in measured.passes:
            self.rounds += len(record.evidence)
            self.unknown += sum(each.recompiles is None for each in record.evidence)
            self.compiled_in_rounds += sum(each.recompiles or 0 for each in record.evidence)
        self.caches.add(measured.compilation.cache if measured.compilation is not None else "eager")

    def _loop(self) -> dict[str, float]:
        phases: tuple[Phase, ...] = ("total", "inference")
        plain = self._case()
        eager, compiled = (loop(self.bench, plain, settings, phases) for settings in ({}, {"compile": "default"}))
        return {phase: eager[phase] / compiled[phase] for phase in phases}

    def _case(self) -> Case:
        return self.bench.case(workload_of(COMPILED), batch=COMPILED[2] * self.scale)

    def bars(self) -> list[Bar]:
        """What its rounds held."""
        note = (
            f"{self.rounds} rounds, {self.unknown} without a counter; the compiler's cache was {', '.join(self.caches)}"
        )
        held = float(self.compiled_in_rounds) if self.rounds and not self.unknown else None
        return [Bar("graphs compiled in the timed rounds", held, 0.0, at_least=False, note=note)]


def bar(tested: Sequence[Tested]) -> Bar:
    """None of what can be told is off."""
    verdicts = [word for each in tested for word in each.verdicts().values()]
    off, told = verdicts.count("OFF"), verdicts.count("within") + verdicts.count("OFF")
    note = f"told {told} of {len(verdicts)}, of these {off} off; {len(verdicts) - told} too noisy or too few pairs"
    return Bar("values that differ from the loop by hand", float(off) if told else None, 0.0, at_least=False, note=note)


def main() -> int:
    """Alternate all sides and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=4, help="of every value on each model (default: %(default)s)")
    arguments.add_argument("--minutes", type=float, default=60.0, help="about how long in all (default: %(default)s)")
    arguments.add_argument("--models", type=int, default=len(MODELS), help="only the first so many")
    arguments.add_argument("--axes", default="", help="only these, with commas between them")
    arguments.add_argument("--compile", action="store_true", help="torch.compile of resnet18 instead")
    options = arguments.parse_args()
    scale = CUDA_SCALE if options.device.startswith("cuda") else 1
    end = time.monotonic() + 60 * options.minutes
    with opened(options.device, Scope(), loops=LOOPS) as bench:
        print(machine(bench))
        print(f"{'value':<30}{'phase':<11}{'ratio':>7}  {'interval':<16}{'loop over itself':<16}{'pairs':>5}")
        if options.compile:
            tested, bars = _compile(bench, scale, max(options.rounds, MIN_PAIRS), end)
        else:
            chosen = [name.strip() for name in options.axes.split(",") if name.strip()]
            tested, bars = _values(bench, scale, options.rounds, options.models, chosen, end), []
        print(machine(bench))
    return conclude([bar(tested), *bars])


def _values(
    bench: CheckContext, scale: int, rounds: int, models: int, chosen: Sequence[str], end_s: float
) -> list[Tested]:
    """A round of each value on each model in turn, so that what little time allows is spread over all values."""
    tested = {setting: Tested(" ".join(setting)) for setting in values_of(bench.device, chosen)}
    turns = [(entry, setting) for _ in range(rounds) for entry in MODELS[:models] for setting in tested]
    for entry, setting in turns:
        name = label(entry, scale)
        if time.monotonic() < end_s and name not in tested[setting].failures:
            tested[setting].take(name, sides_of(bench, entry, setting, scale))
    print("\n".join(line for each in tested.values() for line in each.lines()))
    return list(tested.values())


def _compile(bench: CheckContext, scale: int, rounds: int, end_s: float) -> tuple[list[Tested], list[Bar]]:
    """Speed-ups, after a first round that fills the compiler's cache and does not count."""
    for side in set(Speedups(bench, scale).sides().values()):
        side()
    speedups, tested = Speedups(bench, scale), Tested(f"{label(COMPILED, scale)} speed-up")
    for number in range(rounds):
        if number and time.monotonic() >= end_s:
            break
        tested.take(label(COMPILED, scale), speedups.sides())
    own = [sides for _, sides in tested.taken]
    for phase in tested.phases:
        middle = [sorted(sides[name][phase] for sides in own)[len(own) // 2] for name in ("ours", "loop")]
        print(f"{phase}: compiled is {middle[0]:.2f} times as fast by ours, {middle[1]:.2f} by the loop")
    print("\n".join(tested.lines()), flush=True)
    return [tested], speedups.bars()


if __name__ == "__main__":
    sys.exit(main())
