"""Busy processes, one for each core, that end with this one however it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPINNING = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
print("busy", flush=True)
while True:
    pass
"""
"""Spins until the other end of its stdin is closed, which also happens when the parent is killed."""


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """``count`` spinning processes while the block runs; all of them spin before it begins."""
    spinning: list[subprocess.Popen[bytes]] = []
    command, pipe = (sys.executable, "-I", "-S", "-c", SPINNING), subprocess.PIPE
    session = sys.platform != "win32"  # of its own: Ctrl-C is for this program to handle
    try:
        for _ in range(count):
            spinning.append(
                subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=session)
            )
        for process in spinning:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in spinning:
            process.kill()
        for process in spinning:
            process.communicate()
