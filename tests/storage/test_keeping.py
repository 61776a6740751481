"""Runs as files that one keeps: called by names and tags, deleted and brought back, imported, chosen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import RunLabelled, RunStarted
from cvbench_tui.core.limits import MAX_LABEL, MAX_TAGS
from cvbench_tui.errors import CvbenchError, SelectionError, StoreError
from cvbench_tui.results.storage import run_index, run_log
from cvbench_tui.results.storage import runs as store
from cvbench_tui.results.storage.deleted import delete, deleted_folder, purge, undelete
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.imported import RunImport, run_files
from cvbench_tui.results.storage.labels import checked, label_run
from cvbench_tui.results.storage.recorder import events_of
from cvbench_tui.results.storage.run_contents import contents_of
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_filter import RunFilter, moment_of
from cvbench_tui.results.storage.run_index import RunSummary
from cvbench_tui.results.storage.run_summary import quick_summary, summary_of
from tests.every import every
from tests.results.samples import mixed_events
from tests.storage.test_runs import began, folded, write

DATA = Path(__file__).parents[1] / "data"
HOSTILE = ["[b]|`*_<a>&", "=1+1", "+cmd", "汉字 🚀", "a" * MAX_LABEL]


def run_of_schema(schema: int) -> bytes:
    """A file as a version of that schema wrote it, as far as its header tells."""
    lines = (DATA / "good.jsonl").read_text().splitlines(keepends=True)
    return (json.dumps({**json.loads(lines[0]), "schema": schema}) + "\n" + "".join(lines[1:])).encode()


@every("schema", [1, 2, 3, 4, 5, 6])
def test_a_run_of_any_schema_is_named_long_after_its_end(tmp_path_factory, schema):
    tmp_path = tmp_path_factory.mktemp("runs")
    path = tmp_path / "run.jsonl"
    path.write_bytes(run_of_schema(schema))
    os.utime(path, (1000, 1000))
    before = load(path)
    label_run(path, name=" Base line ", tags=["x,y", "x"])
    assert path.stat().st_mtime == 1000, "'last' stays what was measured last"
    run = load(path)
    assert replace(run, name="", tags=()) == before
    assert (run.name, run.tags) == ("Base line", ("x", "y"))
    label_run(path, tags=["z"], untag=["x"])
    assert (load(path).name, load(path).tags) == ("Base line", ("y", "z"))
    label_run(path, name="")
    assert (load(path).name, load(path).tags) == ("", ("y", "z"))
    assert path.read_bytes().startswith(run_of_schema(schema))


@every("name", HOSTILE)
def test_every_summary_and_the_index_know_what_a_run_is_called(tmp_path_factory, name):
    tmp_path = tmp_path_factory.mktemp("runs")
    path = write(tmp_path, "run", mixed_events())
    History(tmp_path).refresh()
    times = run_index.load(tmp_path)[path.name].times
    label_run(path, name=name, tags=["a b", name])
    whole, quick = summary_of(path), quick_summary(path)
    assert whole == quick
    assert (whole.label, whole.tags) == (name, ("a b", name))
    assert whole.contents == contents_of(load(path))
    known = run_index.load(tmp_path)[path.name]
    assert (known.summary.contents, known.times) == (whole.contents, times), "and nothing was read for it"
    assert known.stamp == run_index.stamp_of(path)
    assert store.find(name, tmp_path) == path


def test_a_large_file_is_glanced_at_for_the_same(tmp_path, monkeypatch):
    path = write(tmp_path, "run", [*mixed_events(), RunLabelled("n", ("t",), 5.0)])
    whole = summary_of(path)
    monkeypatch.setattr("cvbench_tui.results.storage.run_summary.SMALL_BYTES", 0)
    assert summary_of(path) == whole
    assert whole.label == "n"


def test_a_run_says_what_it_is_of():
    events = began(1.0)
    header = events[0]
    assert isinstance(header, RunStarted)
    contents = contents_of(folded(events))
    names = list(dict.fromkeys(case.workload.name for case in header.plan.cases))
    assert list(contents.workloads) == names
    assert contents.text.startswith(f"{names[0]}, {names[1]}")
    assert " on " in contents.text
    cases = header.plan.cases
    varied = (cases[0], replace(cases[0], settings=(("precision", "amp-bf16"),)))
    contents = contents_of(folded([replace(header, plan=replace(header.plan, cases=varied))]))
    assert contents.settings[0].count("/") == 1
    assert contents.text.endswith(f"on {cases[0].device}, {contents.settings[0]}"), "the id of one never probed"


@every(
    "name",
    ["last", "LAST", "last~1", "last~x", "published-1080ti", "a/b", "..\\b", "~", "-x", ".x", "a\nb", "\x1b[31m", "a,b",
     "x.jsonl", "a" * 10_000, "\u202eabc"],
)  # fmt: skip
def test_what_can_be_taken_for_something_else_is_no_name(tmp_path, name):
    for what in ("name", "tag"):
        with pytest.raises(SelectionError, match=f"cannot be a run's {what}") as caught:
            checked(name, tmp_path, what)
        assert len(caught.value.message) < 200
        assert caught.value.message.isprintable()


def test_the_id_of_a_run_and_too_many_tags_are_refused_and_nothing_is_written(tmp_path):
    path, other = write(tmp_path, "run", mixed_events()), write(tmp_path, "other", mixed_events())
    before = path.read_bytes()
    for arguments, words in [
        ({"name": "other"}, "is the id of a run"),
        ({"tags": [f"t{number}" for number in range(MAX_TAGS + 1)]}, "cannot have 51 tags"),
        ({"untag": ["none"]}, "has no tag 'none'"),
    ]:
        with pytest.raises(SelectionError, match=words):
            label_run(path, **arguments)
    assert path.read_bytes() == before
    with pytest.raises(StoreError, match="No such file"):
        label_run(tmp_path / "none.jsonl", name="x")
    assert other.exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks on Windows")
def test_a_run_that_is_being_written_is_neither_named_nor_deleted_nor_imported(tmp_path):
    runs = tmp_path / "runs"
    with run_log.create_log(runs, "run") as log:
        log.append(mixed_events()[0])
        doings: list[Callable[[], object]] = [
            lambda: label_run(log.path, name="x"), lambda: delete(log.path, runs),
            lambda: RunImport(tmp_path / "mine").take(log.path),
        ]  # fmt: skip
        for doing in doings:
            with pytest.raises(StoreError, match="being written by another"):
                doing()
        log.append(mixed_events()[1])
    assert not (tmp_path / "mine").exists()


@every("damage", [b'{"name":"' + b"n" * (MAX_LABEL + 1) + b'","tags":[],"at_s":1.0,"kind":"run_labelled"}\n',
                  b'{"name":7,"tags":[],"at_s":1.0,"kind":"run_labelled"}\n',
                  b'{"name":"","tags":' + json.dumps(["t"] * 51).encode() + b',"at_s":1.0,"kind":"run_labelled"}\n'],
       ids=lambda damage: "")  # fmt: skip
def test_a_name_that_nobody_can_have_given_is_damage(tmp_path_factory, damage):
    tmp_path = tmp_path_factory.mktemp("runs")
    path = write(tmp_path, "run", mixed_events())
    path.write_bytes(path.read_bytes() + damage)
    assert "line 27" in summary_of(path).problem or "line 26" in summary_of(path).problem
    assert quick_summary(path) is None
    with pytest.raises(StoreError):
        load(path)


def test_a_torn_name_is_left_out_and_written_anew(tmp_path):
    path = write(tmp_path, "run", mixed_events())
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"name":"hal')
    assert load(path).name == ""
    label_run(path, name="whole")
    assert load(path).name == "whole"


def test_a_run_that_has_to_be_written_elsewhere_keeps_its_name():
    run = folded([*mixed_events(), RunLabelled("n", ("t",), 1.0)])
    again = folded(list(events_of(run)))
    assert (again.name, again.tags) == ("n", ("t",))


def test_runs_are_found_by_name_by_tag_and_counted_back(tmp_path):
    paths = [write(tmp_path, f"2026010{day}-000000-aaaa", began(day * 100.0)) for day in range(1, 5)]
    for day, path in enumerate(paths):
        os.utime(path, (1000 + day, 1000 + day))
    label_run(paths[0], name="Base", tags=["nightly"])
    label_run(paths[1], tags=["nightly"])
    label_run(paths[2], name="2026")
    said: list[str] = []

    def found(reference: str) -> Path:
        return store.find(reference, tmp_path, said.append)

    assert [found(f"last{back}") for back in ("", "~0", "~1", "~3")] == [paths[3], paths[3], paths[2], paths[0]]
    assert (found("base"), said) == (paths[0], [])
    assert found("nightly") == paths[1]
    assert said == ["2 runs have the tag 'nightly'; this is the newest, 20260102-000000-aaaa."]
    assert found("2026") == paths[2], "a name goes before the beginning of an id"
    with pytest.raises(StoreError, match="no run last~4") as caught:
        found("last~4")
    assert "last~3" in caught.value.hint
    with pytest.raises(StoreError, match="no run 'nigtly'") as caught:
        found("nigtly")
    assert "nightly" in caught.value.hint
    with pytest.raises(StoreError, match="published run"):
        found("published-none")


def test_a_deleted_run_comes_back_as_it_was_and_none_takes_the_place_of_another(tmp_path):
    path = write(tmp_path, "run", mixed_events())
    os.utime(path, (1000, 1000))
    first = path.read_bytes()
    moved = delete(path, tmp_path)
    assert (moved.now, store.list_runs(tmp_path)) == (deleted_folder(tmp_path) / "run.jsonl", ())
    write(tmp_path, "run", mixed_events()[:-1])
    second = path.read_bytes()
    assert delete(path, tmp_path).now.name == "run-2.jsonl"
    write(tmp_path, "run", mixed_events()[:-2])
    assert undelete(moved.now, tmp_path).now.name == "run-2.jsonl"
    assert (tmp_path / "run-2.jsonl").read_bytes() == first
    assert (tmp_path / "run-2.jsonl").stat().st_mtime == 1000
    assert (deleted_folder(tmp_path) / "run-2.jsonl").read_bytes() == second
    assert len(store.list_runs(tmp_path)) == 2


def test_only_what_lies_where_it_belongs_is_deleted_or_brought_back(tmp_path):
    mine, theirs = tmp_path / "mine", write(tmp_path / "theirs", "run", mixed_events())
    path = write(mine, "run", mixed_events())
    with pytest.raises(StoreError, match="not in the folder of runs"):
        delete(theirs, mine)
    with pytest.raises(StoreError, match="not among the deleted runs"):
        undelete(path, mine)
    assert theirs.exists()
    assert path.exists()


def test_a_deleted_run_is_removed_by_its_whole_name_alone(tmp_path):
    path = write(tmp_path, "run-1", mixed_events())
    with pytest.raises(StoreError, match="no deleted run") as caught:
        purge("run-1", tmp_path)
    assert "cvbench-tui delete run-1" in caught.value.hint
    delete(path, tmp_path)
    for name in ("run", "last", "*", "", "../run-1", f"../{tmp_path.name}/deleted/run-1"):
        with pytest.raises(StoreError, match="no deleted run"):
            purge(name, tmp_path)
    assert purge("run-1", tmp_path) == deleted_folder(tmp_path) / "run-1.jsonl"
    assert list(deleted_folder(tmp_path).glob("*.jsonl")) == []


def test_a_file_that_is_no_run_can_be_deleted_too(tmp_path):
    (tmp_path / "torn.jsonl").write_text("{}\n")
    delete(store.find("torn", tmp_path), tmp_path)
    assert store.list_runs(tmp_path) == ()
    assert (deleted_folder(tmp_path) / "torn.jsonl").read_text() == "{}\n"


def test_where_nothing_can_be_moved_everything_stays(tmp_path):
    path = write(tmp_path, "run", mixed_events())
    deleted_folder(tmp_path).write_text("a file in its place")
    with pytest.raises(StoreError, match="Cannot write into"):
        delete(path, tmp_path)
    assert load(path).ended == "finished"


def test_imported_runs_are_copies_and_come_once(tmp_path):
    source, mine = tmp_path / "mail" / "from a colleague.jsonl", tmp_path / "runs"
    source.parent.mkdir()
    shutil.copy(write(tmp_path / "theirs", "20260101-000000-aaaa", mixed_events()), source)
    made = RunImport(mine).take(source)
    assert (made.path, made.already, made.others) == (mine / "20260101-000000-aaaa.jsonl", False, 0)
    assert made.path.read_bytes() == source.read_bytes()
    assert sorted(each.name for each in mine.iterdir()) == ["20260101-000000-aaaa.jsonl"], "and nothing half copied"
    label_run(made.path, name="theirs")
    assert RunImport(mine).take(source).already, "with a name it is the same run still"
    source.write_bytes(source.read_bytes().replace(b'"at_s":', b'"at_s":1', 1))
    taking = RunImport(mine)
    other = taking.take(source)
    assert (other.path.name, other.already, other.others) == ("20260101-000000-aaaa-2.jsonl", False, 1)
    assert taking.take(source).already
    assert len(store.list_runs(mine)) == 2
    assert load(made.path).name == "theirs"


def test_an_imported_run_is_the_last_only_if_it_was_measured_last(tmp_path):
    header, *rest = mixed_events()
    old = write(tmp_path / "theirs", "old", [replace(header, at_s=1000.0), *rest[:3]])
    path = write(tmp_path / "runs", "own", mixed_events())
    made = RunImport(tmp_path / "runs").take(old)
    assert made.path.stat().st_mtime == 1000
    assert store.find("last", tmp_path / "runs") == path


@every("run_id", ["../../evil", "", "a/b", "con\0", "-rf", ".hidden", "x" * 300, "a\nb"])
def test_an_id_from_outside_names_no_file(tmp_path_factory, run_id):
    tmp_path = tmp_path_factory.mktemp("runs")
    source = write(tmp_path / "theirs", "mail", mixed_events())
    header, rest = source.read_text().split("\n", 1)
    source.write_text(json.dumps({**json.loads(header), "run_id": run_id}) + "\n" + rest)
    made = RunImport(tmp_path / "runs").take(source)
    assert made.path == tmp_path / "runs" / "mail.jsonl"
    assert RunImport(tmp_path / "runs").take(source).already


def test_what_is_no_run_is_not_imported(tmp_path):
    good = write(tmp_path / "theirs", "good", mixed_events())
    for content, words in [
        (b"", "is empty"), (b"import os\n", "not a run file"), (run_of_schema(99), "newer version"),
        (good.read_bytes().replace(b'"warmup_s":', b'"warmup_s":-', 1), "warmup_s"),
    ]:  # fmt: skip
        bad = tmp_path / "bad.jsonl"
        bad.write_bytes(content)
        with pytest.raises(StoreError, match=words):
            RunImport(tmp_path / "runs").take(bad)
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("pipe.jsonl", "none.jsonl"):
        with pytest.raises(StoreError):
            RunImport(tmp_path / "runs").take(tmp_path / name)
    assert not (tmp_path / "runs").exists()


def test_a_folder_is_its_run_files(tmp_path):
    good, other = write(tmp_path, "good", mixed_events()), write(tmp_path, "other", mixed_events())
    (tmp_path / "notes.txt").write_text("not a run")
    assert set(run_files(tmp_path)) == {good, other}
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="no run file"):
        list(run_files(tmp_path / "empty"))
    assert list(run_files(tmp_path / "none.jsonl")) == [tmp_path / "none.jsonl"], "that there is none is said later"


def summary(tmp_path: Path) -> RunSummary:
    path = write(tmp_path, "run", began(moment_of("2026-11-05 12:00", "--since")))
    label_run(path, name="Base line", tags=["nightly"])
    return summary_of(path)


@every(
    ("wanted", "passes"),
    [
        (RunFilter(), True),
        (RunFilter(devices=("xeon(r) silver",)), True), (RunFilter(devices=("1080", "H100")), True),
        (RunFilter(devices=("1080",)), False),
        (RunFilter(workloads=("resnet",)), True), (RunFilter(workloads=("resnet81",)), False),
        (RunFilter(labels=("base",)), True), (RunFilter(labels=("nightly",)), False),
        (RunFilter(tags=("Nightly",)), True), (RunFilter(tags=("night",)), False),
        (RunFilter(since_s=moment_of("2026-11-05", "")), True),
        (RunFilter(since_s=moment_of("2026-11-05 12:01", "")), False),
        (RunFilter(until_s=moment_of("2026-11-05", "", end=True)), True),
        (RunFilter(until_s=moment_of("2026-11-05 11:59", "", end=True)), False),
        (RunFilter(words=("NIGHTLY", "base")), True), (RunFilter(words=("nightly", "weekly")), False),
        (RunFilter(devices=("cpu",), tags=("weekly",)), False),
    ],
)  # fmt: skip
def test_runs_are_chosen_by_what_is_known_of_them(tmp_path_factory, wanted, passes):
    run = summary(tmp_path_factory.mktemp("runs"))
    assert wanted.passes(run) is passes


def test_what_cannot_be_read_is_chosen_by_words_alone(tmp_path):
    torn = RunSummary("torn", tmp_path / "torn.jsonl", problem="torn.jsonl is empty.")
    assert RunFilter(words=("empty",)).passes(torn)
    for wanted in (
        RunFilter(devices=("cpu",)),
        RunFilter(since_s=0.0),
        RunFilter(tags=("a",)),
        RunFilter(labels=("a",)),
    ):
        assert not wanted.passes(torn)


@every("text", ["2026-13-01", "2026-02-30", "yesterday", "", "2026-11-01 25:00", "1969-01-01", "9" * 50 + "-01-01"])
def test_what_is_no_date_is_a_sentence(text):
    with pytest.raises(CvbenchError, match="is not a date") as caught:
        moment_of(text, "--since")
    assert "2026-11-01" in caught.value.hint
