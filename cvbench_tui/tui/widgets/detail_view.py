"""Everything about one row, drawn: the sections of ``results.detail.row``, its histograms and its samples in time."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.messages import CopyWanted, TrendWanted
from cvbench_tui.tui.terminal.theme import MUTED

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run
    from cvbench_tui.results.detail.row import Bin, Section
    from cvbench_tui.results.stats.series import Series

BAR = "\u2588"
RANGE = "\u2591"  # from the least sample of a point to its largest
MEDIAN = ("\u2584", "\u2580")
"""The median in the lower or the upper half of a cell, so that a line of text tells two levels apart."""
BORDER = "|"
DISTURBED = "x"
MIN_CELLS = 20  # cells that a text gets in the narrowest place
NO_ROW = "No row yet: the row under the cursor is explained here."


class DetailView(VerticalScroll):
    """A text that scrolls. As a pane and as a dialog's inside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_all", "Copy", id="detail.copy", tooltip="Copy everything about this row, errors included"),
        Binding("c", "copy_command", "Command", id="detail.copy_command", tooltip="Copy the command that repeats it"),
        hidden("T", "trend", "Trend", "detail.trend", "The row's times over the kept runs"),
        hidden("j", "scroll_down", "Down", "detail.down", "A line down"),
        hidden("k", "scroll_up", "Up", "detail.up", "A line up"),
        hidden("g", "scroll_home", "Top", "detail.top", "To the top"),
        hidden("G", "scroll_end", "Bottom", "detail.bottom", "To the end"),
    ]  # fmt: skip
    DEFAULT_CSS = "DetailView > Static { height: auto; }"

    row: tuple[Run, str] | None = None  # the run, and the id of the case that is shown
    _width = 0

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(NO_ROW, markup=False)

    def show(self, run: Run, case_id: str) -> None:
        """Show that row, from the top when it is another one."""
        if self.row is None or self.row[1] != case_id:
            self.scroll_home(animate=False)
        self.row = (run, case_id)
        self._draw()

    def on_resize(self) -> None:
        """Fold the texts anew."""
        if self.size.width != self._width:
            self._draw()

    def _draw(self) -> None:
        self._width = self.size.width
        if self.row is not None and self._width:
            self.query_one(Static).update(page(*self.row, self._width - 1))

    def action_copy_all(self) -> None:
        """Everything, as plain text."""
        from cvbench_tui.results.detail.row import detail_text

        if self.row is not None:
            self.post_message(CopyWanted(detail_text(*self.row), "row's detail"))

    def action_copy_command(self) -> None:
        """What repeats this row on the command line."""
        from cvbench_tui.results.export.rerun_command import command_line

        if self.row is not None:
            run, case_id = self.row
            self.post_message(CopyWanted(command_line(run, run.plan.case(case_id)), "command"))

    def action_trend(self) -> None:
        """What it took in other runs."""
        if self.row is not None:
            self.post_message(TrendWanted(*self.row))


def page(run: Run, case_id: str, width: int) -> Content:
    """The sections, folded at ``width`` cells; under each phase's statistics its samples, counted and in time."""
    # Behind the first frame: they bring the statistics.
    from cvbench_tui.results.detail.row import detail, histograms
    from cvbench_tui.results.stats.series import series

    counted = histograms(run, case_id)
    in_time = {each.phase.capitalize(): each for each in series(run, case_id, max(MIN_CELLS, width - 4))}
    blocks: list[Content] = []
    for section in detail(run, case_id):
        blocks += _section(section, width)
        if section.title in counted:
            blocks += _histogram(counted[section.title], width)
        if section.title in in_time:
            blocks += _series(in_time[section.title])
        blocks.append(Content(""))
    return Content("\n").join(blocks)


def _section(section: Section, width: int) -> Iterator[Content]:
    """Title, labelled texts, lines. Escape sequences in a worker's last lines are shown, not executed."""
    yield Content.assemble((visible(section.title), "bold $text-primary"))
    indent = 2 + max((len(label) for label, _ in section.pairs), default=0)
    room = max(MIN_CELLS, width - indent - 2)
    for label, text in section.pairs:
        folded = ("\n" + " " * (indent + 2)).join(textwrap.wrap(visible(text), room, break_on_hyphens=False))
        yield Content.assemble((f"  {visible(label).ljust(indent)}", MUTED), folded)
    for line in section.lines:
        yield Content(f"  {visible(line)}")


def _histogram(bins: Sequence[Bin], width: int) -> Iterator[Content]:
    """One line a bin: from, to, bar, count."""
    most = max(each.count for each in bins)
    wide = max(len(each.high) for each in bins)
    room = max(5, min(40, width - 2 * wide - 14))
    for each in bins:
        bar = BAR * math.ceil(room * each.count / most)
        yield Content.assemble(
            (f"  {each.low.rjust(wide)} to {each.high.rjust(wide)}  ", MUTED),
            (bar, "$text-accent"),
            f" {each.count}" if each.count else "",
        )


def _series(each: Series) -> Iterator[Content]:
    """The samples over time, with a bar where a round begins."""
    repeated = ", x: repeated" if any(each.disturbed) else ""
    words = f"  samples over time, {each.low} to {each.high}; a bar marks a new round{repeated}"
    yield Content.assemble((words, MUTED))
    for line in plot(each):
        yield Content.assemble((f"  {line}", "$text-accent"))


def plot(each: Series, height: int = 6) -> list[str]:
    """``height`` lines of one column a point, the largest sample on top.

    A dotted line marks where a round begins, unless more than half of the points begin one. When rounds were repeated,
    the lowest line marks the disturbed ones and the samples have the others. Raises ValueError for fewer than one line.
    """
    if height < 1:
        raise ValueError("a plot has at least one line")
    marked = any(each.disturbed)
    rows = max(1, height - marked)
    borders = set(each.borders) if 2 * len(each.borders) <= len(each.points) else set()
    lines = ["".join(_line(each, row, rows, borders)) for row in reversed(range(rows))]
    if marked:
        marks = "".join(DISTURBED if bad else " " for bad in each.disturbed)
        lines = [*lines, marks][-height:]
    return lines


def _line(each: Series, row: int, rows: int, borders: set[int]) -> Iterator[str]:
    """Characters of that line, which is counted from below."""
    for place, point in enumerate(each.points):
        least, middle, most = (_level(each, seconds, rows) for seconds in point)
        if middle // 2 == row:
            yield MEDIAN[middle % 2]
        elif least // 2 <= row <= most // 2:
            yield RANGE
        else:
            yield BORDER if place in borders and row % 2 == (rows - 1) % 2 else " "


def _level(each: Series, seconds: float, rows: int) -> int:
    """The half line, from below, that so many seconds stand in; the lowest when all are equal."""
    span_s = each.high_s - each.low_s
    return round((seconds - each.low_s) / span_s * (2 * rows - 1)) if span_s > 0 else 0
