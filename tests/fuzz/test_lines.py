"""The worker's lines made odd: an event or a WireError, nothing else; what is read can be written again."""

from __future__ import annotations

import json
import time

import pytest

from cvbench_tui.base.escape import visible
from cvbench_tui.core.run import fold
from cvbench_tui.wire import WireError, decode, encode, parse
from tests.fuzz.mutate import mutants, run_files

FAST, SLOW = 2_000, 20_000
MAX_S = 5.0  # CPU seconds of one line


def seeds() -> list[bytes]:
    """A line of every kind, and the longest one."""
    lines = sorted((line for text in run_files() for line in text.splitlines()), key=len)
    kinds = {json.loads(line)["kind"]: line for line in lines}
    assert len(kinds) >= 9
    return [*kinds.values(), lines[-1], encode(decode(lines[-1])).encode()]


def fuzz(count: int, start: int) -> int:
    """How many of the odd lines are events."""
    opening = decode(next(line for line in run_files()[0].splitlines()))
    read, faults = 0, []
    for number, line in mutants(seeds(), count, start):
        began_s = time.process_time()
        try:
            read += _one(line, opening)
        except Exception as error:
            faults.append(f"{number}: {type(error).__name__}: {error}"[:300])
        if time.process_time() - began_s > MAX_S:
            faults.append(f"{number}: too long")
    assert not faults, "\n".join(faults[:20])
    return read


def _one(line, opening) -> bool:
    sentence = ""
    try:
        parse(line)
    except WireError as error:
        sentence = str(error)
    try:
        event = decode(line)
    except WireError as error:
        sentence += str(error)
        assert sentence == visible(sentence), "pydantic repeats the line's own words"
        assert len(sentence) < 500
        return False
    assert decode(encode(event)) == event
    fold(fold(None, opening), event)
    return True


def test_two_thousand_odd_lines():
    assert FAST / 10 < fuzz(FAST, 0) < FAST


@pytest.mark.slow
@pytest.mark.beside
def test_twenty_thousand_odd_lines():
    assert SLOW / 10 < fuzz(SLOW, FAST) < SLOW
