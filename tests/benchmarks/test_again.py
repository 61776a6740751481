"""The same plan twice: the arithmetic, on made-up runs, and the clocks by which a machine is called idle."""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

import pytest

from cvbench_tui.core.event import CaseFinished, RunFinished, RunStarted
from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.storage.run_log import create_log


@pytest.fixture
def again(program):
    return program("again")


def run_of(again, centres, *, letter="A", half=0.01, others=0.0, first_s=10.0):
    """A run of 100 s with these numbers."""
    numbers = {
        f"row {place}": again.Number(centre, centre * (1 - half), centre * (1 + half), letter)
        for place, centre in enumerate(centres)
    }
    return again.Taken(100.0, first_s, others, numbers)


def verdicts(again, *pairs):
    return [bar.verdict for bar in again.bars(pairs)]


def test_runs_that_agree_meet_every_bar(again, capsys):
    first, second = run_of(again, [1.0] * 20), run_of(again, [1.005] * 20)
    assert verdicts(again, (first, second)) == ["met"] * 5
    assert again.report([(first, second)]) == 0
    out = capsys.readouterr().out
    assert "100 100 s" in out
    assert "10% 10%" in out  # the first whole table
    assert out.count("worst, pair 1") == again.WORST


def test_intervals_that_are_too_narrow_miss(again):
    """1.03 is 3% off, 1.015 is within both intervals, but contains no centre."""
    far, near = [1.0] * 17 + [1.03] * 3, [1.015] * 20
    assert verdicts(again, (run_of(again, [1.0] * 20), run_of(again, far)))[:2] == ["missed", "met"]
    assert verdicts(again, (run_of(again, [1.0] * 20), run_of(again, near)))[:2] == ["met", "missed"]
    assert again.report([(run_of(again, [1.0] * 20), run_of(again, far))]) == 1


def test_each_direction_of_the_cover_counts_half(again):
    change = again.Change("x", again.Number(1.0, 0.9, 1.1, "B"), again.Number(1.05, 1.04, 1.06, "A"))
    assert (change.overlap, change.cover) == (True, 0.5)
    assert change.share == pytest.approx(0.05)
    assert change.excess == pytest.approx(0.05 / 0.11)


def test_only_numbers_that_are_a_or_b_in_both_are_compared(again):
    first, second = run_of(again, [1.0, 1.0, 1.0]), run_of(again, [2.0, 2.0, 2.0], letter="C")
    assert again.changes(first, second) == []
    assert len(again.changes(first, first)) == 3


def test_too_few_decide_nothing(again):
    pair = run_of(again, [1.0] * 19), run_of(again, [2.0] * 19)
    assert verdicts(again, pair)[:2] == ["not judged", "not judged"]
    assert "19 pairs" in again.bars([pair])[0].line()


@pytest.mark.parametrize(
    ("letter", "others", "expected"),
    [
        ("A", 0.01, ["met", "met"]),
        ("C", 0.01, ["missed", "met"]),
        ("D", 0.01, ["missed", "missed"]),
        ("X", 0.01, ["missed", "missed"]),
        ("D", 0.06, ["not judged", "not judged"]),
        ("D", None, ["not judged", "not judged"]),
    ],
)
def test_letters_are_judged_on_an_idle_machine(again, letter, others, expected):
    runs = [run_of(again, [1.0] * 20, letter=letter, others=others) for _ in range(2)]
    assert verdicts(again, tuple(runs))[2:4] == expected


def test_a_row_without_numbers_counts_as_not_valid(again):
    run = run_of(again, [1.0] * 4)
    run.numbers["missing"] = None
    assert run.letters == {"A": 4, "X": 1}


def test_a_late_first_table_misses_even_if_it_is_one_run_s(again):
    runs = run_of(again, [1.0], first_s=5.0), run_of(again, [1.0], first_s=16.0)
    assert verdicts(again, runs)[4] == "missed"
    assert verdicts(again, (runs[0], run_of(again, [1.0], first_s=None)))[4] == "not judged"


def test_others_are_what_the_machine_did_beyond_us(again, tmp_path):
    before = again.Reading(0.0, 100.0, 50.0)
    assert again.Reading(10.0, 113.0, 62.0).others(before, 2) == pytest.approx(0.05)
    assert again.Reading(10.0, None, 62.0).others(before, 2) is None
    assert again.Reading(10.0, 110.0, 62.0).others(before, 2) == 0.0
    stat = tmp_path / "stat"
    stat.write_text("cpu  1 2 3 1000 2000 4 5 6 0 0\ncpu0 1 2 3\n")
    ticks = os.sysconf("SC_CLK_TCK")
    assert again.Reading.now(stat).busy_s == pytest.approx(21 / ticks)
    assert again.Reading.now(tmp_path / "none").busy_s is None


CASE = Case(Workload("layer", "Dense", "linear", (8,)), "cpu", 1)
OTHER = Case(Workload("layer", "Other", "linear", (8,)), "cpu", 1)


def measured(case, visits):
    """Numbers of 10 ms and 0.1% of scatter; visits of a second, 10 s apart."""
    rounds = tuple((0.01 * (1 + 0.001 * (place % 3)),) for place in range(visits))
    return Measurement(
        case.case_id,
        (PhaseSamples("inference", rounds, 1, "perf_counter", "visit"),),
        None, 1, 0.1, 0.1, 1.0, 1,
        visit_rounds=(("inference", (1,) * visits),),
        visit_records=tuple(Visit(1000.0 + 10 * place, 1.0, place) for place in range(visits)),
    )  # fmt: skip


def test_what_the_table_needs_of_a_run(again):
    plan = Plan("again", (CASE, OTHER), PROTOCOLS["default"])
    outcomes = {CASE.case_id: measured(CASE, 12), OTHER.case_id: Failure(OTHER.case_id, "error", "It broke.")}
    run = Run("r", plan, 998.0, "0", outcomes=outcomes, ended="finished", ended_at_s=1198.0)
    taken = again.taken_from(run, 0.01)
    assert (taken.seconds, taken.first_table_s) == (200.0, None)
    assert len(taken.numbers) == 8
    assert taken.numbers["Dense x1, inference"].centre_s == pytest.approx(0.01, rel=0.002)
    assert taken.numbers["Dense x1, total"] is taken.numbers["Other x1, inference"] is None
    whole = again.taken_from(Run("r", Plan("again", (CASE,), plan.protocol), 998.0, "0", outcomes=outcomes), None)
    assert whole.first_table_s == pytest.approx(3.0)


def test_runs_of_a_folder_are_paired_in_order(again, tmp_path, capsys):
    plan = Plan("again", (CASE,), PROTOCOLS["quick"])
    for place, others in enumerate((0.01, 0.02, 0.03, None, 0.05)):
        with create_log(tmp_path, f"run-{place}") as log:
            log.append(RunStarted(f"run-{place}", plan, 1000.0, "0"))
            log.append(CaseFinished(measured(CASE, 1)))
            if place != 1:
                log.append(RunFinished("finished", 1010.0 + place))
        if others is not None:
            (tmp_path / f"run-{place}.json").write_text(json.dumps({"others": others}))
    pairs = again.read(tmp_path)
    assert [[run.others for run in pair] for pair in pairs] == [[0.01, 0.03], [None, 0.05]]
    assert "run-1" in capsys.readouterr().err
    assert again.main(["--read", str(tmp_path)]) in (0, 1)


def test_a_run_leaves_beside_its_file_what_others_used(again, tmp_path):
    (tmp_path / "old.jsonl").touch()
    command = [sys.executable, "-c", f"open({str(tmp_path / 'new.jsonl')!r}, 'w')"]
    again.measure(tmp_path, command)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.json", "new.jsonl", "old.jsonl"]
    with pytest.raises(SystemExit, match="exit code 3"):
        again.measure(tmp_path, [sys.executable, "-c", "raise SystemExit(3)"])


def test_files_of_another_time_are_not_mixed_in(again, tmp_path):
    (tmp_path / "old.jsonl").touch()
    with pytest.raises(SystemExit, match="--read"), again.folder_of(tmp_path):
        pass


def test_a_letter_is_the_numbers_own_with_its_marks(program):
    common = program("common")
    assert common.letter(None) == "X"
    assert [common.letter(SimpleNamespace(grade=grade)) for grade in "ABCDX"] == list("ABCDX")


def test_a_bar_is_met_missed_or_not_judged(program, capsys):
    common = program("common")
    bars = [
        common.Bar("a", 0.9, 0.9),
        common.Bar("b", 0.2, 0.15, at_least=False),
        common.Bar("c", None, 0.5, note="few"),
    ]
    assert [bar.verdict for bar in bars] == ["met", "missed", "not judged"]
    assert (common.conclude(bars), common.conclude([bars[0], bars[2]])) == (1, 0)
    assert "few" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.torch
def test_a_run_is_made_as_a_user_makes_it(again, tmp_path):
    """A real session with a real worker, by the named protocol; its file can be read as any other."""
    again.run_once(tmp_path, "cpu", "quick", [("Dense", 0, 1)], 2)
    (path,) = tmp_path.glob("*.jsonl")
    run = again.load(path)
    assert (run.ended, [case.batch for case in run.plan.cases]) == ("finished", [2])
    assert run.measured[0].visits >= PROTOCOLS["quick"].visits
    taken = again.taken_from(run, None)
    assert 0 < taken.first_table_s < taken.seconds
    assert len(taken.numbers) == 4
