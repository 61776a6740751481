"""The same plan twice, one run after the other: do the numbers hold what their intervals promise?

Twelve workloads, each run in a process of its own by a Session with a live worker, as `cvbench-tui run` makes it. For
each pair of runs: seconds, letters of both runs' numbers (A known to 1%, B to 3%, C to 10%, D less well, X not valid),
and of the numbers that are A or B in both: how many intervals overlap, how many contain the other's centre (each
direction counts half), by how much the centres differ; and when the last row had its first number, as a share of the
run.

Bars: nine in ten overlap, four in five contain the other's centre; the first whole table after 15% of the run; on an
idle machine a third of all numbers A or B, nine in ten A to C. Idle: by /proc/stat all other programs, and the
hypervisor's other guests, used less than 5% of the cores during the run. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from common import IDLE, Bar, Entry, Reading, conclude, letter, parser, workload_of

from cvbench_tui.cli.run import live_source
from cvbench_tui.core.measurement import USUAL_PHASES
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run
from cvbench_tui.engine.session import Session
from cvbench_tui.results.stats.phase_stats import phase_result, terms_of
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.results.storage.peak_cache import with_best
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_log import create_log

WORKLOADS: tuple[Entry, ...] = (
    ("mobilenet_v3_small", 224, 1), ("resnet18", 224, 1), ("shufflenet_v2_x1_0", 224, 2), ("squeezenet1_1", 224, 1),
    ("mobilenet_v2", 160, 1), ("alexnet", 224, 2), ("Conv3x3/1", 0, 1), ("Dense", 0, 64),
    ("BatchNorm", 0, 8), ("MaxPool", 0, 8), ("ViT block", 0, 1), ("Bottleneck", 0, 1),
)  # fmt: skip
"""5 to 100 ms an iteration on two cores."""
CUDA_SCALE = 32
OVERLAP, COVER = 0.9, 0.8
KNOWN, ROUGHLY_KNOWN = 1 / 3, 0.9  # least share of A and B, and of A to C, on an idle machine
FIRST_TABLE = 0.10
MIN_JUDGED = 20  # fewest pairs of numbers that are judged: one of fewer is more than 5%
WORST = 8


@dataclass(frozen=True)
class Number:
    """One phase of one row in one run, seconds."""

    centre_s: float
    low_s: float
    high_s: float
    letter: str

    def text(self) -> str:
        """``76.12 ms [75.9, 76.3] A``."""
        return f"{self.centre_s * 1e3:.4g} ms [{self.low_s * 1e3:.4g}, {self.high_s * 1e3:.4g}] {self.letter}"


@dataclass(frozen=True)
class Taken:
    """One run."""

    seconds: float
    first_table_s: float | None
    """Until the last row had its first number; None where one has none."""
    others: float | None
    """Share of the cores that others used; None where that is not known."""
    numbers: dict[str, Number | None]
    """By row and phase; None where there is no number, or no interval."""

    @property
    def letters(self) -> Counter[str]:
        """How many numbers of each; a missing one is an X."""
        return Counter(number.letter if number is not None else "X" for number in self.numbers.values())

    @property
    def idle(self) -> bool:
        """True where others are known to have used little."""
        return self.others is not None and self.others < IDLE


@dataclass(frozen=True)
class Change:
    """The same number in both runs."""

    name: str
    first: Number
    second: Number

    @property
    def overlap(self) -> bool:
        """True when the intervals have a value in common."""
        return self.first.low_s <= self.second.high_s and self.second.low_s <= self.first.high_s

    @property
    def cover(self) -> float:
        """Share of the two directions in which an interval contains the other's centre."""
        there = self.first.low_s <= self.second.centre_s <= self.first.high_s
        back = self.second.low_s <= self.first.centre_s <= self.second.high_s
        return (there + back) / 2

    @property
    def share(self) -> float:
        """How far the centres lie apart."""
        return math.expm1(abs(math.log(self.second.centre_s / self.first.centre_s)))

    @property
    def excess(self) -> float:
        """The same in half widths of both intervals together: above 1 they do not overlap."""
        widths = (self.first.high_s - self.first.low_s + self.second.high_s - self.second.low_s) / 2
        return abs(self.second.centre_s - self.first.centre_s) / widths if widths else math.inf


def changes(first: Taken, second: Taken) -> list[Change]:
    """Of the numbers that are A or B in both."""
    both = [(name, number, second.numbers.get(name)) for name, number in first.numbers.items()]
    return [
        Change(name, before, after) for name, before, after in both
        if before and after and {before.letter, after.letter} <= {"A", "B"}
    ]  # fmt: skip


def bars(pairs: Sequence[tuple[Taken, Taken]]) -> list[Bar]:
    """Over all pairs of runs."""
    found = [change for pair in pairs for change in changes(*pair)]
    runs = [run for pair in pairs for run in pair]
    few = f"{len(found)} pairs of numbers are A or B in both runs, {MIN_JUDGED} are needed"
    enough = len(found) >= MIN_JUDGED
    overlap, cover = sum(change.overlap for change in found), sum(change.cover for change in found)
    letters = Counter[str]()
    for run in runs:
        letters += run.letters if run.idle else Counter()
    of = letters.total()
    busy = f"of no run are others known to have used less than {IDLE:.0%} of the cores"
    known, roughly = (sum(letters[name] for name in names) for names in ("AB", "ABC"))
    firsts = [run.first_table_s / run.seconds for run in runs if run.first_table_s is not None]
    whole = len(firsts) == len(runs) > 0
    return [
        Bar("intervals overlap", overlap / len(found) if enough else None, OVERLAP,
            note=f"{overlap} of {len(found)}" if enough else few),
        Bar("intervals contain the other's centre", cover / len(found) if enough else None, COVER,
            note=f"{cover:g} of {len(found)}" if enough else few),
        Bar("A or B on an idle machine", known / of if of else None, KNOWN, note=f"{known} of {of}" if of else busy),
        Bar("A to C on an idle machine", roughly / of if of else None, ROUGHLY_KNOWN,
            note=f"{roughly} of {of}" if of else busy),
        Bar("first whole table, share of the slowest run", max(firsts) if whole else None, FIRST_TABLE, at_least=False,
            note="" if whole else "a row has no number"),
    ]  # fmt: skip


def report(pairs: Sequence[tuple[Taken, Taken]]) -> int:
    """Print the table, the worst rows and the bars. Returns the exit code."""
    print(
        f"{'pair':<6}{'seconds':>13}{'others':>12}{'first table':>14}{'A':>5}{'B':>4}{'C':>4}{'D':>4}{'X':>4}", end=""
    )
    print(f"{'both A/B':>10}{'overlap':>9}{'cover':>7}{'median':>9}{'largest':>9}")
    for number, (first, second) in enumerate(pairs, start=1):
        found, letters = changes(first, second), first.letters + second.letters
        moved = [change.share for change in found]
        both = (first, second)
        print(
            f"{number:<6}{' '.join(f'{run.seconds:.0f}' for run in both):>11} s"
            f"{' '.join(_percent(run.others) for run in both):>12}"
            f"{' '.join(_percent(run.first_table_s and run.first_table_s / run.seconds) for run in both):>14} "
            + "".join(f"{letters[name]:>4}" for name in "ABCDX")
            + f"{len(found):>10}{sum(change.overlap for change in found):>9}{sum(change.cover for change in found):>7g}"
            f"{_percent(median(moved) if moved else None, 1):>9}{_percent(max(moved, default=None), 1):>9}"
        )
    worst = [(change.excess, number, change) for number, pair in enumerate(pairs, 1) for change in changes(*pair)]
    for excess, number, change in sorted(worst, key=lambda each: -each[0])[:WORST]:
        words = f"{change.first.text()}, then {change.second.text()}"
        print(f"worst, pair {number}: {change.name}: {words}, {excess:.2f} of both half widths apart")
    return conclude(bars(pairs))


def _percent(share: float | None, digits: int = 0) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}%"


def taken_from(run: Run, others: float | None) -> Taken:
    """What the table needs of a run."""
    measured = {outcome.case_id: outcome for outcome in run.measured}
    numbers: dict[str, Number | None] = {}
    for case in run.plan.cases:
        for phase in USUAL_PHASES:
            outcome = measured.get(case.case_id)
            result = phase_result(outcome, phase, terms_of(run, case)) if outcome else None
            number = None
            if result is not None and result.low_s is not None and result.high_s is not None:
                number = Number(result.median_s, result.low_s, result.high_s, letter(result))
            numbers[f"{case.workload.name} x{case.batch}, {phase}"] = number
    firsts = [each.visit_records[0].begun_at_s + each.visit_records[0].wall_s for each in run.measured]
    whole = len(firsts) == len(run.plan.cases)
    return Taken(
        (run.ended_at_s or run.started_at_s) - run.started_at_s,
        max(firsts) - run.started_at_s if whole else None,
        others,
        numbers,
    )


def read(folder: Path) -> list[tuple[Taken, Taken]]:
    """The runs in a folder, two by two in the order in which they began; one that did not end is left out."""
    runs = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        run, beside = with_best(load(path), path.parent), path.with_suffix(".json")
        if run.ended == "finished":
            runs.append(taken_from(run, json.loads(beside.read_text())["others"] if beside.exists() else None))
        else:
            print(f"{path.name} did not end: left out", file=sys.stderr)
    return list(zip(runs[::2], runs[1::2], strict=False))


def measure(folder: Path, command: Sequence[str]) -> None:
    """One run in a process of its own, and beside its file what others used meanwhile."""
    earlier, before = set(folder.glob(f"*{SUFFIX}")), Reading.now()
    code = subprocess.run(command, check=False).returncode
    others = Reading.now().others(before, os.cpu_count() or 1)
    for path in set(folder.glob(f"*{SUFFIX}")) - earlier:
        path.with_suffix(".json").write_text(json.dumps({"others": others}))
    if code:
        raise SystemExit(f"The run ended with exit code {code}.")


def run_once(folder: Path, device: str, protocol: str, entries: Sequence[Entry], scale: int) -> None:
    """The plan, as a user runs it."""
    cases = tuple(Case(workload_of(entry), device, entry[2] * scale) for entry in entries)
    with closing(live_source(str(folder), cpu_only=device == "cpu")) as source:
        session = Session(source, Plan("again", cases, PROTOCOLS[protocol]))
        with create_log(folder, session.run_id) as log:
            for _ in session.run(log):
                pass


@contextmanager
def folder_of(keep: Path | None) -> Iterator[Path]:
    """The one to keep, which has to be empty, or one that is deleted."""
    if keep is None:
        with tempfile.TemporaryDirectory() as made:
            yield Path(made)
        return
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.glob(f"*{SUFFIX}")):
        raise SystemExit(f"{keep} has run files already: --read prints their table.")
    yield keep


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or read, and print."""
    options = parser(__doc__)
    options.add_argument("--pairs", type=int, default=5, help="of runs (default: %(default)s)")
    options.add_argument("--protocol", default="default", choices=("quick", "default", "rigorous"))
    options.add_argument("--workloads", type=int, default=len(WORKLOADS), help="only the first so many")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="for the run files; without it they are deleted")
    options.add_argument("--read", type=Path, metavar="FOLDER", help="measure nothing, print the table of its files")
    options.add_argument("--once", type=Path, metavar="FOLDER", help="one run into that folder, no table")
    given = options.parse_args(arguments)
    if given.read is not None:
        return report(read(given.read))
    if given.once is not None:
        scale = CUDA_SCALE if given.device.startswith("cuda") else 1
        run_once(given.once, given.device, given.protocol, WORKLOADS[: given.workloads], scale)
        return 0
    with folder_of(given.keep) as folder:
        command = [sys.executable, __file__, "--once", str(folder), "--device", given.device]
        command += ["--protocol", given.protocol, "--workloads", str(given.workloads)]
        for number in range(2 * given.pairs):
            print(f"pair {number // 2 + 1}, run {number % 2 + 1} ...", file=sys.stderr, flush=True)
            measure(folder, command)
        return report(read(folder))


if __name__ == "__main__":
    sys.exit(main())
