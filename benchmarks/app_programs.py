"""The programs that ``app_performance.py`` puts into a terminal: empty Textual apps, and the app over a made run.

``bare``: one Static. ``list``: a list of 130 lines. ``table``: Textual's own table of 1,000 rows, ``.`` sorts it.
``app``: the real app whose measuring process is played: rows are recorded ones, each decoded anew from its JSON line as
a real one would be, so that memory and work are those of a real run of so many rows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

READY = "bare frame ready"
DATA = Path(__file__).parent.parent / "tests" / "data" / "graded.jsonl"
ROWS = 1000
BEAT_S = 0.005
LATE_S = 0.02
"""Gaps of the loop that are written down, seconds."""


def bare() -> None:
    """An app with one line."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Bare(App[None]):
        """Nothing else."""

        BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012

        def compose(self) -> ComposeResult:
            """The line."""
            yield Static(READY)

    Bare().run()


def plain_list() -> None:
    """A list as long as that of the models."""
    from textual.app import App, ComposeResult
    from textual.widgets import OptionList, Static

    class Plain(App[None]):
        """A list with the focus."""

        BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012

        def compose(self) -> ComposeResult:
            """The list, and the line that says it is there."""
            yield Static(READY)
            yield OptionList(*(f"a model of number {number}" for number in range(130)))

    Plain().run()


def plain_table() -> None:
    """Textual's table with as many rows as the other, sorted by ``.``."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable, Static

    class Plain(App[None]):
        """A table with the focus."""

        BINDINGS = [("q", "quit", "Quit"), ("full_stop", "sort", "Sort")]  # noqa: RUF012
        downwards = False

        def compose(self) -> ComposeResult:
            """The table, and the line that says it is there."""
            yield Static(READY)
            yield DataTable(cursor_type="row")

        def on_mount(self) -> None:
            """Fill it."""
            table = self.query_one(DataTable)
            self.column = table.add_columns(*(f"column {number}" for number in range(9)))[0]
            table.add_rows([f"{(row * 37) % 1009:05}.{column}" for column in range(9)] for row in range(ROWS))

        def action_sort(self) -> None:
            """The other direction."""
            self.downwards = not self.downwards
            self.query_one(DataTable).sort(self.column, reverse=self.downwards)

    Plain().run()


def made_source(rows: int, pause_s: float, steps: int) -> tuple[Any, Any]:
    """A source of so many rows, ``pause_s`` between events and ``steps`` of progress in each; and what to tick."""
    from cvbench_tui.catalog.layers import LAYERS
    from cvbench_tui.catalog.models import MODELS
    from cvbench_tui.catalog.selection import Selection
    from cvbench_tui.core.environment import Device
    from tests.replay import ReplaySource

    entries = len(MODELS) + len(LAYERS)
    devices = ["cpu", *(f"cuda:{number}" for number in range(max(0, -(-rows // entries) - 1)))]

    class Made(ReplaySource):
        """Answers every case with a recorded one of another name."""

        def __init__(self) -> None:
            from cvbench_tui.wire import decode

            lines = DATA.read_text().splitlines()
            super().__init__([decode(line) for line in lines[:3]], pause_s=pause_s)
            found = [json.loads(line) for line in lines]
            self._finished = [each for each in found if each["kind"] == "case_finished"]
            self._progress = next(each for each in found if each["kind"] == "progress")

        def probe(self) -> Any:
            environment = super().probe()
            usable = tuple(Device(device, f"a device {device}", 2**34) for device in devices)
            return replace(environment, devices=usable)

        def _case(self, case_id: str) -> Any:
            from cvbench_tui.wire import decode

            number = sum(case_id.encode())
            yield decode(json.dumps({"kind": "case_started", "case_id": case_id, "pid": 1, "at_s": time.time()}))
            for step in range(steps):
                told = {"case_id": case_id, "round": step + 1, "fraction": step / steps, "at_s": time.time()}
                told |= {"stage": "measuring", "phase": "total", "max_rounds": steps}
                told |= {"median_s": 0.01 + step * 1e-4, "half_width_s": 0.001 / (step + 1)}
                yield decode(json.dumps(self._progress | told))
            finished = dict(self._finished[number % len(self._finished)])
            finished["measurement"] = finished["measurement"] | {"case_id": case_id}
            yield decode(json.dumps(finished | {"at_s": time.time()}))

    ticked = Selection("bars", tuple(MODELS), tuple(LAYERS), tuple(devices), (), (), "quick")
    if rows < entries:
        ticked = replace(ticked, models=(), layers=tuple(LAYERS)[:rows])
    return Made(), ticked


async def beat(gaps: list[tuple[float, float]]) -> None:
    """Note when the loop comes late, until cancelled: the moment and by how much."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(BEAT_S)
        late = time.perf_counter() - began - BEAT_S
        if late > LATE_S:
            gaps.append((time.perf_counter(), late))


def app(options: argparse.Namespace) -> None:
    """The app until it is quit; then the loop's gaps as JSON into ``--gaps``."""
    from cvbench_tui.tui.app import BenchApp

    source, ticked = made_source(options.rows, options.pause, options.steps)
    made = BenchApp(source, runs_folder=options.folder, selection=ticked)
    gaps: list[tuple[float, float]] = []

    async def both() -> None:
        beating = asyncio.create_task(beat(gaps)) if options.gaps else None
        await made.run_async()
        if beating is not None:
            beating.cancel()

    asyncio.run(both())
    made.run_manager.shut_down()
    if options.gaps:
        options.gaps.write_text(json.dumps(gaps))


def main() -> int:
    """Run one side."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("side", choices=("bare", "list", "table", "app"))
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--rows", type=int, default=ROWS)
    arguments.add_argument("--pause", type=float, default=0.005, help="seconds between two events")
    arguments.add_argument("--steps", type=int, default=2, help="events of progress in a row")
    arguments.add_argument("--gaps", type=Path)
    options = arguments.parse_args()
    if options.side == "app":
        app(options)
    else:
        {"bare": bare, "list": plain_list, "table": plain_table}[options.side]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
