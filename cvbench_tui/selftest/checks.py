"""The checks: each measures something, mostly with another harness too, and yields lines judged by ``verdict``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.errors import WorkerError
from cvbench_tui.results.stats.phase_stats import PhaseResult
from cvbench_tui.results.text.units import seconds_text
from cvbench_tui.selftest import verdict
from cvbench_tui.selftest.busy import busy_cores
from cvbench_tui.selftest.context import INFERENCE_ONLY, SHORT, CheckContext, CheckFailed, OurResult
from cvbench_tui.selftest.figures import Point, compare
from cvbench_tui.selftest.reference import ReferenceFailed, ReferenceResult
from cvbench_tui.selftest.verdict import VerdictLine

HARNESS_BOUND = 0.01  # most that our median may differ from another harness's ...
BARE_CUDA_BOUND = 0.005  # ... and from the bare loop's on CUDA, whose events do not see the host's noise
ALONE_BOUND = 0.02  # most that a phase between fused marks may differ from the phase alone
TIMER_BOUND = 0.02  # most that a known duration may be off with timers at a tenth: a call may end some 0.1 ms late
BUSY_CODES = {"contention", "waits_unknown", "stolen"}  # the second where the system does not report waiting
WHOLE_PHASES: tuple[Phase, ...] = ("total", "inference")  # the loops it compares with take no optimizer's step
SPIN_S = 0.005
TIMER_TRAP_S = 0.02
ASYNC_S = {"cuda": 0.0005}
"""Hidden work of one call, seconds: half a millisecond on a stream, since hundreds of calls are queued there ..."""
ASYNC_HOST_S = 0.1  # ... and so much in a thread that it still computes when the pass is over

Check = Callable[[CheckContext], Iterator[VerdictLine]]


@dataclass(frozen=True)
class ComparedWorkload:
    """A workload compared with other harnesses."""

    name: str
    image: int | None  # side of the image; None takes the layer's own
    batch: int
    batch_cuda: int  # large enough that the device and not the host decides
    one_thread: bool  # on the CPU: a thread that nobody has to wait for is least disturbed by a busy machine
    timer: bool  # small enough for 20 times three iterations of torch's Timer

    def case(self, context: CheckContext) -> Case:
        """On the device under test."""
        workload = find_layer(self.name).workload if self.image is None else find_model(self.name).workload
        if self.image is not None and not context.on_cuda:
            workload = workload.with_image(self.image)
        batch = self.batch_cuda if context.on_cuda else self.batch
        return context.case(workload, batch=batch, threads=1 if self.one_thread else None)


COMPARED = (
    ComparedWorkload("Conv3x3 middle", None, 1, 256, one_thread=True, timer=True),
    ComparedWorkload("resnet18", 64, 1, 64, one_thread=False, timer=False),
    ComparedWorkload("Dense", None, 8, 8192, one_thread=True, timer=True),
    ComparedWorkload("BatchNorm 64", None, 1, 64, one_thread=True, timer=False),
    ComparedWorkload("MaxPool 64", None, 1, 64, one_thread=True, timer=False),
    ComparedWorkload("vgg11", 64, 1, 32, one_thread=False, timer=False),
)
"""Two in the short selftest, all of them in the thorough one."""


TITLES = {"bare": "bare loop", "timer": "Timer", "do_bench": "do_bench"}


def other_harnesses(context: CheckContext) -> Iterator[VerdictLine]:
    """Our medians against a bare loop, torch's Timer and do_bench, alternated, each run by ``SHORT`` at one go."""
    ours: list[OurResult] = []
    for workload in COMPARED[: context.scope.workloads]:
        case = workload.case(context)
        methods = ["bare", *(["timer"] if workload.timer else []), *(["do_bench"] if context.on_cuda else [])]
        sides: dict[str, Callable[[], OurResult | ReferenceResult]] = {"ours": partial(context.measure, case)}
        for method in methods:
            # do_bench empties the cache before each call by default: ours is the warm number
            options = {"flush": False} if method == "do_bench" else {}
            sides[method] = partial(context.ask, case, method, *WHOLE_PHASES, **options)
        runs = context.alternate(sides)
        mine = [run for run in runs["ours"] if isinstance(run, OurResult)]
        ours += mine
        for method in methods:
            theirs = [run for run in runs[method] if isinstance(run, ReferenceResult)]
            bound = BARE_CUDA_BOUND if context.on_cuda and method == "bare" else HARNESS_BOUND
            for phase in WHOLE_PHASES:
                theirs_s = [run.values_s[phase] for run in theirs]
                # do_bench lets the host run ahead of each call, the others are loops
                mine_s = [run.device_s(phase) if method == "do_bench" else run.result(phase).median_s for run in mine]
                ratio = compare(mine_s, theirs_s)
                name = f"{workload.name}, {phase}"
                yield verdict.ratio_line(TITLES[method], name, ratio, bound)
    empty = context.ask(COMPARED[0].case(context), "empty", "inference").values_s["inference"]
    yield _empty_region(empty, ours)


def _empty_region(cost_s: float, runs: Sequence[OurResult]) -> VerdictLine:
    """The shortest region behind a number, against what two marks cost by a clock that is not ours."""
    regions_s = [
        result.median_s * record.group
        for run in runs
        for phase, result in run.results.items()
        for record in run.measurement.passes_of(phase)
    ]
    return verdict.empty_region_line("marks of all runs above", cost_s, min(regions_s))


def twice(context: CheckContext) -> Iterator[VerdictLine]:
    """The same rows twice, one run after the other, by the visits of ``quick``: what an interval promises of the next
    run. Whole phases only: those of one pass are no independent pairs."""
    cases = [workload.case(context) for workload in COMPARED[: context.scope.workloads + 1]]
    first, second = (context.measure_all(cases, PROTOCOLS["quick"]) for _ in range(2))
    pairs = [
        (before.interval(phase), after.interval(phase))
        for before, after in zip(first, second, strict=True)
        for phase in WHOLE_PHASES
    ]
    yield verdict.twice_line(", ".join(case.workload.name for case in cases[:3]), pairs)


def durations(context: CheckContext) -> Iterator[VerdictLine]:
    """Workloads that last a programmed time: measured against programmed must be a line of slope 1 through nothing."""
    points, bare = [], []
    for seconds in context.scope.durations_s:
        case = context.layer("selftest_spin", seconds=seconds)
        points.append(context.measure(case, INFERENCE_ONLY).point("inference", seconds))
        bare.append(Point(seconds, context.ask(case, "bare", "inference").values_s["inference"], 0.0))
    yield from verdict.duration_lines(points, bare)


def async_trap(context: CheckContext) -> Iterator[VerdictLine]:
    """Work that returns before it is done must be timed in full, or called invalid."""
    seconds = ASYNC_S.get(context.device.split(":")[0], ASYNC_HOST_S)
    run = context.measure(context.layer("selftest_async", seconds=seconds))
    for phase in WHOLE_PHASES:
        result = run.result(phase)
        yield verdict.hidden_work_line(f"returns early, {phase}", result.median_s, seconds, result.grade)


def timer_trap(context: CheckContext) -> Iterator[VerdictLine]:
    """A workload that replaces the timers must not change the number."""
    case = context.layer("selftest_timer", seconds=TIMER_TRAP_S)
    point = context.measure(case, INFERENCE_ONLY).point("inference", TIMER_TRAP_S)
    yield verdict.known_duration_line("timer trap", "timers at a tenth, inference", point, TIMER_BOUND)


def fused(context: CheckContext) -> Iterator[VerdictLine]:
    """Forward and backward between the marks of one iteration against each of them alone. On the processor the parts
    are those of a spin: a real forward was seen to be slower between two backwards than alone (a convolution and
    ResNet18: 6%, on a busy machine of two cores), as other data in the caches would make it."""
    spin = context.layer("selftest_spin", seconds=SPIN_S)
    parts: tuple[Phase, ...] = ("forward", "backward")
    yield from _fused(context, spin, f"spin of {seconds_text(SPIN_S)}", parts)
    case = COMPARED[0].case(context)
    yield from _fused(context, case, case.workload.name, (*parts, "total") if context.on_cuda else ("total",))


def _fused(context: CheckContext, case: Case, name: str, phases: Sequence[Phase]) -> Iterator[VerdictLine]:
    """A line for each of the phases."""
    protocol = replace(SHORT, passes=("training",), extras=("alone",))
    runs = context.alternate({"ours": partial(context.measure, case, protocol)})["ours"]
    for phase in phases:
        variants = [(run, run.measurement.variant("alone", phase)) for run in runs]
        pairs = [(run.device_s(phase), estimate([alone.rounds])) for run, alone in variants if alone]
        both = [(mine_s, alone.median_s) for mine_s, alone in pairs if alone]
        if not both:
            yield verdict.broken_line("fused marks", f"{phase} was not measured alone.", ours=True)
            continue
        ratio = compare(*zip(*both, strict=True))
        compared = f"{name}, {phase} alone"
        yield verdict.ratio_line("fused marks", compared, ratio, ALONE_BOUND)


def busy(context: CheckContext) -> Iterator[VerdictLine]:
    """A busy process on every core: each number has to say so. On the processor, whatever the device under test."""
    cores = usable_cores()
    case = replace(COMPARED[0].case(context).varied(threads=str(context.threads)), device="cpu", batch=1)
    with busy_cores(cores):
        run = context.measure(case)
    seen = [_codes(result) & BUSY_CODES != set() for result in run.results.values()]
    yield verdict.busy_line(f"{COMPARED[0].name}, {cores} busy processes", seen)


def nothing(context: CheckContext) -> Iterator[VerdictLine]:
    """A call that does nothing is shorter than any region that can be timed: its number has to say so."""
    result = context.measure(context.layer("selftest_empty"), INFERENCE_ONLY).result("inference")
    yield verdict.nothing_line(result.median_s, seen="short_region" in _codes(result) or not result.valid)


def _codes(result: PhaseResult) -> set[str]:
    return {reason.code for reason in result.reasons}


CHECKS: tuple[tuple[str, Check], ...] = (
    ("durations", durations),
    ("harnesses", other_harnesses),
    ("twice", twice),
    ("fused marks", fused),
    ("async trap", async_trap),
    ("timer trap", timer_trap),
    ("empty call", nothing),
    ("busy machine", busy),
)
"""In the order they are made: the noisiest last, so that it does not warm the machine for the others."""


def lines_of(title: str, check: Check, context: CheckContext) -> Iterator[VerdictLine]:
    """The check's lines; one that could not be made is a line as well."""
    try:
        yield from check(context)
    except (CheckFailed, WorkerError) as error:
        yield verdict.broken_line(title, str(error), ours=True)
    except ReferenceFailed as error:
        yield verdict.broken_line(title, str(error), ours=False)
