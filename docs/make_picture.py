"""The pictures of the README: the real app playing back a real run file, at 120x40.

python docs/make_picture.py docs/example.jsonl docs
python docs/make_picture.py RUN docs AXIS

Written are selecting.svg, running.svg, app.svg, comparing.svg and detail.svg; of a run that measured an axis in turn
compare.svg, the values of that axis side by side. Nothing is measured here: the figures are
the run file's, the clock goes by its times, and the live gauges are off, because they would be this machine's.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from textual.pilot import Pilot

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.event import CaseFinished, Event, Progress, RunStarted, case_of
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.results.compare.build import sides_along
from cvbench_tui.results.storage.run_file import load, read_events
from cvbench_tui.settings import Settings
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.state.compare_request import CompareRequest
from cvbench_tui.tui.state.settings_store import SettingsStore
from tests.replay import ReplaySource

SIZE = (120, 40)
HOST = "workstation"
"""What the header calls the machine."""
SHOWN_VISITS = 45
"""Visits that are done before the run stands still for its picture."""
SHOWN_EVENTS = 2
"""Events of the next visit until then."""
REFERENCE_LINE = 5
"""The row that all are compared with: Resnet18, sixth by its total."""
DETAIL_LINES = 10
"""Lines scrolled in the detail, so that it begins with the first phase."""
DRAWN_S = 0.5
"""Wait for what is drawn a moment later, seconds."""


class StillSource(ReplaySource):
    """Stands still in the middle of one row until it is let go; tells the time of the run by its events."""

    def __init__(self, recorded: Sequence[Event]) -> None:
        super().__init__(recorded)
        self.now_s = next(event.at_s for event in recorded if isinstance(event, RunStarted))
        self.still, self.go_on = threading.Event(), threading.Event()

    def events(
        self,
        plan: Plan,
        measured: Mapping[str, Measurement] | None = None,
        more: Callable[[], Iterable[Case]] = tuple,
    ) -> Iterator[Event]:
        """The recorded ones, with the stop."""
        done = seen = 0
        for event in super().events(plan, measured, more):
            self.now_s = max(self.now_s, getattr(event, "at_s", 0.0))
            done += isinstance(event, CaseFinished)
            yield event
            seen += done == SHOWN_VISITS and case_of(event) is not None
            if done == SHOWN_VISITS and seen > SHOWN_EVENTS and isinstance(event, Progress):
                self.still.set()
                self.go_on.wait()


def selection_of(plan: Plan) -> Selection:
    """The ticks that make that plan again."""
    names = {kind: [c.workload.name for c in plan.cases if c.workload.kind == kind] for kind in ("model", "layer")}
    return Selection(
        plan.name,
        tuple(dict.fromkeys(map(find_model, names["model"]))),
        tuple(dict.fromkeys(map(find_layer, names["layer"]))),
        tuple(dict.fromkeys(case.device for case in plan.cases)),
        (plan.cases[0].batch,),
        (),
        plan.protocol.name,
    )


async def draw(run_file: Path, pictures: Path) -> None:
    """Tick, run, compare, explain; a picture of each."""
    events = list(read_events(run_file))
    started = next(event for event in events if isinstance(event, RunStarted))
    source = StillSource(events)
    with tempfile.TemporaryDirectory() as folder:
        app = BenchApp(
            source,
            runs_folder=Path(folder),
            selection=selection_of(started.plan),
            host=HOST,
            clock=lambda: source.now_s,
            settings_store=SettingsStore(settings=Settings(gauges="off", sort="total")),
        )
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(DRAWN_S)
            await _pictures(app, pilot, source, pictures)


async def _pictures(app: BenchApp, pilot: Pilot[int], source: StillSource, folder: Path) -> None:
    async def picture(name: str) -> None:
        await pilot.pause(DRAWN_S)
        _save(app, folder / f"{name}.svg")

    await pilot.press("slash", *"rsn")
    await picture("selecting")
    await pilot.press("escape", "escape", "r")
    while not source.still.is_set():
        await pilot.pause(0.02)
    await picture("running")
    source.go_on.set()
    while app.run_manager.state.run is None or app.run_manager.state.run.ended is None:
        await pilot.pause(0.02)
    await pilot.press("g", *["down"] * REFERENCE_LINE)
    await picture("app")
    await pilot.press("m", "f")
    await picture("comparing")
    await pilot.press("f", "up", "enter")
    await pilot.press(*["j"] * DETAIL_LINES)
    await picture("detail")


async def draw_comparison(run_file: Path, pictures: Path, axis: str) -> None:
    """The values of that axis side by side."""
    run = load(run_file)
    with tempfile.TemporaryDirectory() as folder:
        store = SettingsStore(settings=Settings(gauges="off"))
        source = ReplaySource(list(read_events(run_file)))
        app = BenchApp(source, runs_folder=Path(folder), host=HOST, settings_store=store)
        async with app.run_test(size=SIZE) as pilot:
            app.compare_controller.ask(CompareRequest(sides_along(run, axis), axis))
            await pilot.pause(DRAWN_S)
            _save(app, pictures / "compare.svg")


def _save(app: BenchApp, path: Path) -> None:
    path.write_text(_without_fonts(app.export_screenshot(title="cvbench-tui")))


def _without_fonts(svg: str) -> str:
    """The picture without fonts from the net: a page shows it without asking anybody else."""
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    run_file, pictures, *axes = sys.argv[1:]
    for axis in axes:
        asyncio.run(draw_comparison(Path(run_file), Path(pictures), axis))
    if not axes:
        asyncio.run(draw(Path(run_file), Path(pictures)))
