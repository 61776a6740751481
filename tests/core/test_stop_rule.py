from dataclasses import replace
from random import Random

from cvbench_tui.core.evidence import Evidence, Visit
from cvbench_tui.core.protocol import CLEAN, PROTOCOLS, Protocol
from cvbench_tui.core.stats.stop_rule import counted, counted_rounds_by_visit, disturbance, settled, stop
from tests.core.graded import CALM, case, noisy, record, rounds
from tests.every import every

ONE_GO = Protocol("one go")  # a single visit, of 5 to 12 rounds
SPREAD = PROTOCOLS["default"]
BUSY = replace(CALM, waited_s=0.04)
PRECISE = rounds(1, 1, 1, 1, 1)
WIDE = rounds(1, 1.1, 0.9, 1.08, 0.92)


@every(
    ("cause", "evidence"),
    [
        (None, CALM),
        (None, Evidence(wall_s=0.1, timed_s=0.1)),
        (None, replace(CALM, stolen_s=0.01, major_faults=1, throttle=("power_cap",), foreign=0)),
        ("contention", BUSY),
        ("stolen", replace(CALM, stolen_s=0.03)),
        (None, replace(CALM, throttle=("power_cap", "thermal"))),  # heat is the workload's own
        (None, replace(CALM, waited_s=0.008, cpu_s=63 * 0.13)),  # 63 threads, each 0.1%
        ("contention", replace(CALM, waited_s=0.065, cpu_s=14.5 * 0.13)),  # one of 15 threads shares its core
        (None, replace(CALM, stolen_s=0.03, cpu_s=16 * 0.13)),  # of 16 cores
        ("foreign", replace(CALM, foreign=1)),
        ("swap", replace(CALM, swapped_pages=100)),
        ("swap", replace(CALM, major_faults=10)),
        (None, replace(CALM, stops=0)),
        ("stopped", replace(CALM, stops=1)),
    ],
)
def test_a_round_is_disturbed_by_a_named_outside_cause_only(cause, evidence):
    assert disturbance(evidence) == cause


def test_disturbed_rounds_are_set_aside_while_they_are_few():
    assert counted([CALM, BUSY, CALM, CALM], 4) == (True, False, True, True)
    assert counted([CALM, BUSY], 4) == (True, True)  # as many as the others: that is how the machine is
    assert counted([BUSY, BUSY, *[CALM] * 4], 4) == (False, False, *[True] * 4)
    assert counted([BUSY, BUSY, BUSY, *[CALM] * 5], 4) == (True,) * 8  # more than a third
    assert counted([BUSY, *[CALM] * 5], 0) == (True,) * 6  # the published method leaves nothing out
    assert counted([], 4) == ()


def test_rounds_without_matching_evidence_all_count():
    taken = rounds(1, 1.5, 1, 1)
    evidence = (CALM, BUSY, CALM, CALM)
    kept = counted_rounds_by_visit(case(taken, record(*evidence)), "inference", ONE_GO)
    assert kept == ((taken[0], taken[2], taken[3]),)
    for passes in ((), (record(*evidence[:2]),), (record(*evidence), record(*evidence))):
        assert counted_rounds_by_visit(case(taken, *passes), "inference", ONE_GO) == (taken,)


def test_the_rules_end_the_rounds_in_their_order():
    calm = [CALM] * 5
    assert stop([PRECISE[:4]], calm[:4], ONE_GO, 0.5) is None
    assert stop([PRECISE], calm, ONE_GO, 0.6) == "precision"
    assert stop([PRECISE], [], ONE_GO, 0.6) == "precision"  # a system that tells nothing
    assert stop([PRECISE, WIDE], calm, ONE_GO, 0.6) is None  # every phase has to be precise
    assert stop([WIDE], calm, ONE_GO, ONE_GO.budget_s) == "budget"
    assert stop([WIDE * 2 + WIDE[:2]], [CALM] * 12, ONE_GO, 1.4) == "rounds"


def test_set_aside_rounds_neither_count_nor_stand_in_the_way():
    taken = (*PRECISE, noisy(1.5))
    assert stop([taken[:4] + taken[5:]], [*[CALM] * 4, BUSY], ONE_GO, 0.6) is None  # four that count
    assert stop([taken], [*[CALM] * 5, BUSY], ONE_GO, 0.7) == "precision"


def test_disturbed_rounds_that_count_are_outnumbered_or_taken_to_the_end():
    assert stop([PRECISE], [BUSY] * 5, ONE_GO, 0.6) is None
    assert stop([rounds(*(1,) * 9)], [*[BUSY] * 3, *[CALM] * 6], ONE_GO, 1.1) == "precision"
    assert stop([rounds(*(1,) * 12)], [BUSY] * 12, ONE_GO, 1.4) == "precision"


def test_a_visit_ends_with_its_undisturbed_rounds_or_the_most():
    assert stop([WIDE[:1]], [CALM], SPREAD, 0.2) == "visit"
    assert stop([WIDE[:1]], [BUSY], SPREAD, 0.2) is None
    assert stop([WIDE[:2]], [BUSY, CALM], SPREAD, 0.4) == "visit"
    assert stop([WIDE[:2]], [BUSY, BUSY], SPREAD, 0.4) == "visit"
    assert stop([WIDE[:1]], [BUSY], SPREAD, SPREAD.budget_s) == "visit"  # a slow one is not doubled


def test_disturbed_rounds_of_several_visits_are_judged_together():
    taken = rounds(*(1,) * 6)
    evidence = (CALM, BUSY, CALM, CALM, CALM, CALM)
    both = case(taken, record(*evidence[:2]), record(*evidence[2:]))
    both = replace(both, visit_rounds=(("inference", (2, 4)),))
    assert counted_rounds_by_visit(both, "inference", SPREAD) == ((taken[0],), taken[2:])


def by_sentinel(*speeds: float | None):
    visits = tuple(Visit(0.0, 1.0, number, product_s=speed) for number, speed in enumerate(speeds))
    passes = tuple(record(CALM) for _ in speeds)
    made = replace(case(rounds(*(1,) * len(speeds)), *passes), visit_records=visits)
    return replace(made, visit_rounds=(("inference", (1,) * len(speeds)),))


def test_visits_that_met_a_slow_machine_are_set_aside_while_a_third_did_not():
    def kept(*speeds):
        return [len(each) for each in counted_rounds_by_visit(by_sentinel(*speeds), "inference", SPREAD)]

    assert kept(1, 1.02, 1.09, 1.01, 1.1) == [1, 1, 0, 1, 0]
    assert kept(*(1.09,) * 6, 1, 1, 1) == [0] * 6 + [1] * 3
    assert kept(*(1.09,) * 7, 1, 1, 1) == [1] * 10  # most of the time slow: that is how the machine was
    assert kept(1.09, 1, 1) == [1, 1, 1]  # of two visits nothing is made
    assert kept(None, 1, 1.09, 1, 1) == [1, 1, 0, 1, 1]
    assert kept(None, None) == [1, 1]


def test_the_published_method_leaves_no_visit_out():
    kept = counted_rounds_by_visit(by_sentinel(1, 1, 1, 1.2), "inference", PROTOCOLS["original"])
    assert [len(each) for each in kept] == [1] * 4


def test_a_second_speed_that_was_hardly_seen_asks_for_another_round():
    seen = tuple((*samples[:-1], 0.0112) for samples in rounds(1, 1, 1, 1, 1, 1, 1, count=20))
    assert stop([seen], [CALM] * 7, ONE_GO, 1.0) is None
    assert stop([seen + rounds(*(1,) * 5, count=20)], [CALM] * 12, ONE_GO, 1.6) == "precision"


def test_work_that_became_slow_is_not_waited_for():
    slow = ((3.0, 3.1, 3.0, 3.2, 3.0, 3.1),)
    assert stop([slow], [CALM], ONE_GO, 18.4) == "budget"
    assert stop([((18.0,),)], [CALM], ONE_GO, 18.0) is None  # one iteration is no interval: go on to five


def test_the_warm_up_is_settled_when_three_windows_and_the_clock_agree():
    assert not settled([1.0, 1.0], ONE_GO)
    assert settled([1.3, 1.0, 1.002, 1.001], ONE_GO)
    assert not settled([1.0, 1.0, 1.006], ONE_GO)
    assert settled([1.0, 1.0, 1.006], CLEAN)
    assert settled([1.0] * 3, ONE_GO, [None, None, None])
    assert settled([1.0] * 4, ONE_GO, [1e9, 2e9, 2.01e9, 2e9])
    assert not settled([1.0] * 3, ONE_GO, [1.9e9, 2e9, 2.01e9])
    assert not settled([0.0] * 3, ONE_GO)


def test_a_slow_fall_is_not_taken_for_agreement():
    falling = [1 - 0.002 * step for step in range(8)]
    assert max(falling[-3:]) - min(falling[-3:]) < ONE_GO.warmup_agreement * min(falling)
    assert not settled(falling, ONE_GO)


def test_windows_that_scatter_without_a_trend_are_settled_after_a_while():
    draw = Random(3)
    scatter = [1 + draw.gauss(0, 0.03) for _ in range(8)]
    assert not settled(scatter[:7], ONE_GO)
    assert settled(scatter, ONE_GO)
    assert not settled(sorted(scatter), ONE_GO)
