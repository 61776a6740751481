"""The pane of the results: table, filter, the invitation before the first run, and the keys that change the view."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.axes import COMPARED, GROUPINGS
from cvbench_tui.core.row_names import differing
from cvbench_tui.core.text import plural
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.messages import CopyWanted, TrendWanted, ViewChanged
from cvbench_tui.tui.state.run_state import RunState, moment
from cvbench_tui.tui.state.table_layout import ARROWS
from cvbench_tui.tui.terminal.timers import sure_timer
from cvbench_tui.tui.widgets.filter_input import PaneFilter
from cvbench_tui.tui.widgets.result_table import ResultTable
from cvbench_tui.tui.widgets.strips import Line

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run
    from cvbench_tui.results.table.model import Table

READY = "Nothing timed yet.\n\nPress r to run what is ticked, or 1 2 3 to change it."
NOT_READY = (
    "Nothing timed yet.\n\nTick models (1) or layers (2) with Space, then press r.\nP opens presets, ? lists all keys."
)
GROUP_WORDS = {"workload": "model or layer"}  # how the title says ways of grouping, where it is not by their own name
ALWAYS = ("none", "workload", "kind", "device")  # ways of grouping that the key offers whatever the rows differ in
REDRAW_EVERY_S = 0.5
"""Shortest time between two drawings that a run asks for: rows that end and begin together are one drawing."""
FILTER_AFTER_S = 0.1  # wait after a letter of the filter: the next one may follow at once


class ResultsPane(Vertical):
    """Shows a run through a view."""

    BORDER_TITLE = "4 Results"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="table.filter", tooltip="Filter the rows: name, device, state"),
        hidden("comma", "sort(-1)", "Sort", "table.sort_left", "Sort by the column left of it"),
        Binding(
            "full_stop", "sort(1)", "Sort", key_display=",.", id="table.sort_right",
            tooltip="Sort by the column further right",
        ),
        hidden("o", "reverse", "Order", "table.order", "Ascending, descending, plan order"),
        Binding("m", "mark", "Ref", id="table.mark", tooltip="Compare all rows with this one (vs ref); again: stop"),
        hidden("u", "group", "Group", "table.group", "Group by workload, kind, device, or what rows differ in; none"),
        hidden("v", "compare", "Along", "table.compare", "Compare and rank along batch, image or a setting; none"),
        hidden("B", "beside", "Beside", "table.beside", "Published figures of these models and layers beside the rows"),
        hidden("c", "columns", "Columns", "table.columns", "Choose the columns"),
        hidden("y", "copy_row", "Copy", "table.copy_row", "Copy this row as markdown"),
        hidden("Y", "copy_table", "Copy all", "table.copy_table", "Copy the table as markdown"),
        hidden("T", "trend", "Trend", "table.trend", "The row's times over the kept runs"),
        hidden("z", "freeze", "Freeze", "table.freeze", "Freeze the table; the run continues"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    ResultsPane { border: round $foreground 25%; border-title-color: $text; border-subtitle-color: $text-muted; }
    ResultsPane:focus-within { border: round $primary; border-title-style: bold; }
    ResultsPane ResultTable { height: 1fr; }
    ResultsPane #empty { height: 1fr; content-align: center middle; text-align: center; color: $text-muted; }
    ResultsPane #empty:focus { color: $text; }
    ResultsPane Input { background: $boost; }
    """

    def __init__(self, view: View, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.view = view
        self.state = RunState()  # what is shown, or would be if the table were not frozen
        self.run: Run | None = None  # the run of that
        self.held: RunState | None = None  # what is shown while the table is frozen; None while it is not
        self.table = ResultTable(id="table")
        self.table.display = False
        self._empty = Invitation("run", id="empty")
        self._filter = PaneFilter(placeholder="filter rows", compact=True)
        self._filter.display = False
        self._invited = self._offered = ""
        self._title = ""
        self._drawn_at = float("-inf")
        self._draw_timer: Timer | None = None
        self._filter_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The filter (hidden until used), the invitation, the table."""
        yield self._filter
        yield self._empty
        yield self.table

    @property
    def whole(self) -> Run | None:
        """The run with the rows of others that stand beside; None before the first run."""
        if self.run is None or not self.view.beside:
            return self.run
        from cvbench_tui.results.stats.together import together  # behind the first frame: it brings the statistics

        return together(self.run, self.view.beside)

    def invite(self, *, ready: bool) -> None:
        """Text in place of the table before the first run; ``ready``: something is ticked."""
        self._invited = READY if ready else NOT_READY
        self.offer(self._offered)

    def offer(self, sentence: str) -> None:
        """Below the invitation: what else can be done, as long as there is no table."""
        self._offered = sentence
        self._empty.put(Content(f"{self._invited}\n\n{sentence}".rstrip()), layout=True)

    def show(self, state: RunState) -> None:
        """The run as it is now: drawn at once; soon, when that was just done; not while the table is frozen."""
        if state.run is None:
            return
        other = self.run is None or self.run.id != state.run.id
        self.state, self.run = state, state.run
        if other:
            self.held = None
            self.view = replace(self.view, reference=None, compare="", beside=())
        if self.held is not None:
            return
        wait_s = 0.0 if other or self.run.ended is not None else self._drawn_at + REDRAW_EVERY_S - time.monotonic()
        if wait_s <= 0:
            self.draw()
        elif self._draw_timer is None:
            self._draw_timer = sure_timer(self.set_timer(wait_s, self.draw))

    def draw(self) -> None:
        """Draw the newest state."""
        if self._draw_timer is not None:
            self._draw_timer.stop()
            self._draw_timer = None
        run = (self.held or self.state).run
        if run is None:
            return
        if not self.table.display:
            focused = self._empty.has_focus
            self._empty.display, self.table.display = False, True
            if focused:
                self.table.focus()
        from cvbench_tui.results.table.build import build  # behind the first frame: it brings the statistics

        table = build(run, self.view)
        self.table.show(table, self.view)
        self._update_title(table)
        self._drawn_at = time.monotonic()

    def _update_title(self, table: Table) -> None:
        """The title says what is shown and how."""
        rows = plural(table.total, "row")
        parts = [f"{len(table.rows)} of {rows}" if self.view.filter_text else rows]
        heading = next((column.heading for column in table.columns if column.key == self.view.sort), None)
        parts += [f"by {heading} {ARROWS[self.view.descending]}"] if heading else []
        group = GROUP_WORDS.get(self.view.group, self.view.group.replace("_", " "))
        parts += [f"grouped by {group}"] if group != "none" else []
        parts += [f"compared along {self.view.compare.replace('_', ' ')}"] if self.view.compare else []
        parts += ["with published figures"] if self.view.beside else []
        parts += ["frozen (z)"] if self.held is not None else []
        named = ""
        if self.state.saved and self.run is not None:
            named = f" {visible(self.run.name or self.run.plan.name)} of {moment(self.run.started_at_s)}"
        title = f"4 Results{named}: " + ", ".join(parts)
        if title != self._title:  # an assignment alone lays the screen out again
            self._title = title
            self.border_title = Content(title)

    def _set_view(self, **changes: Any) -> None:
        """Show it through a view that differs in these."""
        self.view = replace(self.view, **changes)
        self.draw()
        self.app.post_message(ViewChanged())  # from the screen's own call it would not bubble past the screen

    def action_sort(self, step: int) -> None:
        """Sort by the next column on that side."""
        if self.run is not None:
            self._set_view(sort=next_column(self.view.sort, self.table.sortable, step), descending=False)

    def action_reverse(self) -> None:
        """Ascending, descending, plan order; the plan order cannot be reversed."""
        if self.view.sort is not None:
            self._toggle_sort(self.view.sort)

    @on(ResultTable.HeadingClicked)
    def _heading_clicked(self, event: ResultTable.HeadingClicked) -> None:
        event.stop()
        self._toggle_sort(event.column)

    def _toggle_sort(self, column: str) -> None:
        """Up, then down, then the plan's order again."""
        same = self.view.sort == column
        last = same and self.view.descending
        self._set_view(sort=None if last else column, descending=same and not last)

    def action_group(self) -> None:
        """The next way of grouping, of those that part the rows."""
        differ = self._differing()
        ways = [way for way in GROUPINGS if way in (*ALWAYS, *differ, self.view.group)]
        self._set_view(group=ways[(ways.index(self.view.group) + 1) % len(ways)])

    def action_compare(self) -> None:
        """Rank along the next of what the rows differ in; behind the last, along none."""
        differ = self._differing()
        ways = ["", *(way for way in COMPARED if way in (*differ, self.view.compare))]
        if len(ways) == 1:
            self.app.notify("The rows differ neither in batch nor image nor a setting.", markup=False)
            return
        self._set_view(compare=ways[(ways.index(self.view.compare) + 1) % len(ways)], reference=None)

    def _differing(self) -> tuple[str, ...]:
        return differing(self.run.plan.cases) if self.run is not None else ()

    def action_mark(self) -> None:
        """Compare with the row under the cursor; a second time, no longer."""
        from cvbench_tui.results.stats.row_data import row_data

        key, run = self.table.cursor, self.whole
        if run is not None and key is not None and key != self.view.reference:
            phases = row_data(run, run.plan.case(key)).phases
            if not any(result.valid for result in phases.values()):
                self.app.notify("This row has no valid time, so nothing can be compared with it.", markup=False)
                return
        self._set_view(reference=None if key == self.view.reference else key, compare="")

    def action_beside(self) -> None:
        """Put the published figures of what the run measures beside its rows, or take them away."""
        from cvbench_tui.results.published.load import published
        from cvbench_tui.results.stats.together import together, with_same_work

        if self.view.beside or self.run is None:
            self._set_view(beside=(), reference=None)
            return
        known = tuple(published().values())
        runs = with_same_work(self.run, known)
        if not runs and not together(self.run, known).borrowed:
            self.app.notify("No published figures are of these models and layers.", markup=False)
            return
        if not runs:
            self.app.notify(
                "Published figures of these models and layers are of other batches or settings.", markup=False
            )
        self._set_view(beside=runs or known, reference=None)

    def action_columns(self) -> None:
        """Choose the columns; none of them: as many as there is room for."""
        from cvbench_tui.results.table.columns import COLUMNS
        from cvbench_tui.tui.screens.columns import ColumnsScreen

        dialog = ColumnsScreen([column for column in COLUMNS if not column.drawn], self.view.columns)
        if self.screen.is_current:  # a key pressed twice opens one
            self.app.push_screen(dialog, lambda keys: None if keys is None else self._set_view(columns=keys))

    def action_freeze(self) -> None:
        """Hold the table still, or go on with the newest state."""
        self.held = self.state if self.held is None else None
        self.draw()

    def action_filter(self) -> None:
        """Put the cursor into the filter."""
        if self.run is not None:
            self._filter.display = True
            self._filter.focus()

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._filter_timer is not None:
            self._filter_timer.stop()
        self._filter_timer = sure_timer(self.set_timer(FILTER_AFTER_S, self._apply_filter))

    def _apply_filter(self) -> None:
        if self._filter.value != self.view.filter_text:
            self.view = replace(self.view, filter_text=self._filter.value)
            self.draw()

    @on(PaneFilter.Left)
    def _filter_left(self, event: PaneFilter.Left) -> None:
        event.stop()
        self._apply_filter()
        self.table.focus()
        self._filter.display = bool(self.view.filter_text)

    def action_copy_row(self) -> None:
        """The row under the cursor as a table to paste."""
        from cvbench_tui.results.export.markdown_short import render_short

        if self.run is not None and self.table.cursor is not None:
            self.post_message(CopyWanted(render_short(self.run, self.view, self.table.cursor), "row"))

    def action_copy_table(self) -> None:
        """The table to paste, with the rows and order of the screen."""
        from cvbench_tui.results.export.markdown_short import render_short

        if self.run is not None:
            self.post_message(CopyWanted(render_short(self.run, self.view), "table"))

    def action_trend(self) -> None:
        """What the row under the cursor took in other runs."""
        if self.run is not None and self.table.cursor is not None:
            self.post_message(TrendWanted(self.run, self.table.cursor))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of the table appear with it."""
        return self.run is not None


def next_column(sort: str | None, columns: Sequence[str], step: int) -> str | None:
    """The column on that side of the one sorted by; beyond the last one stands the plan's order, None."""
    places: list[str | None] = [None, *columns]
    here = places.index(sort) if sort in places else 0
    return places[(here + step) % len(places)]


class Invitation(Line, can_focus=True):
    """What to do first; it takes the focus so that the keys of the pane have a place. A click runs."""
