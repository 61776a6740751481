"""A folder of runs with whatever strangers leave in it: one bad file, or an odd index, is never the end of anything."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cvbench_tui.errors import StoreError
from cvbench_tui.results.storage import run_file, run_index
from cvbench_tui.results.storage import runs as store
from cvbench_tui.results.storage.history import History
from tests.every import every
from tests.results.samples import mixed_events
from tests.storage.test_runs import write

GOOD = "20260101-000000-good"


@pytest.fixture
def folder() -> Iterator[Path]:
    """With one good run; a socket's path may have 107 letters, so it is no long one."""
    made = Path(os.path.realpath(os.environ.get("TMPDIR", "/tmp"))) / f"cvb-{os.getpid()}"
    made.mkdir()
    write(made, GOOD, mixed_events())
    yield made
    shutil.rmtree(made)


def good(folder: Path) -> bytes:
    return (folder / f"{GOOD}.jsonl").read_bytes()


def header(folder: Path, **changed: bytes) -> bytes:
    """The good run with other texts in its first line."""
    data = good(folder)
    for old, new in changed.items():
        begin = data.index(b'"%s":' % old.encode()) + len(old) + 3
        end = data.index(b",", begin)
        data = data[:begin] + new + data[end:]
    return data


def sparse(path: Path, folder: Path) -> None:
    path.write_bytes(good(folder))
    os.truncate(path, 2 << 30)


BAD: dict[str, Callable[[Path, Path], object]] = {
    "deep": lambda path, folder: path.write_bytes(b"[" * 100_000),
    "deep_line": lambda path, folder: path.write_bytes(good(folder) + b"[" * 100_000 + b"\n[]\n"),
    "late": lambda path, folder: path.write_bytes(header(folder, at_s=b"1e300")),
    "early": lambda path, folder: path.write_bytes(header(folder, at_s=b"-1e18")),
    "digits": lambda path, folder: path.write_bytes(header(folder, at_s=b"9" * 400)),
    "many_digits": lambda path, folder: path.write_bytes(header(folder, at_s=b"9" * 40_000)),
    "nan": lambda path, folder: path.write_bytes(header(folder, at_s=b"NaN")),
    "raw": lambda path, folder: path.write_bytes(header(folder, run_id=b'"a\tb\x1b]0;x\x07\xff"')),
    "empty": lambda path, folder: path.touch(),
    "binary": lambda path, folder: path.write_bytes(bytes(range(256)) * 999),
    "sparse": sparse,
    "folder": lambda path, folder: path.mkdir(),
    "pipe": lambda path, folder: os.mkfifo(path),
    "device": lambda path, folder: path.symlink_to("/dev/zero"),
    "loop": lambda path, folder: path.symlink_to(path),
    "dangling": lambda path, folder: path.symlink_to(folder / "nowhere"),
    "line": lambda path, folder: path.write_bytes(good(folder).replace(b"\n", b"\n{oops\n", 3)),
}


@every("kind", [*BAD])
def test_a_bad_file_is_one_line_that_says_why(folder: Path, kind: str) -> None:
    path = folder / "bad.jsonl"
    BAD[kind](path, folder)
    for _ in range(2):  # with the index, too
        runs = store.list_runs(folder)
        assert [(run.name, bool(run.problem)) for run in runs] == [(GOOD, False), ("bad", True)]
        assert str(path) in runs[1].problem
        assert runs[1].problem.endswith(".")
    assert store.find("last", folder) == folder / f"{GOOD}.jsonl"
    found = History(folder)
    found.refresh()
    assert [run.name for run in store.list_runs(folder)] == [GOOD, "bad"]
    assert store.run_names(folder)[-1] in (GOOD, "bad")
    if kind not in ("late", "early", "digits", "deep_line", "many_digits", "sparse"):  # the wall's business
        with pytest.raises(StoreError):
            run_file.load(store.find("bad", folder))
    shutil.rmtree(path) if kind == "folder" else path.unlink()


def test_a_socket_is_a_line_too(folder: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(folder / "bad.jsonl"))
        assert "is a socket" in store.list_runs(folder)[1].problem
        with pytest.raises(StoreError, match="socket"):
            store.find("bad", folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_a_line_and_is_read_when_it_is_allowed(folder: Path) -> None:
    path = write(folder, "other", mixed_events())
    path.chmod(0)
    assert "Permission denied" in store.list_runs(folder)[1].problem
    path.chmod(0o600)
    assert store.list_runs(folder)[1].problem == ""


def test_2_gib_without_a_line_are_not_read_into_memory(folder: Path) -> None:
    with (folder / "bad.jsonl").open("wb") as file:
        file.write(b'{"run_id":"')
        file.truncate(2 << 30)
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); "
    listing = "from cvbench_tui.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", limited + listing, "list", "runs", "--runs-dir", str(folder)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "longer than 64 MiB" in done.stdout


@every("name", ["a\nb", "\udcff\udc80", "\x1b]0;title\x07", "$(touch x)", "-o", "x" * 240, "\u202egnp", " blank "])
def test_any_name_of_a_file_is_listed_and_found(folder: Path, name: str) -> None:
    path = folder / f"{name}.jsonl"
    path.write_bytes(good(folder))
    assert {run.name for run in store.list_runs(folder)} == {GOOD, name}
    assert {run.name for run in store.list_runs(folder)} == {GOOD, name}
    if name == name.strip():
        assert store.find(name, folder) == path
    path.unlink()


def test_the_list_prints_nothing_that_a_terminal_executes(folder: Path) -> None:
    (folder / "a\n\x1b]0;title\x07.jsonl").write_bytes(header(folder, run_id=b'"\\u001b]0;t\\u0007"'))
    (folder / "\x1bbad.jsonl").write_bytes(b"{}")
    done = subprocess.run(
        [sys.executable, "-m", "cvbench_tui", "list", "runs", "--runs-dir", str(folder)],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert not set(done.stdout) & ({*range(32)} - {10})
    assert done.stdout.count(b"\n") == 4


def test_a_file_that_goes_while_it_is_listed_costs_nothing(folder: Path) -> None:
    write(folder, "going", mixed_events())
    listing = store.Listing(folder)
    (folder / "going.jsonl").unlink()
    listing.read()
    assert [(run.name, bool(run.problem)) for run in listing.runs] == [(GOOD, False), ("going", True)]
    assert [run.name for run in store.list_runs(folder)] == [GOOD]


def test_a_run_that_is_being_written_is_listed_as_far_as_it_is(folder: Path) -> None:
    data = good(folder)
    lines = data.splitlines(keepends=True)
    with (folder / "now.jsonl").open("wb", buffering=0) as file:
        for line in lines:
            file.write(line[:-40])
            assert {run.name for run in store.list_runs(folder)} == {GOOD, "now"}
            file.write(line[-40:])
    assert [run.measured for run in store.list_runs(folder)] == [6, 6]


def test_a_run_is_found_by_what_the_list_shows_and_by_the_id_inside_it(folder: Path) -> None:
    renamed = (folder / f"{GOOD}.jsonl").rename(folder / "my run.jsonl")
    assert [(run.name, run.id) for run in store.list_runs(folder)] == [("my run", GOOD)]
    for reference in ("my run", "my", GOOD, GOOD[:8]):
        assert store.find(reference, folder) == renamed
    copied = folder / f"{GOOD}.jsonl"
    shutil.copy(renamed, copied)
    assert store.find(GOOD, folder) == copied, "a file of that name goes first"
    copied.rename(folder / "backup.jsonl")
    with pytest.raises(StoreError, match="2 files hold the run") as caught:
        store.find(GOOD, folder)
    assert "backup, my run" in caught.value.hint


def test_an_id_is_no_path(folder: Path) -> None:
    outside = folder / "outside.txt"
    outside.write_text("secret")
    (folder / "bad.jsonl").write_bytes(header(folder, run_id=b'"../outside.txt"'))
    assert store.find("../outside.txt", folder) == folder / "bad.jsonl"
    with pytest.raises(StoreError, match="no run"):
        store.find("../outside", folder / "none")


def test_a_time_after_2262_is_kept_in_the_index(folder: Path) -> None:
    path = folder / f"{GOOD}.jsonl"
    try:
        os.utime(path, (20_000_000_000, 20_000_000_000))
    except OSError:
        pytest.skip("this file system has no such time")
    store.list_runs(folder)
    assert set(run_index.load(folder)) == {path.name}


# -- the index


def text_file(index: Path) -> None:
    index.write_text("not a database")


def changed(statement: str, *values: object) -> Callable[[Path], None]:
    """The index with that done to it, under the right version."""

    def change(index: Path) -> None:
        with closing(sqlite3.connect(index, isolation_level=None)) as database:
            if values:
                database.execute(statement, values)
            else:
                database.executescript(statement)

    return change


INDEXES: dict[str, Callable[[Path], object]] = {
    "text": text_file,
    "folder": lambda index: (index.unlink(), index.mkdir()),
    "pipe": lambda index: (index.unlink(), os.mkfifo(index)),
    "journal": lambda index: os.mkfifo(f"{index}-journal"),
    "loop": lambda index: (index.unlink(), index.symlink_to(index)),
    "types": changed("UPDATE files SET size = 'x', measured = ?, plan_name = ?", "many", b"\xff\xfe"),
    "negative": changed("UPDATE files SET measured = -3, rows = -1, size = -1"),
    "huge": changed("UPDATE files SET rows = 9223372036854775807, started_at_s = 1e300"),
    "long": changed("UPDATE files SET plan_name = printf('%.*c', 50000000, 'x')"),
    "times": changed("UPDATE files SET times = ?", '[[1, 2], {"a": NaN}]'),
    "deep": changed("UPDATE files SET times = ?", "[" * 100_000),
    "odd_times": changed("UPDATE files SET times = ?", '[["a", "b", "c", "x", null, 1e999, "now", 3]]'),
    "columns": changed("DROP TABLE files; CREATE TABLE files (name BLOB PRIMARY KEY, other TEXT)"),
    "view": changed(
        "DROP TABLE files; CREATE VIEW files AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
        "SELECT x AS name, x AS size, x AS changed_ns FROM n"
    ),
    "trigger": changed("CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM files; END"),
    "version": changed("PRAGMA user_version = 1"),
    "cut": lambda index: os.truncate(index, index.stat().st_size // 2),
    "empty": lambda index: os.truncate(index, 0),
}


@every("kind", [*INDEXES])
def test_an_odd_index_is_done_without_in_bounded_time(folder: Path, kind: str) -> None:
    index = folder / run_index.NAME
    found = History(folder)
    found.refresh()
    expected = store.list_runs(folder)
    INDEXES[kind](index)
    began_s = time.monotonic()
    for _ in range(3):
        assert store.list_runs(folder) == expected
    assert store.find("last", folder) == folder / f"{GOOD}.jsonl"
    History(folder).refresh()
    assert time.monotonic() - began_s < 20
    if kind not in ("folder", "pipe", "journal", "loop"):  # those are not ours to remove
        assert len(run_index.load(folder)) == 1, "made anew"
    for each in folder.glob("index.sqlite*"):
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def test_a_locked_index_is_waited_for_shortly(folder: Path) -> None:
    expected = store.list_runs(folder)
    with closing(sqlite3.connect(folder / run_index.NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began_s = time.monotonic()
        assert store.list_runs(folder) == expected
        assert time.monotonic() - began_s < 10 * run_index.LOCKED_S


def test_a_database_that_the_index_is_a_link_to_is_left_alone(folder: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.sqlite"
    with closing(sqlite3.connect(theirs, isolation_level=None)) as database:
        database.execute("CREATE TABLE files (name TEXT)")
        database.execute("INSERT INTO files VALUES ('kept')")
    before = theirs.read_bytes()
    (folder / run_index.NAME).symlink_to(theirs)
    assert len(store.list_runs(folder)) == 1
    assert theirs.read_bytes() == before
