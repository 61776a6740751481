"""Messages to the app, thinned out: redraws above 4 Hz were seen to disturb the current timing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from textual.message import Message

MESSAGES_EVERY_S = 0.25
"""Shortest time between two messages: rows may end by the hundred in a second, a worker write thousands of lines."""

Post = Callable[[Message], object]
Posted = TypeVar("Posted", bound=Message)


class ThrottledPoster(Generic[Posted]):
    """Posts the newest message at once, or as soon as ``MESSAGES_EVERY_S`` have passed; from any thread."""

    def __init__(self, post: Post, merge: Callable[[Posted, Posted], Posted] = lambda held, new: new) -> None:
        """``merge`` makes one message of the one held back and a newer one."""
        self._post = post
        self._merge = merge
        self._lock = threading.Lock()
        self._held: Posted | None = None
        self._timer: threading.Timer | None = None
        self._posted_at = float("-inf")
        self._closed = False

    def offer(self, message: Posted) -> None:
        """Post it now, or merged with what follows until the next message is due."""
        with self._lock:
            if self._closed:
                return
            self._held = message if self._held is None else self._merge(self._held, message)
            wait_s = self._posted_at + MESSAGES_EVERY_S - time.monotonic()
            if wait_s <= 0:
                self._post_held()
            elif self._timer is None:
                self._timer = threading.Timer(wait_s, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Post what is held back."""
        with self._lock:
            self._post_held()

    def close(self) -> None:
        """Post nothing any more."""
        with self._lock:
            self._held, self._closed = None, True
            self._post_held()

    def _post_held(self) -> None:
        """The lock is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held is not None:
            self._post(self._held)
            self._held, self._posted_at = None, time.monotonic()
