"""timm's list comes into the app in the background."""

from __future__ import annotations

from pathlib import Path

from cvbench_tui.catalog.names import find_model
from cvbench_tui.catalog.selection import Selection
from tests.tui import recorded
from tests.tui.waits import until

TICKED = Selection("selection", (find_model("Resnet18"),), (), ("cpu",))


async def test_the_list_grows_when_it_is_read_and_the_filter_finds_both(tmp_path: Path, with_timm) -> None:
    app = recorded.app(tmp_path, selection=TICKED)
    async with app.run_test(size=(120, 40)) as pilot:
        models = app.plan_selection.models
        await until(pilot, lambda: len(models.items) > 1400)
        assert models.ticked == ("Resnet18",)
        assert "1 of 1473" in str(app.main_screen.lists["models"].border_title)
        await pilot.press("slash", *"timm:resnet50d", "tab")
        await until(pilot, lambda: models.filter_text == "timm:resnet50d")
        assert models.shown[0].key == "timm:resnet50d"
        await pilot.press("space")
        assert models.ticked == ("Resnet18", "timm:resnet50d")


async def test_without_timm_nothing_more_comes(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=TICKED)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.plan_selection.devices.items)
        assert len(app.plan_selection.models.items) == 107
