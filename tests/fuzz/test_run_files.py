"""Run files made odd in every way: each is read or refused with a sentence, and what is read can be shown, saved and
listed. Nothing but a StoreError comes out, in bounded time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cvbench_tui.errors import StoreError
from cvbench_tui.results.storage.run_file import load
from tests.fuzz.mutate import mutants, run_files
from tests.fuzz.shown import check_listed, check_shown, unseen

FAST, SLOW = 1_000, 20_000
PARTS = 8  # of the latter, for tests that run beside each other
MAX_S = 10.0  # CPU seconds of one input; the slowest of 20,000 took 0.4


def fuzz(folder: Path, count: int, start: int) -> int:
    """How many of the odd files are read; each fault names the number that makes the file again."""
    path, read, faults = folder / "odd.jsonl", 0, []
    for number, text in mutants(run_files(), count, start):
        path.write_bytes(text)
        began_s = time.process_time()
        try:
            read += _one(path)
        except Exception as error:
            faults.append(f"{number}: {type(error).__name__}: {error}"[:300])
        if time.process_time() - began_s > MAX_S:
            faults.append(f"{number}: {time.process_time() - began_s:.1f} s")
    assert not faults, "\n".join(faults[:20])
    return read


def _one(path: Path) -> bool:
    """True when it is read."""
    run, sentence = None, ""
    try:
        run = load(path)
    except StoreError as error:
        sentence = error.message + error.hint
    assert bool(sentence) is (run is None)
    assert not unseen(sentence)
    if run is not None:
        check_shown(run)
    check_listed(path.parent)
    return run is not None


def test_the_seeds_are_read_and_shown(tmp_path):
    for number, text in enumerate(run_files()):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(text)
        assert _one(path)


def test_a_thousand_odd_run_files(tmp_path):
    read = fuzz(tmp_path, FAST, 0)
    assert FAST / 10 < read < FAST, "some are read and some are refused"


@pytest.mark.slow
@pytest.mark.beside
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_twenty_thousand_odd_run_files(tmp_path, part):
    count = SLOW // PARTS
    read = fuzz(tmp_path, count, FAST + part * count)
    assert count / 10 < read < count


@pytest.mark.parametrize("number", [8550])  # found by the above: an input without dimensions
def test_what_was_found(tmp_path, number):
    fuzz(tmp_path, 1, number)
