"""The trend of a row: which row is meant, its points, what changed, and how it is drawn and written."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from cvbench_tui.core.event import RunLabelled
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import BATCH_MAX, Case
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError, StoreError
from cvbench_tui.results.storage import run_file
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import reopen_log
from cvbench_tui.results.trend.build import trend_of, trend_of_row
from cvbench_tui.results.trend.choose import Wish
from cvbench_tui.results.trend.files import FORMATS, write_file
from cvbench_tui.results.trend.text import chart
from tests.results.samples import CONV, FACTORS, STARTED_AT_S, measurement, model
from tests.results.trend.kept import ROW, history_of, keep, keep_times, with_versions

BATCH_1 = replace(ROW, batch=1)
ON_CPU = replace(ROW, device="cpu")
AMP = ROW.varied(precision="amp-bf16")
HOSTILE = "a|b [/]\n\x1b[31m=1+1"


def test_points_are_the_runs_times_oldest_first(tmp_path):
    keep_times(tmp_path, 0.010, 0.011, 0.012)
    trend = trend_of(history_of(tmp_path), Wish("resnet18"))
    assert [point.run_id for point in trend.points] == ["run0", "run1", "run2"]
    assert trend.phase == "total"
    for point, forward_s in zip(trend.points, (0.010, 0.011, 0.012), strict=True):
        assert point.seconds == pytest.approx(forward_s * FACTORS["total"], rel=0.002)
        assert point.low_s < point.seconds < point.high_s


def test_what_is_certain_is_a_step_and_what_is_within_the_bound_is_none(tmp_path):
    keep_times(tmp_path, 0.010, 0.01005, 0.009, 0.0125)
    assert [point.step for point in trend_of(history_of(tmp_path), Wish("Resnet18")).points] == [
        "", "", "faster", "slower",
    ]  # fmt: skip


def test_a_step_needs_an_interval_on_both_sides(tmp_path):
    once = measurement(ROW, 0.02)
    single = replace(
        once,
        phases=tuple(replace(each, rounds=((each.rounds[0][0],),)) for each in once.phases),
        visit_rounds=(),
        visit_records=once.visit_records[:1],
    )
    keep(tmp_path, "a", measurement(ROW, 0.01))
    keep(tmp_path, "b", single, day=1)
    first, second = trend_of(history_of(tmp_path), Wish("Resnet18")).points
    assert second.seconds == pytest.approx(2 * first.seconds, rel=0.01)
    assert (second.relative, second.step) == (None, "")


def test_there_is_no_step_to_or_from_an_invalid_point(tmp_path):
    busy = tuple(PassRecord("training", (Evidence(1.0, 0.9, waited_s=0.9),), empty_region_s=1e-7) for _ in range(10))
    keep(tmp_path, "a", measurement(ROW, 0.01))
    keep(tmp_path, "b", replace(measurement(ROW, 0.02), passes=busy), day=1)
    keep(tmp_path, "c", measurement(ROW, 0.01), day=2)
    points = trend_of(history_of(tmp_path), Wish("Resnet18")).points
    assert [(point.grade, point.step) for point in points] == [("A", ""), ("X", ""), ("A", "")]


def test_what_changed_in_the_environment_and_the_protocol_is_said_where_it_changed(tmp_path):
    keep(tmp_path, "a", measurement(ROW, 0.01))
    keep(tmp_path, "b", measurement(ROW, 0.01), day=1)
    keep(tmp_path, "c", measurement(ROW, 0.01), day=2, environment=with_versions(torch="2.15"))
    keep(tmp_path, "d", measurement(ROW, 0.01), day=3, environment=with_versions(torch="2.15"), protocol="quick")
    changes = [point.changes for point in trend_of(history_of(tmp_path), Wish("Resnet18")).points]
    assert changes == [(), (), ("torch 2.15, was 2.14.1+cu130",), ("protocol quick, was default",)]


def test_another_batch_that_was_found_is_a_change_and_times_are_compared_per_input(tmp_path):
    largest = replace(ROW, batch=1, settings=(BATCH_MAX,))
    for day, (batch, forward_s) in enumerate(((64, 0.1), (32, 0.05))):
        found = replace(measurement(largest, forward_s), batch=batch)
        keep(tmp_path, f"run{day}", found, cases=(largest,), day=day)
    _, now = trend_of(history_of(tmp_path), Wish("Resnet18", batch="max")).points
    assert now.changes == ("largest batch 32, was 64",)
    assert now.step == ""


def test_the_row_is_that_of_the_newest_run_unless_more_is_said(tmp_path):
    cases = (BATCH_1, AMP, ON_CPU)
    keep(tmp_path, "old", measurement(ROW, 0.01))
    keep(tmp_path, "new", *(measurement(case, 0.02) for case in cases), cases=cases, day=1)
    history = history_of(tmp_path)
    assert trend_of(history, Wish("Resnet18")).settings == "batch 1"
    assert trend_of(history, Wish("Resnet18", batch="8", device="cpu")).device == "cpu"
    assert trend_of(history, Wish("Resnet18", settings=(("precision", "amp-bf16"),))).settings == "batch 8, amp-bf16"
    default = trend_of(history, Wish("Resnet18", batch="8", device="cuda:0", settings=(("precision", "default"),)))
    assert (default.settings, [point.run_id for point in default.points]) == ("batch 8", ["old"])
    assert len(trend_of(history, Wish("Resnet18")).others) == 3


@pytest.mark.parametrize("threads", ["4", "half"])
def test_threads_are_told_apart_by_their_mark(tmp_path, threads):
    varied = ON_CPU.varied(threads=threads)
    keep(tmp_path, "a", measurement(ON_CPU, 0.01), measurement(varied, 0.02), cases=(ON_CPU, varied))
    history = history_of(tmp_path)
    assert trend_of(history, Wish("Resnet18", settings=(("threads", threads),))).settings != "batch 8"
    assert trend_of(history, Wish("Resnet18", settings=(("threads", "cores"),))).settings == "batch 8"


def test_files_that_lack_the_row_are_not_read(tmp_path, monkeypatch):
    conv = Case(CONV, "cuda:0", 8)
    keep_times(tmp_path, 0.01, 0.01)
    for day in range(5):
        keep(tmp_path, f"other{day}", measurement(conv, 0.001), cases=(conv,), day=day)
    history = history_of(tmp_path)
    read: list[str] = []

    def load(path):  # type: ignore[no-untyped-def]
        read.append(path.stem)
        return run_file.load(path)

    monkeypatch.setattr("cvbench_tui.results.storage.past_runs.load", load)
    trend_of(history, Wish("Resnet18"))
    assert sorted(read) == ["run0", "run1"]


def test_only_so_many_are_shown_and_the_rest_is_said(tmp_path):
    keep_times(tmp_path, *[0.01] * 5)
    trend = trend_of(history_of(tmp_path), Wish("Resnet18"), last=2)
    assert [point.run_id for point in trend.points] == ["run3", "run4"]
    assert trend.left_out == 3
    assert any("3 older runs not shown: --last 5." in line for line in chart(trend, 100))


def test_one_run_is_a_chart_of_one_line_that_says_so(tmp_path):
    keep_times(tmp_path, 0.01)
    lines = chart(trend_of(history_of(tmp_path), Wish("Resnet18")), 100)
    assert sum("\u25cf" in line for line in lines) == 1
    assert lines[-1].strip() == "One run has measured it: a trend needs a second one."


@pytest.mark.parametrize(
    ("wish", "phase", "sentence", "hint"),
    [
        (Wish("Resnet19"), None, "No kept run has measured 'Resnet19'.", "Nearest: Resnet18."),
        (Wish("xyz"), None, "No kept run has measured 'xyz'.", "cvbench-tui list runs"),
        (Wish("Resnet18", batch="3"), None, "No kept run has measured 'Resnet18' like that.", "-d cuda:0 -b 8"),
        (Wish("Resnet18", device="mps"), None, "No kept run has measured 'Resnet18' like that.", "-d cuda:0 -b 8"),
        (Wish("Resnet18"), "step", "No kept run has its step.", "forward, backward, total, inference"),
    ],
)
def test_what_no_run_has_is_refused_with_what_there_is(tmp_path, wish, phase, sentence, hint):
    keep_times(tmp_path, 0.01)
    with pytest.raises(SelectionError) as caught:
        trend_of(history_of(tmp_path), wish, phase)
    assert caught.value.message == sentence
    assert hint in caught.value.hint


@pytest.mark.parametrize("outcome", [None, Failure(ROW.case_id, "error", "No.")])
def test_a_folder_without_numbers_is_said(tmp_path, outcome):
    keep(tmp_path, "a", *([outcome] if outcome else []))
    with pytest.raises(SelectionError, match="No run with numbers is kept"):
        trend_of(history_of(tmp_path), Wish("Resnet18"))


def test_torn_files_and_those_of_strangers_cost_nothing_but_themselves(tmp_path):
    keep_times(tmp_path, 0.01, 0.01)
    whole = (tmp_path / "run0.jsonl").read_bytes()
    (tmp_path / "torn.jsonl").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.jsonl").write_text("not a run\n")
    trend = trend_of(history_of(tmp_path), Wish("Resnet18"))
    assert {"run0", "run1"} <= {point.name for point in trend.points}
    assert all(point.seconds > 0 for point in trend.points)


def test_a_file_that_was_damaged_since_it_was_indexed_is_named(tmp_path):
    keep_times(tmp_path, 0.01, 0.01)
    history = history_of(tmp_path)
    (tmp_path / "run0.jsonl").write_text("damaged\n")
    trend = trend_of(history, Wish("Resnet18"))
    assert [point.run_id for point in trend.points] == ["run1"]
    assert any("run0.jsonl" in line for line in chart(trend, 100))
    (tmp_path / "run1.jsonl").write_text("damaged\n")
    with pytest.raises(SelectionError, match=r"run\d\.jsonl"):
        trend_of(history, Wish("Resnet18"))


def test_a_row_on_screen_has_its_trend(tmp_path):
    keep_times(tmp_path, 0.01, 0.02)
    run: Run = run_file.load(tmp_path / "run1.jsonl")
    assert [point.run_id for point in trend_of_row(history_of(tmp_path), run, ROW).points] == ["run0", "run1"]
    with pytest.raises(SelectionError, match="No kept run"):
        trend_of_row(history_of(tmp_path), run, BATCH_1)


@pytest.mark.parametrize("width", [20, 80, 120, 300])
def test_the_chart_has_a_line_for_each_run_on_one_scale(tmp_path, width):
    keep_times(tmp_path, 0.010, 0.011, 0.012)
    lines = [line for line in chart(trend_of(history_of(tmp_path), Wish("Resnet18")), width) if "\u25cf" in line]
    places = [line.index("\u25cf") for line in lines]
    assert len(lines) == 3
    assert places == sorted(places)
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=2)
    assert all(len(line) <= max(width, 90) for line in lines)


def hostile_trend(tmp_path):
    case = Case(model(HOSTILE), "cuda:0", 8)
    keep(tmp_path, "a", measurement(case, 0.01), cases=(case,))
    keep(tmp_path, "b", measurement(case, 0.02), cases=(case,), day=1, environment=with_versions(torch="=2|[x]\n<b>"))
    (tmp_path / "a.jsonl").rename(tmp_path / "=x[y]|z.jsonl")
    return trend_of(history_of(tmp_path), Wish(HOSTILE))


def test_hostile_names_stay_text_on_their_line(tmp_path):
    lines = chart(hostile_trend(tmp_path), 100)
    assert "\x1b" not in "".join(lines)
    assert all(line.isprintable() for line in lines)
    assert sum("\u25cf" in line for line in lines) == 2


def test_markdown_has_a_row_for_each_run_whatever_its_name(tmp_path):
    text = FORMATS[".md"](hostile_trend(tmp_path))
    rows = [line for line in text.splitlines() if line.startswith("| 2026")]
    assert len(rows) == 2
    assert all(line.replace("\\|", "").count("|") == 8 for line in rows)
    assert "<b>" not in text.replace("\\<b>", "")


def test_csv_has_a_row_for_each_run_and_no_formula(tmp_path):
    rows = list(csv.DictReader(io.StringIO(FORMATS[".csv"](hostile_trend(tmp_path)))))
    assert len(rows) == 2
    assert float(rows[1]["seconds"]) > float(rows[0]["seconds"]) > 0
    assert not any(value.startswith("=") for row in rows for value in row.values())


def test_json_has_everything_in_seconds(tmp_path):
    found = json.loads(FORMATS[".json"](hostile_trend(tmp_path)))
    assert found["workload"] == HOSTILE
    assert [point["step"] for point in found["points"]] == ["", "slower"]
    assert found["points"][1]["changes"] == ["torch =2|[x]\n<b>, was 2.14.1+cu130"]


def test_the_picture_is_well_formed_and_has_a_dot_for_each_run(tmp_path):
    root = ET.fromstring(FORMATS[".svg"](hostile_trend(tmp_path)))
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 2


def test_another_suffix_is_refused(tmp_path):
    keep_times(tmp_path, 0.01)
    with pytest.raises(StoreError, match=r"does not end in"):
        write_file(trend_of(history_of(tmp_path), Wish("Resnet18")), tmp_path / "t.png")


def test_a_run_is_called_by_the_name_that_the_user_gave_it(tmp_path):
    keep(tmp_path, "a", measurement(ROW, 0.01))
    with reopen_log(seen(tmp_path / "a.jsonl")) as log:
        log.append(RunLabelled("main | [b]\x1b", ("x",), STARTED_AT_S + 1))
    trend = trend_of(history_of(tmp_path), Wish("Resnet18"))
    assert [point.name for point in trend.points] == ["main | [b]\x1b"]
    assert all(line.isprintable() for line in chart(trend, 100))


def test_a_step_is_at_the_level_of_comparisons(tmp_path, monkeypatch):
    keep_times(tmp_path, 0.010, 0.0125)
    for p_value, step in ((0.041, ""), (0.039, "slower")):
        monkeypatch.setattr("cvbench_tui.results.trend.build.p_different", lambda _, p_value=p_value: p_value)
        assert trend_of(history_of(tmp_path), Wish("Resnet18")).points[1].step == step
