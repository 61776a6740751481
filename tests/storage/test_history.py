from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import RunStarted
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.storage import history, run_index, run_log
from cvbench_tui.results.storage import run_file as runfile
from cvbench_tui.results.storage import runs as store
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_index import PastTimes
from tests.results.samples import (
    ENVIRONMENT,
    STARTED_AT_S,
    VISITS,
    events_of,
    measurement,
    mixed_run,
    model,
    plan,
    run_of,
)

ROW = Case(model("Resnet18"), "cuda:0", 8)
CARD = ENVIRONMENT.devices[1].name
INDEX = run_index.NAME


def write(folder: Path, run_id: str, *outcomes, at_s=STARTED_AT_S, protocol="default", environment=ENVIRONMENT) -> Path:
    """A run of that one row."""
    header, *rest = events_of(plan(ROW, protocol=protocol), *outcomes, environment=environment)
    assert isinstance(header, RunStarted)
    with run_log.create_log(folder, run_id) as log:
        for event in (replace(header, run_id=run_id, at_s=at_s), *rest):
            log.append(event)
    return log.path


def known(folder: Path, protocol: str = "default", device_name: str = CARD) -> PastTimes | None:
    """What a history says that was made just now."""
    fresh = History(folder)
    fresh.refresh()
    return fresh.past(ROW, device_name, protocol)


@pytest.fixture
def reads(monkeypatch):
    """The run files that are read from now on."""
    names = []
    load = runfile.load
    monkeypatch.setattr(runfile, "load", lambda path: names.append(path.name) or load(path))
    return names


def test_before_anything_is_read_nothing_is_known(tmp_path):
    write(tmp_path, "one", measurement(ROW, 0.1))
    assert History(tmp_path).past(ROW, CARD, "default") is None


def test_the_row_of_an_earlier_run(tmp_path):
    write(tmp_path, "one", measurement(ROW, 0.1))
    expected = row_data(run_of(plan(ROW), measurement(ROW, 0.1)), ROW).phases
    inference_s, total_s = expected["inference"].median_s, expected["total"].median_s
    assert known(tmp_path) == PastTimes(ROW.case_id, CARD, "default", inference_s, total_s, 40.0, STARTED_AT_S, "one")


def test_only_the_very_same_case_on_a_device_of_that_name(tmp_path):
    write(tmp_path, "one", measurement(ROW, 0.1))
    found = History(tmp_path)
    found.refresh()
    assert found.past(ROW, "Another card", "default") is None
    assert found.past(replace(ROW, batch=4), CARD, "default") is None
    assert found.past(replace(ROW, device="cpu"), ENVIRONMENT.devices[0].name, "default") is None


def test_the_newest_run_counts_by_when_it_began(tmp_path):
    write(tmp_path, "new", measurement(ROW, 0.3), at_s=STARTED_AT_S + 9)
    write(tmp_path, "old", measurement(ROW, 0.1), at_s=STARTED_AT_S)
    past = known(tmp_path)
    assert past is not None
    assert past.run_id == "new"
    assert past.at_s == STARTED_AT_S + 9


def test_a_duration_is_that_of_the_newest_run_under_the_same_protocol(tmp_path):
    write(tmp_path, "new", replace(measurement(ROW, 0.3), wall_s=99.0), at_s=STARTED_AT_S + 9, protocol="rigorous")
    write(tmp_path, "old", replace(measurement(ROW, 0.1), wall_s=80.0))
    past = known(tmp_path, "default")
    assert past is not None
    assert (past.run_id, past.wall_s) == ("new", 80.0)
    past = known(tmp_path, "quick")
    assert past is not None
    assert past.wall_s is None


def test_a_duration_is_that_of_all_visits_also_where_some_are_missing(tmp_path):
    visit = replace(measurement(ROW, 0.1), visit_rounds=(), visit_records=VISITS[:1], wall_s=4.0)
    write(tmp_path, "one", visit, visit, protocol="rigorous")
    past = known(tmp_path, "rigorous")
    assert past is not None
    assert past.wall_s == pytest.approx(4.0 * PROTOCOLS["rigorous"].max_visits)


def test_a_time_that_is_no_measurement_is_left_out(tmp_path):
    graded = Path(__file__).parent.parent / "data" / "graded.jsonl"
    (tmp_path / "graded.jsonl").write_bytes(graded.read_bytes())
    run = runfile.load(graded)
    found = History(tmp_path)
    found.refresh()
    seen = set()
    for case in run.plan.cases:
        results = row_data(run, case).phases
        if results:
            past = found.past(case, run.environment.device(case.device).name, run.plan.protocol.name)
            for phase, seconds in (("total", past.total_s), ("inference", past.inference_s)):
                assert seconds == (results[phase].median_s if results[phase].valid else None)
                seen.add(results[phase].valid)
    assert seen == {True, False}


def test_a_failed_row_and_an_unknown_machine_tell_nothing(tmp_path):
    write(tmp_path, "failed", Failure(ROW.case_id, "error", "No."))
    write(tmp_path, "unknown", measurement(ROW, 0.1), environment=None)
    assert known(tmp_path) is None


def test_a_file_is_read_once_and_again_when_it_has_grown(tmp_path, reads):
    path = write(tmp_path, "one", measurement(ROW, 0.1))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    found = History(tmp_path)
    found.refresh()
    assert found.past(ROW, CARD, "default") is None
    path.write_bytes(b"".join(lines))
    found.refresh()
    found.refresh()
    assert found.past(ROW, CARD, "default") is not None
    assert reads == ["one.jsonl"] * 2


@pytest.mark.parametrize("same", ["size", "time"])
def test_a_file_that_was_replaced_is_read_again(tmp_path, same):
    """By a copy of another run with as many bytes, or with the time of the first."""
    texts = [write(tmp_path / name, "one", measurement(ROW, s)).read_bytes() for name, s in (("a", 0.1), ("b", 0.2))]
    size = max(map(len, texts)) + 1
    before, after = (text.replace(b"{", b"{" + b" " * (size - len(text)), 1) for text in texts)  # blanks mean nothing
    path = tmp_path / "one.jsonl"
    path.write_bytes(before)
    os.utime(path, ns=(10**18, 10**18))
    first = known(tmp_path)
    path.write_bytes(after if same == "size" else after + b"\n")
    changed_ns = 10**18 + (10**9 if same == "size" else 0)
    os.utime(path, ns=(changed_ns, changed_ns))
    assert known(tmp_path).total_s == pytest.approx(2 * first.total_s)


def test_the_index_spares_reading_the_files_again(tmp_path, reads):
    write(tmp_path, "one", measurement(ROW, 0.1))
    first = known(tmp_path)
    assert first is not None
    write(tmp_path, "two", measurement(ROW, 0.2), at_s=STARTED_AT_S - 9)
    reads.clear()
    assert known(tmp_path) == first
    assert reads == ["two.jsonl"]
    assert known(tmp_path) == first
    assert reads == ["two.jsonl"]


def test_the_index_is_no_run(tmp_path):
    write(tmp_path, "one", measurement(ROW, 0.1))
    known(tmp_path)
    assert (tmp_path / INDEX).is_file()
    assert [run.id for run in store.list_runs(tmp_path)] == ["one"]
    assert store.find("last", tmp_path).stem == "one"


def test_a_run_that_was_deleted_is_forgotten(tmp_path):
    path = write(tmp_path, "one", measurement(ROW, 0.1))
    found = History(tmp_path)
    found.refresh()
    path.unlink()
    found.refresh()
    assert found.past(ROW, CARD, "default") is None
    write(tmp_path, "two", measurement(replace(ROW, batch=4), 0.1))
    known(tmp_path)
    with closing(sqlite3.connect(tmp_path / INDEX)) as index:
        assert index.execute("SELECT name FROM files").fetchall() == [(b"two.jsonl",)]


def other_version(path):
    with closing(sqlite3.connect(path)) as index, index:
        index.execute("PRAGMA user_version = 1")
        index.execute("UPDATE files SET times = '[]'")


def other_tables(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as index, index:
        index.execute("CREATE TABLE files (something TEXT)")


@pytest.mark.parametrize(
    "harm",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[:100] + b"\xff" * 9000),
        other_version,
        other_tables,
    ],
    ids=["missing", "empty", "no database", "damaged", "version", "tables"],
)
def test_an_index_that_cannot_be_used_is_made_anew(tmp_path, reads, harm):
    write(tmp_path, "one", measurement(ROW, 0.1))
    first = known(tmp_path)
    harm(tmp_path / INDEX)
    reads.clear()
    assert known(tmp_path) == first
    assert known(tmp_path) == first
    assert reads == ["one.jsonl"]


def test_a_locked_index_is_done_without(tmp_path, monkeypatch, reads):
    monkeypatch.setattr(run_index, "LOCKED_S", 0.01)
    write(tmp_path, "one", measurement(ROW, 0.1))
    first = known(tmp_path)
    found = History(tmp_path)
    with closing(sqlite3.connect(tmp_path / INDEX, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        found.refresh()
        assert found.past(ROW, CARD, "default") == first
        write(tmp_path, "two", measurement(ROW, 0.2), at_s=STARTED_AT_S - 9)
        found.refresh()
        assert found.past(ROW, CARD, "default") == first
    found.refresh()
    reads.clear()
    assert known(tmp_path) == first
    assert reads == [], "what could not be saved then was saved later"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_read_all_the_same(tmp_path):
    write(tmp_path, "one", measurement(ROW, 0.1))
    tmp_path.chmod(0o500)
    try:
        assert known(tmp_path) is not None
    finally:
        tmp_path.chmod(0o700)
    assert not (tmp_path / INDEX).exists()


def test_a_folder_where_no_index_can_be_written(tmp_path):
    (tmp_path / INDEX).mkdir()
    write(tmp_path, "one", measurement(ROW, 0.1))
    assert known(tmp_path) is not None


def test_a_missing_folder_has_no_history_and_is_not_made(tmp_path):
    assert known(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_torn_and_foreign_files_are_passed_over(tmp_path, reads):
    torn = write(tmp_path, "torn", measurement(ROW, 0.1))
    torn.write_bytes(torn.read_bytes()[:-30])
    (tmp_path / "broken.jsonl").write_bytes(torn.read_bytes().replace(b'"samples"', b"]", 1)[:2000])
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "deep.jsonl").write_bytes(b"[" * 100_000)
    (tmp_path / "other.jsonl").write_bytes(b'{"a": 1}\n\xff\xfe\x00')
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / os.fsdecode(b"\xff.jsonl")).write_bytes(torn.read_bytes())
    past = known(tmp_path)
    assert past is not None
    assert past.run_id == "torn"
    reads.clear()
    assert known(tmp_path) == past
    assert reads == [], "a file that is no run is not tried again either"


@pytest.mark.parametrize("harm", [b"\xff", b"\\q"])
def test_a_damaged_letter_in_a_rows_name_costs_that_file_only(tmp_path, harm):
    damaged = write(tmp_path, "damaged", measurement(ROW, 0.1), measurement(ROW, 0.1))
    outcome = b'{"measurement":{"case_id":"'
    assert outcome in damaged.read_bytes()
    damaged.write_bytes(damaged.read_bytes().replace(outcome, outcome + harm))
    write(tmp_path, "good", measurement(ROW, 0.2))
    assert known(tmp_path).run_id == "good"
    problems = {each.id: bool(each.problem) for each in store.list_runs(tmp_path)}
    assert problems == {"damaged": True, "good": False}


def test_no_more_than_the_newest_files_are_read(tmp_path, monkeypatch, reads):
    monkeypatch.setattr(history, "MAX_FILES", 2)
    for number in range(4):
        path = write(tmp_path, f"run{number}", measurement(ROW, 0.1))
        os.utime(path, (number, number))
    known(tmp_path)
    assert reads == ["run3.jsonl", "run2.jsonl"]


def test_reading_ends_when_it_is_cancelled_and_goes_on_later(tmp_path, reads):
    for number in range(3):
        write(tmp_path, f"run{number}", measurement(ROW, 0.1))
    found = History(tmp_path)
    found.refresh(lambda: len(reads) == 1)
    assert len(reads) == 1
    assert found.past(ROW, CARD, "default") is not None
    found.refresh()
    assert len(set(reads)) == len(reads) == 3


def test_it_answers_while_other_threads_read(tmp_path):
    run = mixed_run()
    for number in range(5):
        write(tmp_path, f"run{number}", measurement(ROW, 0.1))
    found = History(tmp_path)
    threads = [threading.Thread(target=found.refresh) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert found.past(run.plan.cases[0], CARD, "default") is None
    assert found.past(ROW, CARD, "default") is not None


def test_a_run_of_ones_own_is_known_without_being_read_and_as_if_it_had_been(tmp_path, reads):
    mine = History(tmp_path)
    mine.refresh()
    path = write(tmp_path, "20260101-000000-mine", measurement(ROW, 0.1), Failure(ROW.case_id, "crashed", "x"))
    run = runfile.load(path)
    reads.clear()
    mine.add(path, run)
    assert mine.past(ROW, CARD, "default") is not None
    assert run_index.load(tmp_path)[path.name].times, "on the disk too, for the next start"
    (tmp_path / run_index.NAME).unlink()
    assert mine.past(ROW, CARD, "default") == known(tmp_path), "as the file has it"
    assert reads == [path.name], "by the other one alone"
    reads.clear()
    mine.refresh()
    assert reads == []
    assert replace(run_index.load(tmp_path)[path.name].summary, invalid=None) == store.summary_of(path)


def test_a_run_that_ends_before_the_folder_was_read_does_not_hide_it(tmp_path):
    write(tmp_path, "old", measurement(ROW, 0.1))
    fresh = History(tmp_path)
    fresh.add(path := write(tmp_path, "new", measurement(ROW, 0.3)), runfile.load(path))
    fresh.refresh()
    assert set(run_index.load(tmp_path)) == {"old.jsonl", "new.jsonl"}


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch, reads) -> None:
    write(tmp_path, "one", measurement(ROW, 0.1))
    monkeypatch.setattr(history, "MAX_BYTES", 10)
    assert known(tmp_path) is None
    assert reads == []


def test_what_is_known_is_answered_while_the_rest_is_still_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(history, "BATCH", 1)
    write(tmp_path, "one", measurement(ROW, 0.1))
    write(tmp_path, "two", measurement(ROW, 0.1))

    def seen() -> list[bool]:
        found, answers = History(tmp_path), []
        found.refresh(lambda: answers.append(found.past(ROW, CARD, "default") is not None) or False)
        return answers

    assert seen() == [False, True]
    write(tmp_path, "three", measurement(ROW, 0.1))
    assert seen() == [True], "the index is asked first"
