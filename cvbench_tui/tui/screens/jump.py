"""Jump keys: a label on every place to go to, over the dimmed screen. It moves no focus: it says which was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from cvbench_tui.tui.screens.base import Modal

HINT = " A key or a click goes there   Escape leaves "


@dataclass(frozen=True)
class JumpTarget:
    """One place to go to."""

    key: str
    """The character that chooses it."""
    label: str
    """What it is called."""
    region: Region
    """Where it is on the screen, in cells."""


class JumpScreen(Modal[str]):
    """Dismisses with the key of a target, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="jump.close", tooltip="Stay where you are"),
    ]
    DEFAULT_CSS = """
    JumpScreen { align: left top; layers: labels; }
    JumpScreen .jump { layer: labels; position: absolute; width: auto; max-width: 24; height: 1;
                       text-wrap: nowrap; text-overflow: ellipsis;
                       background: $primary; color: $text; text-style: bold; }
    JumpScreen #hint { layer: labels; dock: bottom; width: 1fr; height: 1;
                       text-align: center; background: $panel; color: $text; }
    """

    def __init__(self, targets: Sequence[JumpTarget]) -> None:
        super().__init__()
        self._targets = list(targets)
        self._opened_at: Size | None = None

    def compose(self) -> ComposeResult:
        """A label at the top left of each region, and what to do."""
        for target in self._targets:
            label = Static(Content(f" {target.key} "), classes="jump", markup=False)
            label.styles.offset = (target.region.x, target.region.y)
            yield label
        yield Static(HINT, id="hint", markup=False)

    def on_key(self, event: events.Key) -> None:
        """A target's key chooses it; any other but Escape does nothing, and nothing below hears of it."""
        chosen = next((target.key for target in self._targets if target.key in (event.character, event.key)), None)
        if chosen is not None:
            event.stop()
            event.prevent_default()
            self.dismiss(chosen)

    def on_click(self, event: events.Click) -> None:
        """The smallest region that was clicked; beside all of them, leave."""
        hit = [target for target in self._targets if target.region.contains_point(event.screen_offset)]
        self.dismiss(min(hit, key=lambda target: target.region.area).key if hit else None)

    def on_resize(self, event: events.Resize) -> None:
        """The labels would stand in the wrong places, so it closes."""
        if self._opened_at is not None and event.size != self._opened_at:
            self.dismiss(None)
        self._opened_at = event.size


def targets_of(screen: Screen[object]) -> list[JumpTarget]:
    """The widgets on the screen that have a ``jump_key`` and can take the focus, or have something in them that can.

    The first of several with one key counts. The label is the widget's ``jump_label``, else its border's title.
    """
    return [_target(screen, key, widget) for key, widget in _keyed(screen).items()]


def _keyed(screen: Screen[object]) -> dict[str, Widget]:
    """Jump key to widget, in the order of the screen."""
    found: dict[str, Widget] = {}
    for widget in screen.query("*").results(Widget):
        key = getattr(widget, "jump_key", None)
        on_screen = widget.is_on_screen and widget.region.overlaps(screen.region)
        if isinstance(key, str) and key and on_screen and _focusable(widget) is not None:
            found.setdefault(key, widget)
    return found


def _focusable(widget: Widget) -> Widget | None:
    """The widget itself, else the first one in it that is shown and can take the focus."""
    inside = (each for each in widget.walk_children(Widget, with_self=True) if each.focusable and each.is_on_screen)
    return next(inside, None)


def _target(screen: Screen[object], key: str, widget: Widget) -> JumpTarget:
    label = getattr(widget, "jump_label", None) or widget.border_title or widget.id or ""
    return JumpTarget(key, Content.from_markup(str(label)).plain, widget.region.intersection(screen.region))
