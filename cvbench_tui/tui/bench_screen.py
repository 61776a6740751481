"""The one screen: pick lists and results, side by side or one at a time, a top line and the progress strip.

It arranges the widgets and moves the focus between them; what they show is the app's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from cvbench_tui.results.table import Table
from cvbench_tui.tui.checklist import Checklist
from cvbench_tui.tui.pane_tabs import PANES, PaneTab, PaneTabs
from cvbench_tui.tui.picks import Picks
from cvbench_tui.tui.progress_strip import ProgressStrip
from cvbench_tui.tui.result_table import ARROWS, ResultTable
from cvbench_tui.tui.summary import count

ASKING = "asking the worker which devices there are..."
MODEL_LEGEND = "parameters  GMACs"
LAYER_LEGEND = "input shape"
READY = "Nothing timed yet.\n\nPress r to run what is ticked, or 1 2 3 to change it."
NOT_READY = "Nothing timed yet.\n\nTick models (1) or layers (2) with Space, then press r.\nPress ? for all keys."
NAMED_HIDDEN = 3
"""Columns without room that are named below the table; more would not fit there."""
BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (150, "-roomy")]
"""Fewest columns of the terminal, and the class that the style sheet then finds on the screen."""


class BenchScreen(Screen[None]):
    """Models, layers, devices | results."""

    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    AUTO_FOCUS = ""
    """The first thing that takes the focus would be the models' filter, which swallowed keys pressed at once."""

    def __init__(self, picks: Picks) -> None:
        super().__init__()
        self._picks = picks

    def compose(self) -> ComposeResult:
        """Top line, tabs, panes, strip, keys."""
        with Horizontal(id="top"):
            yield Static(id="summary", markup=False)
            yield Static(classes="settings", markup=False)
        with Horizontal(id="tabs"):
            yield PaneTabs()
            yield Static(classes="settings", markup=False)
        with Horizontal(id="body"):
            with Vertical(id="picks"):
                yield Checklist("1 Models", self._picks.models, id="models", legend=MODEL_LEGEND)
                yield Checklist("2 Layers", self._picks.layers, id="layers", legend=LAYER_LEGEND)
                yield Checklist("3 Devices", self._picks.devices, id="devices")
            with Vertical(id="results"):
                yield Static(id="empty", markup=False)
                yield ResultTable(id="table")
        yield ProgressStrip(id="strip")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin in the list of models, with no results."""
        self.query_one("#table").display = False
        self.query_one("#results").border_title = Content("4 Results")
        self.query_one("#devices", Checklist).say(ASKING)
        self.go_to("models")

    @on(PaneTab.Chosen)
    def _chosen(self, event: PaneTab.Chosen) -> None:
        self.go_to(event.pane)

    def go_to(self, pane: str) -> None:
        """Bring that pane to the front and put the focus into it."""
        self._show(pane)
        if pane == "results":
            self.query_one(ResultTable).focus()
        else:
            self.query_one(f"#{pane}", Checklist).focus_list()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane that has the focus is the one in front, however the focus got there."""
        inside: Widget | None = event.widget
        while isinstance(inside, Widget) and inside is not self:
            if inside.id in PANES:
                self._show(inside.id)
                return
            inside = inside.parent if isinstance(inside.parent, Widget) else None

    def _show(self, pane: str) -> None:
        for each in PANES:
            self.query_one(f"#{each}").set_class(each == pane, "-active")
        self.query_one("#picks").set_class(pane != "results", "-active")
        self.query_one(PaneTabs).mark(pane)

    def summarise(self, plan: str, settings: str) -> None:
        """The top line; in a narrow terminal the settings stand beside the tabs."""
        line = Text.assemble((" cvbench-tui ", "bold reverse"), " ", (plan, "bold"))
        self.query_one("#summary", Static).update(line)
        for widget in self.query(".settings").results(Static):
            widget.update(settings)

    def invite(self, *, ready: bool) -> None:
        """What stands in place of the table before the first run; ``ready``: something is ticked."""
        self.query_one("#empty", Static).update(READY if ready else NOT_READY)

    @property
    def strip(self) -> ProgressStrip:
        """The strip under the panes."""
        return self.query_one(ProgressStrip)

    def show_table(self, table: Table, sort: tuple[str, bool] | None) -> None:
        """The results, from now on in place of the invitation."""
        self.query_one("#empty").display = False
        widget = self.query_one(ResultTable)
        widget.display = True
        widget.show(table, sort)
        title = f"4 Results: {count(len(table.rows), 'row')}"
        if sort is not None:
            heading = next(column.heading for column in table.columns if column.key == sort[0])
            title += f", by {heading}{ARROWS[sort[1]]}"
        self.query_one("#results").border_title = Content(title)

    @on(ResultTable.Hidden)
    def _hidden(self, event: ResultTable.Hidden) -> None:
        """Name the columns that did not fit."""
        named, more = event.headings[:NAMED_HIDDEN], len(event.headings) - NAMED_HIDDEN
        also = f"Enter also shows {', '.join(named)}" if named else ""
        also += f" and {more} more" if more > 0 else ""
        self.query_one("#results").border_subtitle = Content(also)

    def offer_devices(self, problem: Sequence[str] = ()) -> None:
        """The devices, or why there are none."""
        devices = self.query_one("#devices", Checklist)
        devices.say("\n".join(line for line in problem if line))
        devices.rebuild()
