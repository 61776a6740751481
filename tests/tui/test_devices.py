"""The devices: asked for while the app is in use already, absent, or not to be had at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cvbench_tui.core.environment import WAITING
from cvbench_tui.tui.widgets.checklist.lines import ChecklistLines
from tests.tui import recorded
from tests.tui.flow import NARROW, WIDE, ended, strip, text, word
from tests.tui.waits import until


async def test_usable_before_the_devices_are_known_and_the_run_queues(tmp_path: Path) -> None:
    source = recorded.SlowProbe(recorded.good())
    app = recorded.app(tmp_path, source)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert "detecting devices" in text(app, "#devices .notice")
        await pilot.press("slash", *"resnet18", "enter", "space")
        assert "devices not known yet" in text(app, "#summary")
        await pilot.press("r")
        assert "Queued" in strip(app)
        source.let.set()
        await until(pilot, lambda: ended(app))
        assert app.plan_selection.devices.ticked == ("cuda:0",)
        assert word(app) == "finished: 1 measured"


async def test_waiting_for_a_driver_is_said_in_place_of_the_devices_and_in_the_strip(tmp_path: Path) -> None:
    source = recorded.SlowProbe(recorded.good())
    app = recorded.app(tmp_path, source)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.pause()
        app.run_manager.log.write(f"{WAITING}, for at most 30 s")
        await until(pilot, lambda: f"{WAITING}, for at most 30 s..." in text(app, "#devices .notice"))
        assert strip(app) == f"{WAITING}, for at most 30 s..."
        assert app.main_screen.strip.region in app.screen.region
        source.let.set()
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.pause()
        assert WAITING not in text(app, "#devices .notice") + strip(app)


async def test_no_worker_is_said_verbatim_and_run_asks_again(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, recorded.NoWorker(recorded.good()), recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "no torch" in strip(app))
        assert "[/] no torch [bold]. Install PyTorch." in strip(app)
        assert "[/] no torch [bold]." in text(app, "#devices .notice")
        await pilot.press("r")
        await until(pilot, lambda: ended(app))
        assert word(app) == "finished: 3 measured, 1 failed"


async def test_a_device_that_is_absent_says_why_and_cannot_be_ticked(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.pause()
        lines = app.main_screen.query_one("#devices ChecklistLines", ChecklistLines)
        shown = "\n".join(lines.render_line(y).text for y in range(lines.size.height))
        assert "[-] mps" in shown
        assert "Not a Mac." in shown
        assert "[x] cuda:0 Example GPU [test]" in shown
        await pilot.press("3", "a")
        assert app.plan_selection.devices.ticked == ("cpu", "cuda:0")


async def test_the_cpu_is_not_ticked_in_silence_where_a_driver_cannot_be_used(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, recorded.BrokenDriver(recorded.good()))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.pause()
        assert app.plan_selection.devices.ticked == ("cpu",)
        assert "so the CPU is measured: The driver did not answer within 30 s." in strip(app)


async def test_a_preset_with_a_device_that_is_not_here_says_so(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=replace(recorded.TOP, devices=("cpu", "cuda:7")))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.pause()
        assert app.plan_selection.devices.ticked == ("cpu",)
        assert "cuda:7" in strip(app)
