"""What the background threads tell the app. Facts go up as messages; nothing else crosses the threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from cvbench_tui.errors import CvbenchError

if TYPE_CHECKING:
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.core.event import Event
    from cvbench_tui.core.run import Run


class Probed(Message):
    """The worker has told which devices there are."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self.environment = environment


class ProbeFailed(Message):
    """No worker could be had, so the devices stay unknown."""

    def __init__(self, error: CvbenchError) -> None:
        super().__init__()
        self.error = error


class RunAdvanced(Message):
    """Something happened in the run. Progress is thinned out; outcomes never are."""

    def __init__(self, event: Event, run: Run) -> None:
        super().__init__()
        self.event = event
        self.run = run

    def can_replace(self, message: Message) -> bool:
        """Progress that still waits gives way to whatever of the run comes behind it."""
        return self.event.kind == "progress" and isinstance(message, RunAdvanced)


class Logged(Message):
    """The log has new lines; ``RunManager.lines`` has them."""

    def can_replace(self, message: Message) -> bool:
        """One is enough for all lines there are."""
        return isinstance(message, Logged)


class RunRefused(Message):
    """The run could not be begun, or was ended because it could not be written down."""

    def __init__(self, error: CvbenchError) -> None:
        super().__init__()
        self.error = error


class Crashed(Message):
    """A bug in a background thread; the app raises it again where everybody sees it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error
