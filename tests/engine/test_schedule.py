"""The order of a run: cases are visited in turn, again and again, until each has had enough."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

import pytest

from cvbench_tui.core.event import CaseFailed, CaseFinished
from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples, merge
from cvbench_tui.core.plan import BATCH_MAX, Case, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.schedule import Schedule

CASES = expand([(Workload("layer", f"layer {n}", "conv2d", (3, 8, 8)), 1) for n in range(6)], ["cpu"])
DEFAULT = PROTOCOLS["default"]
VISIT_S = 10.0  # from one visit to the next: the shortest span is over before the first look
STEADY = (1.0, 1.0002, 0.9998, 1.0001, 0.9999)
APART = (1.0, 1.05, 0.96, 1.04, 0.97)


def measured(case: Case, number: int, factor: float = 1.0, visit_s: float = VISIT_S) -> Measurement:
    samples = PhaseSamples("total", ((0.01 * factor,) * 3,), 1, "perf_counter", "visit")
    visit = Visit(1000.0 + number * visit_s, visit_s, number)
    return Measurement(case.case_id, (samples,), None, None, None, 0.1, 1.0, 2, visit_records=(visit,))


def visited(
    protocol: Protocol = DEFAULT, factors: Iterable[float] = STEADY, seed: int = 1, failing: tuple[str, int] = ("", 0)
) -> list[tuple[int, str]]:
    schedule, seen, factors = Schedule(Plan("six", CASES, protocol), rng=random.Random(seed)), [], tuple(factors)
    for visit in chain.from_iterable(schedule):
        case, number = visit.case, visit.number
        seen.append((number, case.case_id))
        if (case.case_id, number) == failing:
            schedule.record(CaseFailed(Failure(case.case_id, "error", "No.")))
        else:
            schedule.record(CaseFinished(measured(case, number, factors[number % len(factors)]), number))
    return seen


def rounds(seen: list[tuple[int, str]]) -> list[list[str]]:
    return [[case_id for number, case_id in seen if number == each] for each in range(max(n for n, _ in seen) + 1)]


def test_each_round_visits_every_case_the_first_in_the_plans_order_the_others_by_chance():
    seen = visited()
    assert seen == sorted(seen, key=lambda each: each[0])
    first, *others = rounds(seen)
    assert first == [case.case_id for case in CASES]
    assert all(sorted(each) == sorted(first) for each in others)
    assert len({tuple(each) for each in others}) > 1
    assert seen != visited(seed=2)


def test_what_is_precise_at_a_look_has_had_enough_and_what_is_not_gets_the_most():
    assert len(rounds(visited(factors=STEADY))) == DEFAULT.visits
    assert len(rounds(visited(factors=APART))) == DEFAULT.max_visits


def test_precision_is_not_looked_at_after_every_visit():
    apart_at_first = [*APART, *APART, *[1.0] * 10]  # precise from somewhere between the first look and the second
    assert len(rounds(visited(factors=apart_at_first))) == 2 * DEFAULT.visits


@pytest.mark.parametrize("number", [0, 3])
def test_a_case_whose_visit_failed_is_not_visited_again(number):
    failing = CASES[2].case_id
    assert [case_id for _, case_id in visited(failing=(failing, number))].count(failing) == number + 1


def test_a_case_that_is_slow_ends_with_its_time_budget_after_five_visits():
    slow = replace(DEFAULT, budget_s=0.0)
    assert len(rounds(visited(slow, APART))) == 5


def test_a_short_plan_takes_its_time():
    protocol = replace(DEFAULT, span_s=38.0)
    schedule = Schedule(Plan("one", CASES[:1], protocol))
    begun = []
    for visit in chain.from_iterable(schedule):
        begun.append(visit.not_before_s)
        schedule.record(CaseFinished(measured(visit.case, visit.number, visit_s=0.1), visit.number))
        assert len(begun) <= protocol.max_visits
    assert begun[0] is None  # nothing to wait for
    assert begun[1:] == [pytest.approx(1000 + 0.1 * number + 2) for number in range(protocol.max_visits - 1)]


def test_what_was_measured_before_goes_on():
    before = measured(CASES[0], 0)
    schedule = Schedule(Plan("one", CASES[:1], DEFAULT), measured={CASES[0].case_id: before})
    assert next(iter(schedule))[0].number == 1


def test_cases_that_are_added_meanwhile_join_the_next_round():
    waiting = [CASES[1], CASES[2]]

    def more():
        taken, waiting[:] = tuple(waiting), ()
        return taken if seen else ()

    seen: list[tuple[int, str]] = []
    waiting[:], late = (), list(CASES[1:3])
    schedule = Schedule(Plan("one", CASES[:1], DEFAULT), more=more)
    for visit in chain.from_iterable(schedule):
        seen.append((visit.number, visit.case.case_id))
        schedule.record(CaseFinished(measured(visit.case, visit.number), visit.number))
        if len(seen) == 2:
            waiting[:] = late
    names = [case.case_id for case in CASES[:3]]
    assert sorted(seen[2:5]) == sorted([(2, names[0]), (0, names[1]), (0, names[2])])
    assert [case_id for _, case_id in seen].count(names[2]) == DEFAULT.visits


def test_only_a_case_whose_batch_is_found_is_visited_at_the_one_found():
    searched = replace(CASES[0], settings=(BATCH_MAX,))
    schedule = Schedule(Plan("two", (searched, CASES[1]), DEFAULT))
    batches = dict[str, set[int]]()
    for visit in chain.from_iterable(schedule):
        batches.setdefault(visit.case.case_id, set()).add(visit.case.batch)
        found = replace(measured(visit.case, visit.number), batch=16)  # as a damaged file may say of any row
        schedule.record(CaseFinished(found, visit.number))
    assert batches == {searched.case_id: {1, 16}, CASES[1].case_id: {1}}


def test_a_case_that_is_added_again_is_measured_anew():
    again = [CASES[0]]
    schedule = Schedule(Plan("two", CASES[:2], DEFAULT), more=lambda: again)
    numbers = []
    for visit in chain.from_iterable(schedule):
        if visit.case is CASES[0]:
            numbers.append(visit.number)
        if len(numbers) == 4:
            again.clear()
        schedule.record(CaseFinished(measured(visit.case, visit.number), visit.number))
    assert numbers[:6] == [0, 0, 0, 0, 1, 2]


VARIANTS = (), (("precision", "amp-bf16"),), (("compile", "default"),)
PAIRED = expand(
    [(Workload("layer", f"layer {n}", "conv2d", (3, 8, 8)), 1) for n in range(12)], ["cpu"], variants=VARIANTS
)


class ByChanceAlone(Schedule):
    """The order of earlier versions: every row by chance."""

    def _by_chance(self, cases: Iterable[Case]) -> list[Case]:
        shuffled = list(cases)
        self._rng.shuffle(shuffled)
        return shuffled


def order(kind: type[Schedule], seed: int) -> list[Case]:
    schedule, seen = kind(Plan("paired", PAIRED, DEFAULT), rng=random.Random(seed)), []
    for visit in chain.from_iterable(schedule):
        seen.append(visit.case)
        schedule.record(CaseFinished(measured(visit.case, visit.number), visit.number))
    return seen


def test_rows_of_one_workload_are_visited_one_right_after_the_other_in_every_round():
    seen, each = order(Schedule, 1), len(VARIANTS)
    assert len(seen) == len(PAIRED) * DEFAULT.visits
    groups = [seen[place : place + each] for place in range(0, len(seen), each)]
    assert all(len({case.workload.name for case in group}) == 1 for group in groups)
    assert all(len({case.case_id for case in group}) == each for group in groups)
    of_one = [
        tuple(VARIANTS.index(case.settings) for case in group)
        for group in groups
        if group[0].workload.name == "layer 3"
    ]
    assert len(set(of_one)) > 1  # no variant is always the first
    in_turn = [group[0].workload.name for group in groups]
    assert len({tuple(in_turn[place : place + 12]) for place in range(0, len(in_turn), 12)}) > 1


def test_a_machine_that_slows_down_biases_the_ratio_of_two_variants_less_than_in_an_order_by_chance_alone():
    def wrong(kind: type[Schedule]) -> float:
        """How far the ratios of equally fast variants are from 1, in the middle of all workloads and of 20 runs, while
        the machine slows down by a tenth."""
        ratios = []
        for seed in range(20):
            seen, times = order(kind, seed), {}
            for place, case in enumerate(seen):
                times.setdefault(case.case_id, []).append(1.0 + 0.1 * place / len(seen))
            medians = [statistics.median(times[case.case_id]) for case in PAIRED]
            ratios += [abs(medians[place + 1] / medians[place] - 1) for place in range(0, len(PAIRED), len(VARIANTS))]
        return statistics.fmean(ratios)

    together, apart = wrong(Schedule), wrong(ByChanceAlone)
    assert together < 0.0005 < 0.0015 < apart


TWO = expand(
    [(Workload("layer", f"layer {n}", "conv2d", (3, 8, 8)), 1) for n in range(3)], ["cpu"],
    variants=((), (("memory_format", "channels_last"),)),
)  # fmt: skip
ALTERNATED = Plan("alternated", TWO, DEFAULT, "memory_format")


def alternated(
    plan: Plan = ALTERNATED, measured_before: dict[str, Measurement] | None = None, failing: tuple[str, int] = ("", 0),
    factor=lambda case, number: 1.0, seed: int = 1, visit_s: float = VISIT_S,
) -> list[tuple[int, str]]:  # fmt: skip
    """Number and row of every visit, in order; ``factor`` of the time of a visit."""
    schedule, seen = Schedule(plan, measured=measured_before, rng=random.Random(seed)), []
    for visit in chain.from_iterable(schedule):
        case, number = visit.case, visit.number
        assert visit.in_turn
        seen.append((number, case.case_id))
        if (case.case_id, number) == failing:
            schedule.record(CaseFailed(Failure(case.case_id, "error", "No.")))
        else:
            schedule.record(CaseFinished(measured(case, number, factor(case, number), visit_s), number))
    return seen


def drifting(case: Case, number: int) -> float:
    """A machine that becomes slower by a half: no row is precise, and every ratio is."""
    return (1.0 + 0.05 * number) * (1.03 if case.settings else 1.0)


def test_pairs_are_visited_one_right_after_the_other_and_the_next_time_in_the_reverse_order():
    seen = alternated()
    pairs = [(seen[place], seen[place + 1]) for place in range(0, len(seen), 2)]
    assert all(one[0] == other[0] and set(ALTERNATED.in_turn(one[1])) == {one[1], other[1]} for one, other in pairs)
    for first, second in {ALTERNATED.in_turn(case.case_id) for case in TWO}:
        order = ["AB" if one[1] == first else "BA" for one, other in pairs if one[1] in (first, second)]
        assert len(order) == DEFAULT.visits
        assert order[0] == "AB", "the first round has the plan's order"
        assert all(set(order[place : place + 2]) == {"AB", "BA"} for place in range(0, len(order), 2)), order
    begun_with = [alternated(seed=seed)[8 * 2 + 1] for seed in range(20)]
    assert len(set(begun_with)) > 2, "later rounds are in an order by chance"


def test_three_variants_are_measured_in_turn_too():
    plan = Plan("three", expand([(Workload("layer", "one", "conv2d", (3, 8, 8)), 1)], ["cpu"], variants=(
        (), (("precision", "bf16"),), (("precision", "fp16"),))), DEFAULT, "precision")  # fmt: skip
    seen = [case_id for _, case_id in alternated(plan)]
    rounds = [seen[place : place + 3] for place in range(0, len(seen), 3)]
    assert all(sorted(each) == sorted(case.case_id for case in plan.cases) for each in rounds)
    assert all(rounds[place] == rounds[place + 1][::-1] for place in range(0, len(rounds), 2))


def test_a_group_goes_on_until_its_ratio_is_precise_whatever_its_times_are():
    counts = {case_id: [each for _, each in alternated(factor=drifting)].count(case_id) for case_id in ids(TWO)}
    assert set(counts.values()) == {DEFAULT.visits}

    def noisy(case: Case, number: int) -> float:
        return APART[number % 5] if case.settings else 1.0

    counts = {case_id: [each for _, each in alternated(factor=noisy)].count(case_id) for case_id in ids(TWO)}
    assert set(counts.values()) == {DEFAULT.max_visits}


def ids(cases: Iterable[Case]) -> list[str]:
    return [case.case_id for case in cases]


def test_every_group_has_equal_numbers_when_its_time_budget_is_over():
    plan = replace(ALTERNATED, protocol=replace(DEFAULT, budget_s=0.0))
    counts = [[each for _, each in alternated(plan, factor=drifting)].count(case_id) for case_id in ids(TWO)]
    assert set(counts) == {5}


@pytest.mark.parametrize("number", [0, 3])
def test_where_one_variant_fails_the_others_go_on_alone(number):
    failing = TWO[1].case_id
    seen = [case_id for _, case_id in alternated(failing=(failing, number))]
    assert seen.count(failing) == number + 1
    assert seen.count(TWO[0].case_id) == DEFAULT.visits
    assert seen.count(TWO[3].case_id) == DEFAULT.visits


def test_after_an_interruption_within_a_pair_its_other_half_comes_first():
    def many(case: Case, visits: int) -> Measurement:
        whole = measured(case, 0)
        for number in range(1, visits):
            whole = merge(whole, measured(case, number))
        return whole

    plan = replace(ALTERNATED, cases=TWO[:2])
    seen = alternated(plan, {TWO[0].case_id: many(TWO[0], 4), TWO[1].case_id: many(TWO[1], 3)})
    assert seen[0] == (3, TWO[1].case_id)
    assert [number for number, _ in seen[1:]] == [number for number in range(4, DEFAULT.visits) for _ in range(2)]


def test_rows_along_another_axis_are_measured_by_themselves():
    plan = Plan("two", TWO[:2], DEFAULT, "precision")
    schedule = Schedule(plan)
    assert not next(iter(schedule))[0].in_turn
