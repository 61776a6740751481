"""The checks: each runs something on both sides and yields lines. The judging is ``verdict``'s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.measurement import PASS_OF, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.errors import WorkerError
from cvbench_tui.results.text.units import seconds_text
from cvbench_tui.selftest import verdict
from cvbench_tui.selftest.bench import SHORT, Bench, CheckFailed, OurResult, inference_only
from cvbench_tui.selftest.busy import busy_cores
from cvbench_tui.selftest.figures import Point, aa_noise, compare
from cvbench_tui.selftest.reference import Answer, ReferenceFailed
from cvbench_tui.selftest.verdict import VerdictLine

LOOP_BOUND = 0.01
"""Most that our median may differ from a foreign loop's ..."""
LOOP_BOUND_CUDA = 0.005
"""... and from the bare loop's on CUDA, whose events do not see the host's noise."""
ALONE_BOUND = 0.02
"""Most that a phase between fused marks may differ from the phase alone."""
TIMER_BOUND = 0.02
"""Most that a known duration may be off with replaced timers, which tell a tenth: a call may end some 0.1 ms late."""
HEADLINES: tuple[Phase, ...] = ("total", "inference")
SPIN_S = 0.005
TIMER_TRAP_S = 0.02
ASYNC_S = {"cuda": 0.0005}
"""Hidden work of one call, seconds: half a millisecond on a stream, since hundreds of calls are queued there ..."""
ASYNC_HOST_S = 0.1
"""... and so much in a thread that it still computes when the pass is over."""

Check = Callable[[Bench], Iterator[VerdictLine]]


@dataclass(frozen=True)
class ComparedWorkload:
    """A workload compared with foreign loops."""

    name: str
    image: int | None
    """Side of the image; None takes the layer's own."""
    batch: int
    batch_cuda: int
    """Large enough that the device and not the host decides."""
    one_thread: bool
    """On the CPU: a thread that nobody has to wait for is least disturbed by a busy machine."""
    timer: bool
    """Small enough for 20 times three iterations of torch's Timer."""

    def case(self, bench: Bench) -> Case:
        """On the device under test."""
        workload = find_layer(self.name).workload if self.image is None else find_model(self.name).workload
        if self.image is not None and not bench.on_cuda:
            workload = workload.with_image(self.image)
        batch = self.batch_cuda if bench.on_cuda else self.batch
        return bench.case(workload, batch=batch, threads=1 if self.one_thread else None)


SUBJECTS = (
    ComparedWorkload("Conv3x3 middle", None, 1, 256, one_thread=True, timer=True),
    ComparedWorkload("resnet18", 64, 1, 64, one_thread=False, timer=False),
    ComparedWorkload("Dense", None, 8, 8192, one_thread=True, timer=True),
    ComparedWorkload("BatchNorm 64", None, 1, 64, one_thread=True, timer=False),
    ComparedWorkload("MaxPool 64", None, 1, 64, one_thread=True, timer=False),
    ComparedWorkload("vgg11", 64, 1, 32, one_thread=False, timer=False),
)
"""Two in the short selftest, all of them in the thorough one."""


def loops(bench: Bench) -> Iterator[VerdictLine]:
    """Our medians against a bare loop, torch's Timer and do_bench, alternated; then our own runs against each other."""
    ours: list[tuple[str, list[OurResult]]] = []
    noise = 0.0
    for subject in SUBJECTS[: bench.scope.workloads]:
        case = subject.case(bench)
        sides: dict[str, Callable[[], OurResult | Answer]] = {"ours": partial(bench.measure, case)}
        for method in _methods(bench, subject):
            sides[method] = partial(_ask, bench, case, method)
        taken = bench.alternate(sides)
        mine = [one for one in taken.pop("ours") if isinstance(one, OurResult)]
        ours.append((subject.name, mine))
        for method, answers in taken.items():
            theirs = [one for one in answers if isinstance(one, Answer)]
            if method == "bare":
                noise = max([noise, *(aa_noise([one.values_s[phase] for one in theirs]) for phase in HEADLINES)])
            yield from _against(bench, subject.name, method, mine, theirs)
    yield _equal_pairs(ours, noise)
    empty = bench.ask(SUBJECTS[0].case(bench), "empty", "inference").values_s["inference"]
    yield _empty_region(empty, [one for _, taken in ours for one in taken])


def _methods(bench: Bench, subject: ComparedWorkload) -> list[str]:
    return ["bare", *(["timer"] if subject.timer else []), *(["do_bench"] if bench.on_cuda else [])]


def _ask(bench: Bench, case: Case, method: str) -> Answer:
    """do_bench empties the cache before each call unless told not to: ours is the warm number."""
    return bench.ask(case, method, *HEADLINES, **({"flush": False} if method == "do_bench" else {}))


TITLES = {"bare": "bare loop", "timer": "Timer", "do_bench": "do_bench"}


def _against(
    bench: Bench, name: str, method: str, mine: list[OurResult], theirs: list[Answer]
) -> Iterator[VerdictLine]:
    """A line for each headline phase."""
    bound = LOOP_BOUND_CUDA if bench.on_cuda and method == "bare" else LOOP_BOUND
    for phase in HEADLINES:
        found = compare([one.result(phase).median_s for one in mine], [one.values_s[phase] for one in theirs])
        yield verdict.ratio_line(TITLES[method], f"{name}, {phase}", found, bound, vouched=_vouched(mine, phase))


def _vouched(taken: Sequence[OurResult], phase: Phase) -> bool:
    """True when at least half of the runs have a grade that can be relied on."""
    return 2 * sum(one.result(phase).grade in verdict.VOUCHED for one in taken) >= len(taken)


def _equal_pairs(ours: Sequence[tuple[str, list[OurResult]]], noise: float) -> VerdictLine:
    """Successive runs of the same case: no run is in two pairs, so that pairs are independent."""
    pairs = [
        (before.interval(phase), after.interval(phase))
        for _, taken in ours
        for before, after in list(pairwise(taken))[::2]
        for phase in HEADLINES
    ]
    return verdict.equal_pairs_line(", ".join(name for name, _ in ours), pairs, noise)


def _empty_region(cost_s: float, taken: Sequence[OurResult]) -> VerdictLine:
    """The shortest region behind a grade A, against what two marks cost by a clock that is not ours."""
    regions_s = [
        result.median_s * record.group
        for one in taken
        for phase, result in one.results.items()
        for record in one.measurement.passes
        if result.grade == "A" and record.name == PASS_OF[phase]
    ]
    return verdict.empty_region_line("marks of all runs above", cost_s, min(regions_s, default=None))


def durations(bench: Bench) -> Iterator[VerdictLine]:
    """Workloads that last a programmed time: measured against programmed must be a line of slope 1 through nothing."""
    points, bare = [], []
    for seconds in bench.scope.durations_s:
        case = bench.layer("selftest_spin", seconds=seconds)
        points.append(bench.measure(case, inference_only()).point("inference", seconds))
        bare.append(Point(seconds, bench.ask(case, "bare", "inference").values_s["inference"], 0.0))
    yield from verdict.duration_lines(points, bare)


def async_trap(bench: Bench) -> Iterator[VerdictLine]:
    """Work that returns before it is done must be timed in full, or called invalid."""
    seconds = ASYNC_S.get(bench.device.split(":")[0], ASYNC_HOST_S)
    taken = bench.measure(bench.layer("selftest_async", seconds=seconds))
    for phase in HEADLINES:
        found = taken.result(phase)
        yield verdict.hidden_work_line(f"returns early, {phase}", found.median_s, seconds, found.grade)


def timer_trap(bench: Bench) -> Iterator[VerdictLine]:
    """A workload that replaces the timers must not bend the number."""
    taken = bench.measure(bench.layer("selftest_timer", seconds=TIMER_TRAP_S), inference_only())
    point = taken.point("inference", TIMER_TRAP_S)
    yield verdict.known_duration_line("timer trap", "timers tell a tenth, inference", point, TIMER_BOUND)


def fused(bench: Bench) -> Iterator[VerdictLine]:
    """Forward and backward between the marks of one iteration against each of them alone.

    On the processor the parts are those of a spin: a real forward was seen to be slower between two backwards than
    alone (a convolution and ResNet18: 6%, on a busy machine of two cores), as other data in the caches would make it.
    """
    spin = bench.layer("selftest_spin", seconds=SPIN_S)
    parts: tuple[Phase, ...] = ("forward", "backward")
    yield from _fused(bench, spin, f"a spin of {seconds_text(SPIN_S)}", parts)
    case = SUBJECTS[0].case(bench)
    yield from _fused(bench, case, case.workload.name, (*parts, "total") if bench.on_cuda else ("total",))


def _fused(bench: Bench, case: Case, name: str, phases: Sequence[Phase]) -> Iterator[VerdictLine]:
    """A line for each of the phases."""
    protocol = replace(SHORT, passes=("training",), extras=("alone",))
    runs = bench.alternate({"ours": partial(bench.measure, case, protocol)})["ours"]
    for phase in phases:
        pairs = [(one.result(phase).median_s, _alone_s(one, phase)) for one in runs]
        both = [(mine, alone) for mine, alone in pairs if alone is not None]
        if not both:
            yield verdict.broken_line("fused marks", f"{phase} was not measured alone.", ours=True)
            continue
        found = compare([mine for mine, _ in both], [alone for _, alone in both])
        compared = f"{name}, {phase} alone"
        yield verdict.ratio_line("fused marks", compared, found, ALONE_BOUND, vouched=_vouched(runs, phase))


def _alone_s(taken: OurResult, phase: Phase) -> float | None:
    """Median of the phase timed by itself."""
    samples = taken.measurement.variant("alone", phase)
    found = estimate([samples.rounds]) if samples else None
    return found.median_s if found else None


def busy(bench: Bench) -> Iterator[VerdictLine]:
    """A busy process on every core: nothing may be graded A. On the processor, whatever the device under test."""
    cores = usable_cores()
    case = replace(SUBJECTS[0].case(bench), device="cpu", batch=1, threads=bench.threads)
    with busy_cores(cores):
        taken = bench.measure(case)
    grades = [result.grade for result in taken.results.values()]
    yield verdict.busy_line(f"{SUBJECTS[0].name}, cpu, {cores} busy processes", grades)


def nothing(bench: Bench) -> Iterator[VerdictLine]:
    """A call that does nothing is shorter than any honest region: it must not be graded A."""
    taken = bench.measure(bench.layer("selftest_empty"), inference_only())
    yield verdict.nothing_line(taken.result("inference").median_s, taken.result("inference").grade)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("programmed durations", durations),
    ("foreign loops", loops),
    ("fused marks", fused),
    ("async trap", async_trap),
    ("timer trap", timer_trap),
    ("empty call", nothing),
    ("busy machine", busy),
)
"""In the order they are made: the noisiest last, so that it does not warm the machine for the others."""


def lines_of(title: str, check: Check, bench: Bench) -> Iterator[VerdictLine]:
    """The check's lines; one that could not be made is a line as well."""
    try:
        yield from check(bench)
    except (CheckFailed, WorkerError) as error:
        yield verdict.broken_line(title, str(error), ours=True)
    except ReferenceFailed as error:
        yield verdict.broken_line(title, str(error), ours=False)
