"""The picture in the README: the real app playing back a real run file.

python docs/make_picture.py docs/example.jsonl docs/app.svg
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.event import RunStarted
from cvbench_tui.core.plan import Plan
from cvbench_tui.engine.replay import ReplaySource
from cvbench_tui.results.store import read_events
from cvbench_tui.tui.app import BenchApp

SIZE = (136, 34)


def selection_of(plan: Plan) -> Selection:
    """The ticks that make that plan again."""
    names = {kind: [c.workload.name for c in plan.cases if c.workload.kind == kind] for kind in ("model", "layer")}
    return Selection(
        plan.name,
        tuple(dict.fromkeys(map(find_model, names["model"]))),
        tuple(dict.fromkeys(map(find_layer, names["layer"]))),
        tuple(dict.fromkeys(case.device for case in plan.cases)),
        plan.cases[0].batch,
        None,
        plan.protocol.name,
    )


async def draw(run_file: Path, picture: Path) -> None:
    """Press r, wait for the end, sort by inference and take the picture."""
    events = list(read_events(run_file))
    started = next(event for event in events if isinstance(event, RunStarted))
    with tempfile.TemporaryDirectory() as folder:
        app = BenchApp(ReplaySource(events), runs_folder=Path(folder), selection=selection_of(started.plan))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(0.5)
            await pilot.press("r")
            while app.conductor.run is None or app.conductor.run.ended is None:
                await pilot.pause(0.1)
            await pilot.press("full_stop", "down", "down")
            await pilot.pause(0.5)
            picture.write_text(app.export_screenshot(title="cvbench-tui"))


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]), Path(sys.argv[2])))
