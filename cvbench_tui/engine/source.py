"""Where events come from: a live worker, or a recorded run. The seam that tests and the demo use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.core.event import Event
    from cvbench_tui.core.plan import Plan


class EventSource(Protocol):
    """One thread calls ``probe`` and ``events``; the others may be called from any."""

    def probe(self) -> Environment:
        """The machine and its devices. Blocks until known. Raises WorkerError when no worker can be had."""

    def events(self, plan: Plan) -> Iterator[Event]:
        """Measure the plan: everything between ``RunStarted`` and ``RunFinished``, as it happens.

        A case that fails is a ``CaseFailed`` and the next one goes on. Ends early after ``cancel``,
        with a ``CaseFailed`` of kind ``cancelled`` for the case that was being measured. May be called again
        when it has ended, with further cases.
        """

    def skip(self) -> None:
        """End the case being measured with a ``CaseFailed`` of kind ``skipped``, and go on with the next.

        Between two cases: nothing.
        """

    def cancel(self) -> None:
        """Stop measuring at once. Finished cases stay."""

    def listen(self, hear: Callable[[str], None]) -> None:
        """Tell ``hear`` every line of every worker's stderr from now on, from another thread; it must not block."""

    def close(self) -> None:
        """End the worker, if any, and everything it started."""
