"""The one screen: checklists | results or log | detail. It arranges the widgets, which are never recreated, and moves
the focus between them; the style sheet says which of them are visible at which size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Static

from cvbench_tui import __version__
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.state.plan_summary import settings_line
from cvbench_tui.tui.state.run_state import RunState
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.tui.terminal.timers import sure_timer
from cvbench_tui.tui.widgets.checklist.pane import Checklist
from cvbench_tui.tui.widgets.detail_view import DetailView
from cvbench_tui.tui.widgets.log_pane import LogPane
from cvbench_tui.tui.widgets.result_table import ResultTable
from cvbench_tui.tui.widgets.results_pane import ResultsPane
from cvbench_tui.tui.widgets.strips import GaugeStrip, HeaderLine, Line, ProgressStrip

PANES = ("models", "layers", "devices", "results", "log")  # ids of the panes; keys 1 to 5 go to them in this order
ASKING = "detecting devices..."
WIDTHS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide"), (160, "-roomy"), (190, "-vast")]
HEIGHTS = [(0, "-flat"), (16, "-low"), (20, "-usual"), (30, "-high")]
"""Fewest cells of the terminal, and the class that the style sheet then finds on the screen."""
MIN_WIDTH, MIN_HEIGHT = 60, 16
"""Cells below which nothing but a sentence is shown: the widths and heights above with -tiny and -flat."""
TOO_SMALL = """
Enlarge the terminal, or run without the app:
cvbench-tui run --plain quick
A running benchmark continues. q quits."""
FIRST_HINT = "Space ticks, r runs.   P presets   b protocol, batch, image   ? all keys"
"""In the strip before anything happened."""
EQUALS = " = "
Pane: TypeAlias = Checklist | ResultsPane | LogPane
DETAIL_AFTER_S = 0.12  # wait before the detail follows the cursor: a key that is held down passes many rows


class MainScreen(Screen[None]):
    """Models, layers, devices | results, log | detail."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    DEFAULT_CSS = """
    #tabs { width: 1fr; height: 1; }
    #tabs > Line { width: auto; padding: 0 1; color: $text-muted; }
    #tabs > Line.-active { background: $block-cursor-background; color: $block-cursor-foreground;
                           text-style: $block-cursor-text-style; }
    #tabs > Line:ansi.-active { text-style: bold reverse; }
    """
    AUTO_FOCUS = ""
    """The first thing that takes the focus would be the models' filter, which swallowed keys pressed at once."""
    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("f", "maximise", "Full", "bench.maximise", "Maximize this pane, and back"),
        hidden("semicolon", "jump", "Jump", "bench.jump", "Jump to a pane by its number"),
    ]  # fmt: skip

    def __init__(self, plan_selection: PlanSelection, view: View, host: str) -> None:
        super().__init__()
        self._host = host
        self._plan_selection = plan_selection
        self.lists = {
            "models": Checklist("1 Models", plan_selection.models, id="models", opens=True),
            "layers": Checklist("2 Layers", plan_selection.layers, id="layers"),
            "devices": Checklist("3 Devices", plan_selection.devices, id="devices"),
        }
        self.lists["models"].add_class("-active")  # here: a class that comes later is styled once more
        self.results = ResultsPane(view, id="results")
        self.log_pane = LogPane(id="log")
        self.panes: dict[str, Pane] = {**self.lists, "results": self.results, "log": self.log_pane}
        self.side = DetailView(id="side")
        self.gauges = GaugeStrip(id="gauges")
        self.strip = ProgressStrip(id="strip")
        self._plan = Content("")
        self._wait: Timer | None = None
        self.pane = "models"  # id of the active pane

    def compose(self) -> ComposeResult:
        """Header, plan, tabs, panes, gauges, strip, keys; and the message for a terminal that is too small."""
        yield HeaderLine(self._host, __version__, id="top")
        with Horizontal(id="plan"):
            yield Line(id="summary")
            yield Line("settings", id="settings")
        with Horizontal(id="tabs"):  # of a terminal where one pane shows at a time
            for pane in PANES:
                yield Line(f"pane('{pane}')", id=f"tab-{pane}")
        with Horizontal(id="body"):
            with Vertical(id="lists", classes="-active"):
                yield from self.lists.values()
            with Vertical(id="middle"):
                yield self.results
                yield self.log_pane
            yield self.side
        yield self.gauges
        yield self.strip
        yield Footer(show_command_palette=False, compact=True)
        yield TooSmall(id="small")

    def on_mount(self) -> None:
        """Begin in the list of models, with no results."""
        self.side.border_title = "Row"
        self.strip.say(FIRST_HINT)
        self.lists["devices"].say(ASKING)
        self.go_to("models")

    def go_to(self, pane: str) -> None:
        """Bring that pane to the front and put the focus into it."""
        self._front(pane)
        inside = self.panes[pane].query("ChecklistLines, ResultTable, Invitation, Log")
        next(each for each in inside if each.display).focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane that has the focus is the active one, however the focus got there."""
        pane = next((node.id for node in event.widget.ancestors_with_self if node.id in PANES), None)
        if pane is not None:
            self._front(pane)

    def _front(self, pane: str) -> None:
        self.pane = pane
        for name, each in self.panes.items():
            each.set_class(name == pane, "-active")
            self.query_one(f"#tab-{name}").set_class(name == pane, "-active")
        self.query_one("#lists").set_class(pane in PANES[:3], "-active")
        middle = self.query_one("#middle")
        middle.set_class(pane not in PANES[:3], "-active")
        if pane in ("results", "log"):  # side by side, the one that was active last stays
            middle.set_class(pane == "log", "-log")

    def action_maximise(self) -> None:
        """The active pane alone, with tabs as in a narrow terminal; again: all of them."""
        self.toggle_class("-single")

    def action_jump(self) -> None:
        """Numbers on the panes; the next key goes there."""
        from cvbench_tui.tui.screens.jump import JumpScreen

        numbered = enumerate(self.panes.values(), start=1)
        regions = {str(number): pane.region for number, pane in numbered if pane.is_on_screen}
        self.show(JumpScreen(regions), lambda key: self.go_to(PANES[int(key) - 1]) if key else None)

    def show(self, dialog: Screen[Any], answer: Callable[[Any], None] | None = None) -> None:
        """Open a dialog, here or over a page; over another dialog, nothing: a key pressed twice opens one."""
        if self.app.screen is self or getattr(self.app.screen, "PAGE", False):
            self.app.push_screen(dialog, answer)

    def show_state(self, state: RunState) -> None:
        """Show where the run is, what is ticked and how ``r`` would run it: header, tabs, settings, devices."""
        running = state.run.plan.protocol.name if state.running and state.run is not None else None
        self.query_one("#settings", Line).put(
            Content(settings_line(self._plan_selection, running=running)), layout=True
        )
        devices = self.lists["devices"]
        self.query_one(HeaderLine).show(state, devices.ticks.ticked)
        counts = {pane: str(len(each.ticks.ticked)) for pane, each in self.lists.items()} | {"results": state.measured}
        for number, pane in enumerate(PANES, start=1):
            text = f"{number} {pane.capitalize()} {counts.get(pane, '')}".rstrip()
            self.query_one(f"#tab-{pane}", Line).put(Content(text), layout=True)
        if state.problem is not None:
            devices.say(f"{state.problem.message}\n{state.problem.hint}".strip())
        else:
            devices.say(ASKING if state.environment is None else "")

    def rebuild_lists(self) -> None:
        """Other things are ticked or offered."""
        for each in self.lists.values():
            each.rebuild()

    def show_plan(self, plan: Content) -> None:
        """Show what ``r`` would run."""
        self._plan = plan
        if self.has_class("-narrow") and EQUALS in plan.plain:  # what is counted stands in the tabs there
            plan = plan[plan.plain.index(EQUALS) + len(EQUALS) :]
        self.query_one("#summary", Line).put(plan)

    @on(ResultTable.Highlighted)
    def detail_soon(self) -> None:
        """Another row, or more is known of it: the detail follows where there is a column for it."""
        if self._wait is not None:
            self._wait.stop()
        self._wait = sure_timer(self.set_timer(DETAIL_AFTER_S, lambda: self.call_after_refresh(self._detail)))

    def _detail(self) -> None:
        run, key = self.results.whole, self.results.table.cursor
        if self.side.region and run is not None and key is not None:
            self.side.show(run, key)

    def on_resize(self) -> None:
        """There may be a column for the detail now, or more room for the plan."""
        self.detail_soon()
        self.show_plan(self._plan)


class TooSmall(Static):
    """Over everything in a terminal too small for the app: how large it has to be, and how to do without.

    A widget of its own: updated by the screen it would have every change of size laid out twice.
    """

    DEFAULT_CSS = """
    TooSmall { display: none; layer: over; dock: top; width: 100%; height: 100%; background: $background;
               padding: 0 1; }
    """

    def on_resize(self) -> None:
        """Say how large it is now."""
        size = self.app.size
        words = f"cvbench-tui needs {MIN_WIDTH}x{MIN_HEIGHT} cells; here are {size.width}x{size.height}."
        self.update(Content.assemble((words, "bold"), TOO_SMALL))
