"""The trend of a row in the app: from the table, from its detail, and where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.screens.detail import DetailScreen
from cvbench_tui.tui.screens.text.trend import TrendScreen
from tests.results.samples import measurement
from tests.results.trend.kept import ROW, keep, keep_times, with_versions
from tests.tui import recorded
from tests.tui.flow import NARROW, WIDE, text
from tests.tui.waits import until

OTHER = ROW.varied(precision="amp-bf16")


def kept_app(folder: Path) -> BenchApp:
    """Over a folder with three runs of a row; the newest has another one too."""
    runs = folder / "runs"
    keep_times(runs, 0.01, 0.02)
    keep(runs, "last", measurement(ROW, 0.02), cases=(ROW, OTHER), day=2, environment=with_versions(torch="2.15 [b]"))
    app = recorded.app(folder)
    assert app.forecast.history.folder == runs
    return app


async def shown(app: BenchApp, pilot: Pilot[int]) -> None:
    """The newest run, once the others are known."""
    await until(pilot, lambda: len(list(app.forecast.history.rows())) == 3)
    path = app.forecast.history.folder / "last.jsonl"
    assert app.run_manager.open(load(path), seen(path))
    app.main_screen.go_to("results")
    await pilot.pause()


@pytest.mark.parametrize("size", [NARROW, WIDE])
@pytest.mark.parametrize("detail", [False, True])
async def test_a_key_shows_the_trend_of_the_row_under_the_cursor(tmp_path: Path, size, detail) -> None:
    app = kept_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await shown(app, pilot)
        if detail:
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await pilot.press("T", "T")
        await until(pilot, lambda: isinstance(app.screen, TrendScreen) and "3 runs" in text(app, "Static"))
        page = text(app, "Static")
        assert page.startswith("Resnet18, batch 8: total per iteration on cuda:0")
        assert "torch 2.15 [b], was 2.14.1+cu130" in page.replace("\n", " ").replace("  ", " ")
        assert "slower" in page
        await pilot.press("escape")
        assert not isinstance(app.screen, TrendScreen), "a key pressed twice opens one"


async def test_a_row_without_numbers_in_any_run_says_so(tmp_path: Path) -> None:
    app = kept_app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await shown(app, pilot)
        await pilot.press("j", "T")
        await until(pilot, lambda: isinstance(app.screen, TrendScreen) and "No kept run" in text(app, "Static"))
        assert "No kept run has numbers of this row." in text(app, "Static")


async def test_what_is_shown_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = kept_app(tmp_path)
    copied: list[str] = []
    monkeypatch.setattr(app.save_controller, "copy", lambda text, what: copied.append(text))
    async with app.run_test(size=WIDE) as pilot:
        await shown(app, pilot)
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TrendScreen) and "3 runs" in text(app, "Static"))
        await pilot.press("y")
        await until(pilot, lambda: copied)
    assert copied[0].startswith("Resnet18, batch 8")
