"""The help: the keys it is given as the user has mapped them, and everything else from its declaration."""

from __future__ import annotations

import pytest
from textual.binding import Binding
from textual.containers import VerticalScroll

from cvbench_tui.core.grading.reasons import GRADE_HELP, NOTICES, REASONS
from cvbench_tui.results.detail.phase import LABELS
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.tui.keys.bindings import shown_keys
from cvbench_tui.tui.screens.help import HelpScreen, help_page
from tests.tui.dialog_app import SIZES, UNTOUCHED, DialogApp, seen
from tests.tui.waits import until

UNFOLDED = 1000
LIST = [("In the list of models", [Binding("space", "tick", "Tick", id="list.tick", tooltip="Tick [b] the line")])]
REST = [("Anywhere", [Binding("r,f5", "run", "Run", id="app.run", tooltip="Measure it"), Binding("q", "x", "")])]


def dialog() -> DialogApp:
    return DialogApp(HelpScreen([*LIST, *REST]))


def test_everything_is_explained_from_its_declaration() -> None:
    page = help_page(DialogApp(HelpScreen([])), [*LIST, *REST], UNFOLDED).plain
    assert page.index("In the list of models") < page.index("Anywhere") < page.index("Columns")
    assert "  Space  Tick [b] the line" in page
    assert "  r F5  Measure it" in page
    for label, meaning in [*((each.heading, each.help) for each in COLUMNS), *GRADE_HELP.items(), *LABELS.items()]:
        assert f"  {label}" in page
        assert meaning in page
    for code, kind in (*REASONS.items(), *NOTICES.items()):
        assert f"  {kind.word or code.replace('_', ' ')}" in page
        assert f"{kind.meaning} {kind.remedy}".rstrip() in page
    assert "config.toml" in page


def test_a_folded_page_stays_within_its_width() -> None:
    app = DialogApp(HelpScreen([]))
    pages = {width: help_page(app, [*LIST, *REST], width).plain.splitlines()[2:] for width in (69, 93, 46)}
    assert {width: page for width, page in pages.items() if max(len(line) for line in page) > width} == {}


def test_keys_are_those_of_the_user() -> None:
    app = DialogApp(HelpScreen([]))
    binding = Binding("r,f5", "run", "Run", id="app.run", key_display="Q")
    assert shown_keys(app, binding) == "r F5"
    app.set_keymap({"app.run": "ctrl+t,?"})
    assert shown_keys(app, binding) == "^t ?"
    others = Binding("up,pagedown,delete,comma,question_mark,S,shift+tab,enter,ctrl+up", "x")
    assert shown_keys(app, others) == "Up PageDown Delete , ? S Shift+Tab Enter Ctrl+Up"


@pytest.mark.parametrize("size", SIZES)
async def test_it_is_read_by_keys(size: tuple[int, int]) -> None:
    app = dialog()
    async with app.run_test(size=size) as pilot:
        page = app.screen.query_one(VerticalScroll)
        assert "In the list of models" in seen(app)
        for key, goes in (("j", 1), ("k", -1), ("G", 1), ("pageup", -1), ("g", -1), ("space", 1), ("up", -1),
                          ("pagedown", 1), ("home", -1), ("end", 1)):  # fmt: skip
            before = page.scroll_y
            await pilot.press(key)
            await until(pilot, lambda before=before: page.scroll_y != before)  # type: ignore[misc]
            assert (page.scroll_y > before) == (goes > 0)
        assert "docs/methodology.md" in seen(app)
        await pilot.resize_terminal(100, 30)
        assert max(len(line.rstrip()) for line in seen(app).splitlines()) <= 100


@pytest.mark.parametrize("key", ["escape", "enter", "q", "question_mark", "f1"])
async def test_it_closes(key: str) -> None:
    app = dialog()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: app.result is not UNTOUCHED)
