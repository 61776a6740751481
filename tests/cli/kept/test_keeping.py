"""``name``, ``delete``, ``undelete``, ``import`` and the filters of ``list runs``, as a user types them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from cvbench_tui.cli import options
from cvbench_tui.results.storage.run_file import load

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs, ``good`` written last."""
    folder = tmp_path / "runs"
    folder.mkdir()
    for at_s, name in enumerate(("graded", "good")):
        shutil.copy(DATA / f"{name}.jsonl", folder)
        os.utime(folder / f"{name}.jsonl", (1000 + at_s, 1000 + at_s))
    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(folder))
    return folder


def listed(type_, *arguments: str) -> list[str]:
    code, out, _ = type_("list", "runs", *arguments, "--json")
    assert code == 0
    return [row["name"] for row in json.loads(out)]


def test_a_run_is_named_from_its_start(type_, runs):
    code, _, _ = type_("run", "-l", "Dense", "-d", "cpu", "--name", "first try", "--tag", "a,b", "--tag", "c")
    assert code == 0
    run = load(max(runs.glob("*.jsonl"), key=lambda path: path.stat().st_mtime))
    assert (run.name, run.tags) == ("first try", ("a", "b", "c"))
    assert type_("show", "First try", "--plain")[0] == 0
    code, _, err = type_("run", "-l", "Dense", "--name", "last~1")
    assert (code, "cannot be a run's name" in err) == (2, True)
    assert len(list(runs.glob("*.jsonl"))) == 3, "refused before anything is measured"


def test_runs_are_named_and_then_named_so(type_, runs):
    assert type_("name", "last", "Base line", "--tag", "x") == (0, "good: 'Base line', tags x\n", "")
    assert type_("name", "base line", "--untag", "x", "--tag", "y")[1] == "good: 'Base line', tags y\n"
    assert type_("name", "y")[1] == "good: 'Base line', tags y\n"
    assert type_("name", "y", "")[1] == "good: without a name, tags y\n"
    type_("name", "graded", "--tag", "y")
    code, out, err = type_("show", "y", "--plain")
    assert (code, "2 runs have the tag 'y'; this is the newest, " in err, bool(out)) == (0, True, True)
    code, _, err = type_("name", "last", "a\nb|c")
    assert (code, err.splitlines()[0]) == (2, "cvbench-tui: 'a\\nb|c' cannot be a run's name.")
    assert type_("name", "nothing", "x")[0] == 2


def test_names_and_tags_are_completed_and_exported(type_, runs, tmp_path):
    type_("name", "last", "nhwc", "--tag", "nightly")
    type_("name", "graded", "$(touch hit)", "--tag", "nightly")
    type_("list", "runs")  # the index knows them from then on
    complete = options.complete("runs")
    assert complete(None, None, "n") == ["nhwc", "nightly"], "what a shell would obey is left out, each once"
    assert "good" in complete(None, None, "g")
    assert type_("export", "nhwc", "-o", str(tmp_path / "a.json"))[0] == 0
    exported = json.loads((tmp_path / "a.json").read_text())["run"]
    assert (exported["name"], exported["tags"]) == ("nhwc", ["nightly"])


def test_runs_are_deleted_brought_back_and_removed(type_, runs):
    code, out, _ = type_("delete", "good", "last~1")
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()] == ["Deleted good", "Deleted graded"]
    assert (listed(type_), listed(type_, "--deleted")) == ([], ["good", "graded"])
    assert "1 measured" not in type_("list", "runs")[1]
    assert type_("undelete", "good")[0] == 0
    assert listed(type_) == ["good"]
    assert type_("undelete", "good")[0] == 2
    code, out, err = type_("delete", "--purge", "good")
    assert (code, out, "cvbench-tui delete good" in err) == (2, "", True)
    code, out, _ = type_("delete", "--purge", "graded")
    assert (code, out.endswith("graded.jsonl. It cannot come back.\n")) == (0, True)
    assert (listed(type_), listed(type_, "--deleted")) == (["good"], [])


def test_none_is_deleted_where_one_is_not_found(type_, runs):
    code, _, err = type_("delete", "good", "nothing-like-it")
    assert (code, "There is no run 'nothing-like-it'" in err) == (2, True)
    assert set(listed(type_)) == {"good", "graded"}


def test_good_files_are_imported_beside_bad_ones(type_, runs, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shutil.copy(DATA / "before_axes.jsonl", theirs / "mail.jsonl")
    (theirs / "bad.jsonl").write_text("{}\n")
    (tmp_path / "notes.md").write_text("# notes\n")
    code, out, err = type_("import", str(theirs), "notes.md", "none.jsonl", str(runs / "good.jsonl"))
    assert code == 2
    taken, known = out.splitlines()
    assert taken.startswith(f"{theirs / 'mail.jsonl'}: 15 rows, now {runs}")
    assert known.endswith(f"is here already, {runs / 'good.jsonl'}")
    assert [line.count("cvbench-tui: ") for line in err.splitlines()] == [1, 1, 1]
    assert len(listed(type_)) == 3
    code, out, err = type_("import", str(theirs / "mail.jsonl"))
    assert (code, "is here already" in out, err) == (0, True, "")


def test_runs_are_chosen_by_options_and_words(type_, runs):
    type_("name", "graded", "[b]|=1", "--tag", "nightly")
    for arguments in (("--tag", "nightly"), ("--name", "|="), ("=1", "NIGHT")):
        assert listed(type_, *arguments) == ["graded"]
    assert set(listed(type_, "--workload", "resnet", "--device", "example gpu")) == {"good", "graded"}
    assert listed(type_, "--device", "1080") == listed(type_, "--since", "2026-01-01") == []
    assert len(listed(type_, "--until", "2025-11-24")) == len(listed(type_, "2025-11-24")) == 2
    code, out, _ = type_("list", "runs", "--tag", "nightly")
    assert (code, "[b]|=1 [nightly]" in out, "Resnet18, VGG16 +" in out) == (0, True, True)
    code, _, err = type_("list", "runs", "--since", "soon")
    assert (code, "--since 'soon' is not a date." in err) == (2, True)
    for what in (["models"], []):
        code, _, err = type_("list", *what, "--tag", "x")
        assert (code, "Runs alone are chosen" in err) == (2, True)
