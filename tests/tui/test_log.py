"""The log as the user sees it: what it is for, what came, from its oldest line to its newest, and in the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Log

from cvbench_tui.engine.replay import ReplaySource
from cvbench_tui.tui.app import BenchApp
from tests.tui import recorded
from tests.tui.dialog_app import seen
from tests.tui.flow import NARROW, known, run_all, until

pytestmark = pytest.mark.timeout(60)


class Talking(ReplaySource):
    """Its worker says something on stderr."""

    hear: Callable[[str], None]

    def listen(self, hear: Callable[[str], None]) -> None:
        self.hear = hear


def lines(app: BenchApp) -> str:
    return "\n".join(app.bench.log_pane.query_one(Log).lines)


async def test_what_came_is_read_and_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvbench_tui.tui.clipboard.tool_for", lambda environ: [])
    source = Talking(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("5")
        assert "Here stands what the measuring process says" in seen(app)
        await run_all(app, pilot)
        await pilot.press("5")
        await until(pilot, lambda: "Resnet18" in lines(app))
        assert "Nothing yet" not in lines(app)
        source.hear("a warning of torch [/] [bold]\x1b[31mred")
        await until(pilot, lambda: "a warning of torch [/] [bold]\\x1b[31mred" in lines(app))
        await pilot.press("1")
        for number in range(100):
            source.hear(f"line {number}")
        await pilot.press("5")
        await until(pilot, lambda: "line 99" in seen(app))
        await pilot.press("g")
        await until(pilot, lambda: "line 99" not in seen(app) and "Resnet18" in seen(app))
        await pilot.press("G")
        await until(pilot, lambda: "line 99" in seen(app))
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard.endswith("line 99"))
        assert "\x1b" not in app.clipboard
