"""A model of the user's own code and layers of a model, by keys; a run's code is run after a question only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.catalog.own_code import own_model
from cvbench_tui.catalog.selection import why_not_offered
from cvbench_tui.core.event import Event, LayersListed, ModelLayer, RunStarted
from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.storage.run_log import create_log
from cvbench_tui.tui.screens.base import ConfirmScreen
from cvbench_tui.tui.screens.layers import LayersScreen
from cvbench_tui.tui.screens.own_code import OwnCodeScreen
from cvbench_tui.tui.widgets.path_input import PathInput
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.flow import NARROW, WIDE, bench, known, strip, table, text
from tests.tui.waits import until

LAYERS = (
    ModelLayer("conv1", "Conv2d", "3, 64", (3, 224, 224), 10, 100, "conv1", 1, 0.25),
    ModelLayer("layer1.0.conv1", "Conv2d", "64, 64", (64, 56, 56), 10, 100, "layer1.0.conv1", 4, 0.75),
)


class Layered(ReplaySource):
    """Knows the layers of every model, or a problem."""

    problem = ""

    def layers(self, model: Workload, wanted: Sequence[str] = ()) -> LayersListed:
        self.asked = model
        return LayersListed((), problem=self.problem) if self.problem else LayersListed(LAYERS, 2)


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "net.py"
    path.write_text("raise SystemExit('it was run')\ndef make(): pass\n")
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_code_is_named_asked_for_and_ticked(tmp_path: Path, net: Path, size: tuple[int, int]) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await known(app, pilot)
        await pilot.press("M")
        assert isinstance(app.screen, OwnCodeScreen)
        field = app.screen.query_one(PathInput)
        field.value = "net.py:mke"
        await pilot.press("enter")
        assert "has no 'mke'" in text(app, "#complaint")
        assert "Nearest: make." in text(app, "#complaint")
        field.value = "net.py:make"
        await pilot.press("enter")
        assert isinstance(app.screen, ConfirmScreen)
        assert f"Run the code of {net}:make?" in " ".join(app.screen._question.split())
        await pilot.press("n")
        assert isinstance(app.screen, OwnCodeScreen)
        assert app.add_controller.named == []
        await pilot.press("enter", "y")
        assert app.screen is app.main_screen
        assert "net.py:make is ticked" in strip(app)
        (entry,) = app.add_controller.named
        assert app.plan_selection.selection().models == (entry,)
        assert bench(app, 1).ticks.groups[0] == "Own"


async def test_code_that_was_changed_is_read_again_when_it_is_run(tmp_path: Path, net: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        app.add_controller._add_model(own_model("net.py:make"))
        before = app.plan_selection.selection().models
        net.write_text(net.read_text() + "# changed\n")
        app.add_controller.read_code()
        (entry,) = app.plan_selection.selection().models
        assert entry.params != before[0].params
        assert app.add_controller.named == [entry]
        net.unlink()
        await pilot.press("r")
        assert "There is no file" in strip(app)
        assert app.run_manager.state.run is None


async def test_enter_on_a_model_lists_its_layers_to_tick(tmp_path: Path) -> None:
    source = Layered(recorded.good())
    app = recorded.app(tmp_path, source, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        app.plan_selection.images = (224,)
        lines = bench(app, 1).lines
        name = next(line.item.name for line in lines.lines if line.item is not None)
        lines.cursor = next(place for place, line in enumerate(lines.lines) if line.item is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LayersScreen))
        assert source.asked.name == name
        assert "0 of 2 distinct layers ticked" in text(app, "#count")
        await pilot.press("down", "space")
        assert "1 of 2 distinct layers ticked" in text(app, "#count")
        assert "Conv2d(64, 64)" in text(app, "#about")
        await pilot.press("enter")
        assert app.screen is app.main_screen
        (entry,) = app.plan_selection.selection().layers
        assert entry.name.endswith(":layer1.0.conv1")
        assert dict(entry.params)["count"] == 4
        assert why_not_offered(Case(entry.workload, "cpu", 8)) == ""
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LayersScreen))
        await pilot.press("a", "a", "enter")
        assert app.plan_selection.selection().layers == ()


async def test_layers_that_cannot_be_listed_are_one_sentence(tmp_path: Path) -> None:
    source = Layered(recorded.good())
    source.problem = "It has no forward without data."
    app = recorded.app(tmp_path, source, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        app.add_controller.list_layers("Resnet18")
        await until(pilot, lambda: "no forward without data" in strip(app))
        assert app.screen is app.main_screen


def with_code(events: list[Event], entry_params: tuple[tuple[str, str], ...]) -> list[Event]:
    """The header of a run whose rows are all of code, and nothing measured."""
    header = events[0]
    assert isinstance(header, RunStarted)
    work = Workload("model", "net.py:make", "file:/home/someone/net.py:make", (3, 224, 224), entry_params)
    return [replace(header, plan=replace(header.plan, cases=(Case(work, "cpu", 8),)))]


async def test_code_of_a_saved_run_is_run_only_after_a_question(tmp_path: Path) -> None:
    with create_log(tmp_path / "runs", "foreign") as log:
        for event in with_code(recorded.good(), (("sha256", "0" * 64),)):
            log.append(event)
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        app.open_controller.open_run(log.path)
        await until(pilot, lambda: len(table(app).keys) == 1)
        case = app.run_manager.state.lacking[0]
        assert why_not_offered(case, app.add_controller.named)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        while "Run the code" not in app.screen._question:  # another machine's run is asked about first
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "/home/someone/net.py:make" in app.screen._question
        await pilot.press("n")
        assert app.add_controller.named == []
        assert not app.run_manager.state.running
        app.add_controller.ask_for_code([case], lambda: None)
        await pilot.press("y")
        assert why_not_offered(case, app.add_controller.named) == ""
