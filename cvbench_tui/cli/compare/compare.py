"""``cvbench-tui compare``: runs side by side, or the values of an axis of one run; the gate for scripts."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cvbench_tui.base.escape import one_line
from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.catalog.axes import check_phases
from cvbench_tui.cli.outputs import unfailing_stderr
from cvbench_tui.cli.run import load_run
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.ratio import BASES
from cvbench_tui.core.text import plural
from cvbench_tui.errors import SelectionError, StoreError
from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.build import compare, judged_together, sides_along, slower_by
from cvbench_tui.results.compare.export.registry import check_writable, render, write_comparisons
from cvbench_tui.results.compare.frameworks import by_framework
from cvbench_tui.results.compare.model import BOUND, Order, RunComparison, Side
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.results.text.units import percent_text

MOST_REASONS = 3  # why nothing can be told, in one sentence
CERTAIN = BASES[:2]  # intervals that can make a slowdown certain: of processes, or of pairs


@dataclass(frozen=True)
class Wanted:
    """What the options say about a comparison."""

    along: str = ""  # an axis; empty: runs
    base: str | None = None  # the value of it that the others are compared with; None: its default
    phases: tuple[str, ...] = ()
    bound: float | None = None  # share below which a difference is called the same; None: the usual one
    order: Order = "plan"
    strict: bool = False  # refuse where more differs
    margin: float | None = None  # of the gate: share by which a row may be slower; None: no gate


def compare_runs(
    references: Sequence[str],
    wanted: Wanted,
    files: Sequence[str] = (),
    *,
    plain: bool = False,
    runs_dir: str | None = None,
) -> int:
    """Print the comparison and write its files. Returns the exit code: 1 for a slowdown beyond the margin that is
    certain, 2 where a file could not be written.

    Raises SelectionError for sides that cannot be compared, StoreError for a run or a file that cannot be had.
    """
    check_files(files)
    return conclude(compared(_sides(references, wanted, runs_dir), wanted), wanted, files, plain=plain)


def check_files(files: Sequence[str]) -> None:
    """Raise StoreError for a file that cannot be written."""
    for file in files:
        check_writable(Path(file))


def conclude(comparisons: Sequence[RunComparison], wanted: Wanted, files: Sequence[str], *, plain: bool = False) -> int:
    """Print and write the comparisons. Returns the exit code."""
    with unfailing_stderr():
        failed = _write(comparisons, files)
        slower = wanted.margin is not None and gate(comparisons, wanted.margin)
    print_result(comparisons, plain=plain)
    return 1 if slower else 2 if failed else 0


def _sides(references: Sequence[str], wanted: Wanted, runs_dir: str | None) -> tuple[Side, ...]:
    """The runs of these references, or the values of an axis of the one that is named; the baseline first."""
    runs = [load_run(reference, runs_dir) for reference in references]
    if len(runs) > 1:
        if wanted.base is not None:
            raise SelectionError("--base is for the values of one run.", "Of several runs the first is the baseline.")
        named = (Side(_name(text, run), run) for text, run in zip(references, runs, strict=True))
        return tuple(part for side in named for part in by_framework(side))
    along = wanted.along or runs[0].plan.alternate
    if not along:
        hint = "Name a second run, or an axis of this one: cvbench-tui compare RUN --along precision"
        raise SelectionError("One run alone cannot be compared.", hint)
    sides = sides_along(runs[0], along)
    if wanted.base is None:
        return sides
    values = [side.value for side in sides]
    if wanted.base not in values:
        hint = f"{nearest(wanted.base, values)} Values: {', '.join(values)}.".lstrip()
        raise SelectionError(f"--base: the run has no {along.replace('_', ' ')} {quoted(wanted.base)}.", hint)
    at = values.index(wanted.base)
    return (sides[at], *sides[:at], *sides[at + 1 :])


def _name(reference: str, run: Run) -> str:
    """What a side is called: by the name that the user gave the run, else as it was called here, a path by its file."""
    return run.name or os.path.basename(reference.strip().rstrip("/")).removesuffix(SUFFIX)


def compared(sides: Sequence[Side], wanted: Wanted) -> list[RunComparison]:
    """Each other side against the first. Raises SelectionError: no common rows, and with ``strict`` where more
    differs."""
    base, *others = sides
    phases, along = check_phases(wanted.phases), wanted.along or (base.run.plan.alternate if base.value else "run")
    bound = BOUND if wanted.bound is None else wanted.bound
    made = [compare(base, each, along=along, phases=phases, bound=bound, order=wanted.order) for each in others]
    found = judged_together(made)
    for place, one in enumerate(found, 1):
        if wanted.strict and one.doubtful:
            more = "" if along == "run" else f" in more than {along.replace('_', ' ')}"
            sentence = f"A and {cells.letter(place)} differ{more}: {one_line('; '.join(one.differences))}."
            raise SelectionError(sentence, "Without --strict they are compared, and each verdict carries a mark.")
    return found


def print_result(comparisons: Sequence[RunComparison], *, plain: bool = False) -> None:
    """Print on stdout: as sentences, as a table of the terminal's width, or as markdown."""
    if plain:
        from cvbench_tui.results.compare.export.plain_text import sentences

        sys.stdout.write(sentences(comparisons))
    elif sys.stdout.isatty():
        from cvbench_tui.cli.compare.table import print_comparisons

        print_comparisons(comparisons)
    else:
        sys.stdout.write(render(comparisons, ".md"))


def _write(comparisons: Sequence[RunComparison], files: Sequence[str]) -> bool:
    """Write every file, and name it on stderr. True where one could not be written."""
    failed = False
    for file in files:
        try:
            write_comparisons(comparisons, Path(file))
        except StoreError as error:
            failed = True
            print(one_line(f"cvbench-tui: {error.message}"), file=sys.stderr)  # noqa: T201
        else:
            print(one_line(f"saved {file}"), file=sys.stderr)  # noqa: T201
    return failed


def gate(comparisons: Sequence[RunComparison], margin: float) -> bool:
    """Say on stderr which rows are slower than the baseline by more than ``margin``, a share of its time, for certain.
    True where there are any."""
    slower, by, known = [], percent_text(margin), 0
    for place, (one, rows) in enumerate(zip(comparisons, slower_by(comparisons, margin), strict=True), 1):
        known += sum(row.ratio is not None and row.ratio.basis in CERTAIN for row in one.rows)
        for row in rows:
            figures = f"{cells.speedup_text(row.ratio)}, 95% CI {cells.interval_text(row.ratio)}"
            slower.append(f"  {row.label}, batch {row.batch}, {row.phase}: {cells.letter(place)} has {figures}")
    if slower:
        lines = [f"Slower by more than {by} for certain:", *slower]
    elif known:
        lines = [f"No row is slower by more than {by} for certain, of {plural(known, 'row')} that can tell."]
    else:
        reasons = list(dict.fromkeys(row.sentence for one in comparisons for row in one.rows if row.ratio is None))
        why = "; ".join(reasons[:MOST_REASONS]) or "no row was repeated in several processes on both sides"
        lines = [f"Nothing can be told about {by}: {why}."]
    print(*map(one_line, lines), sep="\n", file=sys.stderr)  # noqa: T201
    return bool(slower)
