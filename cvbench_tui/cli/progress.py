"""Progress of a run without the app, and its table on a terminal.

On a terminal stderr shows a bar with the case, its stage and the time left; elsewhere, and with ``--plain``, a line for
each finished row.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeGuard

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.segment import Segment, Segments
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from cvbench_tui.base.cells import cell_len
from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.duration import expected_by_case
from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, Event, RunFinished
from cvbench_tui.core.event import Progress as CaseProgress
from cvbench_tui.core.measurement import PASS_OF, PHASES
from cvbench_tui.core.row_names import batch_text
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.about_lines import beside_lines
from cvbench_tui.results.stats.eta import done_share, eta_s
from cvbench_tui.results.stats.outcome import outcome_text, settled_rows
from cvbench_tui.results.stats.quality import cpu_instead
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.shared_notes import shared_failures, shared_notes
from cvbench_tui.results.stats.steadiness import steadiness
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import fitting, visible_columns
from cvbench_tui.results.table.model import Table
from cvbench_tui.results.table.versus import versus_line
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.ascii import to_ascii
from cvbench_tui.results.text.units import duration_text, relative_text


class Reporter:
    """A line for each finished or failed row, above a bar where there is one. ``show`` writes a line; without it there
    is nothing: ``--quiet``."""

    def __init__(self, show: Callable[[str], None] | None = None, bar: Progress | None = None) -> None:
        self._show = show
        self._bar = bar
        if bar is not None:
            self._task = bar.add_task("starting", total=1.0, left="")

    def message(self, sentence: str) -> None:
        """Show a sentence; nothing for an empty one."""
        if self._show is not None and sentence:
            self._show(visible(sentence))

    def update(self, event: Event, run: Run) -> None:
        """Show a finished or failed row, and how the run ended; move the bar. ``run``: after the event."""
        if self._show is not None and (isinstance(event, CaseFailed) or _had_its_visits(event, run)):
            self._show(outcome_line(event, run))
        elif isinstance(event, RunFinished):
            self.message(f"{run.ended}: {outcome_text(run)}")
            self.message(steadiness(run))
        if self._bar is not None and isinstance(event, (CaseStarted, CaseProgress, CaseFinished, CaseFailed)):
            expected = expected_by_case(run.plan)
            left = f"ETA {duration_text(eta_s(run, expected))}"
            self._bar.update(self._task, description=_stage(run), completed=done_share(run, expected), left=left)


@contextmanager
def reporter(*, quiet: bool, plain: bool = False) -> Iterator[Reporter]:
    """The reporter for stderr; its bar is removed at the end. ``plain``: lines on a terminal too."""
    console = Console(stderr=True)
    if quiet:
        yield Reporter()
    elif plain or not (sys.stderr.isatty() and console.is_interactive) or console.is_dumb_terminal:
        # isatty: to Rich a colour that is forced (FORCE_COLOR) is a terminal, and the bar's frames would fill a log
        yield Reporter(partial(print, file=sys.stderr, flush=True))
    else:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[left]}"))
        with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
            yield Reporter(lambda sentence: console.print(Text(sentence), soft_wrap=True), bar)


def _had_its_visits(event: Event, run: Run) -> TypeGuard[CaseFinished]:
    """True for the last visit to a row."""
    if not isinstance(event, CaseFinished):
        return False
    return row_data(run, run.plan.case(event.measurement.case_id)).quality.share is None


def outcome_line(event: CaseFinished | CaseFailed, run: Run) -> str:
    """``[2/8] Resnet18  cpu  batch 8  forward 41.2 ms ...  OK``; a failure with its reason."""
    case_id = event.measurement.case_id if isinstance(event, CaseFinished) else event.failure.case_id
    case = run.plan.case(case_id)
    table, passes = build(run), run.plan.protocol.passes
    phases = [phase for phase in PHASES if PASS_OF[phase] in passes] if isinstance(event, CaseFinished) else []
    texts = [f"{phase} {table.text(case_id, phase)}" for phase in phases]
    total = len(run.plan.cases)
    name = run.plan.label(case, without=("device", "batch"))
    words = [f"[{settled_rows(run)}/{total}] {name}", case.device, batch_text(case), *texts]
    words.append(table.text(case_id, "quality"))
    if isinstance(event, CaseFailed):
        words.append(event.failure.sentence)
    return visible("  ".join(words))


def _stage(run: Run) -> str:
    """The running case with its stage, round and interval."""
    if run.running is None:
        return "next case"
    case, progress = run.plan.case(run.running.case_id), run.progress
    words = [run.plan.label(case, without=("device",)), case.device]
    if progress is not None:
        words.append(progress.stage)
        words += [progress.phase or "", f"{progress.round}/{progress.max_rounds}"] if progress.round else []
        if progress.median_s and progress.half_width_s is not None:
            words.append(relative_text(progress.half_width_s / progress.median_s))
    return visible(" ".join(words))


def print_table(run: Run, view: View | None = None) -> None:
    """Print the run's table for a terminal on stdout, with the reasons of failures and grades below it."""
    run = together(run, view.beside) if view is not None else run
    table = build(run, view)
    console = Console()
    # In ASCII the plus-minus of each time is a cell wider.
    places = fitting(table, console.width - (console.encoding == "ascii") * len(PHASES))
    console.print(_drawn(table, places, console.width))
    if why := cpu_instead(run.plan, run.environment):
        console.print(_text(why))
    if line := versus_line(run, table, view or View()):
        console.print(_text(line))
    cases = [run.plan.case(row.key) for row in table.rows]
    for note in (*shared_failures(run, cases), *shared_notes(run, cases)):
        console.print(_text(note.text))
    for sentence in beside_lines(run, cases):
        console.print(_text(sentence))
    hidden = [table.columns[place].heading for place in visible_columns(table) if place not in places]
    if hidden:
        console.print(_text(f"Hidden: {', '.join(hidden)}. --layout full prints all columns.", style="dim"))


def _drawn(table: Table, places: Sequence[int], width: int) -> RichTable | Segments:
    """The table. One that is as wide as the terminal at most is aligned here: by rich, which measures and wraps each
    cell, 20,000 rows take 12 s."""
    heads = [_text(table.heading(place)) for place in places]
    right = [table.columns[place].right for place in places]
    styles = ["", "dim"]
    lines = [[_shown(text) for text in map(table.texts(row, "bare").__getitem__, places)] for row in table.rows]
    columns = list(zip([head.plain for head in heads], *lines, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    if sum(widths) + 2 * (len(widths) - 1) > width or not all("".join(column).isprintable() for column in columns):
        drawn = RichTable(box=None, pad_edge=False, padding=(0, 1))
        for head, to_right in zip(heads, right, strict=True):
            drawn.add_column(head, justify="right" if to_right else "left")
        for row, texts in zip(table.rows, lines, strict=True):
            valid = [row.cells[place].valid for place in places]
            drawn.add_row(*(Text(text, styles[not each]) for text, each in zip(texts, valid, strict=True)))
        return drawn

    def aligned(texts: Sequence[str]) -> list[str]:
        gaps = [" " * (most - cell_len(text)) for text, most in zip(texts, widths, strict=True)]
        return [gap + text if left else text + gap for gap, text, left in zip(gaps, texts, right, strict=True)]

    bold, dim = Style(bold=True), Style(dim=True)
    segments = [Segment("  ".join(aligned([head.plain for head in heads])), bold), Segment.line()]
    for row, texts in zip(table.rows, lines, strict=True):
        valid = [row.cells[place].valid for place in places]
        if all(valid):
            segments += [Segment("  ".join(aligned(texts))), Segment.line()]
            continue
        for number, (text, each) in enumerate(zip(aligned(texts), valid, strict=True)):
            segments += [Segment("  " * (number > 0)), Segment(text, None if each else dim)]
        segments.append(Segment.line())
    return Segments(segments)


def _text(text: str, style: str = "") -> Text:
    """Text without markup and control characters, whatever a name or a worker's sentence holds."""
    return Text(_shown(text), style=style)


def _shown(text: str) -> str:
    shown = visible(text)
    return to_ascii(shown) if sys.stdout.encoding == "ascii" else shown
