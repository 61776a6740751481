"""Presets, columns and runs: what is seen and what they close with."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from cvbench_tui.errors import SelectionError
from cvbench_tui.results.storage.run_contents import RunContents
from cvbench_tui.results.storage.run_index import RunSummary
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.tui.screens.base import ConfirmScreen
from cvbench_tui.tui.screens.columns import ColumnsScreen
from cvbench_tui.tui.screens.presets import PresetsScreen
from cvbench_tui.tui.screens.run_name import RunNameScreen
from cvbench_tui.tui.screens.runs import RunsChoice, RunsScreen
from cvbench_tui.tui.widgets.choices import DialogList
from tests.tui.dialog_app import LOW, SIZES, UNTOUCHED, DialogApp, Preset, rows_of, said, seen
from tests.tui.waits import until

LOWEST = (60, 16)
PRESETS = [
    Preset("quick", "A first look."),
    Preset("published", "Every row [b]", workloads=26),
    Preset("mine [/x]\x1b", "", own=True, workloads=1),
    Preset("broken", own=True, workloads=0, problem="broken.toml: models: expected a list of names, got text [b]."),
]
MANY = [*PRESETS, *(Preset(f"own {number}", own=True) for number in range(40))]
AT_S = 1_764_000_100.0
RUNS = [
    RunSummary("a", Path("/r/a.jsonl"), AT_S, "quick", 3, 3, 0, "finished"),
    RunSummary("b", Path("/r/b.jsonl"), AT_S - 86400, "a plan [b] with quite a long name", 30, 3, 1, None),
    RunSummary("c", Path("/r/c.jsonl"), AT_S - 2 * 86400, "vgg", 8, 5, 0, "cancelled"),
    RunSummary("torn", Path("/r/torn.jsonl"), problem="/r/torn.jsonl is empty [/]."),
]


def presets(can_save: bool = True, entries: list[Preset] | None = None) -> DialogApp:
    return DialogApp(PresetsScreen(entries or PRESETS, can_save))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [*SIZES, LOWEST])
@pytest.mark.parametrize("entries", [PRESETS, MANY])
async def test_presets_are_told_and_opened(size: tuple[int, int], entries: list[Preset]) -> None:
    app = presets(entries=entries)
    async with app.run_test(size=size) as pilot:
        await pilot.press("n")
        assert rows_of(app) <= (LOW if size == SIZES[0] else size[1])
        await pilot.press("escape")
        page = seen(app)
        assert "quick" in page
        assert "26       Every row [b]" in page
        assert "mine [/x]" in page
        assert "\x1b" not in page
        await pilot.press("j", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ("open", "published")


@pytest.mark.parametrize("name", ["x" * 300, "\u6f22" * 300, "\u202eabc[/]" * 40])
async def test_long_and_wide_names_leave_the_facts_in_their_place(name: str) -> None:
    app = presets(entries=[Preset("quick"), Preset(name, own=True)])
    run = RunSummary("a", Path("/r/a.jsonl"), AT_S, name, 3, 3, 0, "finished")
    async with app.run_test(size=SIZES[0]) as pilot:
        assert "...    2  own" in seen(app)
        app.push_screen(RunsScreen([run]))
        await pilot.pause()
        assert "...  finished: 3 measured" in seen(app)


async def test_a_preset_that_cannot_be_read_says_why_and_can_be_deleted() -> None:
    app = presets()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("G", "enter")
        assert said(app) == PRESETS[3].problem
        await pilot.press("k")
        assert "your own" in said(app)
        await pilot.press("down", "delete", "y")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ("delete", "broken")


async def test_deleting_is_asked_and_a_shipped_preset_stays() -> None:
    app = presets()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("d")
        assert "quick is shipped" in said(app)
        await pilot.press("j", "j", "d")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("escape")
        assert app.result is UNTOUCHED
        await pilot.press("g", "escape")
        await until(pilot, lambda: app.result is None)


async def test_ticks_are_saved_under_a_new_name() -> None:
    app = presets()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("n", "enter")
        assert said(app) == "Type a name."
        await pilot.press(*"Quick", "enter")
        assert "choose another name" in said(app)
        await pilot.press("ctrl+u", *"new one", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ("save", "new one")


async def test_an_own_preset_is_overwritten_after_a_question() -> None:
    app = presets(entries=[PRESETS[0], Preset("mine", own=True)])
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("n", *"mine", "enter", "n")
        assert app.result is UNTOUCHED
        await pilot.press("enter", "y")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ("save", "mine")


async def test_a_name_is_checked_and_escape_goes_back_step_by_step() -> None:
    app = DialogApp(PresetsScreen(PRESETS, True, lambda name: f"Not {name}."))  # type: ignore[arg-type]
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("n", *"a/b", "enter")
        assert said(app) == "Not a/b."
        await pilot.press("escape")
        assert app.screen.query_one("#name", Input).value == ""
        await pilot.press("escape")
        assert isinstance(app.screen.focused, DialogList)
        await pilot.press("escape")
        await until(pilot, lambda: app.result is None)


async def test_the_arrows_of_the_name_move_in_the_list() -> None:
    app = presets()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("n", "down")
        assert app.screen.query_one(DialogList).highlighted == 1
        await pilot.press("up")
        assert app.screen.query_one(DialogList).highlighted == 0
        assert app.screen.focused is app.screen.query_one("#name", Input)


async def test_nothing_ticked_cannot_be_saved() -> None:
    app = presets(can_save=False)
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("n")
        assert "Nothing is ticked" in said(app)


async def test_presets_by_mouse() -> None:
    app = presets()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.click(DialogList, offset=(4, 2))
        assert app.result is UNTOUCHED
        await pilot.click("#delete")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.click("#no")
        await pilot.click("#save")
        assert app.screen.focused is app.screen.query_one("#name")
        await pilot.click(DialogList, offset=(4, 1))
        await pilot.click(DialogList, offset=(4, 1))
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ("open", "published")
    for button, expected in (("#open", ("open", "quick")), ("#close", None)):
        app = presets()
        async with app.run_test(size=SIZES[0]) as pilot:
            await pilot.click(button)
            await until(pilot, lambda app=app: app.result is not UNTOUCHED)  # type: ignore[misc]
        assert app.result == expected


@pytest.mark.parametrize("size", SIZES)
async def test_every_column_is_explained_and_the_dialog_stays_low(size: tuple[int, int]) -> None:
    app = DialogApp(ColumnsScreen(COLUMNS, ()))
    async with app.run_test(size=size) as pilot:
        assert "Automatic: as many as" in said(app, "#count")
        for column in COLUMNS:
            assert said(app, "#about") == column.help
            assert f"[x] {column.heading}" in seen(app)
            assert size != SIZES[0] or rows_of(app) <= LOW
            await pilot.press("j")
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ()


async def test_columns_are_ticked() -> None:
    app = DialogApp(ColumnsScreen(COLUMNS, ("device", "total")))
    async with app.run_test(size=SIZES[0]) as pilot:
        assert f"3 of {len(COLUMNS)} columns" in said(app, "#count")
        await pilot.press("space")
        assert "always shown" in said(app, "#about")
        await pilot.press("down", "space", "down", "down", "space")
        assert "[ ] Device" in seen(app)
        assert "[x] Batch" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ("name", "batch", "total")


async def test_unticking_one_of_the_automatic_columns_keeps_the_others() -> None:
    app = DialogApp(ColumnsScreen(COLUMNS, ()))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("j", "space", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == tuple(column.key for column in COLUMNS if column.key != "device")


@pytest.mark.parametrize(("key", "expected"), [("a", ()), ("escape", None)])
async def test_columns_automatic_or_left_alone(key: str, expected: object) -> None:
    app = DialogApp(ColumnsScreen(COLUMNS, ("device",)))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == expected


async def test_columns_by_mouse() -> None:
    app = DialogApp(ColumnsScreen(COLUMNS, ("device",)))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.click(DialogList, offset=(1, 3))
        assert "[x] Batch" in seen(app)
        await pilot.click("#tick")
        assert "[ ] Batch" in seen(app)
        await pilot.click(DialogList, offset=(1, 4))
        await pilot.click("#use")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == ("name", "device", "image")
    for button, expected in (("#automatic", ()), ("#close", None)):
        app = DialogApp(ColumnsScreen(COLUMNS, ("device",)))
        async with app.run_test(size=SIZES[0]) as pilot:
            await pilot.click(button)
            await until(pilot, lambda app=app: app.result is not UNTOUCHED)  # type: ignore[misc]
        assert app.result == expected


@pytest.mark.parametrize("size", SIZES)
async def test_runs_are_told_and_opened(size: tuple[int, int]) -> None:
    app = DialogApp(RunsScreen([*RUNS, *(RUNS[3:] * 30)]))
    async with app.run_test(size=size) as pilot:
        assert size != SIZES[0] or rows_of(app) <= LOW
        page = seen(app)
        assert time.strftime("%Y-%m-%d %H:%M", time.localtime(AT_S)) in page
        assert "a plan [b] with quite a l" in page
        assert "interrupted: 3 m" in page
        assert "1 failed, 26" in page or size[0] < 100
        for word in ("finished", "interrupted", "cancelled", "torn: /r/torn.jsonl is empty [/]."):
            assert word in page
        await pilot.press("j", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=RUNS[1].path)


@pytest.mark.parametrize("size", [*SIZES, LOWEST])
async def test_a_run_that_cannot_be_read_says_all_of_why_and_is_never_opened(size: tuple[int, int]) -> None:
    problem = "/r/t.jsonl, line 3: " + "torn [/] " * 9 + "to the end.\x1b"
    torn = RunSummary("t" * 40, Path("/r/t.jsonl"), problem=problem)
    app = DialogApp(RunsScreen([*RUNS[:3], torn]))
    async with app.run_test(size=size) as pilot:
        assert rows_of(app) <= min(LOW, size[1])
        assert said(app) == "quick   a"
        for keys in (("G",), ("enter",), ("slash", "enter")):
            await pilot.press(*keys)
            assert said(app) == torn.problem.replace("\x1b", "\\x1b")
            assert app.result is UNTOUCHED
        await pilot.press("escape")
        assert said(app) == torn.problem.replace("\x1b", "\\x1b"), "the cursor stays where it was"
        await pilot.press("g")
        assert said(app) == "quick   a"
        await pilot.press("slash", *"line 3")
        await until(pilot, lambda: "torn [/]" in said(app))
        await pilot.press(*"x")
        await until(pilot, lambda: "No run matches" in seen(app))
        assert said(app) == ""
        await pilot.press("escape", "escape", "g", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=RUNS[0].path)


async def test_a_run_that_cannot_be_read_is_told_by_mouse() -> None:
    app = DialogApp(RunsScreen(RUNS))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.click(DialogList, offset=(2, 3))
        await pilot.click(DialogList, offset=(2, 3))
        await pilot.click("#open")
        assert said(app) == RUNS[3].problem
        assert app.result is UNTOUCHED


async def test_runs_are_filtered() -> None:
    app = DialogApp(RunsScreen(RUNS))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("slash", *"nothing")
        await until(pilot, lambda: "No run matches" in seen(app))
        await pilot.press("enter")
        assert app.result is UNTOUCHED
        await pilot.press("escape", *"jsonl")
        await until(pilot, lambda: "torn" in seen(app) and "quick" not in seen(app))
        await pilot.press("enter")
        assert app.result is UNTOUCHED
        await pilot.press("escape", *"VGG can", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=RUNS[2].path)


async def test_the_arrows_move_in_the_list_while_the_filter_is_typed() -> None:
    app = DialogApp(RunsScreen(RUNS))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("slash", "down", "down", "up", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=RUNS[1].path)
    app = DialogApp(RunsScreen(RUNS))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("slash", "escape")
        assert isinstance(app.screen.focused, DialogList)
        await pilot.press("escape")
        await until(pilot, lambda: app.result is None)


async def test_runs_by_mouse() -> None:
    app = DialogApp(RunsScreen(RUNS))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.click(DialogList, offset=(2, 3))
        await pilot.click(DialogList, offset=(2, 2))
        await pilot.click("#open")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=RUNS[2].path)


async def test_no_runs_say_what_to_do() -> None:
    app = DialogApp(RunsScreen([]))
    async with app.run_test(size=SIZES[0]) as pilot:
        assert "press r to measure" in seen(app)
        await pilot.press("slash", "enter")
        await until(pilot, lambda: app.result is None)


async def test_a_long_list_of_runs_has_lines_as_the_cursor_comes_to_them_and_a_filter_sees_all() -> None:
    many = [RunSummary(f"r{number}", Path(f"/r/r{number}.jsonl"), AT_S - 60 * number, f"p{number}", 1, 1)
            for number in range(1000)]  # fmt: skip
    app = DialogApp(RunsScreen(many))
    async with app.run_test(size=SIZES[1]) as pilot:
        listing = app.screen.query_one(DialogList)
        assert "1000 runs" in seen(app)
        seen_lines = []
        for _ in range(8):
            seen_lines.append(listing.option_count)
            await pilot.press("end")
        assert seen_lines[0] < seen_lines[1] < 1000
        assert listing.option_count == 1000
        await pilot.press("slash", *"p987")
        assert listing.option_count == 1
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=many[987].path)


async def test_runs_that_are_read_meanwhile_come_in_and_the_cursor_stays_on_its_run() -> None:
    going_on = threading.Event()
    asked: list[int] = []

    def more() -> tuple[list[RunSummary], int]:
        going_on.wait(60)
        asked.append(0)
        return (RUNS[:3], 1) if len(asked) == 1 else (RUNS, 0)

    app = DialogApp(RunsScreen(RUNS[1:2], more))
    async with app.run_test(size=SIZES[1]) as pilot:
        assert app.screen.query_one(DialogList).option_count == 1
        going_on.set()
        await until(pilot, lambda: len(asked) == 2 and app.screen.query_one(DialogList).option_count == 4)
        assert "torn" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=RUNS[1].path)


async def test_marked_runs_are_compared_the_oldest_first() -> None:
    app = DialogApp(RunsScreen(RUNS))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("space", "d")
        assert "Mark two runs or more" in said(app)
        assert "1 marked" in seen(app)
        await pilot.press("g", "space", "g", "space", "j", "space")
        assert "2 marked" in seen(app)
        assert [line for line in seen(app).splitlines() if "* 20" in line][1].count("cancelled") == 1
        await pilot.press("space")
        assert said(app) == RUNS[3].problem, "what cannot be read is not marked"
        await pilot.press("d")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(compare=(RUNS[2].path, RUNS[0].path))


WORKLOADS = ("Resnet18", "VGG16", "Conv")
OF = RunContents("[b] base|=1", ("nightly", "new driver"), WORKLOADS, ("NVIDIA GeForce RTX 4090",), ("fp32/bf16",))
NAMED = RunSummary("a", Path("/r/a.jsonl"), AT_S, "selection", 3, 3, 0, "finished", contents=OF)


@pytest.mark.parametrize("size", [*SIZES, LOWEST])
async def test_a_run_is_told_by_its_name_and_by_what_it_measured(size: tuple[int, int]) -> None:
    plain = replace(NAMED, path=Path("/r/p.jsonl"), contents=replace(NAMED.contents, label="", tags=()))
    app = DialogApp(RunsScreen([NAMED, plain]))
    async with app.run_test(size=size) as pilot:
        assert rows_of(app) <= min(LOW, size[1]) or size == SIZES[1]
        assert "[b] base|=1: Resnet18" in seen(app)
        assert said(app) == "[b] base|=1: Resnet18, VGG16 +1 on RTX 4090, fp32/bf16   tags nightly, new driver   a"
        await pilot.press("j")
        assert said(app) == "Resnet18, VGG16 +1 on RTX 4090, fp32/bf16   p"
        assert "RTX 4090, fp32/bf16 finished: 3" in " ".join(seen(app).split()) or size != SIZES[1]


@pytest.mark.parametrize("words", ["4090", "conv", "new driver", "base|", "bf16", "fin base"])
async def test_the_filter_finds_all_that_is_known_of_a_run(words: str) -> None:
    app = DialogApp(RunsScreen([*RUNS[1:], NAMED]))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("slash", *words)
        await until(pilot, lambda: "base" in seen(app) and "torn" not in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == RunsChoice(open=NAMED.path)


class FakeKeeper:
    """Touches no file."""

    def __init__(self) -> None:
        self.deleted: list[list[Path]] = []

    def label(self, path: Path, name: str, tags: Sequence[str]) -> RunSummary:
        if "/" in name:
            raise SelectionError("'/' cannot be.", "Take another.")
        return replace(NAMED, path=path, contents=replace(NAMED.contents, label=name, tags=tuple(tags)))

    def delete(self, paths: Sequence[Path]) -> int:
        self.deleted.append(list(paths))
        return len(paths)

    def undo(self) -> Sequence[RunSummary]:
        paths = self.deleted.pop() if self.deleted else []
        return [run for run in RUNS if run.path in paths]


async def test_a_run_is_named_in_the_list() -> None:
    app = DialogApp(RunsScreen(RUNS, keeper=FakeKeeper()))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("j", "n")
        assert isinstance(app.screen, RunNameScreen)
        await pilot.press(*"a/b", "enter")
        assert said(app) == "'/' cannot be. Take another."
        await pilot.press("backspace", "backspace", "tab", *"x, y", "enter")
        await until(pilot, lambda: app.screen is app.dialog)
        assert "a: Resnet18" in seen(app)
        assert said(app).startswith("Named:")
        await pilot.press("j", "k")
        assert "tags x, y" in said(app)
        await pilot.press("n", "escape")
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.press("G", "n")
        assert app.screen is app.dialog, "what cannot be read has no name"
        assert said(app) == RUNS[3].problem


async def test_runs_are_deleted_and_brought_back_in_the_list() -> None:
    keeper = FakeKeeper()
    app = DialogApp(RunsScreen(RUNS, keeper=keeper))
    async with app.run_test(size=SIZES[0]) as pilot:
        listing = app.screen.query_one(DialogList)
        await pilot.press("j", "delete")
        assert keeper.deleted == [[RUNS[1].path]]
        assert (listing.option_count, listing.highlighted) == (3, 1)
        assert said(app) == "1 run deleted. u brings it back."
        await pilot.press("u")
        assert (listing.option_count, listing.highlighted) == (4, 1)
        assert said(app) == "1 run back."
        await pilot.press("u")
        assert "Nothing was deleted here" in said(app)
        await pilot.press("g", "space", "space", "delete")
        assert keeper.deleted == [[RUNS[0].path, RUNS[1].path]], "the marked ones"
        assert listing.option_count == 2
        assert "marked" not in said(app, "#heading")
        await pilot.press("u", "d")
        assert "Mark two runs" in said(app), "what comes back is not marked"
