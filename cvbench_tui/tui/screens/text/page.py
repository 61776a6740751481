"""A page of lines that something computed, in a dialog to scroll: a trend, a verdict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cvbench_tui.base.escape import visible
from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.background.threads import BackgroundThread
from cvbench_tui.tui.messages import CopyWanted, Post, TextFound
from cvbench_tui.tui.screens.base import Modal
from cvbench_tui.tui.screens.help import FRAME, PAGE_SHARE, PAGE_WIDTH, Page

LATER = "Reading the kept runs..."
Found = TypeVar("Found")


class TextScreen(Modal[None], Generic[Found]):
    """Closes without a result. A thread finds what is shown, which fits the width, also when that changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="text.close", tooltip="Back to where you were"),
        Binding("y", "copy", "Copy", id="text.copy", tooltip="Copy what is shown"),
    ]
    DEFAULT_CSS = """
    TextScreen Static { height: auto; }
    """
    HEADING = ""  # in the frame
    WHAT = "page"  # what is copied, in the sentence afterwards

    def __init__(self, work: Callable[..., Found], *arguments: object) -> None:
        """``work`` gets the arguments, in a thread, and may raise CvbenchError."""
        super().__init__()
        self._work = work, arguments
        self._found: Found | CvbenchError | None = None

    def compose(self) -> ComposeResult:
        """One text in a box that scrolls."""
        page = Page()
        page.border_title = Content(self.HEADING)
        page.border_subtitle = Content("up/down scroll   y copy   Escape close")
        with page:
            yield Static(LATER, markup=False)

    @abstractmethod
    def lines(self, found: Found, width: int) -> Sequence[str]:
        """What was found, in so many cells."""

    def on_mount(self) -> None:
        """Begin."""
        BackgroundThread(self.post_message, _find, *self._work).start()

    @on(TextFound)
    def _known(self, event: TextFound) -> None:
        event.stop()
        self._found = cast("Found | CvbenchError", event.found)
        self.draw()

    def on_resize(self) -> None:
        """Make the lines anew; at the first size, too."""
        self.draw()

    def draw(self) -> None:
        """Show what is known."""
        if lines := self._lines():
            self.query_one(Static).update(Content("\n".join(map(visible, lines))))

    def action_copy(self) -> None:
        """All of it, as text."""
        if lines := self._lines():
            self.app.post_message(CopyWanted("\n".join(lines), self.WHAT))

    def _lines(self) -> Sequence[str]:
        """What is known, or why it cannot be; nothing as long as neither is."""
        if self._found is None:
            return ()
        if isinstance(self._found, CvbenchError):
            return self._found.message, self._found.hint
        return self.lines(self._found, min(PAGE_WIDTH, int(PAGE_SHARE * self.app.size.width)) - FRAME)


def _find(post: Post, work: Callable[..., object], arguments: Sequence[object]) -> None:
    """Do that work: ``TextFound``."""
    try:
        found: object = work(*arguments)
    except CvbenchError as error:
        found = error
    post(TextFound(found))
