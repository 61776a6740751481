"""The soak: a small one with every fault, and that it sees what it looks for."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import reduce

import pytest

from cvbench_tui.core.event import CaseFailed, RunFinished, RunStarted
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.run import fold


@pytest.fixture
def soak(program):
    return program("soak")


@pytest.mark.slow
@pytest.mark.torch
def test_every_fault_costs_its_own_row_and_nothing_grows(soak, tmp_path):
    count = soak.EVERY * len(soak.FAILURE)
    run, samples = soak.soak(count, tmp_path)
    assert len(samples) >= count
    held = soak.held_bytes(next(tmp_path.glob("*.jsonl")))
    assert soak.problems(run, samples, held) == []
    assert len(run.measured) == count - sum(map(bool, soak.FAILURE.values()))


def run_of(soak, kinds: dict[int, str], ended: str = "finished"):
    """A run in which every case with a number fails as that kind, and no other has an outcome."""
    plan = soak.plan(20)
    failures = [CaseFailed(Failure(plan.cases[at].case_id, kind, "why")) for at, kind in kinds.items()]
    return reduce(fold, [RunStarted("r", plan, 1.0, "0"), *failures, RunFinished(ended, 2.0, "because")], None)


KINDS = {9: "crashed", 19: "error"}


class TestProblems:
    """Of a run in which only the two faulty cases have an outcome, the eighteen others are missing."""

    @pytest.fixture
    def flat(self, soak, monkeypatch):
        """Samples of a run that leaves nothing; what other tests of this process have started is not the run's."""
        before, below = set(soak.below(os.getpid())), soak.below
        monkeypatch.setattr(soak, "below", lambda parent: sorted({*below(parent)} - before))
        return [soak.Sample(100 << 20, 9, 3, 2, 0.1, 0.2)] * 200

    def seen(self, soak, samples, held=0, kinds=None, ended="finished"):
        found = soak.problems(run_of(soak, kinds or KINDS, ended), samples, held)
        return [line for line in found if not line.endswith(": nothing ")]

    def test_cases_without_an_outcome(self, soak, flat):
        found = soak.problems(run_of(soak, KINDS), flat, 0)
        assert [line.split(":")[0] for line in found] == [str(at) for at in range(20) if at % 10 != 9]

    def test_nothing_where_all_is_flat(self, soak, flat):
        assert self.seen(soak, flat) == []

    def test_another_failure_than_the_faults_own(self, soak, flat):
        assert self.seen(soak, flat, kinds={9: "timed_out", 19: "error"}) == ["9: child killed: timed_out why"]

    def test_a_run_that_ended_early(self, soak, flat):
        assert self.seen(soak, flat, ended="failed") == ["the run ended as failed: because"]
        assert self.seen(soak, []) == ["the run ended as finished: because"]

    def test_memory_that_grows_by_more_than_the_run_itself(self, soak, flat):
        grown = [*flat[:-1], replace(flat[-1], memory_bytes=120 << 20)]
        assert self.seen(soak, grown) == ["memory grew from 100 to 120 MiB"]
        assert self.seen(soak, grown, held=30 << 20) == []

    @pytest.mark.parametrize("name", ["descriptors", "threads", "processes"])
    def test_one_more_that_stays(self, soak, flat, name):
        more = replace(flat[0], **{name: 10})
        assert self.seen(soak, [*flat[:150], more, *flat[151:]]) == []
        assert len(self.seen(soak, [*flat[:150], *[more] * 50])) == 1
