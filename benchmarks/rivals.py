"""How far do 20 runs of ours lie apart, and 20 of others'? All sides alternated, every run in a fresh process.

Spread is the coefficient of variation (standard deviation over mean) of the runs' numbers; ``robust`` the same from the
median absolute deviation. Other harnesses with their defaults, and, marked ``=t``, given as much time as ours takes.
``to ours`` is the time another harness needs to reach our spread: its time, times (its spread / ours) squared, because
the mean of n runs has a spread smaller by the root of n. ``half`` where our spread is at most half of the other's, or
where ours takes at most half of that time: the bar, for the others at equal or more time and for seconds to an equal
interval.
With --timm the model is timm's own (pip install 'cvbench-tui[bench]'), in a loop as its benchmark script has it, and
ours runs inference alone for that line. Exit code 1 when fewer than half of the lines reach the bar.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from common import Entry, case_of, cv, label, machine, opened, parser, robust_cv

from cvbench_tui.core.measurement import WHOLE_PHASE
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.selftest.context import CheckContext, CheckFailed, OurResult, Scope
from cvbench_tui.selftest.reference import ReferenceFailed, ReferenceResult

WORKLOADS: tuple[Entry, ...] = (("Conv3x3 middle", 0, 4), ("Dense", 0, 64), ("resnet18", 64, 2))
CUDA_SCALE = 32
PHASES = tuple(WHOLE_PHASE.values())


@dataclass(frozen=True)
class Run:
    """One run of one side, asked for one phase or for several."""

    values_s: dict[str, float]
    seconds: float
    """Wall seconds of the case, building the module included."""


def ours(bench: CheckContext, case: Case, protocol: Protocol) -> Run:
    """One case by the engine, without what is measured beside the time."""
    taken: OurResult = bench.measure(case, protocol)
    phases = [phase for phase in PHASES if taken.measurement.phase(phase)]
    return Run({phase: taken.result(phase).median_s for phase in phases}, taken.measurement.wall_s)


def theirs(bench: CheckContext, case: Case, method: str, seconds: float | None) -> Run:
    """The same by another harness: with its defaults, or for so many seconds each phase."""
    answer: ReferenceResult = bench.reference.ask(
        case,
        method,
        seconds=seconds or 0.0,
        threads=bench.threads,
        phases=["inference"] if method == "timm_package" else list(PHASES),
        defaults=seconds is None,
    )
    return Run(answer.values_s, answer.seconds)


def sides_of(bench: CheckContext, case: Case, protocol: str, with_timm: bool) -> dict[str, Callable[[], Run]]:
    """All sides; how long ours takes is learnt from one run that does not count."""
    whole = replace(PROTOCOLS[protocol], extras=())
    first = ours(bench, case, whole)
    sides: dict[str, Callable[[], Run]] = {"ours": partial(ours, bench, case, whole)}
    methods = ["blocked", "adaptive", "timm", *(["do_bench"] if bench.on_cuda else [])]
    for method in methods:
        sides[method] = partial(theirs, bench, case, method, None)
    for method in ("blocked", "timm"):
        sides[f"{method} =t"] = partial(theirs, bench, case, method, first.seconds / len(PHASES))
    if with_timm and case.workload.kind == "model":
        sides["ours, inference"] = partial(ours, bench, case, replace(whole, passes=("inference",)))
        sides["timm package"] = partial(theirs, bench, case, "timm_package", None)
    return sides


def report(entry: Entry, scale: int, taken: dict[str, list[Run]]) -> list[bool]:
    """A line for each side and phase; for each line of another harness whether the bar is reached."""
    reached = []
    for phase in PHASES:
        for side, runs in taken.items():
            values = [run.values_s[phase] for run in runs if phase in run.values_s]
            if len(values) < 2:
                continue
            own = taken["ours, inference" if side == "timm package" else "ours"]
            own_s, own_spread = median(run.seconds for run in own), cv([run.values_s[phase] for run in own])
            spread, seconds = cv(values), median(run.seconds for run in runs)
            to_ours_s = seconds * (spread / own_spread) ** 2
            other = not side.startswith("ours")
            half = own_spread <= spread / 2 or own_s <= to_ours_s / 2
            reached += [half] if other else []
            print(
                f"{label(entry, scale):<22}{phase:<11}{side:<16}{100 * spread:8.2f}%{100 * robust_cv(values):8.2f}%"
                f"{own_spread / spread:8.2f}{seconds:9.2f} s{to_ours_s:9.1f} s{median(values) * 1e3:12.4f} ms"
                f"{len(values):6}  {'' if not other else 'half' if half else 'no'}",
                flush=True,
            )
    return reached


def main() -> int:
    """Alternate all sides and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=20, help="of each side (default: %(default)s)")
    arguments.add_argument("--minutes", type=float, default=45.0, help="about how long in all (default: %(default)s)")
    arguments.add_argument("--protocol", default="default", choices=("quick", "default"))
    arguments.add_argument("--workloads", type=int, default=len(WORKLOADS), help="only the first so many")
    arguments.add_argument("--timm", action="store_true", help="timm's own models as well")
    options = arguments.parse_args()
    chosen = WORKLOADS[: options.workloads]
    scale = CUDA_SCALE if options.device.startswith("cuda") else 1
    scope = Scope(pairs=options.runs, min_pairs=2, limit_s=60 * options.minutes / len(chosen))
    reached: list[bool] = []
    with opened(options.device, scope) as bench:
        print(machine(bench))
        print(f"{options.runs} runs of each side, protocol {options.protocol}; seconds are of one run, both phases")
        print(f"{'workload':<22}{'phase':<11}{'side':<16}{'spread':>9}{'robust':>9}{'ours/it':>8}{'time':>11}", end="")
        print(f"{'to ours':>11}{'median':>15}{'runs':>6}  bar")
        for entry in chosen:
            case = case_of(bench, entry, scale)
            try:
                taken = bench.alternate(sides_of(bench, case, options.protocol, options.timm))
            except (CheckFailed, ReferenceFailed) as error:
                print(f"{label(entry, scale):<22}{error}")
                continue
            reached += report(entry, scale, taken)
        print(machine(bench))
    print(f"{sum(reached)} of {len(reached)} lines of other harnesses reach the bar")
    return int(2 * sum(reached) < len(reached) or not reached)


if __name__ == "__main__":
    sys.exit(main())
