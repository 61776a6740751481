"""A page of lines that something computed, in a dialog to scroll: a trend, a verdict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.messages import CopyWanted
from cvbench_tui.tui.screens.base import Modal
from cvbench_tui.tui.screens.help import FRAME, PAGE_SHARE, Page

MAX_WIDTH = 140  # cells of the page
LATER = "Reading the kept runs..."


class TextScreen(Modal[None]):
    """Closes without a result. What is shown fits the width, also when that changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="text.close", tooltip="Back to where you were"),
        Binding("y", "copy", "Copy", id="text.copy", tooltip="Copy what is shown"),
    ]
    DEFAULT_CSS = """
    TextScreen > Page { max-width: 140; width: 96%; }
    TextScreen Static { height: auto; }
    """
    WHAT = "page"  # what is copied, in the sentence afterwards

    def compose(self) -> ComposeResult:
        """One text in a box that scrolls."""
        page = Page()
        page.border_title = Content(self.heading())
        page.border_subtitle = Content("up/down scroll   y copy   Escape close")
        with page:
            yield Static(LATER, markup=False)

    @abstractmethod
    def heading(self) -> str:
        """What stands in the frame."""

    @abstractmethod
    def lines(self, width: int) -> Sequence[str]:
        """What is shown, in so many cells; nothing as long as it is not known."""

    def on_resize(self) -> None:
        """Make the lines anew; at the first size, too."""
        self.draw()

    def draw(self) -> None:
        """Show what is known."""
        if lines := self.lines(self._width()):
            self.query_one(Static).update(Content("\n".join(map(visible, lines))))

    def action_copy(self) -> None:
        """All of it, as text."""
        if lines := self.lines(self._width()):
            self.app.post_message(CopyWanted("\n".join(lines), self.WHAT))

    def _width(self) -> int:
        return min(MAX_WIDTH, int(PAGE_SHARE * self.app.size.width)) - FRAME
