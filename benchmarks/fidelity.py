"""Are our medians those of a hand-written loop? 40 workloads, ratios, alternated pairs, each side in a fresh process.

Ours is one visit of the default protocol; the loop is the same definition without a line of ours. On a card there
are two of each: the wall time of iterations queued back to back, and the device's own time behind a lead. The workloads
take turns, so that the pairs of each are spread over the whole time, and one has pairs until all its ratios are known,
or the time is over. A ratio is known by the 95% interval of its pairs (sign test): within 1%, off by more, or not to be
told, because the pairs scatter. What our own side thinks of its numbers plays no part.

A workload is off when one of its ratios is, and decided when total and inference both are. Bars: 95% of the decided
ones within 1%; half of all decided, on an idle machine (others use less than 5% of the cores). Exit code 1 when one is
missed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import log, log1p
from statistics import median

from common import IDLE, Bar, Entry, Reading, case_of, conclude, label, machine, opened, parser

from cvbench_tui.core.measurement import USUAL_PHASES, WHOLE_PHASE
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.selftest.context import CheckContext, CheckFailed, OurResult, Scope
from cvbench_tui.selftest.figures import MIN_PAIRS, RatioEstimate, compare
from cvbench_tui.selftest.reference import ReferenceFailed, ReferenceResult

BOUND = 0.01
WITHIN_SHARE, DECIDED_SHARE = 0.95, 0.5
CUDA_SCALE = 32
"""Batches that fill two cores are far too small for a card."""
VISIT = replace(PROTOCOLS["default"], visits=1, max_visits=1, span_s=0.0, extras=())
"""One visit, at one go: a span of time between the sides of a pair would be in their ratio."""

WORKLOADS: tuple[Entry, ...] = (
    ("Conv3x3/1", 0, 1), ("Conv5x5/1", 0, 1), ("Conv3x3/2", 0, 1), ("Conv5x5/2", 0, 1),
    ("Dense", 0, 64), ("BatchNorm", 0, 8), ("MaxPool", 0, 8), ("AvgPool", 0, 8),
    ("Conv1x1", 0, 4), ("Conv3x3 middle", 0, 4), ("Conv7x7/2 stem", 0, 2), ("Patch embedding", 0, 4),
    ("Depthwise 3x3", 0, 4), ("Grouped 3x3", 0, 2), ("Transposed 2x2/2", 0, 4), ("BatchNorm 64", 0, 2),
    ("GroupNorm", 0, 2), ("LayerNorm", 0, 8), ("ReLU", 0, 4), ("GELU", 0, 2),
    ("SiLU", 0, 2), ("Hardswish", 0, 8), ("Softmax", 0, 4), ("Linear up", 0, 2),
    ("Linear QKV", 0, 2), ("Self-attention B", 0, 1), ("SDPA B", 0, 4), ("Upsample nearest", 0, 2),
    ("Squeeze-excitation", 0, 8), ("Bottleneck", 0, 1), ("Inverted residual", 0, 4), ("ViT block", 0, 1),
    ("resnet18", 64, 2), ("resnet18", 128, 1), ("vgg11", 64, 1), ("mobilenet_v2", 96, 2),
    ("squeezenet1_1", 128, 2), ("shufflenet_v2_x1_0", 128, 2), ("alexnet", 128, 2), ("efficientnet_b0", 96, 1),
)  # fmt: skip
"""Layers and small models that take 0.1 to 100 ms an iteration on two cores."""

Values = dict[str, float]
"""Seconds by phase, for the device's own time with ``, device`` behind it."""


def verdict(found: RatioEstimate) -> str:
    """within, off, or a dash where the pairs cannot tell."""
    if found.low is None or found.high is None:
        return "-"
    ends = abs(log(found.low)), abs(log(found.high))
    if max(ends) <= log1p(BOUND):
        return "within"
    straddles = found.low <= 1 <= found.high
    return "off" if not straddles and min(ends) > log1p(BOUND) else "-"


@dataclass
class Workload:
    """The pairs of one workload so far."""

    name: str
    pairs: list[tuple[Values, Values]] = field(default_factory=list)
    """Ours and the loop's."""
    failure: str = ""
    """Of one side; no more pairs then."""
    ours_failed: bool = False

    def ratios(self) -> dict[str, RatioEstimate]:
        """Of what both sides have in every pair."""
        names = [name for name in (self.pairs[0][0] if self.pairs else ()) if self._known(name)]
        return {name: compare([ours[name] for ours, _ in self.pairs], self.loop(name)) for name in names}

    def loop(self, name: str) -> list[float]:
        """The loop's own numbers."""
        return [loop[name] for _, loop in self.pairs]

    def _known(self, name: str) -> bool:
        return all(name in side for pair in self.pairs for side in pair)

    @property
    def over(self) -> bool:
        """True when more pairs would tell nothing new. One that is off has pairs to the end: to stop as soon as it
        looks so would call some off by chance."""
        verdicts = {verdict(found) for found in self.ratios().values()}
        return bool(self.failure) or verdicts == {"within"}

    @property
    def verdict(self) -> str:
        """within, off, or a dash."""
        verdicts = {name: verdict(found) for name, found in self.ratios().items()}
        if self.ours_failed or "off" in verdicts.values():
            return "off"
        whole = [each for name, each in verdicts.items() if name.split(",")[0] in WHOLE_PHASE.values()]
        return "within" if whole and set(whole) == {"within"} and not self.failure else "-"

    def lines(self) -> list[str]:
        """For printing: one for each ratio."""
        made = []
        for name, found in self.ratios().items():
            interval = "-" if found.low is None else f"{found.low:.4f} to {found.high:.4f}"
            word = verdict(found)
            why = {"within": "within 1%", "off": "OFF"}.get(
                word, f"cannot tell: the pairs scatter by {found.scatter:.1%}"
            )
            made.append(
                f"{self.name:<26}{name:<18}{found.ratio:8.4f}  {interval:<18}{found.pairs:>4}"
                f"{median(self.loop(name)) * 1e3:12.4f} ms  {why}"
            )
        return [*made, *([f"{self.name:<26}{self.failure}"] if self.failure else [])]


def ours(bench: CheckContext, case: Case) -> Values:
    """One visit of ours."""
    return values_of(bench.measure(case, VISIT))


def values_of(taken: OurResult) -> Values:
    """The wall time of each phase; where work is queued, the device's own beside it, as far as it is known."""
    values: Values = {}
    for phase in USUAL_PHASES:
        result = taken.result(phase)
        values[phase] = result.median_s if result.host_s is None else result.host_s
        if result.host_s is not None and result.device_s is not None:
            values[f"{phase}, device"] = result.device_s
    return values


def loop(bench: CheckContext, case: Case) -> Values:
    """The hand-written loop."""
    values: Values = dict(bench.ask(case, "bare").values_s)
    if bench.on_cuda:
        behind: ReferenceResult = bench.ask(case, "led")
        values |= {f"{phase}, device": seconds for phase, seconds in behind.values_s.items()}
    return values


def take(workload: Workload, sides: tuple[Callable[[], Values], Callable[[], Values]]) -> None:
    """One more pair, the other side first each time."""
    first = len(workload.pairs) % 2
    try:
        taken = {place: sides[place]() for place in (first, 1 - first)}
        workload.pairs.append((taken[0], taken[1]))
    except (CheckFailed, ReferenceFailed) as error:
        workload.failure, workload.ours_failed = str(error), isinstance(error, CheckFailed)


def alternate(
    todo: Sequence[tuple[Workload, tuple[Callable[[], Values], Callable[[], Values]]]],
    most: int,
    over: Callable[[], bool],
    done: Callable[[Workload], None],
) -> None:
    """A pair of each workload in turn, until each has ``most`` or is known; ``over`` ends it early, but not before
    there are intervals. ``done`` gets each workload when it has no more pairs."""
    for count in range(most):
        if count >= MIN_PAIRS and over():
            break
        for workload, sides in todo:
            if not workload.over:
                take(workload, sides)
                if workload.over:
                    done(workload)
    for workload, _ in todo:
        if not workload.over:
            done(workload)


def bars(workloads: Sequence[Workload], others: float | None) -> list[Bar]:
    """Of the workloads' verdicts."""
    verdicts = [workload.verdict for workload in workloads]
    within, decided = verdicts.count("within"), len(verdicts) - verdicts.count("-")
    idle = others is not None and others < IDLE
    used = "how much others used is not known" if others is None else f"others used {others:.0%} of the cores"
    return [
        Bar("decided ones within 1%", within / decided if decided else None, WITHIN_SHARE,
            note=f"decided {decided} of {len(verdicts)}, of these {within} within 1%"),
        Bar("decided on an idle machine", decided / len(verdicts) if idle else None, DECIDED_SHARE, note=used),
    ]  # fmt: skip


def main() -> int:
    """Alternate both sides and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--pairs", type=int, default=24, help="most pairs of a workload (default: %(default)s)")
    arguments.add_argument("--minutes", type=float, default=45.0, help="about how long in all (default: %(default)s)")
    arguments.add_argument("--workloads", type=int, default=len(WORKLOADS), help="only the first so many")
    arguments.add_argument("--scale", type=int, help="factor of every batch (default: 1, on CUDA 32)")
    options = arguments.parse_args()
    scale = options.scale or (CUDA_SCALE if options.device.startswith("cuda") else 1)
    before, end = Reading.now(), time.monotonic() + 60 * options.minutes
    with opened(options.device, Scope()) as bench:
        print(machine(bench))
        todo = []
        for entry in WORKLOADS[: options.workloads]:
            case = case_of(bench, entry, scale)
            sides = (lambda case=case: ours(bench, case)), (lambda case=case: loop(bench, case))
            todo.append((Workload(label(entry, scale)), sides))
        print(f"{'workload':<26}{'phase':<18}{'ratio':>8}  {'interval':<18}{'pairs':>4}{'bare loop':>14}")
        alternate(
            todo,
            options.pairs,
            lambda: time.monotonic() > end,
            lambda workload: print("\n".join(workload.lines()), flush=True),
        )
        print(machine(bench))
    return conclude(bars([each for each, _ in todo], Reading.now().others(before, os.cpu_count() or 1)))


if __name__ == "__main__":
    sys.exit(main())
