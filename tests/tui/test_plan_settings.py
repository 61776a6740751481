"""The settings dialog: what is seen and what it closes with, at the smallest and the usual size."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widgets import Input, Static

from cvbench_tui.core.axes import LISTED, axis
from cvbench_tui.core.measurement import PHASES
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.tui.screens.plan_settings import SettingsScreen
from cvbench_tui.tui.state.plan_settings import PlanSettings, axis_choices
from cvbench_tui.tui.state.plan_summary import plan_line
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.tui.widgets.tick_line import TickLine
from tests.tui.checklist_app import MACHINE
from tests.tui.dialog_app import LOW, SIZES, UNTOUCHED, DialogApp, rows_of, said, seen
from tests.tui.waits import until

QUICK = PlanSettings("quick")


def ticked(devices: Sequence[str] = ("cpu",), how: PlanSettings = QUICK) -> PlanSelection:
    plan_selection = PlanSelection()
    plan_selection.models.tick_only(("Resnet18", "VGG16"))
    plan_selection.offer(MACHINE)
    plan_selection.devices.tick_only(devices)
    plan_selection.set_how(how)
    return plan_selection


def dialog(plan_selection: PlanSelection) -> DialogApp:
    def preview(how: PlanSettings):  # type: ignore[no-untyped-def]
        return plan_line(plan_selection, MACHINE, how=how)

    return DialogApp(SettingsScreen(plan_selection.how, plan_selection.samples(), preview))


def line(app: DialogApp, name: str) -> TickLine:
    return app.screen.query_one(f"#{place(name)}", TickLine)


def place(name: str) -> str:
    """Id of the line of that axis, or of the protocol or the phases."""
    return f"axis-{name}" if axis(name) else name


async def closed(app: DialogApp, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: app.result is not UNTOUCHED)


@pytest.mark.parametrize("size", SIZES)
async def test_every_axis_has_a_line_and_all_of_it_is_seen(size: tuple[int, int]) -> None:
    app = dialog(ticked())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        shown = seen(app)
        assert rows_of(app) <= (LOW if size[1] == 24 else size[1])
        assert app.screen.query_one("#fields").max_scroll_y == 0, "nothing needs a scroll bar"
        for each in LISTED:
            assert f" {each.title} " in shown
            assert f"[x] {each.default}" in shown
            for value in each.values[1:]:
                assert f"] {value.name}" in shown
        for name in PROTOCOLS:
            assert f"({'x' if name == 'quick' else ' '}) {name}" in shown
        for phase in PHASES:
            assert f"[{' ' if phase == 'step' else 'x'}] {phase}" in shown
        assert "2 models x 1 device = 2 rows" in shown
        assert " Use " in shown


async def test_keys_alone_set_everything() -> None:
    app = dialog(ticked())
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("right", "right", "down", *"1,8,max", "tab", *"160, 224", "down")
        assert app.screen.focused is line(app, "precision")
        await pilot.press("right", "right", "right", "space", "left", "left", "l", "space", "h")
        assert line(app, "precision").current.name == "fp32"
        assert line(app, "precision").ticked == ("default", "tf32", "amp-bf16")
        await pilot.press("j", "l", "space", "left", "space")
        assert line(app, "memory_format").ticked == ("channels_last",)
        await pilot.press("k", "up", "up")
        assert app.screen.focused is app.screen.query_one("#batch", Input)
        assert "2 models x 3 precisions x 3 batches x 2 image sizes = 36 rows" in seen(app)
        await pilot.press("enter")
        await closed(app, pilot)
    chosen = (("precision", ("default", "tf32", "amp-bf16")), ("memory_format", ("channels_last",)))
    assert app.result == PlanSettings("rigorous", (1, 8, "max"), (160, 224), chosen)


@pytest.mark.parametrize(
    "how",
    [
        QUICK,
        PlanSettings("original", ("max",), (64, 96), (("threads", ("half", "3", "7")),), ("inference",)),
        PlanSettings("default", settings=(("precision", ("bf16",)), ("optimizer", ("sgd",))), phases=("total", "step")),
    ],
)
async def test_what_is_set_is_shown_and_used_as_it_is(how: PlanSettings) -> None:
    app = dialog(ticked(how=how))
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("enter")
        await closed(app, pilot)
    assert app.result == how


async def test_what_no_ticked_device_can_do_says_why_and_can_be_ticked_all_the_same() -> None:
    app = dialog(ticked())
    async with app.run_test(size=SIZES[1]) as pilot:
        line(app, "precision").focus()
        await pilot.press("right", "right")
        assert "[-] tf32" in seen(app)
        assert said(app).startswith("tf32: float32, TF32 on")
        assert "Not here: TF32 is a mode of NVIDIA cards" in said(app)
        await pilot.press("space")
        assert "[x] tf32" in seen(app)
        await pilot.press("right")
        assert "Not here" not in said(app)
    app = dialog(ticked(("cpu", "cuda:0")))
    async with app.run_test(size=SIZES[1]) as pilot:
        await pilot.pause()
        assert "[-]" not in seen(app), "one of the devices can"


def test_a_value_is_impossible_only_where_no_ticked_workload_can_have_it() -> None:
    plan_selection = ticked()
    layout = axis("memory_format")
    assert layout is not None
    assert not any(choice.reason for choice in axis_choices(layout, plan_selection.samples()))
    plan_selection.models.tick_only(())
    plan_selection.layers.tick_only(("Dense",))
    assert [bool(choice.reason) for choice in axis_choices(layout, plan_selection.samples())] == [False, True]
    plan_selection.layers.tick_only(())
    assert not any(choice.reason for choice in axis_choices(layout, plan_selection.samples())), "nothing is known"


async def test_a_line_without_a_tick_gets_its_default_again() -> None:
    app = dialog(ticked(how=PlanSettings("quick", settings=(("compile", ("default",)),), phases=("step",))))
    async with app.run_test(size=SIZES[0]) as pilot:
        line(app, "compile").focus()
        await pilot.press("space")
        assert line(app, "compile").ticked == ("eager",)
        line(app, "phases").focus()
        await pilot.press("space")
        assert line(app, "phases").ticked == PHASES[:-1]
        await pilot.press("enter")
        await closed(app, pilot)
    assert app.result == QUICK


async def test_numbers_of_threads_are_typed_and_stand_beside_the_ticks() -> None:
    app = dialog(ticked())
    async with app.run_test(size=SIZES[0]) as pilot:
        app.screen.query_one("#axis-threads-numbers", Input).focus()
        await pilot.press(*"2,4")
        assert "numbers from 1 to 4096" in said(app)
        line(app, "threads").focus()
        await pilot.press("space")
        assert line(app, "threads").ticked == (), "numbers are enough"
        assert "2 models x 2 thread counts = 4 rows" in seen(app)
        app.screen.query_one("#axis-threads-numbers", Input).value = "0"
        await pilot.press("enter")
        assert app.result is UNTOUCHED
        assert "Threads has no value '0'" in said(app)
        app.screen.query_one("#axis-threads-numbers", Input).value = "2,half"
        await pilot.press("enter")
        await closed(app, pilot)
    assert app.result == PlanSettings("quick", settings=(("threads", ("2", "half")),))


async def test_a_wrong_number_is_said_while_it_is_typed_and_not_used() -> None:
    app = dialog(ticked())
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("tab", *"[b")
        assert "'[b' is not possible" in said(app)
        assert str(app.screen.query_one("#rows", Static).visual) == ""
        await pilot.press("enter")
        assert app.result is UNTOUCHED
        for wrong in ("99999", "8,0", "8,,16", "eight", "9" * 5000, "\u0663"):
            app.screen.query_one("#batch", Input).value = wrong
            await pilot.pause()
            assert "65536" in said(app), wrong
        await pilot.press("ctrl+u", "8")
        assert said(app).startswith("Batch: ")
        await pilot.press("tab", *"0")
        assert "Image size '0' is not possible" in said(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.result is None)


async def test_too_many_rows_are_said_and_not_made() -> None:
    app = dialog(ticked())
    async with app.run_test(size=SIZES[0]) as pilot:
        app.screen.query_one("#batch", Input).value = ",".join(map(str, range(1, 10_002)))
        await pilot.pause()
        assert "20,002 rows are too many for a run." in seen(app)
        app.screen.query_one("#batch", Input).value = ",".join(map(str, range(1, 302)))
        await pilot.pause()
        assert "= 602 rows" in seen(app)


@pytest.mark.parametrize("size", SIZES)
async def test_a_click_ticks(size: tuple[int, int]) -> None:
    app = dialog(ticked())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for name, text in (
            ("protocol", ") original"),
            ("precision", "] fp16"),
            ("phases", "] step"),
            ("compile", "[x]"),
        ):
            await click(app, pilot, name, text)
        await click(app, pilot, "compile", "] max-autotune")
        assert line(app, "compile").ticked == ("max-autotune",) or line(app, "compile").ticked[-1] == "max-autotune"
        await pilot.click("#use")
        await closed(app, pilot)
    assert app.result == PlanSettings(
        "original", settings=(("precision", ("default", "fp16")), ("compile", ("eager", "max-autotune"))), phases=PHASES
    )
    app = dialog(ticked())
    async with app.run_test(size=size) as pilot:
        await pilot.click("#close")
        await until(pilot, lambda: app.result is None)


async def click(app: DialogApp, pilot: Pilot[None], name: str, text: str) -> None:
    """Click on those letters of the line."""
    region = line(app, name).region
    rows = [row[region.x : region.right] for row in seen(app).split("\n")[region.y : region.bottom]]
    (offset,) = [Offset(row.index(text), at) for at, row in enumerate(rows) if text in row]
    await pilot.click(f"#{place(name)}", offset=offset)


async def test_the_line_with_the_focus_is_seen_in_a_low_terminal() -> None:
    app = dialog(ticked())
    async with app.run_test(size=(80, 16)) as pilot:
        await pilot.pause()
        assert "[ ] step" not in seen(app)
        await pilot.press(*["down"] * (len(LISTED) + 4))
        assert app.screen.focused is line(app, "phases"), "the arrows go to the next line, whether it is seen or not"
        await until(pilot, lambda: "[ ] step" in seen(app))
        assert " Use " in seen(app)


async def test_an_axis_with_several_values_can_be_measured_in_turn() -> None:
    plan_selection = ticked()
    app = dialog(plan_selection)
    async with app.run_test(size=SIZES[1]) as pilot:
        await pilot.pause()
        assert "In turn" not in seen(app), "nothing has several values"
        line(app, "memory_format").focus()
        await pilot.press("right", "space")
        assert "(x) none" in seen(app)
        assert "( ) memory_format" in seen(app)
        line(app, "in-turn").focus()
        await pilot.press("right", "enter")
        await closed(app, pilot)
    chosen = (("memory_format", ("contiguous", "channels_last")),)
    assert app.result == PlanSettings("quick", settings=chosen, alternate="memory_format")
    plan_selection.set_how(app.result)
    assert plan_selection.selection().alternate == "memory_format"
    app = dialog(plan_selection)
    async with app.run_test(size=SIZES[1]) as pilot:
        await pilot.pause()
        assert "(x) memory_format" in seen(app)
        line(app, "memory_format").focus()
        await pilot.press("space")
        assert "In turn" not in seen(app)
        await pilot.press("enter")
        await closed(app, pilot)
    assert app.result == PlanSettings("quick", settings=(("memory_format", ("channels_last",)),))
