"""One worker process: start it, write requests, read its lines, keep the end of its stderr, end it.

Independent of plans and cases. One thread blocks on each pipe, so nothing is polled and neither pipe can fill up.
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

from cvbench_tui.base.visible_cards import CUDA_VARIABLE, hides_all

MAX_LINE_BYTES = 64 * 1024 * 1024  # a longer line is no event: 12 rounds of 120 samples are about 100 kB
TAIL_LINES = 40
MAX_SHOWN_CHARACTERS = 2000  # of a line of stderr, in the tail and for the listener
END_S = 2.0  # time for a worker to end after its stdin is closed, seconds
NO_DRIVER = str(Path(__file__).with_name("no_driver"))  # folder of a ``libcuda.so.1`` that is no library


MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""The largest values to which glibc raises these thresholds by itself, as blocks of that size are freed (mallopt(3)). A
process that runs one small layer never gets there. Depending on its heap, each iteration then returned its 3 MB output
to the system and allocated it again, 1,800 page faults: Conv3x3/2 forward took 2.7 or 0.8 ms; with these 0.55 ms."""


class WorkerEnded:
    """Follows the last line of a worker that has ended."""


class WorkerSilent(Exception):
    """No line came within the time-out."""


class WorkerProcess:
    """A started worker. One thread reads its lines; ``kill`` may be called from any."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str] | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        """Start it; ``hear`` is called with each line of stderr, in its reader's thread. Raises OSError."""
        self._hear = hear
        own_group: dict[str, Any] = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            list(command), stdin=pipe, stdout=pipe, stderr=pipe, env=environment, **own_group
        )
        self._lines: queue.SimpleQueue[bytes | WorkerEnded] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            _thread(self._read_lines, self._process.stdout),
            _thread(self._read_stderr, self._process.stderr),
        ]

    @property
    def returncode(self) -> int | None:
        """Exit code, -N for signal N; None while it runs."""
        return self._process.poll()

    def send(self, request: dict[str, Any]) -> bool:
        """Write one request; False when the worker no longer reads."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request, separators=(",", ":")).encode() + b"\n")
            self._process.stdin.flush()
        except (ValueError, OSError):
            return False
        return True

    def next_line(self, timeout_s: float) -> bytes | WorkerEnded:
        """The next line, or ``WorkerEnded``. Raises WorkerSilent after ``timeout_s`` seconds without one."""
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise WorkerSilent from None

    def tail(self) -> str:
        """The last 40 lines of stderr."""
        if self.returncode is not None:
            self._readers[1].join(timeout=END_S)
        return "\n".join(self._tail.copy())  # the reader's thread may append meanwhile

    def last_line(self) -> str:
        """The last of them."""
        return (self.tail().splitlines() or ["no message"])[-1]

    @property
    def lacks_driver(self) -> bool:
        """True when it ended since this PyTorch is linked to NVIDIA's driver, and cannot be imported without it."""
        return "libcuda" in self.last_line()

    def kill(self) -> None:
        """Kill the worker and everything it started; the next line is then ``WorkerEnded``."""
        if sys.platform == "win32":
            self._process.kill()
        elif self._process.poll() is None:  # the system may have given a reaped process's number to another
            kill_group(self._process.pid)

    def close(self) -> None:
        """Close its stdin, wait for its end, kill it after ``END_S``."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # while it waits inside the kernel it cannot end
                self._process.wait(timeout=END_S)
        for pipe, reader in zip((self._process.stdout, self._process.stderr), self._readers, strict=True):
            reader.join(timeout=END_S)
            if pipe is not None and not reader.is_alive():
                pipe.close()

    def _read_lines(self, pipe: IO[bytes]) -> None:
        """Put whole lines into the queue; stop at a line that is too long, or cut off."""
        while line := pipe.readline(MAX_LINE_BYTES):
            if not line.endswith(b"\n"):
                if len(line) >= MAX_LINE_BYTES:
                    self.kill()
                break
            self._lines.put(line)
        self._lines.put(WorkerEnded())

    def _read_stderr(self, pipe: IO[bytes]) -> None:
        """Drain stderr, so that a verbose library never blocks the worker; keep the tail."""
        while line := pipe.readline(MAX_LINE_BYTES):
            text = line[: 4 * MAX_SHOWN_CHARACTERS].decode(errors="replace").rstrip()[:MAX_SHOWN_CHARACTERS]
            self._tail.append(text)
            if self._hear is not None:
                with contextlib.suppress(Exception):  # a listener's bug must not leave the pipe to fill up
                    self._hear(text)


def child_environment(*, no_driver: bool | None = False) -> dict[str, str]:
    """Our environment, with this package first on the path and ``MALLOC`` where the user has set nothing.

    The current folder is not on the path: a ``random.py`` of the user there broke the import of torch. ``no_driver``:
    NVIDIA's driver cannot be loaded, as if there were none; so too where a variable hides every card. None: it can.
    PyTorch would ask it in the first backward on the CPU too, to count the cards, and would hang or crash where the
    driver does.
    """
    without = no_driver is not None and (no_driver or hides_all(CUDA_VARIABLE))
    libraries = os.pathsep.join(filter(None, (NO_DRIVER, os.environ.get("LD_LIBRARY_PATH"))))
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    ours = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"} | ({"LD_LIBRARY_PATH": libraries} if without else {})
    return {**MALLOC, **os.environ, **ours}


def kill_group(pid: int) -> None:
    """Kill a process group; nothing on Windows. The number comes from a worker's line: 0 is our own group and 1 the
    system's first process, which are never killed."""
    if sys.platform == "win32" or pid < 2:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError, OverflowError):
        os.killpg(pid, signal.SIGKILL)


def _thread(target: Any, pipe: IO[bytes]) -> threading.Thread:
    """A reader of that pipe; a daemon, so that a stuck worker cannot keep the app from ending."""
    thread = threading.Thread(target=target, args=(pipe,), daemon=True)
    thread.start()
    return thread
