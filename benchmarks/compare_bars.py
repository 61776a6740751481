"""What a comparison calls machines whose truth is known: two runs of the same, and a row that is 5 or 2% larger.

``compare_bars.py`` [``--pairs 200``] [``--seed 0``] [``--only NAME``]: as many simulated pairs of runs by ``default``
of each kind of machine, through the engine's schedule and the worker's stopwatch with a virtual clock, compared as
``cvbench-tui compare`` does; then the same with both rows in one run, visited in turn, on machines whose speed wanders.
Bars: at most 2% of the same called faster or slower, 99% of a true 5% and 80% of a true 2% called slower, all kinds of
one speed together. Exit code 1 where one is missed. Needs no torch; 200 pairs take 10 to 20 minutes of a core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run
from cvbench_tui.results.compare.build import compare, sides_along
from cvbench_tui.results.compare.model import ComparedRow, Side
from tests.core.simulator.drive import ALTERNATE, CASE, OTHER, PHASE, in_turn, visited
from tests.core.simulator.processes import KINDS, Kind

PROTOCOL = PROTOCOLS["default"]
BASES_S = (0.005, 0.05)  # seconds of an iteration, in turn
LARGER = (0.0, 0.05, 0.02)  # by which B is larger
WANDERING = ("wander", "flicker", "step", "drift")  # whose speed changes for longer than a visit
MOST_CALLED, LEAST_5, LEAST_2 = 0.02, 0.99, 0.80
HEAD = "| machine | same called | 5% found | 2% found | interval holds | half width | same |"


@dataclass(frozen=True)
class Found:
    """Pairs of one kind, or of several: the rows of no difference, of 5% and of 2%."""

    rows: tuple[tuple[ComparedRow, ...], ...]  # by ``LARGER``

    @property
    def called(self) -> float:
        """Share of pairs of the same that are called faster or slower."""
        return _share(row.verdict in ("faster", "slower") for row in self.rows[0])

    def found(self, which: int) -> float:
        """Share of the larger ones that are called slower."""
        return _share(row.verdict == "slower" for row in self.rows[which])

    def line(self, name: str) -> str:
        """One row of the table."""
        ratios = [row.ratio for row in self.rows[0] if row.ratio is not None]
        holds = _share(ratio.low <= 1 <= ratio.high for ratio in ratios if ratio.low and ratio.high)
        widths = sorted(ratio.relative or 0.0 for ratio in ratios)
        cells = [f"{self.called:.1%}", f"{self.found(1):.1%}", f"{self.found(2):.1%}", f"{holds:.1%}"]
        same = _share(row.verdict == "same" for row in self.rows[0])
        return f"| {name} | {' | '.join(cells)} | \u00b1{widths[len(widths) // 2]:.2%} | {same:.0%} |"


def _share(found: object) -> float:
    each = list(found)  # type: ignore[call-overload]
    return sum(each) / len(each) if each else 0.0


def together(found: Sequence[Found]) -> Found:
    """All pairs of several kinds."""
    return Found(tuple(tuple(row for each in found for row in each.rows[which]) for which in range(len(LARGER))))


def run_of(name: str, *measured: tuple[Case, Measurement], alternate: str = "") -> Run:
    """A finished run of these rows."""
    plan = Plan("simulated", tuple(case for case, _ in measured), PROTOCOL, alternate)
    return Run(name, plan, 0.0, "simulated", outcomes={case.case_id: each for case, each in measured}, ended="finished")


def two_runs(kind: Kind, base_s: float, seed: int) -> tuple[ComparedRow, ...]:
    """One run against three: of the same, 5 and 2% larger. Each meets a machine of its own."""

    def one(side: str, larger: float) -> Side:
        process = kind.draw(Random(f"{kind.name} {base_s} {seed} {side}"))
        [(measurement, _)] = visited(process, (CASE,), (base_s * (1 + larger),), PROTOCOL, hash_of(side, seed))
        return Side(side, run_of(side, (CASE, measurement)))

    first = one("a", 0.0)
    return tuple(compare(first, one(f"b{larger}", larger), phases=(PHASE,)).rows[0] for larger in LARGER)


def hash_of(side: str, seed: int) -> int:
    """A seed of the schedule, the same on every machine."""
    return Random(f"{side} {seed}").getrandbits(32)


def one_run(kind: Kind, base_s: float, seed: int) -> tuple[ComparedRow, ...]:
    """Both rows in one run, in turn, three times over."""
    found = []
    for larger in LARGER:
        first, second = in_turn(kind, PROTOCOL, base_s, seed, larger)
        run = run_of("both", (CASE, first), (OTHER, second), alternate=ALTERNATE)
        a, b = sides_along(run, ALTERNATE)
        found.append(compare(a, b, along=ALTERNATE, phases=(PHASE,)).rows[0])
    return tuple(found)


def pairs_of(make: Callable[[Kind, float, int], tuple[ComparedRow, ...]], kind: Kind, pairs: int, seed: int) -> Found:
    """So many pairs, half of them with fast iterations."""
    found = [make(kind, BASES_S[each % 2], seed + each) for each in range(pairs)]
    return Found(tuple(tuple(row[which] for row in found) for which in range(len(LARGER))))


def bars(found: Found) -> list[tuple[str, bool]]:
    """Each bar in a sentence, and whether it is met."""
    return [
        (f"of the same called faster or slower: {found.called:.2%}, at most 2%", found.called <= MOST_CALLED),
        (f"of a true 5% found: {found.found(1):.2%}, at least 99%", found.found(1) >= LEAST_5),
        (f"of a true 2% found: {found.found(2):.2%}, at least 80%", found.found(2) >= LEAST_2),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables and the bars."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200, help="of each kind of machine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="a kind of machine; may be repeated")
    options = parser.parse_args(arguments)
    missed = 0
    tables = (
        ("Two runs", two_runs, [kind for kind in KINDS if kind.one_mode], ("flicker",)),
        ("In turn, in one run", one_run, [kind for kind in KINDS if kind.one_mode or kind.name in WANDERING], ()),
    )
    for title, make, kinds, beside in tables:
        print(f"{title}, {options.pairs} pairs of each kind:\n\n{HEAD}\n|{'---|' * (HEAD.count('|') - 1)}", flush=True)
        judged = []
        for kind in [*kinds, *(kind for kind in KINDS if kind.name in beside)]:
            if options.only and kind.name not in options.only:
                continue
            found = pairs_of(make, kind, options.pairs, options.seed)
            print(found.line(kind.name + " (no bar)" * (kind.name in beside)), flush=True)
            if kind.name not in beside:
                judged.append(found)
        if not judged:
            print("")
            continue
        everything = together(judged)
        print(everything.line("all with a bar") + "\n")
        for sentence, met in bars(everything):
            print(f"{'met' if met else 'MISSED'}: {sentence}")
            missed += not met
        print("", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
