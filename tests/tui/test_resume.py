"""A run that was interrupted offers itself at the next start, and goes on in its own file with the rows it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import CaseFailed, CaseFinished, Event, RunFinished, RunStarted
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import create_log
from cvbench_tui.tui.messages import RunOpened
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.flow import NARROW, WIDE, ended, known, run_all, strip, table, text, toasts, word
from tests.tui.waits import until

EVENTS = recorded.good()
OUTCOMES = [place for place, event in enumerate(EVENTS) if isinstance(event, (CaseFinished, CaseFailed))]


def saved(folder: Path, events: list[Event], name: str = "saved") -> Path:
    """A run file of these events in the app's folder, under another name than its id."""
    with create_log(folder / "runs", name) as log:
        for event in events:
            log.append(event)
    return log.path


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_an_interrupted_run_offers_itself_and_c_measures_what_it_lacks(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = saved(tmp_path, EVENTS[: OUTCOMES[1] + 1])
    before = load(path)
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=size) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: "was interrupted" in strip(app))
        assert "2 measured, 4 not begun. C goes on with it." in " ".join(strip(app).split())
        assert "C goes on with it." in str(app.main_screen.results._empty.visual)
        await pilot.press("C")
        await until(pilot, lambda: ended(app) and word(app).startswith("finished"))
        assert "The run goes on with the 4 rows it lacks." in toasts(app)
        assert app.run_manager.state.run_file is not None
        assert app.run_manager.state.run_file.path == path
        assert app.check_action("resume", ()) is False
    run = load(path)
    assert (run.id, run.ended, run.pending) == (before.id, "finished", 0)
    assert run.measured[:2] == before.measured, "what was measured stays"
    assert [each.name for each in (tmp_path / "runs").glob("*.jsonl")] == [path.name]


async def test_rows_that_failed_are_offered_and_repeated_only_on_request(tmp_path: Path) -> None:
    saved(tmp_path, EVENTS)
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: "1 failed. C opens it, R then repeats what failed." in strip(app))
        await pilot.press("C")
        await until(pilot, lambda: len(table(app).keys) == 6)
        assert "This run lacks no row. R repeats those that failed." in strip(app)
        assert app.check_action("again", ()) is True


async def test_a_whole_run_and_one_that_is_being_written_offer_nothing(tmp_path: Path) -> None:
    failed = {event.failure.case_id for event in EVENTS if isinstance(event, CaseFailed)}
    header = EVENTS[0]
    assert isinstance(header, RunStarted)
    cases = tuple(case for case in header.plan.cases if case.case_id not in failed)
    whole = [replace(header, plan=replace(header.plan, cases=cases)), *EVENTS[1:]]
    saved(tmp_path, [event for event in whole if not isinstance(event, CaseFailed)])
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        assert app.open_controller.offered is None
    with create_log(tmp_path / "runs", "written now") as log:
        for event in EVENTS[:3]:
            log.append(event)
        app = recorded.app(tmp_path, selection=recorded.TOP)
        async with app.run_test(size=WIDE) as pilot:
            await run_all(app, pilot)
            assert app.open_controller.offered is None


class Elsewhere(ReplaySource):
    """Another version of PyTorch is installed now."""

    def probe(self) -> Environment:
        here = super().probe()
        return replace(
            here, versions=tuple((name, "9.9" if name == "torch" else value) for name, value in here.versions)
        )


async def test_on_another_machine_it_goes_on_only_when_told_to(tmp_path: Path) -> None:
    events = [event for event in recorded.graded() if not isinstance(event, RunFinished)]
    outcome = next(place for place, event in enumerate(events) if isinstance(event, CaseFinished))
    path = saved(tmp_path, events[: outcome + 1])
    kept = path.read_bytes()
    source = Elsewhere(recorded.graded())
    app = recorded.app(tmp_path, source, selection=recorded.GRADED)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: "C goes on with it" in strip(app).replace("\n", " "))
        await pilot.press("C")
        await until(pilot, lambda: app.screen is not app.main_screen)
        assert "torch 9.9, was " in text(app, "Dialog Static")
        await pilot.press("n")
        assert not app.run_manager.state.running
        assert path.read_bytes() == kept
        await pilot.press("C", "y")
        await until(pilot, lambda: ended(app))
    assert load(path).pending == 0


async def test_rows_of_the_run_in_question_are_not_measured_in_one_that_was_opened_meanwhile(tmp_path: Path) -> None:
    events = [event for event in recorded.graded() if not isinstance(event, RunFinished)]
    outcome = next(place for place, event in enumerate(events) if isinstance(event, CaseFinished))
    path = saved(tmp_path, events[: outcome + 1])
    app = recorded.app(tmp_path, Elsewhere(recorded.graded()), selection=recorded.GRADED)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: app.open_controller.offered is not None)
        await pilot.press("C")
        await until(pilot, lambda: app.screen is not app.main_screen)
        other = saved(tmp_path, EVENTS, "other")
        app.post_message(RunOpened(load(other), seen(other)))
        await until(pilot, lambda: app.run_manager.state.run_file == seen(other))
        kept = path.read_bytes(), other.read_bytes()
        await pilot.press("y")
        await until(pilot, lambda: app.run_manager.state.status == "idle")
        await pilot.pause()
        assert (path.read_bytes(), other.read_bytes()) == kept
