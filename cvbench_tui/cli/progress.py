"""What a headless run says while it goes on, and how its table is drawn on a terminal. All of it text from results.

On a terminal: a bar with the case, its stage and the time left, on stderr. Elsewhere: a plain line for each
finished row, which is also what a screen reader wants.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table as RichTable
from rich.text import Text

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.duration import expected_by_case
from cvbench_tui.cli.ascii_streams import is_ascii
from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, Event, RunFinished
from cvbench_tui.core.event import Progress as CaseProgress
from cvbench_tui.core.measurement import PHASES
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.eta import done_share, eta_s
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.row_state import outcome_text
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import fitting, visible_columns
from cvbench_tui.results.text.ascii import to_ascii
from cvbench_tui.results.text.units import duration_text, relative_text


class Reporter(Protocol):
    """Told every event of a run."""

    def say(self, sentence: str) -> None:
        """Something outside the run."""

    def show(self, event: Event, run: Run) -> None:
        """An event, with the run after it."""


class SilentReporter:
    """Says nothing."""

    def say(self, sentence: str) -> None:
        """Nothing."""

    def show(self, event: Event, run: Run) -> None:
        """Nothing."""


class LineReporter:
    """A line for each case that is settled, for pipes, logs and screen readers."""

    def say(self, sentence: str) -> None:
        """The sentence as a line."""
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201

    def show(self, event: Event, run: Run) -> None:
        """A row when it is settled, its reason when it failed, and how the run ended."""
        if isinstance(event, (CaseFinished, CaseFailed)):
            self.say(settled_line(event, run))
        elif isinstance(event, RunFinished):
            self.say(ended_line(run))


class BarReporter(LineReporter):
    """A bar on a terminal, with the settled rows above it."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("starting", total=1.0, left="")

    def say(self, sentence: str) -> None:
        """The sentence above the bar."""
        self._console.print(Text(sentence), soft_wrap=True)

    def show(self, event: Event, run: Run) -> None:
        """Move the bar; settled rows are printed above it."""
        super().show(event, run)
        if isinstance(event, (CaseStarted, CaseProgress, CaseFinished, CaseFailed)):
            expected = expected_by_case(run.plan)
            left = f"ETA {duration_text(eta_s(run, expected))}"
            self._bar.update(self._task, description=_now(run), completed=done_share(run, expected), left=left)


@contextmanager
def reporter(*, quiet: bool, plain: bool = False) -> Iterator[Reporter]:
    """The reporter that fits stderr; a bar is taken down again at the end. ``plain``: lines, also on a terminal."""
    if quiet:
        yield SilentReporter()
        return
    console = Console(stderr=True)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        yield LineReporter()
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        yield BarReporter(console, bar)


def settled_line(event: CaseFinished | CaseFailed, run: Run) -> str:
    """``[2/8] Resnet18  cpu  8  41.2 ms ...  OK``; a failure with its reason."""
    case_id = event.measurement.case_id if isinstance(event, CaseFinished) else event.failure.case_id
    case = run.plan.case(case_id)
    table = build(run)
    texts = [f"{phase} {table.text(case_id, phase)}" for phase in PHASES if isinstance(event, CaseFinished)]
    settled = len(run.plan.cases) - run.pending
    words = [f"[{settled}/{len(run.plan.cases)}] {case.workload.name}", case.device, f"batch {case.batch}", *texts]
    words.append(table.text(case_id, "state"))
    if isinstance(event, CaseFailed):
        words.append(event.failure.sentence)
    return visible("  ".join(words))


def ended_line(run: Run) -> str:
    """``finished: 3 measured, 1 failed``."""
    return f"{run.ended}: {outcome_text(run)}"


def _now(run: Run) -> str:
    """What is being measured this moment."""
    if run.running is None:
        return "next case"
    case = run.plan.case(run.running.case_id)
    words = f"{case.workload.name} {case.device}"
    progress = run.progress
    if progress is None:
        return words
    words += f" {progress.stage}"
    if progress.round:
        words += f" {progress.phase or ''} {progress.round}/{progress.max_rounds}"
    if progress.median_s and progress.half_width_s is not None:
        words += f" {relative_text(progress.half_width_s / progress.median_s)}"
    return words


def print_table(run: Run, *, sort: str | None = None, descending: bool = False) -> None:
    """The run's table on stdout for a person at a terminal, with the reasons of failures and grades below."""
    table = build(run, sort=sort, descending=descending)
    console = Console()
    # In ASCII the plus-minus of each time is a cell wider.
    places = fitting(table, console.width - is_ascii(console.encoding) * len(PHASES), "text")
    drawn = RichTable(box=None, pad_edge=False, padding=(0, 1))
    for column in (table.columns[place] for place in places):
        drawn.add_column(
            _plain(column.heading), justify="right" if column.alignment == "right" else "left", no_wrap=False
        )
    for row in table.rows:
        cells = (row.cells[place] for place in places)
        drawn.add_row(*(_plain(cell.text, style="" if cell.valid else "dim") for cell in cells))
    console.print(drawn)
    _print_reasons(run, console)
    hidden = [table.columns[place].heading for place in visible_columns(table) if place not in places]
    if hidden:
        console.print(_plain(f"No room for {', '.join(hidden)}: --layout wide has them.", style="dim"))


def _print_reasons(run: Run, console: Console) -> None:
    """Why rows have no numbers, and why numbers have their grades."""
    for failure in run.failures:
        console.print(_plain(f"{run.plan.case(failure.case_id).workload.name}: {failure.sentence}"))
    for measurement in run.measured:
        case = run.plan.case(measurement.case_id)
        for remark in row_data(run, case).row_notes:
            console.print(_plain(f"{case.workload.name} ({case.device}, batch {case.batch}): {remark.text}"))


def _plain(text: str, style: str = "") -> Text:
    """Text that is no markup and gives the terminal no orders, whatever a name or a worker's sentence holds."""
    shown = visible(text)
    return Text(to_ascii(shown) if is_ascii(sys.stdout.encoding) else shown, style=style)
