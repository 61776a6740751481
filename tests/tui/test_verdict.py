"""The verdict in the app: on the run that is open, and what the key does without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvbench_tui.tui.screens.text.verdict import VerdictScreen
from tests.tui.flow import NARROW, WIDE, known, strip, text
from tests.tui.test_trend import kept_app, shown
from tests.tui.waits import until


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_open_run_is_judged_by_the_kept_ones(tmp_path: Path, size) -> None:
    app = kept_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await shown(app, pilot)
        await pilot.press("V", "V")
        await until(pilot, lambda: isinstance(app.screen, VerdictScreen) and "cuda:0" in text(app, "Static"))
        page = " ".join(text(app, "Static").split())
        assert page.startswith("cuda:0 NVIDIA H100 80GB HBM3: as fast as it should be (1 of 1 row)")
        assert "the median of 2 kept runs" in page
        assert "Not measured" in page
        await pilot.press("escape")
        assert app.screen is app.main_screen, "a key pressed twice opens one"


async def test_without_a_run_its_preset_is_ticked(tmp_path: Path) -> None:
    app = kept_app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await pilot.press("V")
        await until(pilot, lambda: "verdict" in strip(app))
        assert "is ticked. r runs it." in strip(app)
        assert app.plan_selection.workloads >= 2
