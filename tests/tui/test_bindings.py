"""Every key the app declares reaches its action where it is declared, is pressed in a test, and is told in the help."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.widgets import Input
from textual.widgets._footer import FooterKey

import cvbench_tui.tui
from cvbench_tui.catalog.names import find_layer
from cvbench_tui.core.grading.reasons import GRADE_HELP, NOTICES, REASONS
from cvbench_tui.results.detail.phase import LABELS
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.keys.bindings import shown_keys
from cvbench_tui.tui.places import PLACES, all_bindings, places
from cvbench_tui.tui.screens.base import ConfirmScreen
from cvbench_tui.tui.screens.busy import BusyScreen
from cvbench_tui.tui.screens.columns import ColumnsScreen
from cvbench_tui.tui.screens.compare.along import AlongScreen
from cvbench_tui.tui.screens.compare.details import BothDetails
from cvbench_tui.tui.screens.compare.screen import CompareScreen
from cvbench_tui.tui.screens.detail import DetailScreen
from cvbench_tui.tui.screens.help import INTRODUCTION, HelpScreen, Page, help_page
from cvbench_tui.tui.screens.jump import JumpScreen
from cvbench_tui.tui.screens.layers import LayersScreen
from cvbench_tui.tui.screens.main import PANES, MainScreen
from cvbench_tui.tui.screens.own_code import OwnCodeScreen
from cvbench_tui.tui.screens.plan_settings import SettingsScreen
from cvbench_tui.tui.screens.presets import PresetsScreen
from cvbench_tui.tui.screens.run_name import RunNameScreen
from cvbench_tui.tui.screens.runs import RunsScreen
from cvbench_tui.tui.screens.save import SaveScreen
from cvbench_tui.tui.screens.text.page import TextScreen
from cvbench_tui.tui.widgets.checklist.pane import Checklist
from cvbench_tui.tui.widgets.choices import DialogList, RadioList
from cvbench_tui.tui.widgets.compare_table import CompareTable
from cvbench_tui.tui.widgets.detail_view import DetailView
from cvbench_tui.tui.widgets.filter_input import ListFilter, PaneFilter
from cvbench_tui.tui.widgets.line_table import LineTable
from cvbench_tui.tui.widgets.log_pane import LogPane
from cvbench_tui.tui.widgets.path_input import PathInput
from cvbench_tui.tui.widgets.result_table import ResultTable
from cvbench_tui.tui.widgets.results_pane import ResultsPane
from cvbench_tui.tui.widgets.tick_line import TickLine
from tests.tui import recorded
from tests.tui.compared import three_sides
from tests.tui.dialog_app import seen
from tests.tui.flow import NARROW, known, run_all
from tests.tui.waits import until

UNFOLDED = 1000
"""Cells of a page on which no text is folded."""
QUESTION = "a question"
BUSY = "busy"
LAYERS = "layers"
COMPARED = "compared"
ALONG = "along"
WAYS: dict[type[DOMNode], tuple[tuple[str, ...], type[DOMNode] | None]] = {
    BenchApp: (("5",), None),
    MainScreen: (("5",), None),
    Checklist: (("1",), None),
    PaneFilter: (("1", "slash"), None),
    ResultTable: (("4",), None),
    LineTable: (("4",), None),
    CompareScreen: ((COMPARED,), None),
    CompareTable: ((COMPARED,), None),
    BothDetails: ((COMPARED, "enter"), None),
    AlongScreen: ((ALONG,), None),
    ResultsPane: (("4",), None),
    DetailView: (("4", "enter"), None),
    DetailScreen: (("4", "enter"), None),
    LogPane: (("5",), None),
    SaveScreen: (("s",), RadioList),
    PathInput: (("s",), PathInput),
    SettingsScreen: (("b",), TickLine),
    TickLine: (("b",), TickLine),
    RadioList: (("s",), RadioList),
    PresetsScreen: (("P",), None),
    DialogList: (("P",), None),
    ColumnsScreen: (("4", "c"), None),
    LayersScreen: ((LAYERS,), None),
    OwnCodeScreen: (("M",), None),
    RunsScreen: (("H",), None),
    RunNameScreen: (("H", "n"), Input),
    ListFilter: (("H", "slash"), None),
    ConfirmScreen: ((QUESTION,), None),
    BusyScreen: ((BUSY,), None),
    JumpScreen: (("semicolon",), None),
    HelpScreen: (("question_mark",), None),
    Page: (("question_mark",), None),
    TextScreen: (("4", "T"), None),
}
"""Keys that lead to a place from the finished run, and what takes the focus there when that is not the first thing."""


def keys(place: type[DOMNode]) -> list[tuple[str, str]]:
    """Every key that is declared in that class, with its action."""
    return [(key, binding.action) for binding in place.BINDINGS for key in binding.key.split(",")]  # type: ignore[union-attr]


def declaring() -> Iterator[type[DOMNode]]:
    """Every class of ours that declares keys."""
    for module in pkgutil.walk_packages(cvbench_tui.tui.__path__, "cvbench_tui.tui."):
        for each in vars(importlib.import_module(module.name)).values():
            ours = isinstance(each, type) and each.__module__ == module.name
            if ours and issubclass(each, DOMNode) and vars(each).get("BINDINGS"):
                yield each


def pressed() -> set[str]:
    """Every string in a call of ``press``, and in the lists that keys are taken from, in the tests beside this one."""
    found: set[str] = set()
    trees = [ast.parse(path.read_text()) for path in Path(__file__).parent.rglob("test_*.py")]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.For | ast.AsyncFor):
            found |= strings(node.iter)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "press":
                found |= {each.value for each in node.args if isinstance(each, ast.Constant)}
            elif node.func.attr == "parametrize" and strings(node.args[0]) & {"key", "keys"}:
                found |= strings(node.args[1])
    return found | set("12345")


def strings(node: ast.AST) -> set[str]:
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def test_places_has_every_class_that_declares_keys() -> None:
    inside = {widget for widgets in PLACES.values() for widget in widgets} | {BenchApp, MainScreen}
    assert set(declaring()) == inside
    assert set(WAYS) == inside


def test_every_key_is_pressed_in_a_test() -> None:
    assert {key for place in WAYS for key, _ in keys(place)} - pressed() == set()


def test_every_binding_has_a_name_of_its_own_and_says_what_it_does() -> None:
    counted = Counter(binding.id for binding in all_bindings())
    assert None not in counted
    assert [name for name, times in counted.items() if times > 1] == []
    assert [binding.id for binding in all_bindings() if not (binding.description and binding.tooltip)] == []
    assert {str(name).partition(".")[0] for name in counted} >= {"app", "bench", "list", "table", "detail", "save"}


async def test_every_key_reaches_its_action_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config.toml"))
    app = recorded.app(tmp_path, selection=recorded.ALL)
    missed = []
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        for way in dict.fromkeys(WAYS.values()):
            await go(app, pilot, *way)
            wanted = [each for place in WAYS if WAYS[place] == way for each in keys(place)]
            did = await reached(app, pilot, [key for key, _ in wanted])
            if Counter(did) != Counter(action for _, action in wanted):  # those with priority come first
                missed.append((way, wanted, did))
            await until(pilot, lambda: close(app))
            app.main_screen.go_to("results")
    assert missed == []


async def go(app: BenchApp, pilot: Pilot[int], way: Sequence[str], focus: type[DOMNode] | None) -> None:
    """To that place, with the focus in it."""
    for key in way:
        if key == QUESTION:
            app.push_screen(ConfirmScreen("Really?", "Yes"))
        elif key == BUSY:
            app.push_screen(BusyScreen("Busy."))
        elif key == COMPARED:
            app.compare_controller.ask(three_sides())
            await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        elif key == ALONG:
            app.push_screen(AlongScreen({"batch": "8, 16"}, "runs"))
        elif key == LAYERS:
            app.push_screen(LayersScreen("VGG16", [find_layer("Dense")], ()))
        else:
            app.simulate_key(key)
        await pilot.pause()
    if focus is not None:
        app.screen.query_one(focus).focus()  # type: ignore[type-var]
        await pilot.pause()


async def reached(app: BenchApp, pilot: Pilot[int], pressed_keys: Sequence[str]) -> list[str]:
    """The actions that the keys ask for, which are noted and not done."""
    did: list[str] = []
    run_action, declared = app.run_action, {binding.action for binding in all_bindings()}

    async def note(action: str, *others: object) -> bool:
        if action not in declared:  # one of the framework's, which may leave the key to us
            return await run_action(action, *others)  # type: ignore[arg-type]
        did.append(action)
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "run_action", note)
        for key in pressed_keys:
            app.simulate_key(key)
        await pilot.pause()
    return did


def close(app: BenchApp) -> bool:
    """Take the dialogs away; True once there is none."""
    if app.screen is app.main_screen:
        return True
    app.screen.dismiss(None)
    return False


def test_the_help_knows_every_key(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    page = help_page(app, places(), UNFOLDED).plain
    for title, bindings in places():
        assert f"\n{title}\n" in page
        for binding in bindings:
            line = f"  {shown_keys(app, binding)}"
            assert line in page
            assert binding.tooltip in page


def test_the_help_explains_every_column_grade_and_reason(tmp_path: Path) -> None:
    page = help_page(recorded.app(tmp_path), places(), UNFOLDED).plain
    for column in COLUMNS:
        assert f"  {column.heading}  " in page
        assert column.help in page
    for grade, meaning in GRADE_HELP.items():
        assert f"  {grade}  {meaning}" in page
    for code, kind in (*REASONS.items(), *NOTICES.items()):
        assert f"  {kind.word or code.replace('_', ' ')}" in page
        assert f"{kind.meaning} {kind.remedy}".rstrip() in page
    for label, meaning in LABELS.items():
        assert f"  {label}" in page
        assert meaning in page


def test_a_folded_page_stays_within_its_width(tmp_path: Path) -> None:
    page = help_page(recorded.app(tmp_path), places(), 60).plain.removeprefix(INTRODUCTION)
    assert max(len(line) for line in page.splitlines()) <= 60


async def test_the_footer_is_never_cut_at_80_columns(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        idle = await footers(app, pilot)
        assert all("Cancel" not in line and "Again" not in line for line in idle.values())
        await pilot.press("r")
        await until(pilot, lambda: source.reached.is_set() and app.run_manager.state.running)
        running = await footers(app, pilot)
        assert all("Cancel" in line for line in running.values())
        source.go_on.set()
        await until(pilot, lambda: not app.run_manager.state.running)
        finished = await footers(app, pilot)
        assert all("Again" in line and "Cancel" not in line for line in finished.values())


async def footers(app: BenchApp, pilot: Pilot[int]) -> dict[str, str]:
    """The footer of every pane, which has room for all of its keys."""
    lines = {}
    for pane in PANES:
        app.main_screen.go_to(pane)
        await pilot.pause()
        shown = [key for key in app.main_screen.query(FooterKey) if key.display]
        lines[pane] = seen(app).splitlines()[-1]
        assert sum(key.outer_size.width for key in shown) <= app.size.width, lines[pane]
        assert max(key.region.right for key in shown) <= app.size.width, lines[pane]
        assert "Quit" in lines[pane], pane
    return lines
