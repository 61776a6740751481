"""A run file that cannot be written on, or is no longer what was written: the rows go elsewhere, and it is said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    Event,
    Progress,
    RowsAdded,
    RunFinished,
)
from cvbench_tui.core.run import Run, fold
from cvbench_tui.errors import StoreError
from cvbench_tui.results.storage.recorder import RunRecorder, events_of
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import being_written, create_log, reopen_log
from tests.results.samples import mixed_events

resource = pytest.importorskip("resource", reason="there are no such limits on Windows")

EVENTS = mixed_events()
OUTCOMES = [place for place, event in enumerate(EVENTS) if isinstance(event, (CaseFinished, CaseFailed))]


@pytest.fixture
def recording(tmp_path):
    """Of a run in the folder ``runs``."""
    recording = Recording(tmp_path / "runs")
    with recording.recorder:
        yield recording


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The system's folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


class Recording:
    """A run that is written event by event."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        self.gave_up = 0
        self.run: Run | None = None
        self.recorder = RunRecorder(create_log(folder, "run"), self._tell, self._give_up)

    def _tell(self, problem: StoreError) -> None:
        self.told.append(f"{problem.message} {problem.hint}")

    def _give_up(self) -> None:
        self.gave_up += 1

    def write(self, events: list[Event]) -> None:
        for event in events:
            self.recorder.append(event, self.run)
            self.run = fold(self.run, event)

    def assert_whole(self) -> None:
        """The file has every row, and is a run of its own."""
        found = load(self.recorder.path)
        assert found.outcomes == self.run.outcomes
        assert (found.plan, found.environment, found.ended) == (self.run.plan, self.run.environment, self.run.ended)


@contextmanager
def largest_file(limit: int) -> Iterator[None]:
    """Until then no file grows beyond so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_torn_line_and_the_run_ends_with_its_rows_in_memory(tmp_path, temporary, recording):
    recording.write(EVENTS[: OUTCOMES[1]])
    whole = recording.recorder.path.read_bytes()
    with largest_file(len(whole) + 100):
        recording.write(EVENTS[OUTCOMES[1] :])
    assert recording.recorder.path.read_bytes() == whole
    assert recording.told == [
        f"Cannot write the run file {recording.recorder.path}: File too large. "
        "Its rows are in memory only, so the run was ended."
    ]
    assert recording.gave_up == 1
    assert recording.recorder.lost
    assert list(temporary.iterdir()) == []
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run.jsonl"]
    assert len(recording.run.outcomes) == len(OUTCOMES)


@pytest.mark.parametrize("place", [OUTCOMES[0], OUTCOMES[-1], len(EVENTS) - 1])
def test_a_file_that_was_deleted_is_written_anew_with_every_row(tmp_path, temporary, recording, place):
    recording.write(EVENTS[:place])
    shutil.rmtree(tmp_path / "runs")
    recording.write(EVENTS[place:])
    path = tmp_path / "runs" / "run.jsonl"
    assert recording.told == [f"The run file {path} was deleted or moved. The whole run is in a new file now: {path}"]
    assert recording.recorder.path == path
    recording.assert_whole()


def test_a_folder_that_became_a_file_sends_the_run_to_the_temporary_folder(tmp_path, temporary, recording):
    recording.write(EVENTS[: OUTCOMES[0]])
    shutil.rmtree(tmp_path / "runs")
    (tmp_path / "runs").write_text("mine")
    recording.write(EVENTS[OUTCOMES[0] :])
    assert recording.recorder.path == temporary / "run.jsonl"
    assert str(temporary / "run.jsonl") in recording.told[0]
    assert (recording.gave_up, len(recording.told)) == (0, 1)
    recording.assert_whole()


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"theirs\n")


def _replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


def _truncate(path: Path) -> None:
    os.truncate(path, 10)


def _overwrite(path: Path) -> None:
    """As long as before."""
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"theirs")


@pytest.mark.parametrize("change", [_append, _replace, _truncate, _overwrite])
def test_what_something_else_did_to_the_file_is_left_to_it_and_the_run_goes_on_beside_it(
    tmp_path, temporary, recording, change
):
    recording.write(EVENTS[: OUTCOMES[1]])
    first = tmp_path / "runs" / "run.jsonl"
    change(first)
    theirs = first.read_bytes()
    recording.write(EVENTS[OUTCOMES[1] :])
    assert recording.recorder.path == tmp_path / "runs" / "run-2.jsonl"
    assert len(recording.told) == 1
    assert first.read_bytes().startswith(theirs)
    recording.assert_whole()


def test_the_second_file_may_fail_as_well(tmp_path, temporary, recording):
    recording.write(EVENTS[: OUTCOMES[0]])
    recording.recorder.path.unlink()
    recording.write(EVENTS[OUTCOMES[0] : OUTCOMES[1]])
    recording.recorder.path.unlink()
    recording.write(EVENTS[OUTCOMES[1] :])
    assert len(recording.told) == 2
    recording.assert_whole()


def test_the_copies_of_one_run_are_numbered_one_after_the_other(tmp_path, temporary, recording):
    recording.write(EVENTS[:-3])
    for event in EVENTS[-3:]:
        _append(recording.recorder.path)
        recording.write([event])
    assert sorted(path.name for path in (tmp_path / "runs").glob("*.jsonl")) == [
        "run-2.jsonl", "run-3.jsonl", "run-4.jsonl", "run.jsonl",
    ]  # fmt: skip
    assert load(recording.recorder.path).outcomes == recording.run.outcomes


def test_events_of_a_run_give_the_run_back():
    run: Run | None = None
    elsewhere = EnvironmentProbed(Environment((("torch", "9.9"),), (), (("os", "another"),), identity_hash="0"))
    for event in [*EVENTS, elsewhere, *_continued()]:
        run = fold(run, event)
        again: Run | None = None
        for each in events_of(run):
            again = fold(again, each)
        assert again == replace(run, progress=None)
    assert [each.version("torch") for each in run.other_machines] == ["2.14.1+cu130"]


def _continued() -> list[Event]:
    """The rows of the first outcome are measured again, and the process is killed."""
    cases = tuple(EVENTS[0].plan.cases)
    first = EVENTS[OUTCOMES[0]]
    started = CaseStarted(cases[0].case_id, 1)
    return [RowsAdded(cases[:2], 5.0), started, Progress(cases[0].case_id, "building"), first]


def test_a_run_is_gone_on_with_in_the_file_that_was_opened_or_nowhere(tmp_path):
    with create_log(tmp_path, "run") as log:
        for event in EVENTS[:-1]:
            log.append(event)
        assert not being_written(tmp_path / "other.jsonl")
    copy = tmp_path / "my backup"
    shutil.copy(log.path, copy)
    before = log.path.read_bytes()
    opened = seen(copy)
    with reopen_log(opened) as again:
        assert being_written(copy)
        again.append(RunFinished("finished", 9.0))
    assert load(copy).ended == "finished"
    assert log.path.read_bytes() == before
    with pytest.raises(StoreError, match="has changed since it was opened"):
        reopen_log(opened)
    assert load(copy).ended == "finished"
