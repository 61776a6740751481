"""How much time do other harnesses need for a number as steady as ours? Ten runs of each side, alternated.

    ours          visits of the protocol to this one row, each in a process forked for it; seconds are those from the
                  request to the last visit's end, the pauses between visits included; the visits alone behind them
    timm =t       timm's benchmark loop on timm's own model: 10 steps of warm-up, then steps by the host's clock, 40
                  at a time; their mean. On torchvision's model where timm is not installed (extra `bench`)
    blocked =t    torch.utils.benchmark's blocked_autorange on torchvision's model; the median
    do_bench =t   Triton's, on a card; the median
    timm, blocked the same with their defaults

`=t`: for as long as ours takes. All of them are forked from a process that has imported torch and timm, and their
seconds contain building the model. Spread is the coefficient of variation of the runs' numbers, known to a quarter from
ten runs. `times ours`: how many times our seconds the other side needs for our spread, its own seconds being worth the
square of its spread. That is the law for independent noise; where times wander it flatters the other side.

Bar: timm needs twice our seconds, in the median of the lines `timm =t`. Whether its interval (sign test) contains the
bar is said beside it: then chance decides. Exit code 1 when it is missed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from math import exp, log
from statistics import median

from common import Bar, Entry, case_of, conclude, cv, label, machine, opened, parser, robust_cv

from cvbench_tui.core.measurement import WHOLE_PHASE
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.selftest.context import CheckContext, CheckFailed, OurResult, Scope
from cvbench_tui.selftest.figures import MIN_PAIRS, median_interval
from cvbench_tui.selftest.reference import ReferenceFailed

WORKLOADS: tuple[Entry, ...] = (("resnet18", 64, 2), ("vgg11", 64, 1), ("efficientnet_b0", 96, 1))
"""Models that timm has by the same name: two phases each give the six lines that an interval needs."""
CUDA_SCALE = 32
PHASES = (WHOLE_PHASE["training"], WHOLE_PHASE["inference"])
MIN_RUNS = 5  # fewest runs whose spread says anything
TIMES = 2.0


@dataclass(frozen=True)
class Run:
    """One run of one side."""

    values_s: Mapping[str, float]
    seconds: float
    visits_s: float | None = None
    """Without the pauses; ours only."""


def ours(bench: CheckContext, case: Case, protocol: Protocol) -> Run:
    """All visits to one case."""
    begun = bench.clock()
    taken: OurResult = bench.measure(case, protocol)
    seconds = bench.clock() - begun
    return Run({phase: taken.result(phase).median_s for phase in PHASES}, seconds, taken.measurement.wall_s)


def theirs(bench: CheckContext, case: Case, method: str, seconds: float | None) -> Run:
    """The same by another harness: for so many seconds each phase, or with its defaults."""
    answer = bench.reference.ask(
        case, method, seconds=seconds or 0.0, threads=bench.threads, phases=list(PHASES), defaults=seconds is None
    )
    return Run(answer.values_s, answer.seconds)


def sides_of(bench: CheckContext, case: Case, protocol: Protocol, timm: str) -> dict[str, Callable[[], Run]]:
    """All sides; how long ours takes is learnt from one run that does not count."""
    each_s = ours(bench, case, protocol).seconds / len(PHASES)
    sides: dict[str, Callable[[], Run]] = {"ours": partial(ours, bench, case, protocol)}
    methods = {"timm": timm, "blocked": "blocked", **({"do_bench": "do_bench"} if bench.on_cuda else {})}
    for name, method in methods.items():
        sides[f"{name} =t"] = partial(theirs, bench, case, method, each_s)
        sides[name] = partial(theirs, bench, case, method, None)
    return sides


def times_ours(own: Sequence[Run], other: Sequence[Run], phase: str) -> float | None:
    """How many times our seconds the other side needs for our spread; None where a spread is not known."""
    if min(len(own), len(other)) < MIN_RUNS:
        return None
    mine, spread = (cv([run.values_s[phase] for run in runs]) for runs in (own, other))
    seconds = median(run.seconds for run in other) / median(run.seconds for run in own)
    return seconds * (spread / mine) ** 2 if mine else None


def report(name: str, taken: Mapping[str, Sequence[Run]]) -> dict[str, list[float]]:
    """A line for each side and phase; how many times our seconds each other side needs."""
    found: dict[str, list[float]] = defaultdict(list)
    for phase in PHASES:
        for side, runs in taken.items():
            values = [run.values_s[phase] for run in runs]
            times = times_ours(taken["ours"], runs, phase) if side != "ours" else None
            if times is not None:
                found[side].append(times)
            visits = [run.visits_s for run in runs if run.visits_s is not None]
            print(
                f"{name:<22}{phase:<11}{side:<13}{100 * cv(values):8.2f}%{100 * robust_cv(values):8.2f}%"
                f"{median(run.seconds for run in runs):8.2f} s"
                f"{f'({median(visits):.2f} s)' if visits else '':>11}"
                f"{f'{times:.2f}' if times is not None else '-':>11}{median(values) * 1e3:13.4f} ms{len(runs):5}",
                flush=True,
            )
    return found


def bar(side: str, times: Sequence[float]) -> Bar:
    """The median over the lines."""
    name = f"{side}: times our seconds to our spread"
    interval = median_interval([log(each) for each in times])
    if interval is None:
        return Bar(name, None, TIMES, note=f"{len(times)} lines of {MIN_RUNS} runs and more, {MIN_PAIRS} are needed")
    low, high = map(exp, interval)
    told = "" if low > TIMES or high < TIMES else ", which contains the bar: cannot be told"
    return Bar(name, median(times), TIMES, note=f"{len(times)} lines, interval {low:.2f} to {high:.2f}{told}")


def main() -> int:
    """Alternate all sides and print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=10, help="of each side (default: %(default)s)")
    arguments.add_argument("--minutes", type=float, default=60.0, help="about how long in all (default: %(default)s)")
    arguments.add_argument("--protocol", default="default", choices=("quick", "default"))
    arguments.add_argument("--workloads", type=int, default=len(WORKLOADS), help="only the first so many")
    options = arguments.parse_args()
    chosen = WORKLOADS[: options.workloads]
    scale = CUDA_SCALE if options.device.startswith("cuda") else 1
    timm = "timm_package" if find_spec("timm") else "timm"
    protocol = replace(PROTOCOLS[options.protocol], extras=())
    scope = Scope(pairs=options.runs, min_pairs=2, limit_s=60 * options.minutes / len(chosen))
    found: dict[str, list[float]] = defaultdict(list)
    with opened(options.device, scope) as bench:
        print(machine(bench))
        where = "timm's own models" if timm == "timm_package" else "torchvision's models, timm is not installed"
        print(f"{options.runs} runs of each side, protocol {protocol.name}, timm's loop on {where}")
        print(
            f"{'workload':<22}{'phase':<11}{'side':<13}{'spread':>9}{'robust':>9}{'one run':>10}{'visits':>11}", end=""
        )
        print(f"{'times ours':>11}{'median':>16}{'runs':>5}")
        for entry in chosen:
            case = case_of(bench, entry, scale)
            try:
                taken = bench.alternate(sides_of(bench, case, protocol, timm))
            except (CheckFailed, ReferenceFailed) as error:
                print(f"{label(entry, scale):<22}{error}")
                continue
            for side, times in report(label(entry, scale), taken).items():
                found[side] += times
        print(machine(bench))
    for side, times in found.items():
        if side != "timm =t":
            print(f"{side}: {median(times):.2f} times our seconds, median of {len(times)} lines")
    return conclude([bar("timm =t", found["timm =t"])])


if __name__ == "__main__":
    sys.exit(main())
