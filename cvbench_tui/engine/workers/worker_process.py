"""One worker process: start it, write requests, read its lines, keep the end of its stderr, end it.

Independent of plans and cases. One thread blocks on each pipe, so nothing is polled and neither pipe can fill up.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from cvbench_tui.base.escape import visible
from cvbench_tui.base.visible_cards import CUDA_VARIABLE, hides_all
from cvbench_tui.core.limits import MAX_LINE_BYTES
from cvbench_tui.engine.workers.processes import kill_session, state, sweep_session

WAITING_LINES = 16  # that are read before they are asked for; then the pipe fills up and the worker waits
PART_BYTES = 4 * 2000  # of a line of stderr that are read at once; the first of them are shown
TAIL_LINES = 40
MAX_SHOWN_CHARACTERS = 2000  # of a line of stderr, in the tail and for the listener
END_S = 2.0  # time for a worker to end after its stdin is closed, by itself and then by a kill, seconds
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
    """A started worker. One thread starts it and reads its lines; ``kill`` may be called from any."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str] | None = None,
        hear: Callable[[str], None] | None = None,
        folder: str | None = None,
    ) -> None:
        """Start it; ``hear`` is called with each line of stderr, in its reader's thread. ``folder``: its current one;
        None: ours. Raises OSError, also where no further thread can be had."""
        self._hear = hear
        self._folder = folder
        self._lines: queue.Queue[bytes | WorkerEnded] = queue.Queue(WAITING_LINES)
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._readers: list[threading.Thread] = []
        self.asked_for: set[str] = set()  # the cases
        self.too_long = False  # it was killed since it sent a line that is too long
        started: queue.SimpleQueue[subprocess.Popen[bytes] | BaseException] = queue.SimpleQueue()
        self._readers.append(_thread(self._keep, list(command), environment, started))
        process = started.get()
        if isinstance(process, BaseException):
            raise process
        self._process = process

    @property
    def pid(self) -> int:
        """Its process, which leads a session and a group."""
        return self._process.pid

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
            self._readers[-1].join(timeout=END_S)
        return "\n".join(self._tail.copy())  # the reader's thread may append meanwhile

    def last_line(self) -> str:
        """The last of them."""
        return (self.tail().splitlines() or ["no message"])[-1]

    @property
    def lacks_driver(self) -> bool:
        """True when it ended since this PyTorch is linked to NVIDIA's driver, and cannot be imported without it."""
        return "libcuda" in self.last_line()

    def kill(self) -> None:
        """Kill the worker and everything it started, stopped or not; the next line is then ``WorkerEnded``."""
        if sys.platform == "win32":
            self._process.kill()
        elif self._process.poll() is None:  # the system may have given a reaped process's number to another
            kill_session(self._process.pid)

    def close(self) -> None:
        """Close its stdin, wait for its end, kill it after half of ``END_S``, at once where it is stopped. Returns
        after ``END_S`` at most, with nothing left of it but what waits inside the kernel."""
        until_s = time.monotonic() + END_S
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=0.0 if state(self.pid) in ("T", "t") else END_S / 2)
        except subprocess.TimeoutExpired:
            self.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # while it waits inside the kernel it cannot end
                self._process.wait(timeout=max(0.0, until_s - time.monotonic()))
        if sys.platform != "win32" and self._process.poll() is not None:
            sweep_session(self.pid)
        for pipe, reader in zip((self._process.stdout, self._process.stderr), self._readers, strict=True):
            while reader.is_alive() and time.monotonic() < until_s:
                with contextlib.suppress(queue.Empty):  # a reader that waits for a place in the queue
                    self._lines.get_nowait()
                reader.join(timeout=0.01)
            if pipe is not None and not reader.is_alive():
                pipe.close()

    def _keep(
        self,
        command: list[str],
        environment: dict[str, str] | None,
        started: queue.SimpleQueue[subprocess.Popen[bytes] | BaseException],
    ) -> None:
        """Start it, read it, wait for its end. All in one thread: to Linux a process's parent is the thread that
        started it, and our worker asks for a signal at the end of that one (``worker.process.parent``)."""
        try:
            process = _started(command, environment, self._folder)
            try:
                self._readers.append(_thread(self._read_stderr, process.stderr))
            except BaseException:
                process.kill()
                process.wait()
                raise
        except BaseException as error:
            started.put(error)
            return
        started.put(process)
        self._read_lines(process)
        process.wait()

    def _read_lines(self, process: subprocess.Popen[bytes]) -> None:
        """Put whole lines into the queue; stop at a line that is too long, or cut off."""
        line, pipe = b"", process.stdout
        assert pipe is not None
        with contextlib.suppress(MemoryError):  # as for a line that is too long
            while line := pipe.readline(MAX_LINE_BYTES):
                if not line.endswith(b"\n"):
                    break
                self._lines.put(line)
        if len(line) >= MAX_LINE_BYTES:
            self.too_long = True
            process.kill()
            kill_session(process.pid)
        self._lines.put(WorkerEnded())

    def _read_stderr(self, pipe: IO[bytes]) -> None:
        """Drain stderr, so that a verbose library never blocks the worker; keep the tail. A line without an end takes
        no more memory than its beginning."""
        cut = False  # the line's beginning has been heard
        while part := pipe.readline(PART_BYTES):
            if not cut:
                text = part.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]  # of a bar what is seen last
                self._tell(visible(text[:MAX_SHOWN_CHARACTERS]).rstrip())
            cut = not part.endswith(b"\n")

    def _tell(self, text: str) -> None:
        self._tail.append(text)
        if self._hear is not None:
            with contextlib.suppress(Exception):  # a listener's bug must not leave the pipe to fill up
                self._hear(text)


def _started(command: list[str], environment: dict[str, str] | None, folder: str | None) -> subprocess.Popen[bytes]:
    """The process, leader of a session. Without a folder of its own it does not start in one that has been deleted:
    what is imported there fails with errors that name something else."""
    own_group: dict[str, Any] = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
        if sys.platform == "win32"
        else {"start_new_session": True}
    )
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=folder or _folder(), **own_group
    )


def _folder() -> str | None:
    """None: the current folder; another one where that is gone."""
    try:
        os.getcwd()
    except OSError:
        return os.path.abspath(os.sep)
    return None


def child_environment(*, no_driver: bool | None = False, first: Sequence[str] = ()) -> dict[str, str]:
    """Our environment, with this package, or the folders ``first``, in front of the path, and ``MALLOC`` where the user
    has set nothing.

    The current folder is not on the path: a ``random.py`` of the user there broke the import of torch. ``no_driver``:
    NVIDIA's driver cannot be loaded, as if there were none; so too where a variable hides every card. None: it can.
    PyTorch would ask it in the first backward on the CPU too, to count the cards, and would hang or crash where the
    driver does.
    """
    without = no_driver is not None and (no_driver or hides_all(CUDA_VARIABLE))
    libraries = os.pathsep.join(filter(None, (NO_DRIVER, os.environ.get("LD_LIBRARY_PATH"))))
    folders = first or (str(Path(__file__).resolve().parents[3]),)
    path = os.pathsep.join(filter(None, (*folders, os.environ.get("PYTHONPATH"))))
    ours = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"} | ({"LD_LIBRARY_PATH": libraries} if without else {})
    return {**MALLOC, **os.environ, **ours}


def _thread(target: Any, *arguments: Any) -> threading.Thread:
    """A running daemon, so that a stuck worker cannot keep the app from ending. Raises OSError where there is none."""
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, "no further thread can be started") from error
    return thread
