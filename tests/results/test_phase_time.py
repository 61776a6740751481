"""What a comparison reads of a phase is what the statistics of a table say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.measurement import PHASES, Measurement, Phase
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.results.stats.phase_stats import Terms, phase_result, reported, terms_of
from cvbench_tui.results.stats.phase_time import phase_time
from cvbench_tui.results.storage.run_file import load
from tests.core.graded import DEFAULT, case, noisy, rounds, with_evidence

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "docs" / "example.jsonl", *(ROOT / "tests" / "data" / f"{name}.jsonl" for name in ("good", "graded"))]
TWO_SPEEDS = tuple(noisy(1, 8, seed) + noisy(1.1, 4, seed) for seed in range(5))
QUIET = Terms(DEFAULT)


def agrees(measurement: Measurement, phase: Phase, terms: Terms) -> bool:
    """Compare both; whether there is a number."""
    whole, time = phase_result(measurement, phase, terms), phase_time(measurement, phase, terms)
    if whole is None or time is None:
        assert whole is time
        return False
    assert (time.seconds, time.relative) == reported(terms.protocol, whole)
    assert (time.repeats, time.visits, time.valid) == (whole.repeats, whole.visits, whole.valid)
    assert time.modes == whole.modes
    assert time.reasons == (() if whole.valid else whole.reasons)
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_of_every_phase_of_recorded_runs(path: Path) -> None:
    run = load(path)
    assert run.measured
    for each in run.measured:
        terms = terms_of(run, run.plan.case(each.case_id))
        found = {phase for phase in PHASES if agrees(each, phase, terms)}
        assert found == {samples.phase for samples in each.phases}


@pytest.mark.parametrize(
    ("measurement", "terms"),
    [
        (case(), QUIET),
        (case(), Terms(PROTOCOLS["original"])),
        (case(TWO_SPEEDS), QUIET),
        (case(TWO_SPEEDS), Terms(PROTOCOLS["original"])),
        (case(TWO_SPEEDS), replace(QUIET, graded=False)),
        (replace(with_evidence(waited_s=0.04), phases=case(TWO_SPEEDS).phases), QUIET),
        (with_evidence(stolen_s=0.2), QUIET),
        (with_evidence(stolen_s=0.2), replace(QUIET, graded=False)),
        (case((*rounds(1, 1), (0.01, 0.0))), QUIET),
        (case(((0.01,) * 4,) * 5), QUIET),
        (case((*rounds(1, 1), ())), QUIET),
    ],
    ids=[
        "quiet", "published method", "two speeds", "two speeds by the published method", "others' figures",
        "two speeds that waited", "stolen", "others' stolen", "no time", "all equal", "an empty round",
    ],
)  # fmt: skip
def test_of_phases_with_something_wrong(measurement: Measurement, terms: Terms) -> None:
    assert agrees(measurement, "inference", terms)
    assert not agrees(measurement, "total", terms)


def changed_passes(**changes: float) -> Measurement:
    row = with_evidence()
    return replace(row, passes=tuple(replace(each, **changes) for each in row.passes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "measurement",
    [
        with_evidence(),
        with_evidence(timed_s=9.0),
        with_evidence(utilisation=0.5),
        with_evidence(waited_s=0.002),
        with_evidence(stolen_s=0.019),
        with_evidence(foreign=1),
        changed_passes(empty_region_s=0.0001),
        changed_passes(empty_region_s=0.005),
        changed_passes(deferred_share=0.5),
        replace(with_evidence(), passes=()),
        replace(with_evidence(), passes=with_evidence().passes[:1] * 2),
    ],
)
def test_of_counters_near_their_limits(measurement: Measurement) -> None:
    assert agrees(measurement, "inference", QUIET)


@pytest.mark.parametrize("part", [0.5, 0.9995, 1.0, 1.0005, 1.5])
def test_of_a_total_and_its_part(part: float) -> None:
    row = case(noisy_rounds(1))
    total = replace(row.phases[0], phase="total")
    longer = replace(total, phase="backward", rounds=noisy_rounds(part))
    assert agrees(replace(row, phases=(longer, total)), "total", QUIET)


def noisy_rounds(factor: float) -> tuple[tuple[float, ...], ...]:
    return tuple(noisy(factor, 8, seed) for seed in range(5))


def test_two_speeds_and_an_invalid_number_are_seen() -> None:
    both = phase_time(case(TWO_SPEEDS), "inference", QUIET)
    assert both is not None
    assert both.modes is not None
    assert both.relative is None
    waited = phase_time(with_evidence(waited_s=0.04), "inference", QUIET)
    assert waited is not None
    assert not waited.valid
    assert waited.reasons[0].code == "contention"
