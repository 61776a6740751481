from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core import run as core_run
from cvbench_tui.core.event import CaseFailed, CaseFinished, Event, RowsAdded, RunFinished, RunStarted
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.run import Run, fold
from cvbench_tui.errors import StoreError
from cvbench_tui.results import storage
from cvbench_tui.results.storage import run_file, run_index, run_log
from cvbench_tui.results.storage import runs as store
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_index import seen
from tests.every import every
from tests.results.samples import mixed_events, mixed_run


def write(folder: Path, run_id: str, events: Sequence[Event]) -> Path:
    with run_log.create_log(folder, run_id) as log:
        for event in events:
            log.append(replace(event, run_id=run_id) if isinstance(event, RunStarted) else event)
    return log.path


def began(at_s: float) -> list[Event]:
    header, *rest = mixed_events()
    assert isinstance(header, RunStarted)
    return [replace(header, at_s=at_s), *rest]


def folded(events: Sequence[Event]) -> Run:
    run: Run | None = None
    for event in events:
        run = fold(run, event)
    assert run is not None
    return run


def test_a_run_comes_back_from_its_file_as_it_was(tmp_path):
    path = write(tmp_path / "new" / "folder", "20261124-151012-9f3a", mixed_events())
    assert path.name == "20261124-151012-9f3a.jsonl"
    assert list(run_file.read_events(path)) == mixed_events()
    assert run_file.load(path) == mixed_run()


def test_every_event_can_be_read_as_soon_as_it_is_appended(tmp_path):
    events = mixed_events()
    with run_log.create_log(tmp_path, "run") as log:
        for number, event in enumerate(events, 1):
            log.append(event)
            assert len(list(run_file.read_events(log.path))) == number


def test_outcomes_are_forced_to_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write(tmp_path, "run", mixed_events())
    outcomes = [event for event in mixed_events() if isinstance(event, (CaseFinished, CaseFailed, RunFinished))]
    assert len(synced) == len(outcomes)


def test_a_last_line_torn_anywhere_is_left_out(tmp_path):
    whole = write(tmp_path, mixed_run().id, mixed_events()).read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    expected = folded(mixed_events()[:-1])
    torn = tmp_path / "torn.jsonl"
    for end in range(last, len(whole) - 2):
        torn.write_bytes(whole[:end])
        assert run_file.load(torn) == expected
    torn.write_bytes(whole[:last] + b"\0" * 100)
    assert run_file.load(torn) == expected
    torn.write_bytes(whole.rstrip(b"\n"))
    assert run_file.load(torn) == mixed_run()


def test_a_line_broken_in_the_middle_is_refused_with_its_number(tmp_path):
    path = write(tmp_path, "run", mixed_events())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[3][:20] + b"\n", *lines[4:]]))
    with pytest.raises(StoreError, match="line 4"):
        run_file.load(path)


def test_a_whole_last_line_that_is_no_event_is_refused(tmp_path):
    path = write(tmp_path, "run", mixed_events())
    with path.open("ab") as file:
        file.write(b'{"kind":"nonsense"}')
    with pytest.raises(StoreError, match="line 26"):
        run_file.load(path)


@every("content", [b"{}\n", b"# a table\n", b"\xff\xfe\n", b'{"kind":"run_sta', b"[]\n", b"\n"])
def test_what_is_no_run_is_refused(tmp_path, content):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not a run file"):
        run_file.load(path)


def test_empty_missing_and_folder_are_refused(tmp_path):
    path = tmp_path / "x.jsonl"
    path.touch()
    with pytest.raises(StoreError, match="empty"):
        run_file.load(path)
    with pytest.raises(StoreError, match="No such file"):
        run_file.load(tmp_path / "y.jsonl")
    with pytest.raises(StoreError, match="directory"):
        run_file.load(tmp_path)


def test_a_newer_schema_and_a_second_run_are_refused(tmp_path):
    header, *rest = mixed_events()
    assert isinstance(header, RunStarted)
    with pytest.raises(StoreError, match="newer version") as caught:
        run_file.load(write(tmp_path, "newer", [replace(header, schema=99), *rest]))
    assert "Update" in caught.value.hint
    with pytest.raises(StoreError, match="line 2: a second run"):
        run_file.load(write(tmp_path, "twice", [header, header]))


def test_a_header_that_lacks_something_is_refused(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"kind":"run_started","schema":1}\n')
    with pytest.raises(StoreError, match=r"line 1: run_started\.run_id"):
        run_file.load(path)


def test_a_run_file_is_never_written_over(tmp_path):
    write(tmp_path, "run", mixed_events())
    with pytest.raises(StoreError, match="File exists"):
        run_log.create_log(tmp_path, "run")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="runs folder"):
        run_log.create_log(tmp_path / "file" / "runs", "run")


def test_where_runs_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv(storage.FOLDER_VARIABLE, "~/mine")
    assert storage.runs_folder("/some/where") == Path("/some/where")
    assert storage.runs_folder() == tmp_path / "mine"
    monkeypatch.setenv(storage.FOLDER_VARIABLE, "")
    assert storage.runs_folder().name == "runs"
    assert tmp_path in storage.runs_folder().parents
    assert list(tmp_path.iterdir()) == []


def test_runs_are_listed_newest_first_with_what_came_of_them(tmp_path):
    write(tmp_path, "20260101-000000-aaaa", began(100.0))
    write(tmp_path, "20260102-000000-bbbb", began(200.0)[:-1])
    (tmp_path / "broken.jsonl").write_text("{}\n")
    (tmp_path / "notes.txt").write_text("not a run")
    newest, oldest, broken = store.list_runs(tmp_path)
    assert (newest.id, newest.started_at_s, newest.ended) == ("20260102-000000-bbbb", 200.0, None)
    assert (oldest.rows, oldest.measured, oldest.failed, oldest.ended) == (7, 6, 1, "finished")
    assert (oldest.plan_name, oldest.problem) == ("mixed", "")
    assert (broken.id, broken.started_at_s) == ("broken", None)
    assert "not a run file" in broken.problem


def test_a_listing_counts_as_the_fold_does_whoever_wrote_the_lines(tmp_path):
    events = mixed_events()
    measured = next(event for event in events if isinstance(event, CaseFinished))
    late = CaseFailed(Failure(measured.measurement.case_id, "crashed", 'A "kind":"case_finished"} in a text'))
    stray = CaseFailed(Failure('not \\ in the "plan"', "error", "?"))
    path = write(tmp_path, "run", [*events[:-1], measured, late, stray, events[-1]])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    (tmp_path / "spaced.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    turned = [dict(reversed(line.items())) for line in lines]
    (tmp_path / "turned.jsonl").write_text("".join(json.dumps(line, indent=None) + "\n" for line in turned))
    run = run_file.load(path)
    summaries = store.list_runs(tmp_path)
    assert len(summaries) == 3
    for summary in summaries:
        assert summary.problem == ""
        assert (summary.rows, summary.measured, summary.failed) == (7, len(run.measured), len(run.failures))
        assert summary.ended == "finished"


def test_a_listing_takes_a_torn_last_line_and_names_a_broken_one(tmp_path):
    path = write(tmp_path, "run", mixed_events())
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert (store.list_runs(tmp_path)[0].problem, store.list_runs(tmp_path)[0].ended) == ("", None)
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], b"{oops\n", *lines[5:]]))
    assert "line 6" in store.list_runs(tmp_path)[0].problem


@pytest.fixture
def summaries(monkeypatch):
    """The run files that are read for a listing from now on."""
    names = []
    summary_of = store.summary_of
    monkeypatch.setattr(store, "summary_of", lambda path: names.append(path.name) or summary_of(path))
    return names


def test_a_listing_reads_a_file_once_and_again_when_it_has_changed(tmp_path, summaries):
    path = write(tmp_path, "run", mixed_events()[:-1])
    first = store.list_runs(tmp_path)
    assert store.list_runs(tmp_path) == first
    assert summaries == ["run.jsonl"]
    with run_log.reopen_log(seen(tmp_path / "run.jsonl")) as log:
        log.append(mixed_events()[-1])
    write(tmp_path, "other", mixed_events())
    assert {run.id: run.ended for run in store.list_runs(tmp_path)} == {"run": "finished", "other": "finished"}
    assert sorted(summaries) == ["other.jsonl", "run.jsonl", "run.jsonl"]
    path.unlink()
    assert [run.id for run in store.list_runs(tmp_path)] == ["other"]
    assert len(summaries) == 3


def test_of_very_many_files_the_oldest_are_glanced_at_and_looked_at_later(tmp_path, summaries, monkeypatch):
    monkeypatch.setattr(store, "EXACT_FILES", 2)
    monkeypatch.setattr(store, "REFINED_FILES", 2)
    whole = write(tmp_path, "run-0", mixed_events())
    for number in range(1, 6):
        write(tmp_path, f"run-{number}", mixed_events())
    whole.write_bytes(whole.read_bytes().replace(b'"warmup_s":', b'"warmup_s":-', 1))
    for number in range(6):
        os.utime(tmp_path / f"run-{number}.jsonl", (1000 + number, 1000 + number))
    first = store.list_runs(tmp_path)
    assert summaries == ["run-5.jsonl", "run-4.jsonl"]
    assert not any(run.problem for run in first)
    assert len({replace(run, id="", path=tmp_path) for run in first}) == 1, "a glance counts as the whole does"
    assert [file.glanced for _, file in sorted(run_index.load(tmp_path).items())] == [True] * 4 + [False] * 2
    assert store.list_runs(tmp_path, check=False) == first
    assert len(summaries) == 2, "a list that is only shown checks no file"
    assert store.list_runs(tmp_path) == first
    refined = store.list_runs(tmp_path)
    assert summaries[2:] == ["run-3.jsonl", "run-2.jsonl", "run-1.jsonl", "run-0.jsonl"]
    assert "warmup_s" in refined[-1].problem
    assert not any(file.glanced for file in run_index.load(tmp_path).values())
    assert store.list_runs(tmp_path) == refined
    assert len(summaries) == 6


def test_the_newest_run_is_looked_at_whole_before_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "EXACT_FILES", 0)
    good, bad = write(tmp_path, "good", mixed_events()), write(tmp_path, "bad", mixed_events())
    bad.write_bytes(bad.read_bytes().replace(b'"warmup_s":', b'"warmup_s":-', 1))
    os.utime(good, (1000, 1000))
    assert not any(run.problem for run in store.list_runs(tmp_path))
    assert store.find("last", tmp_path) == good
    History(tmp_path).refresh()
    assert [bool(run.problem) for run in store.list_runs(tmp_path)] == [False, True]


@every(
    "damage",
    [
        lambda data: data[:-20], lambda data: data.replace(b"\n", b"\n\n", 3),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"", lambda data: b"\n", lambda data: b"{}\n", lambda data: data + data, lambda data: data[:400],
        lambda data: b"\xef\xbb\xbf" + data, lambda data: data.replace(b'"schema":', b'"schema":9'),
        lambda data: data.replace(b'"cases":[', b'"cases":[7,'), lambda data: data.replace(b'"at_s":', b'"at_s":-', 1),
        lambda data: data.replace(b'"kind":"case_finished"', b'"kind":"case_begun"'),
        lambda data: data.replace(b'"kind":"run_finished"', b'"kind":"run_over"'),
    ],
    ids=lambda damage: "",
)  # fmt: skip
def test_a_damaged_file_says_the_same_at_a_glance(tmp_path_factory, monkeypatch, damage):
    path = write(tmp_path_factory.mktemp("runs"), "run", mixed_events())
    path.write_bytes(damage(path.read_bytes()))
    whole = store.list_runs(path.parent)
    (path.parent / run_index.NAME).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(store, "EXACT_FILES", 0)
        assert store.list_runs(path.parent) == whole


def test_a_listing_after_the_history_reads_nothing_and_takes_nothing_from_it(tmp_path, summaries):
    write(tmp_path, "run", mixed_events())
    write(tmp_path, "other", mixed_events())
    History(tmp_path).refresh()
    before = (tmp_path / "index.sqlite").read_bytes()
    summaries.clear()
    assert len(store.list_runs(tmp_path)) == 2
    assert summaries == []
    assert (tmp_path / "index.sqlite").read_bytes() == before
    write(tmp_path, "third", mixed_events())
    assert len(store.list_runs(tmp_path)) == 3
    known = run_index.load(tmp_path)
    assert {name for name, file in known.items() if file.times is None} == {"third.jsonl"}
    assert all(file.times for name, file in known.items() if name != "third.jsonl")


def test_a_listing_names_the_folder_that_was_asked_for(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "broken.jsonl").write_text("{}\n")
    History(tmp_path / "old").refresh()
    (tmp_path / "old").rename(tmp_path / "new")
    (run,) = store.list_runs(tmp_path / "new")
    assert run.path == tmp_path / "new" / "broken.jsonl"
    assert str(run.path) in run.problem


def test_a_listing_takes_what_no_parser_takes(tmp_path):
    write(tmp_path, "run", mixed_events())
    (tmp_path / "deep.jsonl").write_bytes(b"[" * 100_000)
    with (tmp_path / "run.jsonl").open("ab") as file:
        file.write(b"[" * 100_000 + b"\n[]\n")
    problems = {run.name: run.problem for run in store.list_runs(tmp_path)}
    assert "not a run file" in problems["deep"]
    assert str(tmp_path / "run.jsonl") in problems["run"]


def test_no_folder_is_no_runs(tmp_path):
    assert store.list_runs(tmp_path / "none") == ()


def test_a_run_is_found_by_path_id_prefix_and_as_the_last(tmp_path):
    old = write(tmp_path, "20260101-000000-aaaa", began(100.0))
    new = write(tmp_path, "20260102-000000-bbbb", began(200.0))
    copied = write(tmp_path, "zcopied-from-elsewhere", began(150.0))
    (tmp_path / "zz.jsonl").write_text("{}\n")
    assert store.find("last", tmp_path) == copied, "the file that was written last, whatever its header says"
    os.utime(new)
    assert store.find("last", tmp_path) == new
    assert store.find("20260101-000000-aaaa", tmp_path) == old
    assert store.find("20260101", tmp_path) == old
    assert store.find(" zcop ", tmp_path) == copied
    assert store.find(str(copied), Path("/nowhere")) == copied


def test_what_is_not_found_names_the_nearest_and_what_is_ambiguous_the_several(tmp_path):
    for number in range(5):
        write(tmp_path, f"2026010{number}-000000-aaaa", began(float(number)))
    with pytest.raises(StoreError, match="5 runs begin with") as caught:
        store.find("2026", tmp_path)
    assert "20260104-000000-aaaa" in caught.value.hint
    with pytest.raises(StoreError, match="no run") as caught:
        store.find("20260109-000000-aaaa", tmp_path)
    assert "Nearest: 2026010" in caught.value.hint
    with pytest.raises(StoreError, match="no run"):
        store.find("nothing-like-it", tmp_path)
    with pytest.raises(StoreError, match="folder"):
        store.find(str(tmp_path), tmp_path)
    with pytest.raises(StoreError, match="No run was named"):
        store.find(" ", tmp_path)
    with pytest.raises(StoreError, match="no run"):
        store.find("last", tmp_path / "none")


def again() -> list[Event]:
    """The mixed run's file with its failures and one measured row to be measured again, and one new row."""
    run = mixed_run()
    ids = {failure.case_id for failure in run.failures} | {run.measured[0].case_id}
    cases = [case for case in run.plan.cases if case.case_id in ids]
    return [*mixed_events(), RowsAdded((*cases, replace(cases[0], batch=999)), 1.0)]


def test_a_listing_counts_rows_added_as_the_fold_does(tmp_path):
    (before,) = store.list_runs(write(tmp_path, mixed_run().id, mixed_events()).parent)
    write(tmp_path / "again", mixed_run().id, again())
    (summary,) = store.list_runs(tmp_path / "again")
    run = folded(again())
    assert before.ended is not None
    assert summary.ended is None
    # a row that is measured again counts as it did, until there is something better
    assert (summary.rows, summary.measured, summary.failed) == (before.rows + 1, before.measured, before.failed)
    settled = core_run.with_better(run)
    assert (summary.rows, summary.measured) == (len(run.plan.cases), len(settled.measured))
    write(tmp_path / "ended", mixed_run().id, [*again(), RunFinished("finished", 2.0)])
    assert store.list_runs(tmp_path / "ended")[0].ended == "finished"


def test_a_run_file_is_written_on_wherever_its_last_line_was_torn(tmp_path):
    whole = write(tmp_path, mixed_run().id, mixed_events()).read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    path = tmp_path / f"{mixed_run().id}.jsonl"
    added = again()[-1]
    for end, events in [
        *((end, mixed_events()[:-1]) for end in (last, last + 1, last + 20, len(whole) - 2)),
        (len(whole) - 1, mixed_events()),
        (len(whole), mixed_events()),
    ]:
        path.write_bytes(whole[:end])
        with run_log.reopen_log(seen(tmp_path / f"{mixed_run().id}.jsonl")) as log:
            log.append(added)
        assert list(run_file.read_events(path)) == [*events, added]
    path.write_bytes(whole[:last] + b"\0" * 100)
    run_log.reopen_log(seen(tmp_path / f"{mixed_run().id}.jsonl")).close()
    assert path.read_bytes() == whole[:last]


def test_what_cannot_be_written_on_is_refused(tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        run_log.reopen_log(seen(tmp_path / "run.jsonl"))
    (tmp_path / "run.jsonl").touch()
    with pytest.raises(StoreError, match="empty"):
        run_log.reopen_log(seen(tmp_path / "run.jsonl"))
    (tmp_path / "run.jsonl").write_bytes(b'{"kind":"run_sta')
    with pytest.raises(StoreError, match="not a run file"):
        run_log.reopen_log(seen(tmp_path / "run.jsonl"))
    assert (tmp_path / "run.jsonl").read_bytes() == b'{"kind":"run_sta'


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks on Windows")
def test_a_run_file_has_one_writer(tmp_path):
    events = mixed_events()
    with run_log.create_log(tmp_path, "run") as log:
        log.append(events[0])
        with pytest.raises(StoreError, match="being written"):
            run_log.reopen_log(seen(tmp_path / "run.jsonl"))
        log.append(events[1])
    with run_log.reopen_log(seen(tmp_path / "run.jsonl")) as log:
        log.append(events[2])
        with pytest.raises(StoreError, match="being written"):
            run_log.reopen_log(seen(tmp_path / "run.jsonl"))
    assert list(run_file.read_events(log.path)) == [replace(events[0]), *events[1:3]]
