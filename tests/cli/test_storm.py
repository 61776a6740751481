"""Signals at random moments: rows are never lost, the file is never torn, nothing lives on, and the run is resumed."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from cvbench_tui.results.storage.run_file import load
from tests.cli.test_ends import ENDING, Headless, pytestmark  # noqa: F401 - the same reason to skip

SEED = 14
STORM = 50
SIGNALS = (*ENDING, "SIGKILL", "SIGSTOP")


@pytest.mark.slow
@pytest.mark.beside
@pytest.mark.timeout(900)
def test_a_storm_of_signals_loses_no_row(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    begun_s = time.monotonic()
    calm = Headless(tmp_path / "calm")
    calm.folder.mkdir()
    calm.start("brisk", "run", "-o", "a.md")
    assert calm.ended()[0] == 0
    whole_s = time.monotonic() - begun_s
    came: Counter[str] = Counter()
    for number in range(STORM):
        name = chance.choice(SIGNALS)
        folder = tmp_path / f"{number} {name}"
        folder.mkdir()
        struck(Headless(folder), name, chance.uniform(0.0, whole_s), came)
    assert came["written"] >= 3, f"some have to come in mid-run: {came}"


def struck(headless: Headless, name: str, after_s: float, came: Counter[str]) -> None:
    """A run that gets a signal after some seconds; then what it lacks is resumed."""
    number = getattr(signal, name)
    headless.start("brisk", "run", "-o", "a.md")
    time.sleep(after_s)  # the moment is the point: whatever it is, all that follows holds
    headless.send(name, *["SIGCONT"] * (name == "SIGSTOP"))
    code, _, err = headless.ended()
    assert code in (0, 128 + number, -number), err  # before Python has set a handler, the signal kills
    assert "Traceback" not in err
    written = (headless.folder / "a.md").exists()
    came["ended" if code == 0 else "killed" if code < 0 else "written" if written else "before"] += 1
    assert code != 0 or written
    if name not in ("SIGKILL", "SIGSTOP") and "is in " in err:
        assert written, "what was asked for"
    if not headless.runs.exists():
        return
    for path in headless.runs.glob("*.jsonl"):
        if b"\n" not in path.read_bytes():  # killed before the header was there
            continue
        before = load(path)
        headless.start("good", "resume", str(path))
        code, _, err = headless.ended()
        after = load(path)
        assert (code, after.pending, after.id) == (0, 0, before.id), err
        assert after.ended == "finished"
        done = {each.case_id: each for each in after.measured}
        assert all(done[each.case_id].visits >= each.visits for each in before.measured)
