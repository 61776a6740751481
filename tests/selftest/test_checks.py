"""The checks on an engine and other harnesses made of numbers: what is run, how often, and what is made of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cvbench_tui.base import cores
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.event import CaseFailed, CaseFinished, EnvironmentProbed, Event
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples, Variant
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.selftest import checks
from cvbench_tui.selftest.checks import CHECKS, lines_of
from cvbench_tui.selftest.context import CheckContext, CheckFailed, Scope
from cvbench_tui.selftest.reference import ReferenceFailed, ReferenceResult

HERE = Environment((("torch", "2.0"),), (Device("cpu", "a CPU"),))
TRUTH = {"forward": 0.01, "backward": 0.02, "total": 0.03, "inference": 0.008}
WIGGLES = (0.999, 1.0005, 1.0, 0.9995, 1.001)


def samples(phase: str, seconds: float) -> PhaseSamples:
    rounds = tuple(tuple(seconds * wiggle * (1 + 1e-5 * n) for n in range(4)) for wiggle in WIGGLES)
    return PhaseSamples(phase, rounds, 1, "perf_counter", "precision")


class Engine:
    """An event source that measures everything as ``TRUTH`` times ``factor``; spins as they were programmed."""

    def __init__(
        self,
        *,
        factor: float = 1.0,
        waited: float = 0.0,
        deferred: float = 0.0,
        fails: bool = False,
        drift: float = 1.0,
    ) -> None:
        """``drift``: by what every visit is slower than the one before."""
        self.factor, self.waited, self.deferred, self.fails = factor, waited, deferred, fails
        self.drift, self.visits = drift, 0
        self.asked: list[Plan] = []

    def probe(self) -> Environment:
        return HERE

    def events(self, plan: Plan, measured: object = None, more: object = tuple) -> Iterator[Event]:
        self.asked.append(plan)
        yield EnvironmentProbed(HERE)
        for _ in range(plan.protocol.visits):
            for case in plan.cases:
                if self.fails:
                    yield CaseFailed(Failure(case.case_id, "error", "It broke."))
                    return
                yield CaseFinished(self.measurement(plan, case))

    def measurement(self, plan: Plan, case: Case) -> Measurement:
        self.visits += 1
        params = dict(case.workload.params)
        truth = dict.fromkeys(TRUTH, params["seconds"]) if "seconds" in params else TRUTH
        if case.workload.op == "selftest_async":
            truth = dict.fromkeys(TRUTH, 2e-5)
        if case.workload.op == "selftest_empty":
            truth = dict.fromkeys(TRUTH, 1e-7)
        wanted = ("forward", "backward", "total") if "training" in plan.protocol.passes else ()
        wanted += ("inference",) if "inference" in plan.protocol.passes else ()
        slower = self.factor * self.drift**self.visits
        found = tuple(samples(phase, slower * truth[phase]) for phase in wanted)
        evidence = tuple(Evidence(0.1, 0.1, waited_s=0.1 * self.waited, cpu_s=0.1) for _ in WIGGLES)
        records = tuple(
            PassRecord(name, evidence, empty_region_s=1e-7, deferred_share=self.deferred, busy_s=1.0, wall_s=1.0)
            for name in plan.protocol.passes
        )
        alone = tuple(Variant("alone", one) for one in found) if "alone" in plan.protocol.extras else ()
        return Measurement(case.case_id, found, None, 1, 0.1, 0.1, 1.0, 1, timed_s=0.5, passes=records, variants=alone)

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class Harnesses:
    """Other harnesses that tell the truth."""

    empty_s = 1e-7

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.asked: list[tuple[str, str]] = []

    def ask(self, case, method, *, threads, **options):
        if self.broken:
            raise ReferenceFailed("It is not installed.")
        assert case.threads in (threads, None), "a card has no number of threads"
        self.asked.append((case.workload.name, method))
        if method == "empty":
            return ReferenceResult({"inference": self.empty_s}, {}, 1.0)
        seconds = dict(case.workload.params).get("seconds")
        return ReferenceResult(dict.fromkeys(TRUTH, seconds) if seconds else dict(TRUTH), {}, 1.0)


def context(engine: Engine | None = None, harnesses: Harnesses | None = None, **scope: object) -> CheckContext:
    return CheckContext(
        engine or Engine(), harnesses or Harnesses(), HERE, "cpu", 2, Scope(**scope), clock=iter(range(10**6)).__next__
    )


def verdicts(title: str, of: CheckContext) -> dict[str, str]:
    found = lines_of(title, dict(CHECKS)[title], of)
    return {f"{line.check}, {line.compared}, {line.figure.split()[0]}": line.verdict for line in found}


def test_a_right_engine_passes_everything():
    of = context()
    for title in ("durations", "harnesses", "twice", "fused marks", "timer trap"):
        found = verdicts(title, of)
        assert found
        assert set(found.values()) == {"pass"}, found


def test_an_engine_that_is_off_fails_against_other_harnesses_and_the_durations():
    found = verdicts("harnesses", context(Engine(factor=1.05)))
    assert {verdict for key, verdict in found.items() if "bare" in key or "Timer" in key} == {"FAIL"}
    assert "FAIL" in verdicts("durations", context(Engine(factor=1.05))).values()
    assert set(verdicts("timer trap", context(Engine(factor=0.1))).values()) == {"FAIL"}


def test_the_same_twice_is_two_runs_of_several_visits_to_the_same_rows():
    engine = Engine()
    (line,) = lines_of("twice", checks.twice, context(engine, workloads=2))
    assert line.figure == "6 of 6 overlap, 6 cover"
    assert engine.asked == [engine.asked[0]] * 2
    assert len(engine.asked[0].cases) == 3
    assert engine.asked[0].protocol == PROTOCOLS["quick"]


def test_numbers_that_wander_further_than_the_visits_of_one_run_fail():
    assert set(verdicts("twice", context(Engine(drift=1.0)))) == {"twice, Conv3x3 middle, Resnet18, Dense, 6"}
    assert "FAIL" in verdicts("twice", context(Steps())).values()


class Steps(Engine):
    """Each run is 20% slower than the one before, and steady in itself."""

    def events(self, plan: Plan, measured: object = None, more: object = tuple) -> Iterator[Event]:
        self.factor *= 1.2
        return super().events(plan)


def test_all_visits_of_a_case_are_its_measurement():
    taken = context().measure(context().layer("selftest_empty"), PROTOCOLS["quick"])
    assert taken.measurement.visits == PROTOCOLS["quick"].visits
    assert taken.result("total").visits == PROTOCOLS["quick"].visits


def test_a_row_that_our_own_side_calls_bad_is_judged_all_the_same():
    """By the pairs: a machine on which threads wait 40% of the time, where both sides agree."""
    assert set(verdicts("harnesses", context(Engine(waited=0.4))).values()) == {"pass"}
    assert "FAIL" in verdicts("harnesses", context(Engine(waited=0.4, factor=1.05))).values()


def test_every_side_takes_its_turn_at_being_first():
    harnesses, engine = Harnesses(), Engine()
    list(checks.other_harnesses(context(engine, harnesses, pairs=6)))
    assert [method for name, method in harnesses.asked if name == "Conv3x3 middle"].count("bare") == 6
    assert len(engine.asked) == 12
    order: list[str] = []
    sides = {name: (lambda name=name: order.append(name)) for name in "abc"}
    context(pairs=3).alternate(sides)
    assert "".join(order) == "abcbcacab"


def test_an_alternation_ends_with_its_time_but_not_before_its_least():
    taken = context(pairs=50, limit_s=3.5).alternate({"a": lambda: 1, "b": lambda: 2})
    assert len(taken["a"]) == len(taken["b"]) == 4
    assert len(context(pairs=50, limit_s=0, min_pairs=7).alternate({"a": lambda: 1})["a"]) == 7


def test_hidden_work_must_be_found():
    assert set(verdicts("async trap", context(Engine(deferred=1.0))).values()) == {"pass"}
    assert set(verdicts("async trap", context(Engine(deferred=0.0))).values()) == {"FAIL"}


def test_nothing_is_too_short():
    assert set(verdicts("empty call", context()).values()) == {"pass"}


def test_a_busy_machine_is_seen_or_the_check_fails(monkeypatch):
    monkeypatch.setattr(checks, "usable_cores", lambda: 0)
    assert set(verdicts("busy machine", context(Engine(waited=0.4))).values()) == {"pass"}
    assert set(verdicts("busy machine", context(Engine(waited=0.0))).values()) == {"FAIL"}


def test_a_container_gets_no_more_busy_processes_than_its_quota(monkeypatch):
    """64 of them under a quota of 2 would be paused for most of the time, and so would everything else in there."""
    asked: list[int] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(cores, "quota_cores", lambda root: 2.0)
    monkeypatch.setattr(checks, "busy_cores", lambda count: asked.append(count) or contextlib.nullcontext())
    verdicts("busy machine", context(Engine(waited=0.4)))
    assert asked == [2]


def test_threads_are_always_named_and_equal():
    engine = Engine()
    for title, check in CHECKS:
        if title != "busy machine":
            list(lines_of(title, check, context(engine, pairs=1)))
    assert all(case.threads for plan in engine.asked for case in plan.cases)


def test_our_failure_fails_and_theirs_decides_nothing():
    ours = list(lines_of("harnesses", checks.other_harnesses, context(Engine(fails=True))))
    assert [(line.verdict, line.sentence) for line in ours] == [("FAIL", "Conv3x3 middle was not measured: It broke.")]
    theirs = list(lines_of("harnesses", checks.other_harnesses, context(harnesses=Harnesses(broken=True))))
    assert [line.verdict for line in theirs] == ["undecided"]


def test_a_phase_that_is_missing_is_our_failure():
    taken = context().measure(context().layer("selftest_empty"))
    with pytest.raises(CheckFailed, match="No number for total"):
        replace(taken, results={}).result("total")


def test_on_cuda_do_bench_takes_part():
    harnesses = Harnesses()
    of = replace(context(harnesses=harnesses, pairs=1), device="cuda:0")
    list(checks.other_harnesses(of))
    assert {method for _, method in harnesses.asked} == {"bare", "timer", "do_bench", "empty"}


def test_marks_that_cost_a_part_of_a_region_fail_whatever_our_own_calibration_says():
    harnesses = Harnesses()
    harnesses.empty_s = 1.0
    found = verdicts("harnesses", context(harnesses=harnesses))
    assert [verdict for key, verdict in found.items() if key.startswith("empty region")] == ["FAIL"]
