"""One worker process: start it, write requests, read its lines, keep the tail of its stderr, end it.

Knows nothing of plans and cases. Two threads block on the two pipes, so nothing is polled and neither
pipe can fill up.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A longer line is no event: 12 rounds of 120 samples are about 100 kB."""
TAIL_LINES = 40
SHOWN_CHARACTERS = 2000
"""Of a line on stderr, in the tail and to who listens."""
END_S = 2.0
"""Seconds a worker is given to end by itself once its stdin is closed."""


MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""The most that glibc raises these thresholds to by itself, when blocks of that size are freed (mallopt(3)). A process
that runs one small layer never gets there: by the luck of its heap each iteration then gave its 3 MB output back to the
system and took it anew, 1,800 page faults, and Conv3x3/2 forward took 2.7 or 0.8 ms; with these 0.55 ms each time."""


class WorkerEnded:
    """Stands in the queue after the last line of a worker that has ended."""


class WorkerSilent(Exception):
    """No line came within the time asked for."""


class WorkerProcess:
    """A started worker. ``lines`` are read by one thread; ``kill`` may be called from any."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str] | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        """Start it; ``hear`` is told each line of stderr by its reader. Raises OSError when it cannot be run."""
        self._hear = hear
        own_group: dict[str, Any] = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            **own_group,
        )
        self._lines: queue.SimpleQueue[bytes | WorkerEnded] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._tail_lock = threading.Lock()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            _thread(self._read_lines, self._process.stdout),
            _thread(self._read_stderr, self._process.stderr),
        ]

    @property
    def pid(self) -> int:
        """Process id, and id of the worker's own process group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, -N for signal N; None while it lives."""
        return self._process.poll()

    def send(self, request: dict[str, Any]) -> bool:
        """Write one request; False when the worker takes none any more."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request, separators=(",", ":")).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError, OSError):
            return False
        return True

    def next_line(self, timeout_s: float) -> bytes | WorkerEnded:
        """The next line, or ``Ended``. Blocks at most ``timeout_s`` seconds, then raises Silent."""
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise WorkerSilent from None

    def tail(self) -> str:
        """The last lines the worker wrote to stderr."""
        if self.returncode is not None:
            self._readers[1].join(timeout=END_S)
        with self._tail_lock:
            return "\n".join(self._tail)

    def kill(self) -> None:
        """End the worker and everything it started, at once. The line reader then sees ``Ended``."""
        if sys.platform == "win32":
            self._process.kill()
            return
        if self._process.poll() is None:  # a number that was given back may be somebody else's by now
            kill_group(self._process.pid)

    def close(self) -> int | None:
        """Close its stdin, wait a little, kill it if it stays. Returns its exit code."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        for pipe, reader in zip((self._process.stdout, self._process.stderr), self._readers, strict=True):
            reader.join(timeout=END_S)
            if pipe is not None and not reader.is_alive():
                pipe.close()
        return self._process.returncode

    def _read_lines(self, pipe: IO[bytes]) -> None:
        """Whole lines into the queue; a giant or torn one ends the worker's say."""
        while line := pipe.readline(MAX_LINE_BYTES):
            if not line.endswith(b"\n"):
                if len(line) >= MAX_LINE_BYTES:
                    self.kill()
                break
            self._lines.put(line)
        self._lines.put(WorkerEnded())

    def _read_stderr(self, pipe: IO[bytes]) -> None:
        """Drain stderr, so that a talkative library never blocks the worker; keep the tail."""
        while line := pipe.readline(MAX_LINE_BYTES):
            text = line[: 4 * SHOWN_CHARACTERS].decode(errors="replace").rstrip()[:SHOWN_CHARACTERS]
            with self._tail_lock:
                self._tail.append(text)
            if self._hear is not None:
                with contextlib.suppress(Exception):  # a listener's bug must not leave the pipe to fill up
                    self._hear(text)


def child_environment() -> dict[str, str]:
    """Ours, with this package found first and the current folder not searched: a ``random.py`` there broke torch.

    glibc's allocator begins where it would end: see ``MALLOC``. What the user has set stays.
    """
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    return {**MALLOC, **os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def kill_group(pid: int) -> None:
    """End one case's process group."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _thread(target: Any, pipe: IO[bytes]) -> threading.Thread:
    """A daemon reader: a stuck worker never keeps the app from ending."""
    thread = threading.Thread(target=target, args=(pipe,), daemon=True)
    thread.start()
    return thread
