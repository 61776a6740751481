"""The log's lines: what is told, how often, and that nobody waits for anybody."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.message import Message

from cvbench_tui.core.event import (
    BatchFound,
    BatchTry,
    CaseFailed,
    CaseStarted,
    Event,
    RowsAdded,
    RunFinished,
    RunStarted,
)
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.storage.run_file import read_events
from cvbench_tui.tui.background import threads
from cvbench_tui.tui.background.log_buffer import MAX_LINES, LogBuffer, event_text
from cvbench_tui.tui.messages import Logged
from tests.tui.waits import wait_until

GOOD = Path(__file__).parents[1] / "data" / "good.jsonl"


def test_the_first_line_is_told_at_once_and_the_next_ones_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MESSAGES_EVERY_S", 3600.0)
    posted: list[Message] = []
    mine = LogBuffer(posted.append)
    mine.write("first")
    assert [type(message) for message in posted] == [Logged]
    for number in range(1000):
        mine.write(str(number))
    assert len(posted) == 1
    mine._poster.flush()  # as the timer does
    assert len(posted) == 2
    assert (list(mine.lines)[:2], mine.count) == (["first", "0"], 1001)
    mine.write("later")
    assert len(posted) == 2
    mine.close()


def test_what_is_held_back_is_told_though_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MESSAGES_EVERY_S", 0.2)
    posted: list[Message] = []
    mine = LogBuffer(posted.append)
    mine.write("first")
    mine.write("second")
    wait_until(lambda: len(posted) == 2)
    mine.close()


def test_only_the_newest_lines_are_kept_and_all_are_counted() -> None:
    mine = LogBuffer(lambda message: None)
    for number in range(MAX_LINES + 500):
        mine.write(str(number))
    assert (len(mine.lines), mine.lines[0], mine.count) == (MAX_LINES, "500", MAX_LINES + 500)
    mine.close()


def test_the_lines_stand_still_while_they_are_read() -> None:
    mine = LogBuffer(lambda message: None)
    stop = threading.Event()

    def talk() -> None:
        while not stop.is_set():
            mine.write("noise")

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        wait_until(lambda: mine.lines)
        before = mine.count
        for _ in range(50):
            for line in mine.lines:
                assert line
        wait_until(lambda: mine.lines and mine.count > before)
    finally:
        stop.set()
        thread.join()
        mine.close()


def test_a_closed_log_buffer_posts_nothing() -> None:
    posted: list[Message] = []
    mine = LogBuffer(posted.append)
    mine.close()
    mine.write("too late")
    assert not posted


def test_what_happens_in_a_run_is_told_in_words() -> None:
    run: Run | None = None
    told = []
    for event in read_events(GOOD):
        run = fold(run, event)
        told.append(event_text(event, run))
    said = [line for line in told if line]
    assert said[0] == "run begun: 6 rows, protocol quick"
    assert said[1].startswith("measuring process ready: PyTorch ")
    assert said[2] == "Resnet18 cpu started"
    assert said[3].startswith("Resnet18 cpu done in ")
    assert any(line.startswith("VGG16 cuda:0 failed: ") for line in said)
    assert said[-1] == "run finished: 5 measured, 1 failed"


def test_words_of_what_the_recording_does_not_have() -> None:
    header = next(iter(read_events(GOOD)))
    assert isinstance(header, RunStarted)
    run = fold(None, header)
    case = header.plan.cases[0]
    events: dict[str, Event] = {
        "1 row added": RowsAdded((case,), 1.0),
        "1 row continued": RowsAdded((case,), 1.0, again=False),
        "Resnet18 cpu started, visit 3": CaseStarted(case.case_id, 1, 2),
        "Resnet18 cpu skipped": CaseFailed(Failure(case.case_id, "skipped", "Skipped.")),
        "Resnet18 cpu cancelled": CaseFailed(Failure(case.case_id, "cancelled", "Cancelled.")),
        "elsewhere started": CaseStarted("elsewhere", 1),
        "run failed: 0 measured, 6 not begun No torch.": RunFinished("failed", 1.0, "No torch."),
    }
    for text, event in events.items():
        assert event_text(event, run) == text


def test_a_row_that_had_an_outcome_is_measured_again() -> None:
    header = next(iter(read_events(GOOD)))
    assert isinstance(header, RunStarted)
    first, other, *_ = header.plan.cases
    run = fold(fold(None, header), CaseFailed(Failure(first.case_id, "crashed", "Crashed.")))
    for cases, text in {(first,): "1 row measured again", (other,): "1 row added"}.items():
        added = RowsAdded(cases, 1.0)
        assert event_text(added, fold(run, added)) == text


def test_the_largest_batch_is_told_with_what_was_tried() -> None:
    run = None
    for event in read_events(GOOD):
        run = fold(run, event)
    assert run is not None
    tries = (BatchTry(2, True), BatchTry(64, True), BatchTry(80, False, sentence="Ended by signal 11."))
    text = event_text(BatchFound(run.plan.cases[0].case_id, 64, tries), run)
    told = "largest batch 64: 3 tries in processes of their own: 2, 64 fit, 80 does not. Ended by signal 11."
    assert text.endswith(told)
