"""How steady the machine was, in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.steadiness import steadiness
from tests.results.samples import DENSE, measurement, plan, run_of

CASES = [Case(DENSE, device, 8) for device in ("cpu", "cuda:0")]


def run(*levels: float | None, cases: list[Case] = CASES[:1], best_s: float | None = None) -> Run:
    visits = tuple(Visit(0.0, 1.0, 1, product_s=1e-4 * level if level else None) for level in levels)
    made = run_of(plan(*cases), *(replace(measurement(case, 0.1), visit_records=visits) for case in cases))
    return replace(made, ceilings={"cpu": DevicePeak("cpu", "k", (), None, product_s=best_s)})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (run(*[1.0] * 10, *[1.02] * 10), "The machine was steady, within 2.0% of its best speed."),
        (run(*[1.0] * 5, *[1.2] * 15), "The machine was slow in 75% of the visits, by up to 20%."),
        (run(*[1.0] * 39, 9.0), "The machine was steady, within 0% of its best speed."),  # one visit may meet anything
        (run(*[1.0] * 4, best_s=0.8e-4), "The machine was slow in 100% of the visits, by up to 25%."),
        (run(*[1.0] * 4, best_s=2e-4), "The machine was steady, within 0% of its best speed."),
        (run(None, None), ""),
        (run(), ""),
    ],
)
def test_it_is_by_the_sentinel_of_every_visit_against_the_best_that_is_known(given: Run, sentence: str) -> None:
    assert steadiness(given) == sentence


def test_each_of_two_devices_has_a_sentence_with_its_name() -> None:
    both = steadiness(run(1.0, 1.01, cases=CASES))
    assert both.count("steady") == 2
    assert "(cpu)" in both
    assert "(cuda:0)" in both
