from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest

from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import PHASES, Measurement, PhaseSamples, PhaseWork, merge
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.core.stats.stop_rule import counted_evidence_by_visit, flags_by_visit
from cvbench_tui.results.stats.phase_stats import (
    PhaseResult,
    Terms,
    phase_result,
    phase_results,
    repeated,
    reported,
    worst_grade,
)
from cvbench_tui.results.stats.quality import Quality
from cvbench_tui.results.stats.row_data import RowData
from cvbench_tui.results.table.columns import COLUMNS, PUBLISHED_COLUMNS
from tests.results.samples import measurement, model

CASE = Case(model("Resnet18"), "cpu", 8)
TERMS = Terms(PROTOCOLS["default"])


def of_rounds(*rounds: tuple[float, ...]) -> Measurement:
    return Measurement(
        CASE.case_id, (PhaseSamples("forward", rounds, 1, "perf_counter", "precision"),), None, None, None, 0.0, 1.0, 1
    )


def result_of(*rounds: tuple[float, ...], terms: Terms = TERMS) -> PhaseResult:
    result = phase_result(of_rounds(*rounds), "forward", terms)
    assert result is not None
    return result


def test_the_interval_is_the_estimates_own() -> None:
    rounds = ((1.0, 1.0, 7.0), (1.1,), (0.9,), (1.2, 1.0), (1.0, 1.0))
    result, expected = result_of(*rounds), estimate((rounds,))
    assert expected is not None
    assert expected.half_width_s is not None
    assert result.median_s == expected.median_s == 1.0
    assert (result.low_s, result.high_s, result.relative) == (expected.low_s, expected.high_s, expected.relative)
    assert (result.n, result.rounds, result.visits) == (9, 5, 1)


def test_mean_and_minimum_are_of_all_samples() -> None:
    rounds = ((1.0, 1.0, 7.0), (1.5,), (0.5,))
    result = result_of(*rounds)
    assert result.mean_s == pytest.approx(fmean([1.0, 1.0, 7.0, 1.5, 0.5]))
    assert result.min_s == 0.5


def test_one_round_has_no_interval_rather_than_a_narrow_one() -> None:
    result = result_of((1.0, 1.1))
    assert (result.low_s, result.high_s, result.relative, result.mean_relative) == (None, None, None, None)


def test_an_interval_never_reaches_below_zero() -> None:
    result = result_of((1.0,), (9.0,))
    assert result.low_s is not None
    assert 0 < result.low_s < result.median_s
    assert result.relative == pytest.approx(1.0)


@pytest.mark.parametrize("rounds", [(), ((),)])
def test_without_a_sample_there_is_no_result(rounds: tuple[tuple[float, ...], ...]) -> None:
    assert phase_result(of_rounds(*rounds), "forward", TERMS) is None
    assert phase_result(of_rounds((1.0,)), "inference", TERMS) is None


def test_three_processes_are_the_repeats_and_not_their_rounds() -> None:
    """Rounds of one process agree to the last digit; only the processes differ."""
    one, two, three = (of_rounds((value,), (value,), (value,)) for value in (1.0, 1.2, 1.4))
    result = phase_result(merge(merge(one, two), three), "forward", TERMS)
    assert result is not None
    expected = estimate((((1.0,),), ((1.2,),), ((1.4,),)))
    assert expected is not None
    assert (result.median_s, result.high_s, result.visits) == (expected.median_s, expected.high_s, 3)


def test_all_measured_phases_at_once() -> None:
    taken = measurement(CASE, 1.0, factors={"forward": 1.0, "inference": 0.75})
    found = phase_results(taken, TERMS)
    assert found == {phase: phase_result(taken, phase, TERMS) for phase in ("forward", "inference")}


def test_the_grade_is_by_the_peak_and_not_by_the_protocols_precision() -> None:
    taken = measurement(CASE, 1.0)
    strict = Terms(replace(PROTOCOLS["default"], precision=1e-5))
    assert worst_grade(phase_results(taken, TERMS)) == worst_grade(phase_results(taken, strict)) == "A"
    work = tuple(PhaseWork(phase, 10**9, 10**6, 10**6) for phase in PHASES)
    slow = DevicePeak("cpu", "key", (("float32", 1e6),), None)
    worked = replace(taken, work=work)
    assert worst_grade(phase_results(worked, TERMS)) == "A"
    assert worst_grade(phase_results(worked, replace(TERMS, peak=slow))) == "X"


def test_percentiles_only_where_there_are_samples_enough() -> None:
    few, some, many = (result_of(*(tuple(1 + k / 1000 for k in range(n)),) * 5) for n in (7, 8, 100))
    assert (few.p5_s, few.p95_s, few.p99_s) == (None, None, None)
    assert (some.p5_s is not None, some.p95_s is not None, some.p99_s) == (True, True, None)
    assert many.p5_s is not None
    assert many.p95_s is not None
    assert many.p99_s is not None
    assert many.min_s <= many.p5_s < many.median_s < many.p95_s < many.p99_s
    assert many.iqr_share is not None
    assert many.between_share == 0.0


def test_a_disturbed_round_is_set_aside_and_counted() -> None:
    calm, disturbed = Evidence(0.2, 0.2, waited_s=0.0), Evidence(0.2, 0.2, waited_s=0.1)
    rounds = ((1.0, 1.001), (1.0, 1.002), (5.0, 5.0), (1.001, 1.0), (1.0, 1.0), (1.001, 1.002))
    evidence = (calm, calm, disturbed, calm, calm, calm)
    taken = replace(of_rounds(*rounds), passes=(PassRecord("training", evidence),))
    result = phase_result(taken, "forward", TERMS)
    assert result is not None
    assert (result.n, result.rounds, result.repeated_rounds) == (10, 5, 1)
    assert result.mean_s < 1.01
    assert repeated(taken, "forward", TERMS.protocol) == (False, False, True, False, False, False)


def test_evidence_that_does_not_match_its_rounds_sets_nothing_aside() -> None:
    disturbed = Evidence(0.2, 0.2, waited_s=0.1, host_s=0.5)
    evidence = (disturbed, *(Evidence(0.2, 0.2, waited_s=0.0, host_s=0.1),) * 4)
    rounds = ((1.0, 1.001), (1.0, 1.002), (1.002, 1.0), (1.001, 1.0), (1.0, 1.0), (1.001, 1.002))
    taken = replace(of_rounds(*rounds), passes=(PassRecord("training", evidence),))
    assert flags_by_visit(taken, "forward", TERMS.protocol) == ((True,) * 6,)
    assert not any(repeated(taken, "forward", TERMS.protocol))
    result = phase_result(taken, "forward", TERMS)
    assert result is not None
    assert (result.rounds, result.repeated_rounds) == (6, 0)
    assert "repeated" not in {reason.code for reason in result.reasons}
    assert counted_evidence_by_visit(taken, "forward", TERMS.protocol) == (evidence,)


def test_the_mean_has_an_interval_by_the_same_rule() -> None:
    result = result_of((1.0, 1.2), (1.1, 1.3), (1.2, 1.4))
    expected = estimate((((1.1,), (1.2,), (1.3,)),))
    assert expected is not None
    assert result.mean_relative == pytest.approx((expected.half_width_s or 0) / 1.2)
    assert result.mean_low_s == pytest.approx(1.2 - (expected.half_width_s or 0))
    assert result.mean_high_s == pytest.approx(1.2 + (expected.half_width_s or 0))


def test_two_speeds_are_kept_beside_the_median() -> None:
    rounds = tuple(tuple((1.0 if k < 6 else 1.5) * (1 + 0.001 * (k % 3)) for k in range(10)) for _ in range(6))
    result = result_of(*rounds)
    assert result.modes is not None
    assert (round(result.modes.low_s, 2), round(result.modes.high_s, 1)) == (1.0, 1.5)
    assert result.grade == "C"


def test_a_clock_that_stood_still_is_no_crash() -> None:
    result = result_of((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    assert (result.grade, result.valid, result.relative, result.iqr_share) == ("X", False, None, None)


def test_the_published_method_is_headed_by_its_mean() -> None:
    result = result_of((1.0, 1.0, 4.0))
    assert reported(PROTOCOLS["original"], result)[0] == 2.0
    assert reported(PROTOCOLS["default"], result)[0] == 1.0


def test_throughput_is_the_batch_over_the_number_with_the_interval_of_that_number() -> None:
    result = result_of((1.0, 1.0, 4.0), (1.0, 1.1, 1.0))
    assert result.relative != result.mean_relative
    for columns, of_number, relative in (
        (COLUMNS, result.median_s, result.relative),
        (PUBLISHED_COLUMNS, result.mean_s, result.mean_relative),
    ):
        (column,) = (each for each in columns if each.key == "throughput")
        cell = column.cell(RowData(CASE, Quality("A"), None, {"inference": result}))
        assert (cell.value, cell.relative) == (8 / of_number, relative)
        nothing = RowData(CASE, Quality("X"), None, {"inference": result_of((0.0,))})
        assert column.cell(nothing).value is None
