"""Jump keys: a label on every pane, over the dimmed screen. It moves no focus: it returns the choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.widgets import Static

from cvbench_tui.tui.screens.base import Modal

HINT = " Press a pane's key or click it   Escape closes "


class JumpScreen(Modal[str]):
    """Dismisses with the key of a pane, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="jump.close", tooltip="Close without jumping"),
    ]
    DEFAULT_CSS = """
    JumpScreen { align: left top; layers: labels; }
    JumpScreen .jump { layer: labels; position: absolute; width: auto; max-width: 24; height: 1;
                       text-wrap: nowrap; text-overflow: ellipsis;
                       background: $primary; color: $text; text-style: bold; }
    JumpScreen #hint { layer: labels; dock: bottom; width: 1fr; height: 1;
                       text-align: center; background: $panel; color: $text; }
    """

    def __init__(self, panes: Mapping[str, Region]) -> None:
        """``panes``: by the key that chooses each, where it is on the screen, in cells."""
        super().__init__()
        self._panes = panes
        self._opened_at: Size | None = None

    def compose(self) -> ComposeResult:
        """A label at the top left of each pane, and what to do."""
        for key, region in self._panes.items():
            label = Static(Content(f" {key} "), classes="jump", markup=False)
            label.styles.offset = (region.x, region.y)
            yield label
        yield Static(HINT, id="hint", markup=False)

    def on_key(self, event: events.Key) -> None:
        """A pane's key chooses it; any other but Escape does nothing, and is not passed on."""
        if event.key in self._panes:
            event.stop()
            event.prevent_default()
            self.dismiss(event.key)

    def on_click(self, event: events.Click) -> None:
        """The pane that was clicked; outside of all, leave."""
        hit = (key for key, region in self._panes.items() if region.contains_point(event.screen_offset))
        self.dismiss(next(hit, None))

    def on_resize(self, event: events.Resize) -> None:
        """The labels would stand in the wrong places, so it closes."""
        if self._opened_at is not None and event.size != self._opened_at:
            self.dismiss(None)
        self._opened_at = event.size
