"""Save and confirm: what is seen and what they close with, at the smallest and the usual size."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.widgets import Input

from cvbench_tui.base.choices import Layout
from cvbench_tui.errors import StoreError
from cvbench_tui.tui.screens.base import ConfirmScreen
from cvbench_tui.tui.screens.save import SaveScreen
from cvbench_tui.tui.state.save_path import path_problem
from cvbench_tui.tui.widgets.choices import RadioList
from cvbench_tui.tui.widgets.path_input import suggestion
from tests.tui.dialog_app import LOW, SIZES, UNTOUCHED, DialogApp, rows_of, said, seen
from tests.tui.waits import until


class Written:
    """Takes what is to be written; refuses when told to."""

    def __init__(self, refusal: str = "") -> None:
        self.calls: list[tuple[Path, Layout]] = []
        self._refusal = refusal

    def __call__(self, path: Path, layout: Layout) -> None:
        if self._refusal:
            raise StoreError(self._refusal, "Choose another.")
        self.calls.append((path, layout))


@pytest.mark.parametrize("size", SIZES)
async def test_enter_saves_under_the_suggested_name(tmp_path: Path, size: tuple[int, int]) -> None:
    write = Written()
    app = DialogApp(SaveScreen(tmp_path / "table.md", write))
    async with app.run_test(size=size) as pilot:
        assert rows_of(app) <= LOW
        assert "markdown, short layout" in said(app, "#form")
        assert "Save" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == tmp_path / "table.md"
    assert write.calls == [(tmp_path / "table.md", "short")]


async def test_the_form_follows_the_suffix_and_only_markdown_has_layouts(tmp_path: Path) -> None:
    app = DialogApp(SaveScreen(tmp_path / "table.md", Written(), "original"))
    async with app.run_test(size=SIZES[0]) as pilot:
        assert "markdown, original layout" in said(app, "#form")
        field = app.screen.query_one("#path", Input)
        for name, form in (("a.json", "JSON: every sample"), ("a.CSV", "CSV"), ("a.svg", "SVG: a picture")):
            field.value = name
            await pilot.pause()
            assert form in said(app, "#form")
            assert "published tables" not in seen(app)
        field.value = "a.mdd"
        await until(pilot, lambda: "Nearest: .md." in said(app))
        assert "the suffix sets the format" in said(app, "#form")


async def test_the_path_is_looked_at_while_it_is_typed(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("precious")
    (tmp_path / "sub.md").mkdir()
    app = DialogApp(SaveScreen(tmp_path / "table.md", Written()))
    async with app.run_test(size=SIZES[0]) as pilot:
        field = app.screen.query_one("#path", Input)
        for typed, sentence in (
            ("no[b]/such.md", "there is no folder"),
            ("sub.md", "is a folder"),
            ("", "Name a file"),
            ("old.md", "already exists; Enter asks"),
            ("a\x00b.md", "Cannot write"),
        ):
            field.value = typed
            await until(pilot, lambda sentence=sentence: sentence in said(app))  # type: ignore[misc]
        field.value = "free.md"
        await until(pilot, lambda: said(app) == "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.md", "sub.md"]


async def test_overwriting_is_asked(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("precious")
    write = Written()
    app = DialogApp(SaveScreen(tmp_path / "old.md", write))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("enter")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("n")
        assert (app.result, write.calls) == (UNTOUCHED, [])
        await pilot.press("enter", "y")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert write.calls == [(tmp_path / "old.md", "short")]


async def test_what_cannot_be_written_is_said_and_the_path_stays(tmp_path: Path) -> None:
    app = DialogApp(SaveScreen(tmp_path / "[b]x.md", Written("The disk is full [/] of \x1b[31m.")))
    async with app.run_test(size=SIZES[0]) as pilot:
        app.screen.query_one("#path", Input).value = "[b]y.md"
        await pilot.press("enter")
        await pilot.pause()  # the path is looked at soon after it was changed
        assert "The disk is full [/] of" in said(app)
        assert "Choose another." in said(app)
        assert "\x1b" not in said(app)
        assert app.screen.query_one("#path", Input).value == "[b]y.md"
        await pilot.press("escape")
        await until(pilot, lambda: app.result is None)


async def test_a_download_knows_nothing_of_this_machines_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "secret"))
    (tmp_path / "results").mkdir()
    (tmp_path / "old.md").write_text("precious")
    write = Written()
    app = DialogApp(SaveScreen(tmp_path / "table.md", write, download=True))
    async with app.run_test(size=SIZES[0]) as pilot:
        assert said(app, "#form") == "Goes to your browser's downloads: markdown, short layout"
        assert "complete" not in seen(app)
        await pilot.press("ctrl+u", *"res")
        await until(pilot, lambda: "No suffix is not a supported format" in said(app))
        await pilot.press("enter")
        assert "results" not in seen(app)
        assert write.calls == []
        await pilot.press("tab", "shift+tab", "ctrl+u", *"~/", "enter")
        assert said(app) == "Name a file."
        await pilot.press("ctrl+u", *"no/such/old.md")
        await until(pilot, lambda: said(app) == "")
        assert str(tmp_path) not in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert write.calls == [(Path("old.md"), "short")]


async def test_tab_completes_then_goes_on_and_right_and_end_complete_too(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "june.md").write_text("")
    app = DialogApp(SaveScreen(tmp_path / "table.md", Written()))
    async with app.run_test(size=SIZES[0]) as pilot:
        field = app.screen.query_one("#path", Input)
        await pilot.press("ctrl+u", *"res")
        await until(pilot, lambda: " results/" in seen(app))
        await pilot.press("tab")
        assert field.value == "results/"
        await pilot.press("j")
        await until(pilot, lambda: "results/june.md" in seen(app))
        await pilot.press("end")
        assert field.value == "results/june.md"
        await pilot.press("tab")
        assert isinstance(app.screen.focused, RadioList)
        await pilot.press("shift+tab", "ctrl+u", *"res")
        await until(pilot, lambda: " results/" in seen(app))
        await pilot.press("right")
        assert field.value == "results/"
        await pilot.press("home", "end")
        assert field.value == "results/"


def test_completion_offers_folders_first_and_only_what_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.md", "c.txt", ".hidden.md"):
        (tmp_path / name).write_text("")
    (tmp_path / "zoo").mkdir()
    assert suggestion(tmp_path, "") == "zoo/"
    assert suggestion(tmp_path, "b") == "b.md"
    assert suggestion(tmp_path, "c") is None
    assert suggestion(tmp_path, ".h") == ".hidden.md"
    assert suggestion(tmp_path, "b.md") is None
    assert suggestion(tmp_path, f"{tmp_path}/z") == f"{tmp_path}/zoo/"
    assert suggestion(tmp_path, "none/x") is None
    assert suggestion(tmp_path, "a\x00/") is None
    monkeypatch.setenv("HOME", str(tmp_path))
    assert suggestion(Path("/"), "~") == "~/"
    assert suggestion(Path("/"), "~/z") == "~/zoo/"


def test_what_is_seen_against_a_path(tmp_path: Path) -> None:
    fifo, link = tmp_path / "pipe.md", tmp_path / "link.md"
    link.symlink_to(tmp_path / "gone" / "x.md")
    os.mkfifo(fifo)
    assert path_problem(tmp_path / "x.md") == ""
    assert "not a regular file" in path_problem(fifo)
    assert "there is no folder" in path_problem(link)
    assert "No suffix is not a supported format" in path_problem(tmp_path / "x")
    assert "Name a file in it" in path_problem(tmp_path)
    assert "Cannot write" in path_problem(tmp_path / ("x" * 300 + ".md"))


async def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write = Written()
    app = DialogApp(SaveScreen(Path("/nowhere/table.md"), write))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("ctrl+u", *"~/mine.csv", "enter")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert write.calls[0][0] == tmp_path / "mine.csv"


async def test_saving_by_mouse(tmp_path: Path) -> None:
    write = Written()
    app = DialogApp(SaveScreen(tmp_path / "table.md", write))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.click(RadioList, offset=(3, 2))
        assert "original layout" in said(app, "#form")
        await pilot.click("#save")
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert write.calls == [(tmp_path / "table.md", "original")]
    app = DialogApp(SaveScreen(tmp_path / "table.md", write))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.click("#close")
        await until(pilot, lambda: app.result is None)


async def test_layouts_by_keys(tmp_path: Path) -> None:
    app = DialogApp(SaveScreen(tmp_path / "table.md", Written()))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("tab")
        layout = app.screen.query_one(RadioList)
        for key, expected in (
            ("down", "full"), ("down", "original"), ("down", "original"), ("up", "full"), ("j", "original"),
            ("k", "full"), ("right", "original"), ("left", "full"), ("space", "original"), ("space", "short"),
        ):  # fmt: skip
            await pilot.press(key)
            assert layout.chosen == expected
            assert f"(x) {expected}" in seen(app)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [(["y"], True), (["n"], False), (["escape"], False), (["enter"], True), (["right", "enter"], False),
     (["left", "enter"], False)],
)  # fmt: skip
async def test_a_question_is_answered(keys: list[str], answer: bool) -> None:
    app = DialogApp(ConfirmScreen("Delete [/] it\x1b?", "Delete"))
    async with app.run_test(size=SIZES[0]) as pilot:
        assert "Delete [/] it" in seen(app)
        await pilot.press(*keys)
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result is answer


@pytest.mark.parametrize("button", ["#yes", "#no"])
async def test_a_question_is_answered_by_mouse(button: str) -> None:
    app = DialogApp(ConfirmScreen("Sure?", "Delete"))
    async with app.run_test(size=SIZES[1]) as pilot:
        await pilot.click(button)
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result is (button == "#yes")
