"""The programs that print what a comparison calls and costs: few pairs and rows, and the bars by made-up figures."""

from __future__ import annotations

import math

import pytest

from cvbench_tui.core.plan import Case
from cvbench_tui.core.stats.ratio import paired
from cvbench_tui.results.compare.model import ComparedRow


@pytest.fixture
def bars(program):
    return program("compare_bars")


@pytest.fixture
def cost(program):
    return program("compare_cost")


def row(verdict):
    return ComparedRow("k", "Simulated", "1", "inference", None, None, paired([0.0, 0.01, -0.01]), verdict)


def test_bars_are_met_at_their_limit_and_missed_beyond(bars):
    def of(called, found_5, found_2):
        rows = [["slower"] * called + ["same"] * (100 - called)]
        rows += [["slower"] * found + ["not told apart"] * (100 - found) for found in (found_5, found_2)]
        return bars.Found(tuple(tuple(map(row, each)) for each in rows))

    assert [met for _, met in bars.bars(of(2, 99, 80))] == [True, True, True]
    assert [met for _, met in bars.bars(of(3, 98, 79))] == [False, False, False]
    assert "2.00%, at most 2%" in bars.bars(of(2, 99, 80))[0][0]
    assert bars.together([of(2, 99, 80), of(4, 97, 80)]).called == pytest.approx(0.03)


def test_a_quiet_machine_is_told_by_both_ways_of_measuring(bars, capsys):
    assert bars.main(["--pairs", "2", "--only", "quiet"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("| quiet | 0.0% | 100.0% | 100.0% |") == 2
    assert printed.count("met: ") == 6


def test_the_cost_is_of_every_row(cost, tmp_path):
    paths = cost.written(tmp_path, "few", 2, 3)
    found = cost.measured(paths)
    assert found["rows"] == 3
    assert found["all"] == 6
    assert found["bytes"] >= found["started"] > 0
    printed = list(cost.lines(found, found, 2))
    assert "MB (bar 200 MB)" in printed[3]
    assert math.isfinite(found["compared"])


@pytest.mark.slow
def test_the_bars_hold_for_the_simulated_machines_of_one_speed(bars):
    """With 30 pairs of each of seven kinds; a bound for so few may be passed by two standard errors."""
    kinds = [kind for kind in bars.KINDS if kind.one_mode]
    found = bars.together([bars.pairs_of(bars.two_runs, kind, 30, 500) for kind in kinds])
    count = 30 * len(kinds)
    assert found.called <= 0.02 + 2 * math.sqrt(0.02 * 0.98 / count)
    assert found.found(1) >= 0.99 - 2 * math.sqrt(0.01 * 0.99 / count)
    assert found.found(2) >= 0.80


@pytest.mark.slow
def test_in_turn_the_bars_hold_for_machines_that_wander(bars):
    kinds = [kind for kind in bars.KINDS if kind.name in bars.WANDERING]
    found = bars.together([bars.pairs_of(bars.one_run, kind, 30, 500) for kind in kinds])
    assert found.called <= 0.02 + 2 * math.sqrt(0.02 * 0.98 / 120)
    assert found.found(1) >= 0.99
    assert found.found(2) >= 0.90


def test_a_case_of_the_simulator_is_a_pair_of_variants(bars):
    assert isinstance(bars.OTHER, Case)
    assert bars.OTHER.setting(bars.ALTERNATE) != bars.CASE.setting(bars.ALTERNATE)
