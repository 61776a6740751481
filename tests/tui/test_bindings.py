"""Every key the app declares is pressed in a test of the app, and told in the help."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from textual.binding import Binding

from cvbench_tui.core.reasons import GRADE_HELP, NOTICES, REASONS
from cvbench_tui.results.columns import COLUMNS
from cvbench_tui.results.detail_phase import LABELS
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.checklist import Checklist, Filter
from cvbench_tui.tui.confirm_screen import ConfirmScreen
from cvbench_tui.tui.detail_screen import DetailScreen
from cvbench_tui.tui.help_screen import INTRODUCTION, HelpScreen, help_page, key_names
from cvbench_tui.tui.layout_choice import LayoutChoice
from cvbench_tui.tui.result_table import ResultTable
from cvbench_tui.tui.save_screen import SaveScreen
from cvbench_tui.tui.settings_screen import SettingsScreen

PLACES = (
    BenchApp, Checklist, Filter, ResultTable, ConfirmScreen, DetailScreen, HelpScreen, LayoutChoice, SaveScreen,
    SettingsScreen,
)  # fmt: skip

METHODOLOGY = (Path(__file__).parents[2] / "docs" / "methodology.md").read_text()
UNFOLDED = 1000
"""Cells of a page on which no text is folded."""


def keys(place: type) -> set[str]:
    return {key for binding in place.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")}


def pressed() -> set[str]:
    """Every string, and every letter of a starred one, in the calls of ``press`` in the tests beside this one."""
    found: set[str] = set()
    trees = [ast.parse(path.read_text()) for path in Path(__file__).parent.glob("test_*.py")]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.For | ast.AsyncFor):
            found |= {str(each.value) for each in ast.walk(node.iter) if isinstance(each, ast.Constant)}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "press":
            found |= {str(each.value) for each in node.args if isinstance(each, ast.Constant)}
    return found | set("1234")


@pytest.mark.parametrize("place", PLACES)
def test_every_key_is_pressed_in_a_test(place: type) -> None:
    assert keys(place) - pressed() == set()


def test_the_help_knows_every_key_of_the_main_screen() -> None:
    page = help_page(BenchApp.BINDINGS, UNFOLDED).plain
    for place in (BenchApp, Checklist, Filter, ResultTable):
        for binding in place.BINDINGS:
            assert isinstance(binding, Binding)
            assert f"  {key_names(binding)}  " in page
            assert (binding.tooltip or binding.description) in page


def test_the_help_explains_every_column_grade_and_reason() -> None:
    page = help_page(BenchApp.BINDINGS, UNFOLDED).plain
    for column in COLUMNS:
        assert f"  {column.heading}  " in page
        assert column.help in page
    for grade, meaning in GRADE_HELP.items():
        assert f"  {grade}  {meaning}" in page
    for code, kind in (*REASONS.items(), *NOTICES.items()):
        assert f"  {code.replace('_', ' ')}  " in page
        assert f"{kind.meaning} {kind.remedy}".rstrip() in page
    for label, meaning in LABELS.items():
        assert f"  {label}  " in page
        assert meaning in page


def test_a_folded_page_stays_within_its_width() -> None:
    page = help_page(BenchApp.BINDINGS, 60).plain.removeprefix(INTRODUCTION)
    assert max(len(line) for line in page.splitlines()) <= 60


def test_the_manual_explains_every_column_in_their_order() -> None:
    table = METHODOLOGY[METHODOLOGY.index("| column | holds |") :].split("\n\n")[0].splitlines()[2:]
    explained = [name.strip() for line in table for name in line.split("|")[1].split(",")]
    assert explained == [column.heading for column in COLUMNS]
    assert all(line.split("|")[2].strip() for line in table)
