"""Sides laid beside each other: what differs between them, a row for each workload with its verdict, the mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Static

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import one_line, visible
from cvbench_tui.core.measurement import Phase
from cvbench_tui.results.compare.cells import title, verdict_text
from cvbench_tui.results.compare.model import ComparedRow, RunComparison, Side
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.messages import Compared, CopyWanted
from cvbench_tui.tui.screens.base import Modal
from cvbench_tui.tui.state.compare_lines import VERDICT_STYLES, about, foot
from cvbench_tui.tui.state.compare_request import ORDER_WORDS, CompareRequest
from cvbench_tui.tui.state.run_state import moment
from cvbench_tui.tui.terminal.theme import MUTED
from cvbench_tui.tui.widgets.compare_table import CompareTable
from cvbench_tui.tui.widgets.filter_input import PaneFilter
from cvbench_tui.tui.widgets.line_table import LineTable
from cvbench_tui.tui.widgets.strips import Line

WIDTHS = [(0, "-narrow"), (100, "-wide")]
HEIGHTS = [(0, "-low"), (30, "-high")]
"""Fewest cells of the terminal, and the class that the style sheet then finds on the screen."""
COLOURS = {"ok": "$text-success", "bad": "bold $text-error", "warn": "$text-warning", "dim": MUTED,
           "run": "bold $text-primary", "": ""}  # fmt: skip
"""Of the names of styles, for what stands outside of the table."""
SIDE_CELLS = 50  # of a side's name
WHY = "Enter shows why."
AGAIN = "R measures noisy rows again."
MORE = "Protocol rigorous (b) gives every row more visits."
IN_TURN = "cvbench-tui run --alternate {axis} measures both sides in turn."
RUNS_IN_TURN = "cvbench-tui compare A B --again measures both sides in turn."


class CompareScreen(Modal[str]):
    """Shows one comparison after the other: what it is asked for by keys it asks the controller for.

    Dismisses with the action of the app that is wanted instead: ``again``, or with None.
    """

    PAGE = True
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "swap", "Swap", id="compare.swap", tooltip="Swap A and B: the other side is the baseline"),
        Binding("n", "next_side", "Next B", id="compare.next", tooltip="The next side against the same baseline"),
        Binding("v", "along", "Along", id="compare.along", tooltip="Compare along the next axis in which rows differ"),
        Binding("right,l", "phase(1)", "Phase", key_display="\u2190\u2192", id="compare.phase",
                tooltip="The next phase: forward, backward, total, inference, step"),
        hidden("left,h", "phase(-1)", "Phase", "compare.phase_before", "The phase before"),
        Binding("full_stop,o", "order(1)", "Order", key_display=",.", id="compare.order",
                tooltip="The plan's order, best first, worst first"),
        hidden("comma", "order(-1)", "Order", "compare.order_before", "The order before"),
        hidden("slash", "filter", "Filter", "compare.filter", "Filter the rows by their name"),
        Binding("y,Y", "copy", "Copy", id="compare.copy", tooltip="Copy it as markdown, for a pull request"),
        Binding("s,f2", "save", "Save", id="compare.save", tooltip="Save as markdown, CSV, JSON, HTML or a chart"),
        hidden("R,f6", "again", "Again", "compare.again", "Close, and repeat failed, noisy, invalid rows of the run"),
        hidden("question_mark,f1", "app.help", "Help", "compare.help", "Every key, column and grade"),
        Binding("escape,d,q", "close", "Back", id="compare.close", tooltip="Back to the results"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    CompareScreen { align: left top; background: $background; }
    CompareScreen Line, CompareScreen Static { width: 1fr; height: auto; }
    CompareScreen #compare_top { height: 1; background: $panel; }
    CompareScreen #compare_top Line { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    CompareScreen #phases { width: auto; max-width: 60%; }
    CompareScreen .side { height: 1; text-wrap: nowrap; text-overflow: ellipsis; padding: 0 1; }
    CompareScreen #differs { padding: 0 1; max-height: 6; }
    CompareScreen.-low #differs { max-height: 2; }
    CompareScreen PaneFilter { background: $boost; }
    CompareScreen #compared { height: 1fr; border: round $primary; border-title-color: $text;
                              border-title-style: bold; border-subtitle-color: $text-muted; }
    CompareScreen #foot { margin-top: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    CompareScreen #about { padding: 0 1; height: 3; }
    CompareScreen.-narrow #about { height: 4; }
    CompareScreen #complaint { padding: 0 1; color: $text-error; max-height: 2; }
    """

    def __init__(
        self,
        found: Compared,
        *,
        ask: Callable[[CompareRequest], object],
        along: Callable[[CompareRequest], object],
        save: Callable[[RunComparison], object],
    ) -> None:
        """``ask``: for another comparison, which comes by ``show``. ``along``: for one along the next axis. ``save``:
        this screen's comparison."""
        super().__init__()
        self.found = found
        self._ask = ask
        self._along = along
        self._save = save
        self._words: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """Title and phases, both sides, what differs, the table with its foot, the row under the cursor, keys."""
        with Horizontal(id="compare_top"):
            yield Line(id="compare_title")
            yield Line(id="phases")
        yield Line(id="side_a")
        yield Line(id="side_b")
        yield Line(id="differs")
        with Vertical(id="compared"):
            yield PaneFilter(placeholder="filter rows by name", compact=True)
            yield CompareTable(id="compare_table")
            yield Static(id="foot", markup=False)
        yield Static(id="complaint", markup=False)
        yield Line(id="about")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show what was found."""
        for each in ("#side_a", "#side_b"):
            self.query_one(each).add_class("side")
        self.query_one(PaneFilter).display = False
        self.show(self.found)
        self.query_one(CompareTable).focus()

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases on screen."""
        return tuple(dict.fromkeys(row.phase for row in self.found.lines.comparison.rows))

    def show(self, found: Compared) -> None:
        """Show this comparison instead; the cursor stays on its row."""
        self.found = found
        comparison, request = found.lines.comparison, found.request
        self.complain("")
        words, more = "  Compare runs", ""
        if comparison.along != "run":
            words, more = f"  Compare along {comparison.along.replace('_', ' ')}", f"   {_run(comparison.a)}"
        self._put("#compare_title", (" cvbench-tui ", "bold reverse"), (words, "bold"), (more, MUTED))
        parts: list[str | tuple[str, str]] = []
        for phase in found.phases:
            parts.append((f" {phase} ", "bold reverse" if phase in self.phases else MUTED))
        self._put("#phases", *parts, layout=True)
        rest = ""
        if len(request.sides) > 2:
            places = [place for place in range(len(request.sides)) if place != request.a]
            rest = f"   {places.index(request.b) + 1} of {len(places)}, n: next"
        self._put("#side_a", *_side("A", comparison.a, comparison.along, "   baseline"))
        self._put("#side_b", *_side("B", comparison.b, comparison.along, rest))
        self._put("#differs", *_differs(found), layout=True)
        self._draw()
        self.refresh_bindings()

    def _put(self, selector: str, *parts: str | tuple[str, str], layout: bool = False) -> None:
        self.query_one(selector, Line).put(Content.assemble(*parts), layout=layout)

    def complain(self, sentence: str, kind: str = "") -> None:
        """Say what is wrong in a line that is there for it only."""
        complaint = self.query_one("#complaint", Static)
        complaint.display = bool(sentence)
        complaint.update(visible(sentence))

    def _draw(self) -> None:
        """Table, its foot and its frame."""
        lines, table = self.found.lines, self.query_one(CompareTable)
        table.show(lines, self._words)
        comparison = lines.comparison
        many = len(comparison.rows)
        rows = f"{len(table.keys)} of {many} rows" if self._words else f"{many} row{'s' * (many != 1)}"
        order = ORDER_WORDS[self.found.request.order]
        frame = self.query_one("#compared")
        phases = " and ".join(title([comparison], phase).partition(":")[0] for phase in self.phases)
        frame.border_title = Content(f"{phases}: B against A, {rows}, {order}")
        self._draw_foot()
        self._explain()

    @on(CompareTable.Arranged)
    def _draw_foot(self) -> None:
        """The geometric mean under its columns, and the counts; right below the rows, in view however many they are."""
        table, frame = self.query_one(CompareTable), self.query_one("#compared")
        layout = table.layout_now
        if not layout.columns:
            return
        pieces = foot(self.found.lines, layout, table.size.width)
        content = [Content.assemble(*((visible(text), COLOURS[name]) for text, name in line)) for line in pieces]
        self.query_one("#foot", Static).update(Content("\n").join(content))
        frame.border_subtitle = Content(f"no room for: {', '.join(layout.hidden)}" if layout.hidden else "")
        others = len(pieces) + 1 + self.query_one(PaneFilter).display
        table.styles.height = max(2, min(table.lines + 1, frame.size.height - others))

    def on_resize(self) -> None:
        """There is room for more rows, or for fewer."""
        self.call_after_refresh(self._draw_foot)

    @on(LineTable.Highlighted)
    def _explain(self) -> None:
        """The row under the cursor in words."""
        lines, table = self.found.lines, self.query_one(CompareTable)
        row = lines.row(table.cursor)
        if row is None:
            self._put("#about", "No row matches the filter." if self._words else "")
            return
        style = COLOURS[VERDICT_STYLES[row.verdict]] if row.verdict is not None else MUTED
        word = verdict_text(lines.comparison, row)
        said = ". ".join(filter(None, (row.sentence.rstrip("."), self._hint(row))))
        head: list[str | tuple[str, str]] = [(one_line(row.label), "bold"), f" in {row.phase}: ", (word, style)]
        more = f"   {one_line(said[:1].upper() + said[1:])}" if said else ""
        self._put("#about", *head, more, (f"\n{about(lines, row)}", MUTED))

    def _hint(self, row: ComparedRow) -> str:
        """The key, or the option, that helps."""
        if row.ratio is None:
            return WHY
        if row.verdict != "not told apart":
            return ""
        again = AGAIN if self.check_action("again", ()) else ""
        along, way = self.found.request.along, MORE
        if row.ratio.basis != "pairs":
            way = RUNS_IN_TURN if along == "run" else IN_TURN.format(axis=along)
        return f"{again} {way}".strip()

    @on(LineTable.Opened)
    def _open(self, event: LineTable.Opened) -> None:
        """Both rows in detail; the app's own handler is for the rows of the run that is open."""
        from cvbench_tui.tui.screens.compare.details import BothDetails

        event.stop()
        row = self.found.lines.row(event.key)
        if row is not None and self.is_active:
            comparison = self.found.lines.comparison
            both = zip((comparison.a, comparison.b), row.case_ids, strict=True)
            self.app.push_screen(BothDetails([(side.name, side.run, case_id) for side, case_id in both]))

    @on(LineTable.HeadingClicked)
    def _heading_clicked(self, event: LineTable.HeadingClicked) -> None:
        event.stop()
        self.action_order(1)

    def action_swap(self) -> None:
        """The other side is the baseline."""
        self._ask(self.found.request.swapped())

    def action_next_side(self) -> None:
        """The next side against the same baseline."""
        self._ask(self.found.request.next_side())

    def action_along(self) -> None:
        """Along the next axis."""
        self._along(self.found.request)

    def action_phase(self, step: int) -> None:
        """The next phase, or the one before."""
        self._ask(self.found.request.with_phase(step, self.phases, self.found.phases))

    def action_order(self, step: int) -> None:
        """Another order."""
        self._ask(self.found.request.ordered(step))

    def action_filter(self) -> None:
        """Put the cursor into the filter."""
        field = self.query_one(PaneFilter)
        field.display = True
        field.focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._words = tuple(event.value.casefold().split())
        self._draw()

    @on(PaneFilter.Left)
    def _leave_filter(self, event: PaneFilter.Left) -> None:
        event.stop()
        self.query_one(CompareTable).focus()
        self.query_one(PaneFilter).display = bool(self._words)

    def action_copy(self) -> None:
        """The comparison as markdown."""
        from cvbench_tui.results.compare.export.registry import render

        self.post_message(CopyWanted(render([self.found.lines.comparison], ".md"), "comparison"))

    def action_save(self) -> None:
        """Choose a file for it."""
        if self.is_active:
            self._save(self.found.lines.comparison)

    def action_again(self) -> None:
        """Leave, and measure doubtful rows of the run again."""
        self.dismiss("again")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is nothing for is not offered."""
        if action == "next_side":
            return len(self.found.request.sides) > 2
        if action == "along":
            return self.found.several
        if action == "again":
            return self.app.check_action("again", ())
        return True


def _side(name: str, side: Side, along: str, place: str) -> list[str | tuple[str, str]]:
    """``A  last~1   quick, 2026-11-24 16:00``; along an axis the value alone, since the run is in the title."""
    run = "" if along != "run" else f"   {_run(side)}"
    called = shorten(one_line(side.name), SIDE_CELLS)  # so that the place among the sides, and its key, are in view
    return [(f"{name}  ", "bold $text-accent"), (called, "bold"), (place + run, MUTED)]


def _run(side: Side) -> str:
    """The run's plan and, unless the side is named by it, when it began."""
    began = moment(side.run.started_at_s)
    return ", ".join([one_line(side.run.plan.name), *([began] if began not in side.name else [])])


def _differs(found: Compared) -> list[str | tuple[str, str]]:
    """What else differs, as a warning; then what is the same."""
    comparison = found.lines.comparison
    parts: list[str | tuple[str, str]] = []
    if comparison.differences:
        said = "; ".join(map(one_line, comparison.differences))
        parts += [("Differs  ", "bold $text-warning"), said, (" (a verdict with ? may be due to that)\n", MUTED)]
    elif comparison.along == "run":
        parts.append("Nothing that is known to change times differs.  ")
    else:
        parts.append(f"Only {comparison.along.replace('_', ' ')} differs.  ")
    return [*parts, (f"Equal  {', '.join(map(one_line, found.alike))}", MUTED)] if found.alike else parts
