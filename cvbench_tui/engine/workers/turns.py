"""Whose turn it is among processes that measure rows against each other, round by round.

Each has a pipe with a name and waits on it for a byte before it builds its workload, and before each of its rounds;
where it does so, its last turn is over. So none computes while another does, and rounds of two rows lie a fraction of a
second apart: noise like 1/f, which is as strong between two calls as between two visits, is averaged out by their
number.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress

POSSIBLE = hasattr(os, "mkfifo")


class Turns:
    """Of some processes by name, in an order. Not thread-safe."""

    def __init__(self, names: Sequence[str]) -> None:
        """Raises OSError where no pipe can be made."""
        self._folder = tempfile.TemporaryDirectory(prefix="cvbench-turns-")
        self.paths: Mapping[str, str] = {name: os.path.join(self._folder.name, str(n)) for n, name in enumerate(names)}
        self._pipes: dict[str, int] = {}
        try:
            for name, path in self.paths.items():
                os.mkfifo(path, 0o600)
                # Open for both, so that neither this nor the reader's opening blocks.
                self._pipes[name] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            self.close()
            raise
        self._seen = dict.fromkeys(names, -1)  # the newest number of turns that each has said it has had
        self._order = list(names)
        self._holder: str | None = None

    def waits(self, name: str, number: int) -> None:
        """That process waits for its turn, after so many. Said again it changes nothing."""
        if name not in self._seen or number <= self._seen[name]:
            return
        self._seen[name] = number
        if self._holder in (None, name) and min(self._seen.values()) >= 0:
            self._pass_on()

    def over(self, name: str) -> None:
        """That process takes no further turn."""
        if self._seen.pop(name, None) is None:
            return
        if self._holder == name or (self._holder is None and min(self._seen.values(), default=-1) >= 0):
            self._pass_on()
        self._order.remove(name)

    def _pass_on(self) -> None:
        """To the next of those that go on; A B, then B A: a steady drift hits all alike."""
        after = self._order.index(self._holder) + 1 if self._holder is not None else 0
        following = [name for name in self._order[after:] if name in self._seen]
        if not following:
            self._order.reverse()
            following = [name for name in self._order if name in self._seen]
        self._holder = following[0] if following else None
        if self._holder is not None:
            os.write(self._pipes[self._holder], b".")

    def close(self) -> None:
        """Remove the pipes."""
        for pipe in self._pipes.values():
            with suppress(OSError):
                os.close(pipe)
        self._folder.cleanup()
