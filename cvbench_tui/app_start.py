"""From the command line into the app: may it be drawn here, and over which source. Measures and prints nothing.

Imports little: pydantic and the live source come with the first question to the worker, behind the first frame.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.core.event import Event
    from cvbench_tui.core.plan import Plan
    from cvbench_tui.engine.source import EventSource

WATCH_S = 0.5
"""How often a visitor's app looks whether its server is still there, seconds."""


def why_no_app() -> str:
    """Why the app cannot be drawn here, as a sentence; empty when it can. Textual draws on stderr."""
    if in_browser():
        return ""
    streams = {"standard input": sys.stdin, "standard output": sys.stdout, "standard error": sys.stderr}
    missing = [name for name, stream in streams.items() if stream is None or not stream.isatty()]
    if missing:
        return f"No terminal on {' and '.join(missing)}: the app cannot be drawn."
    if os.environ.get("TERM") == "dumb":
        return "TERM=dumb: this terminal cannot place text, so the app cannot be drawn."
    return ""


def in_browser() -> bool:
    """True for a process that ``cvbench-tui serve`` started for a visitor."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def open_app(preset: str | None, *, runs_dir: str | None = None, ascii: bool = False) -> int:  # noqa: A002
    """The app, with the preset's ticks, or with those of the last time. Returns its exit code.

    Raises PresetError for a preset that cannot be used.
    """
    from cvbench_tui.results.storage.runs_dir import runs_folder

    selection = None
    if preset:
        from cvbench_tui.catalog.presets import load_preset

        selection = load_preset(preset)
    if in_browser():
        end_with_parent()
    from cvbench_tui.tui.launch import open_app as open_textual_app

    source = LateSource(lambda: _live_source(runs_dir))
    return open_textual_app(source, selection=selection, runs_folder=runs_folder(runs_dir), ascii=ascii)


def end_with_parent() -> None:
    """End this process in order when the one that started it is gone, however that ended."""
    parent = os.getppid()
    threading.Thread(target=_watch, args=(parent,), name="server watch", daemon=True).start()


class LateSource:
    """Another source, made when it is first asked, in the thread that asks."""

    def __init__(self, make: Callable[[], EventSource]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._source: EventSource | None = None
        self._hear: Callable[[str], None] | None = None
        self._closed = False

    def probe(self) -> Environment:
        """As the source says. Raises WorkerError."""
        return self._made().probe()

    def events(self, plan: Plan) -> Iterator[Event]:
        """As the source does."""
        return self._made().events(plan)

    def skip(self) -> None:
        """As the source does; nothing before it was made."""
        if self._source is not None:
            self._source.skip()

    def cancel(self) -> None:
        """As the source does; nothing before it was made."""
        if self._source is not None:
            self._source.cancel()

    def listen(self, hear: Callable[[str], None]) -> None:
        """As the source does, as soon as it is made."""
        with self._lock:
            self._hear = hear
            if self._source is not None:
                self._source.listen(hear)

    def close(self) -> None:
        """End what was started; a source that is made later is closed at once, so that it starts nothing."""
        with self._lock:
            self._closed = True
        if self._source is not None:
            self._source.close()

    def _made(self) -> EventSource:
        with self._lock:
            if self._source is None:
                self._source = self._make()
                if self._hear is not None:
                    self._source.listen(self._hear)
                if self._closed:
                    self._source.close()
            return self._source


def _live_source(runs_dir: str | None) -> EventSource:
    """The worker's source."""
    from cvbench_tui.cli.run import live_source

    return live_source(runs_dir)


def _watch(parent: int) -> None:
    """Until the parent has changed; then as if the user had asked this process to end."""
    import signal

    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os.kill(os.getpid(), signal.SIGTERM)
