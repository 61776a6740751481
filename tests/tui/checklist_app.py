"""An app with nothing but the checklists, and what it shows, as the tests of the lists use it."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.geometry import Offset

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.tui.state.checklist_model import ChecklistModel
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.tui.widgets.checklist.lines import ChecklistLines
from cvbench_tui.tui.widgets.checklist.pane import Checklist
from cvbench_tui.tui.widgets.filter_input import PaneFilter

REASON = "Not a Mac: this PyTorch was built without Metal, so there is nothing to measure on."
MACHINE = Environment(
    (),
    (
        Device("cpu", "Example CPU [x]", 2**34, detail="16 threads"),
        Device("cuda:0", "Example GPU [/]", 80 * 2**30),
        Device("mps", "", available=False, reason=REASON),
    ),
)


class ChecklistApp(App[None]):
    """The three lists of a ``PlanSelection``, or one list of anything."""

    CSS = """
    * { scrollbar-size-vertical: 1; }
    #column { width: 40; }
    Checklist { height: 1fr; border: round white; }
    #devices { height: auto; }
    """

    def __init__(self, *, ticks: ChecklistModel | None = None, width: int = 40) -> None:
        super().__init__()
        self.plan_selection = PlanSelection()
        self.changes = 0
        self._ticks = ticks
        self._cells = width

    def compose(self) -> ComposeResult:
        with Vertical(id="column"):
            if self._ticks is not None:
                yield Checklist("1 Things", self._ticks, id="things")
                return
            yield Checklist("1 Models", self.plan_selection.models, id="models")
            yield Checklist("2 Layers", self.plan_selection.layers, id="layers")
            yield Checklist("3 Devices", self.plan_selection.devices, id="devices")

    def on_mount(self) -> None:
        self.query_one("#column").styles.width = self._cells
        self.query(Checklist).first().lines.focus()

    def on_checklist_changed(self) -> None:
        self.changes += 1

    def pane(self, name: str) -> Checklist:
        return self.query_one(f"#{name}", Checklist)

    def lines(self, name: str) -> ChecklistLines:
        return self.pane(name).query_one(ChecklistLines)

    def filter(self, name: str) -> PaneFilter:
        return self.pane(name).query_one(PaneFilter)

    def seen(self, name: str) -> list[str]:
        """The rows in view, as text."""
        lines = self.lines(name)
        return [lines.render_line(y).text.rstrip() for y in range(lines.size.height)]

    def at_cursor(self, name: str) -> str:
        """The row under the cursor, without its box."""
        return self.seen(name)[self.spot(name).y][4:].split("  ")[0].strip()

    def spot(self, name: str) -> Offset:
        """Where the cursor's line begins, in the list's view."""
        lines = self.lines(name)
        return Offset(1, lines.row_of(lines.cursor) - lines.scroll_offset.y)
