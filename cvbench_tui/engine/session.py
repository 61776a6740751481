"""One run from the first event to the last: source, then disk, then fold. Used by the app and the command line."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Protocol

from cvbench_tui import __version__
from cvbench_tui.core.event import EndReason, Event, RunFinished, RunStarted
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.run import Run, fold
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import WorkerError


class Recorder(Protocol):
    """What writes events down: the store's run log."""

    def append(self, event: Event) -> None:
        """Write the event; on disk when a case is settled."""


def new_run_id(at_s: float) -> str:
    """``20261124-153012-9f3a``: sorts by start (UTC), unique enough for one folder."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(at_s)) + "-" + secrets.token_hex(2)


class Session:
    """Drives one plan through a source. Blocking: iterate it in a thread or in the command line."""

    def __init__(self, source: EventSource, plan: Plan, *, started_at_s: float | None = None) -> None:
        self.plan = plan
        self.started_at_s = time.time() if started_at_s is None else started_at_s
        self.run_id = new_run_id(self.started_at_s)
        self._source = source
        self._cancelled = False

    def cancel(self) -> None:
        """Stop at once, from any thread; the iteration then ends with ``RunFinished('cancelled')``."""
        self._cancelled = True
        self._source.cancel()

    def run(self, recorder: Recorder) -> Iterator[tuple[Event, Run]]:
        """Every event, already written down, with the run after it."""
        run: Run | None = None
        for event in self._events():
            recorder.append(event)
            run = fold(run, event)
            yield event, run

    def _events(self) -> Iterator[Event]:
        """The source's events between a header and a last line that says how it ended."""
        yield RunStarted(self.run_id, self.plan, self.started_at_s, __version__)
        reason: EndReason = "finished"
        sentence = ""
        try:
            for event in self._source.events(self.plan):
                yield event
                if self._cancelled:
                    # Again, because a cancel that came before the source began was forgotten when it did.
                    self._source.cancel()
        except WorkerError as error:
            reason, sentence = "failed", error.message
        if self._cancelled:
            reason, sentence = "cancelled", ""
        yield RunFinished(reason, time.time(), sentence)
