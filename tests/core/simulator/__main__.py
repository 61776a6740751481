"""``python -m tests.core.simulator [repeats]``: the table of what the rules do with machines whose truth is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from cvbench_tui.core.grading.reasons import GRADES
from cvbench_tui.core.protocol import PROTOCOLS
from tests.core.simulator.drive import Outcome, measure
from tests.core.simulator.processes import KINDS

BASES_S = (0.005, 0.05)
"""Seconds of an iteration."""
NAMES = ("default", "quick")
HEAD = "| protocol | iteration | process | covered | bare t | rmse | worst A | A | B | C | X | two modes | rounds | s |"


def line(start: str, outcomes: Sequence[Outcome]) -> str:
    """One row of the table."""
    count = len(outcomes)
    grades = [sum(each.assessment.grade == grade for each in outcomes) / count for grade in GRADES]
    worst = max((abs(each.error) for each in outcomes if each.assessment.grade == "A"), default=None)
    cells = [
        start,
        f"{sum(each.covered for each in outcomes) / count:.1%}",
        f"{sum(each.covered_without_factor for each in outcomes) / count:.1%}",
        f"{(sum(each.error**2 for each in outcomes) / count) ** 0.5:.2%}",
        "-" if worst is None else f"{worst:.2%}",
        *(f"{share:.0%}" for share in grades),
        f"{sum('bimodal' in each.codes for each in outcomes) / count:.1%}",
        f"{sum(each.rounds for each in outcomes) / count:.1f}",
        f"{sum(each.used_s for each in outcomes) / count:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main(repeats: int) -> None:
    """Write the table."""
    say = sys.stdout.write
    say(f"{repeats} repeats each; errors against the truth of each process:\n\n")
    for kind in KINDS:
        say(f"- {kind.name}: {kind.story} (truth: {kind.truth})\n")
    say(f"\n{HEAD}\n|{'---|' * (HEAD.count('|') - 1)}\n")
    twelve = replace(PROTOCOLS["default"], name="twelve rounds, no look", min_rounds=12)
    for protocol in (*(PROTOCOLS[name] for name in NAMES), twelve):
        for base_s in BASES_S:
            for kind in KINDS if protocol is not twelve else (kind for kind in KINDS if kind.one_mode):
                outcomes = [measure(kind, protocol, base_s, seed) for seed in range(repeats)]
                say(line(f"{protocol.name} | {1000 * base_s:g} ms | {kind.name}", outcomes) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
