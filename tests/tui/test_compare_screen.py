"""The compare screen: opened by a key or from the list of runs, its keys, what it says where nothing is comparable."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.compare.model import Side
from cvbench_tui.results.storage.run_index import SeenFile
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.messages import RunAdvanced
from cvbench_tui.tui.screens.compare.along import AlongScreen
from cvbench_tui.tui.screens.compare.details import BothDetails
from cvbench_tui.tui.screens.compare.screen import CompareScreen
from cvbench_tui.tui.screens.help import HelpScreen
from cvbench_tui.tui.screens.runs import RunsScreen
from cvbench_tui.tui.screens.save import SaveScreen
from cvbench_tui.tui.state.compare_request import CompareRequest
from cvbench_tui.tui.widgets.compare_table import CompareTable
from cvbench_tui.tui.widgets.detail_view import DetailView
from cvbench_tui.tui.widgets.strips import Line
from tests.results.samples import measurement, model, plan, run_of
from tests.tui import compared, recorded
from tests.tui.dialog_app import said, seen
from tests.tui.flow import NARROW, WIDE, ended, known, run_all, strip, toasts
from tests.tui.test_hostile import FORBIDDEN, STRINGS
from tests.tui.waits import until

RESNET = Case(model("Resnet18"), "cpu", 8)


def held(app: BenchApp, run: Run) -> None:
    """That run is open."""
    app.run_manager.open(run, SeenFile(Path("run.jsonl"), None))


def screen(app: BenchApp) -> CompareScreen:
    assert isinstance(app.screen, CompareScreen)
    return app.screen


async def opened(app: BenchApp, pilot: Pilot[int]) -> CompareScreen:
    """Until the screen is there and its table has its columns."""
    await until(pilot, lambda: isinstance(app.screen, CompareScreen))
    await until(pilot, lambda: bool(table(app).layout_now.columns))
    return screen(app)


async def along(app: BenchApp, pilot: Pilot[int], run: Run) -> CompareScreen:
    """That run is open, and compared along the only axis in which its rows differ."""
    await known(app, pilot)
    held(app, run)
    await pilot.press("d")
    return await opened(app, pilot)


async def after(app: BenchApp, pilot: Pilot[int], *keys: str) -> None:
    """Those keys, each until the comparison that it asks for is there."""
    for key in keys:
        before = screen(app).found
        await pilot.press(key)
        await until(pilot, lambda before=before: screen(app).found is not before)  # type: ignore[misc]


def table(app: BenchApp) -> CompareTable:
    return screen(app).query_one(CompareTable)


def line(app: BenchApp, selector: str) -> str:
    return str(screen(app).query_one(selector, Line).visual)


def names(app: BenchApp) -> list[str]:
    return [key.split("|")[0].removeprefix("model:") for key in table(app).keys]


async def test_the_only_axis_in_which_rows_differ_is_compared(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await along(app, pilot, compared.along_memory_format())
        assert "Compare along memory format" in line(app, "#compare_title")
        assert "contiguous" in line(app, "#side_a")
        assert "baseline" in line(app, "#side_a")
        assert "channels_last" in line(app, "#side_b")
        assert "Only memory format differs." in line(app, "#differs")
        shown = seen(app)
        assert "1.40x" in shown
        assert "faster" in shown
        assert "OOM in channels_last" in shown
        assert "geometric mean of 7" in shown
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main_screen)


async def test_with_several_axes_one_is_chosen_unless_the_table_is_compared_along_one(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    run = compared.three_sides().sides[0].run
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        held(app, run)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, AlongScreen))
        assert "default, bf16, fp16" in seen(app)
        await pilot.press("down", "enter")
        await opened(app, pilot)
        assert screen(app).found.request.along == "memory_format"
        await after(app, pilot, "v")
        assert screen(app).found.request.along == "precision"
        await pilot.press("d")
        app.main_screen.results.view = replace(app.main_screen.results.view, compare="memory_format")
        await pilot.press("d")
        await opened(app, pilot)
        assert screen(app).found.request.along == "memory_format"


async def test_the_footer_has_room_for_its_keys_at_80_columns(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        app.compare_controller.ask(compared.three_sides())
        await opened(app, pilot)
        await until(pilot, lambda: bool(screen(app).query(FooterKey)))
        keys = screen(app).query(FooterKey)
        assert {"n", "v"} <= {key.key for key in keys}  # as many as there may be
        assert max(key.region.right for key in keys) <= NARROW[0]


async def test_sides_are_swapped_and_gone_through(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        app.compare_controller.ask(compared.three_sides())
        await opened(app, pilot)
        assert "bf16   1 of 2, n: next" in line(app, "#side_b")
        comparison = screen(app).found.lines.comparison
        assert comparison.corrected == 2 * len([row for row in comparison.rows if row.verdict])  # over both sides
        await after(app, pilot, "n")
        assert "fp16   2 of 2" in line(app, "#side_b")
        faster = screen(app).found.lines.comparison.rows[0].ratio
        await after(app, pilot, "w")
        slower = screen(app).found.lines.comparison.rows[0].ratio
        assert "fp16" in line(app, "#side_a")
        assert "default" in line(app, "#side_b")
        assert faster is not None
        assert slower is not None
        assert faster.speedup * slower.speedup == pytest.approx(1.0)


async def test_phases_and_orders(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await along(app, pilot, compared.along_memory_format())
        planned = names(app)
        assert screen(app).phases == ("total",)
        await after(app, pilot, "right")
        assert screen(app).phases == ("inference",)
        await after(app, pilot, "left", "h")
        assert screen(app).phases == ("backward",)
        await after(app, pilot, "l", "full_stop")
        assert "best first" in str(screen(app).query_one("#compared").border_title)
        assert names(app)[0] == "resnet50"
        await after(app, pilot, "o")
        assert names(app)[0] == "vit_b_16"
        await after(app, pilot, "comma", "comma")
        assert names(app) == planned


async def test_rows_are_filtered(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await along(app, pilot, compared.along_memory_format())
        await pilot.press("slash", *"resnet", "enter")
        assert names(app) == ["resnet50", "resnet18", "resnet34"]
        assert "3 of 8 rows" in str(screen(app).query_one("#compared").border_title)
        await pilot.press("slash", *"xyz", "down")
        assert line(app, "#about") == "No row matches the filter."
        await pilot.press("slash", "escape", "escape")
        assert len(names(app)) == 8


async def test_the_row_under_the_cursor_is_explained(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await along(app, pilot, compared.along_memory_format())
        await pilot.press("down", "j", "down")
        assert line(app, "#about").startswith("densenet121 in total: not told apart")
        assert "run --alternate memory_format measures both sides in turn" in line(app, "#about")
        await pilot.press("G")
        assert "OOM in channels_last. Enter shows why." in line(app, "#about")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BothDetails))
        pages = [view.row for view in app.screen.query(DetailView)]
        assert [page[1].endswith("channels_last") for page in pages if page] == [False, True]
        await pilot.press("tab", "escape")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_the_help_opens_over_it_with_its_keys_first(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await along(app, pilot, compared.along_memory_format())
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        first = [title for title, _ in app.screen._places[:2]]  # type: ignore[attr-defined]
        assert first == ["In a table", "In a comparison"], "the keys of where one is stand first"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_it_is_copied_and_saved(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await along(app, pilot, compared.along_memory_format())
        await pilot.press("y")
        assert re.search(r"\| resnet50 +\| +64 \|", app.clipboard)
        for suffix in (".md", ".csv", ".json", ".html", ".svg"):
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, SaveScreen))
            dialog = app.screen
            dialog.query_one("#path").value = f"compared{suffix}"  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        found = {path.suffix: path.read_text() for path in (tmp_path / "saves").iterdir()}
        assert set(found) == {".md", ".csv", ".json", ".html", ".svg"}
        assert all("resnet50" in text for text in found.values())
        assert "Saved compared.svg" in toasts(app)


async def test_marked_runs_are_compared_the_oldest_as_the_baseline(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        first = app.run_manager.state.run
        await pilot.press("r")
        await until(pilot, lambda: ended(app) and app.run_manager.state.run is not first)
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("space", "space", "d")
        await opened(app, pilot)
        assert "Compare runs" in line(app, "#compare_title")
        ids = [side.run.id for side in screen(app).found.request.sides]
        assert len(ids) == 2 == len(set(ids))


async def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    other = run_of(plan(Case(model("VGG16"), "cpu", 8)), measurement(Case(model("VGG16"), "cpu", 8), 0.1))
    alone = run_of(plan(RESNET), measurement(RESNET, 0.01))
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        app.compare_controller.ask(CompareRequest((Side("one", alone), Side("two", other)), "run"))
        await until(pilot, lambda: "No row of one does the work of a row of two." in strip(app))
        held(app, alone)
        await pilot.press("d")
        await until(pilot, lambda: "The rows differ in no setting." in strip(app))
        app.compare_controller.files((tmp_path / "gone.jsonl", tmp_path / "gone too.jsonl"))
        await until(pilot, lambda: "gone.jsonl" in strip(app))
        assert app.screen is app.main_screen
        sides = (Side("one", alone), Side("again", alone), Side("two", other))
        app.compare_controller.ask(CompareRequest(sides, "run"))
        await opened(app, pilot)
        await pilot.press("n")
        await until(pilot, lambda: "No row of one does the work of a row of two." in said(app))
        assert screen(app).query_one("#complaint").display


async def test_a_row_that_ends_during_the_run_is_compared_at_once(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    whole = compared.along_memory_format()
    first, last = whole.plan.cases[0].case_id, list(whole.outcomes)[-1]
    early = replace(whole, outcomes={key: each for key, each in whole.outcomes.items() if first == key})
    later = replace(whole, outcomes={key: each for key, each in whole.outcomes.items() if last != key})
    async with app.run_test(size=WIDE) as pilot:
        await along(app, pilot, early)
        assert all(row.ratio is None for row in screen(app).found.lines.comparison.rows)
        await after(app, pilot, "o")
        for run in (later, whole):
            app.post_message(RunAdvanced(run))
        await until(pilot, lambda: screen(app).found.request.sides[0].run is whole)
        assert screen(app).found.request.order == "best"
        assert sum(row.ratio is not None for row in screen(app).found.lines.comparison.rows) == 7
        found = screen(app).found
        app.post_message(RunAdvanced(replace(whole, progress=None)))
        await pilot.pause(0.3)
        assert screen(app).found is found, "progress alone compares nothing"


async def test_again_leaves_and_repeats(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    asked: list[str] = []
    app.compare_controller.again = lambda: asked.append("again")
    async with app.run_test(size=WIDE) as pilot:
        await along(app, pilot, compared.along_memory_format())
        screen(app).action_again()
        await until(pilot, lambda: app.screen is app.main_screen)
        assert asked == ["again"]


@pytest.mark.parametrize("hostile", STRINGS.values(), ids=STRINGS.keys())
async def test_texts_from_outside_are_text(tmp_path: Path, hostile: str) -> None:
    case = Case(model(hostile), "cpu", 8)
    run = run_of(plan(case, name=hostile), measurement(case, 0.01))
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        app.compare_controller.ask(CompareRequest((Side(hostile, run), Side(f"{hostile} 2", run)), "run"))
        await opened(app, pilot)
        for key in ("right", "down", "enter", "escape", "s", "escape", "y"):
            await pilot.press(key)
            await pilot.pause()
            assert not FORBIDDEN & set(seen(app).replace("\n", ""))
