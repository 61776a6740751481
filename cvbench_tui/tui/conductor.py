"""Source, background threads and the run that is going on: everything of a run that needs no widget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cvbench_tui.catalog.duration import expected_s
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.run import Run
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.source import EventSource
from cvbench_tui.tui.background import Drive, Post, Probe

EXIT_WAIT_S = 0.4
"""Longest wait for the run's last event on the way out; a run file without it reads as interrupted."""


class Conductor:
    """Asks for devices, begins and cancels runs. The app feeds what it hears back into it."""

    def __init__(self, source: EventSource, runs_folder: Path, post: Post, clock: Callable[[], float]) -> None:
        self.environment: Environment | None = None
        """None until the worker has told."""
        self.run: Run | None = None
        """The newest state of the last run the app has heard of."""
        self.expected_s = 0.0
        """Guess for the whole plan, seconds, made before anything ran."""
        self.probing = False
        self.queued = False
        """The user wants to run as soon as the devices are known."""
        self.cancelling = False
        self._drive: Drive | None = None
        self._source = source
        self._runs_folder = runs_folder
        self._post = post
        self._clock = clock

    @property
    def running(self) -> bool:
        """True from the start of a run until its last event was heard."""
        return self._drive is not None and (self.run is None or self.run.ended is None)

    @property
    def newest(self) -> Run | None:
        """The run as the thread sees it, thinned-out progress included."""
        return self._drive.newest if self._drive is not None else None

    @property
    def run_file(self) -> Path | None:
        """Where the last run is written down."""
        return self._drive.path if self._drive is not None else None

    def ask(self) -> None:
        """Start the worker and ask it for the devices; ``Probed`` or ``ProbeFailed`` will follow."""
        self.probing = True
        Probe(self._post, self._source).start()

    def begin(self, plan: Plan) -> None:
        """Begin a run; ``RunAdvanced`` messages follow, or one ``RunRefused``."""
        self.expected_s = expected_s(plan)
        self.run, self.queued, self.cancelling = None, False, False
        self._drive = Drive(self._post, Session(self._source, plan, started_at_s=self._clock()), self._runs_folder)
        self._drive.start()

    def cancel(self) -> None:
        """End the run, or take it off the queue. It goes on being ``running`` until it has really ended."""
        self.queued = False
        if self.running and self._drive is not None:
            self.cancelling = True
            self._drive.cancel()

    def refused(self) -> None:
        """The run that was begun could not be, or could not be written down to its end."""
        if self.running:
            self._drive = None

    def shut_down(self) -> None:
        """End the run and the worker, waiting briefly for the last line of the run file."""
        if self._drive is not None and self._drive.is_alive():
            self._drive.cancel()
        self._source.close()
        if self._drive is not None:
            self._drive.join(EXIT_WAIT_S)
