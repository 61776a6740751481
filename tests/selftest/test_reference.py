"""The parent's end of the reference program, with programs that only say which process they are."""

from __future__ import annotations

import sys

import pytest

from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from cvbench_tui.selftest.reference import Reference

SAYS_WHO = """
import json, os, sys
def say(**line):
    print(json.dumps(line), flush=True)
say(ready=True, one_case={one_case})
for _ in sys.stdin:
    say(values_s={{"inference": os.getpid()}}, samples_s={{}}, seconds=1.0)
"""
CASE = Case(Workload("layer", "Dense", "linear", (8,)), "cpu", 1)


@pytest.mark.parametrize(("one_case", "processes"), [(True, 3), (False, 1)])
def test_a_program_that_answers_in_its_own_process_is_ended_after_each_side(one_case, processes):
    """One that forks for each answer goes on: its children are fresh."""
    reference = Reference((sys.executable, "-c", SAYS_WHO.format(one_case=one_case)))
    try:
        found = [reference.ask(CASE, "bare", seconds=0.1, threads=1).values_s["inference"] for _ in range(3)]
    finally:
        reference.close()
    assert len(set(found)) == processes
