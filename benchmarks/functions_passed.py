"""Functions that one case passes: from the key ``r`` to its cell, in the worker, from ``s`` to a file.

Distinct functions and lambdas that were called, and the files they are in: what one has to know who follows a case.
Comprehensions, class bodies and modules do not count, nor the live gauges, which go on beside it. ``--list`` names all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import cvbench_tui
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.settings import Settings
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.state.settings_store import SettingsStore

HOME = str(Path(cvbench_tui.__file__).parent) + os.sep
SIZE = (120, 40)
PRESET = 'layers = ["Dense"]\ndevices = ["cpu"]\nbatch = 1\nprotocol = "quick"\n'
WAIT_S = 120.0
Profile = Callable[[FrameType, str, Any], None]


class Counter:
    """Notes every function of the package at its first call, in all threads, while ``on``."""

    def __init__(self, file: str = "") -> None:
        """``file``: each function is a line there as well, so that a process that is killed has told what it called."""
        self.on = False
        self.seen: set[CodeType] = set()
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND) if file else None

    def start(self) -> None:
        """Note calls from now on, in this thread and in those that begin later."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not self.on or code in self.seen:
            return
        self.seen.add(code)
        if self._file is not None and counts(code):
            os.write(self._file, f"{label(code)}\n".encode())

    @contextmanager
    def counted(self) -> Iterator[set[str]]:
        """The functions that are called inside."""
        called: set[str] = set()
        self.seen, self.on = set(), True
        try:
            yield called
        finally:
            self.on = False
            called |= {label(code) for code in set(self.seen) if counts(code)}


def counts(code: CodeType) -> bool:
    """True for a function or a lambda of the package."""
    named = code.co_name == "<lambda>" or not code.co_name.startswith("<")
    return named and code.co_filename.startswith(HOME) and bool(code.co_flags & CO_OPTIMIZED)  # a class's body has none


def label(code: CodeType) -> str:
    """``results/table/build.py:31 build``."""
    return f"{code.co_filename.removeprefix(HOME)}:{code.co_firstlineno} {code.co_name}"


def worker(file: str) -> None:
    """The worker, counted."""
    from cvbench_tui.worker.__main__ import main

    counter = Counter(file)
    counter.on = True
    counter.start()
    main()


async def passed(counter: Counter, folder: Path, file: Path) -> dict[str, set[str]]:
    """The three sets, by the app itself and a real worker."""
    runs, saved = folder / "runs", folder / "saved"
    for each in (runs, saved):
        each.mkdir()
    preset = folder / "dense.toml"
    preset.write_text(PRESET)
    selection: Selection = load_preset(str(preset))
    source = LiveSource((sys.executable, __file__, "--worker", str(file)))
    store = SettingsStore(settings=Settings(gauges="off"))
    app = BenchApp(source, runs_folder=runs, selection=selection, save_folder=saved, settings_store=store)
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: bool(app.plan_selection.devices.items))
        await pilot.pause()
        file.write_text("")
        with counter.counted() as to_cell:
            await pilot.press("r")
            await until(lambda: any("run_finished" in each.read_text() for each in runs.glob("*.jsonl")))
            await asyncio.sleep(2)  # what follows the end: the history is read again
            await pilot.pause()
        in_worker = set(file.read_text().split("\n")) - {""}
        with counter.counted() as to_file:
            await pilot.press("s")
            await pilot.pause()
            await asyncio.sleep(0.5)
            await pilot.press("enter")
            await until(lambda: any(saved.iterdir()))
            await asyncio.sleep(0.5)
            await pilot.pause()
    source.close()
    return {"from r to the cell": to_cell, "in the worker": in_worker, "from s to the file": to_file}


async def until(true: Callable[[], bool]) -> None:
    """Wait for that. Raises TimeoutError."""
    limit = time.monotonic() + WAIT_S
    while not true():
        if time.monotonic() > limit:
            raise TimeoutError("the app did not get there")
        await asyncio.sleep(0.1)


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the functions")
    parser.add_argument("--worker", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker)
        return
    counter = Counter()
    counter.start()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "worker.txt"
        file.touch()
        sets = asyncio.run(passed(counter, Path(folder), file))
    sys.setprofile(None)
    for name, functions in sets.items():
        files = {each.partition(":")[0] for each in functions}
        print(f"{name}: {len(functions)} functions in {len(files)} files")
        if options.list:
            print("".join(f"  {each}\n" for each in sorted(functions)), end="")


if __name__ == "__main__":
    main()
