"""``python -m tests.core.simulator [repeats]``: the table of what the rules do with machines whose truth is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cvbench_tui.core.grading.reasons import GRADES
from cvbench_tui.core.protocol import PROTOCOLS
from tests.core.simulator.drive import ROWS, Outcome, measure
from tests.core.simulator.processes import KINDS

BASES_S = (0.005, 0.05)  # seconds of an iteration
NAMES = ("default", "quick")
HEAD = f"| protocol | iteration | process | covered | apart | rmse | interval | {' | '.join(GRADES)} | visits | s |"


def line(start: str, outcomes: Sequence[Outcome]) -> str:
    """One row of the table."""
    count = len(outcomes)
    grades = [sum(each.assessment.grade == grade for each in outcomes) / count for grade in GRADES]
    cells = [
        start,
        f"{sum(each.covered for each in outcomes) / count:.1%}",
        f"{apart(outcomes):.1%}",
        f"{(sum(each.error**2 for each in outcomes) / count) ** 0.5:.2%}",
        f"\u00b1{sum(each.found.relative or 0.0 for each in outcomes) / count:.2%}",
        *(f"{share:.0%}" for share in grades),
        f"{sum(each.visits for each in outcomes) / count:.1f}",
        f"{sum(each.used_s for each in outcomes) / count:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def apart(outcomes: Sequence[Outcome]) -> float:
    """Share of pairs of runs whose intervals do not overlap: they would be called different, and are not."""
    pairs = list(zip(outcomes[::2], outcomes[1::2], strict=False))
    return sum(a.found.low_s > b.found.high_s or b.found.low_s > a.found.high_s for a, b in pairs) / len(pairs)


def main(repeats: int) -> None:
    """Write the table."""
    say = sys.stdout.write
    say(f"{repeats} repeats each, one row of {ROWS}; errors against the truth of each process:\n\n")
    for kind in KINDS:
        say(f"- {kind.name}: {kind.story} (truth: {kind.truth})\n")
    say(f"\n{HEAD}\n|{'---|' * (HEAD.count('|') - 1)}\n")
    for protocol in (PROTOCOLS[name] for name in NAMES):
        for base_s in BASES_S:
            for kind in KINDS:
                outcomes = [measure(kind, protocol, base_s, seed) for seed in range(repeats)]
                say(line(f"{protocol.name} | {1000 * base_s:g} ms | {kind.name}", outcomes) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
