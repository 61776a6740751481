"""A source that is made when it is first asked.

Making the live source imports pydantic and psutil, which the app's first frame does not wait for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.core.event import Event
    from cvbench_tui.core.plan import Plan
    from cvbench_tui.engine.source import EventSource


class LazySource:
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
