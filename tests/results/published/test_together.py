"""Rows of other runs beside one's own: which, where, whose, ranked only where the work is equal."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.detail.row import detail
from cvbench_tui.results.export.csv import render as render_csv
from cvbench_tui.results.export.json import render as render_json
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.rerun_command import command_lines
from cvbench_tui.results.published.load import published
from cvbench_tui.results.stats.outcome import outcome_text
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.together import OWN, together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from tests.every import every
from tests.results.samples import ENVIRONMENT, measurement, mixed_run, model, plan, run_of

RESNET, VGG = Case(model("Resnet18"), "cpu", 8), Case(model("VGG16"), "cpu", 8)
LARGE = Case(model("Resnet18"), "cpu", 32)
RUN = run_of(plan(RESNET, VGG), measurement(RESNET, 0.02), measurement(VGG, 7.0))
CARD = published()["published-1080ti"]
XEON = published()["published-xeon"]
BESIDE = View(beside=(CARD, XEON))


def other_run(name: str = "other", seconds: float = 0.01, *cases: Case) -> Run:
    """A run of another machine."""
    cases = cases or (RESNET,)
    named = replace(run_of(plan(*cases), *(measurement(case, seconds) for case in cases)), id=name)
    device = replace(ENVIRONMENT.devices[0], name="Other CPU")
    return replace(named, environment=replace(ENVIRONMENT, devices=(device,)))


def names(run: Run, view: View | None = None) -> list[tuple[str, str]]:
    table = build(run, view)
    places = [[column.key for column in table.columns].index(key) for key in ("name", "origin")]
    return [tuple(str(row.cells[place].value) for place in places) for row in table.rows]  # type: ignore[misc]


def test_published_rows_stand_behind_those_of_the_same_work_and_say_whose_they_are() -> None:
    assert names(RUN, BESIDE) == [
        ("Resnet18", "this run"),
        ("Resnet18", "Pytorch 0.4.1, GTX 1080 Ti"),
        ("Resnet18", "Flux 0.6.8+, GTX 1080 Ti"),
        ("VGG16", "this run"),
        ("VGG16", "Pytorch 0.4.1, GTX 1080 Ti"),
        ("VGG16", "Flux 0.6.8+, GTX 1080 Ti"),
        ("VGG16", "Pytorch 0.4.1, Xeon Silver 4114"),
        ("VGG16", "Flux 0.6.8+, Xeon Silver 4114, float64"),
    ]


def test_without_any_the_table_is_as_it_was() -> None:
    assert together(RUN, ()) is RUN
    assert together(RUN, (RUN,)) is RUN, "a run beside itself adds nothing"
    assert "origin" not in [column.key for column in build(RUN).columns]
    assert together(run_of(plan(Case(model("alexnet"), "cpu", 8))), (CARD,)).borrowed == {}


def test_only_the_same_work_is_ranked() -> None:
    run = run_of(plan(RESNET, LARGE), measurement(RESNET, 0.02), measurement(LARGE, 0.001))
    table = build(run, View(beside=(CARD,)))
    place = [column.key for column in table.columns].index("total")
    best = [place in row.best for row in table.rows]
    # batch 8 of this run, of PyTorch, of Flux; then batch 32, which nothing else has
    assert best == [False, True, False, False]


def test_every_row_key_is_unique_and_ids_of_two_runs_may_be_equal() -> None:
    whole = together(RUN, (other_run("a"), other_run("b"), CARD))
    keys = [case.case_id for case in whole.plan.cases]
    assert len(set(keys)) == len(keys) == 2 + 2 + 4
    assert whole.outcomes.keys() == set(keys)
    assert all(whole.outcomes[key].case_id == key for key in keys)


def test_rows_of_another_machine_keep_device_numbers_and_grade() -> None:
    other = other_run()
    whole = together(RUN, (other,))
    (case,) = [case for case in whole.plan.cases if case.case_id in whole.borrowed]
    mine, theirs = row_data(whole, case), row_data(other, other.plan.cases[0])
    assert (mine.phases, mine.quality, mine.origin) == (theirs.phases, theirs.quality, "other")
    device = whole.device_of(case)
    assert device is not None
    assert device.name == "Other CPU"
    assert detail(whole, case.case_id) == detail(other, other.plan.cases[0].case_id)


def test_merged_runs_have_every_row_and_their_names() -> None:
    whole = together(RUN, (other_run("a", 0.01, RESNET, LARGE), CARD), every=True)
    assert len(whole.plan.cases) == 2 + 2 + len(CARD.plan.cases)
    shown = names(whole)
    assert shown[:5] == [
        ("Resnet18", RUN.id),
        ("Resnet18", "a"),
        ("Resnet18", "Pytorch 0.4.1, GTX 1080 Ti"),
        ("Resnet18", "Flux 0.6.8+, GTX 1080 Ti"),
        ("Resnet18", "a"),
    ]
    assert together(whole, (XEON,)) is whole
    assert outcome_text(whole) == f"2 measured, {2 + len(CARD.plan.cases)} of others beside"


def test_published_rows_may_be_those_that_others_stand_beside() -> None:
    shown = names(XEON, View(beside=(RUN, CARD)))
    assert shown[:5] == [
        ("VGG16", "Pytorch 0.4.1, Xeon Silver 4114"),
        ("VGG16", "Flux 0.6.8+, Xeon Silver 4114, float64"),
        ("VGG16", RUN.id),
        ("VGG16", "Pytorch 0.4.1, GTX 1080 Ti"),
        ("VGG16", "Flux 0.6.8+, GTX 1080 Ti"),
    ]
    assert "no interval is known" in render(XEON, "short", View(beside=(CARD,)))
    assert "no interval is known" not in render(XEON, "short", View(beside=(CARD, RUN)))


def test_a_run_with_several_devices_says_on_which() -> None:
    assert {origin for _, origin in names(mixed_run(), View(beside=(CARD,)))} == {
        f"{OWN}, cuda:0", f"{OWN}, cpu", "Pytorch 0.4.1, GTX 1080 Ti", "Flux 0.6.8+, GTX 1080 Ti"
    }  # fmt: skip


def test_while_a_run_goes_on_the_plan_with_the_others_stays_the_same_object() -> None:
    """So the table is not made anew with each event."""
    running = replace(RUN, ended=None)
    first = together(running, (CARD,))
    assert together(running, (CARD,)) is first
    second = together(fold(running, CaseStarted(RESNET.case_id, 42)), (CARD,))
    assert second is not first
    assert second.plan is first.plan


@every("layout", ["short", "full", "original"])
def test_sources_licence_and_reading_notes_stand_below_every_table(layout: str) -> None:
    text = " ".join(render(RUN, layout, BESIDE).replace("\\", "").split())  # type: ignore[arg-type]
    for words in (
        "published-1080ti: published figures, not measured here.",
        "Licence: none stated",
        "Statistic: minimum of the iterations",
        "No such card exists: the GTX 1080 Ti has 11 GB.",
        "Computed in float64",
    ):
        assert words in text
    assert "of other runs" not in text


def test_the_original_layout_has_a_table_of_cards_and_one_of_processors() -> None:
    text = render(RUN, "original", BESIDE)
    lines = text.splitlines()
    assert "## GPU USED --- NVIDIA GeForce GTX 1080 Ti" in lines
    assert "## CPU USED --- Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz" in lines
    own = f"Pytorch 2.14.1, {ENVIRONMENT.devices[0].name}"
    (vgg,) = [line for line in lines if line.startswith(f"|VGG16|{own}|")]
    assert "__" not in vgg.split("|")[3], "7.0 s is slower than the page's 6.6024 s"
    assert "||Pytorch 0.4.1, Xeon Silver 4114|__6.6024 s__|__9.4336 s__|__16.036 s__|" in text


def test_files_for_programs_say_whose_each_row_is() -> None:
    document = json.loads(render_json(RUN, "short", BESIDE))
    assert [each["run"]["id"] for each in document["beside"]] == ["published-1080ti", "published-xeon"]
    assert {each["run"] for each in document["results"]} == {RUN.id, "published-1080ti", "published-xeon"}
    figure = next(each for each in document["results"] if each["run"] == "published-xeon")
    assert figure["phases"]["total"] == {"median_s": 16.036, "printed": "16.036 s"}
    assert (figure["grade"], figure["quality"], figure["case"]["framework"]) == (None, "published", "Pytorch 0.4.1")
    assert figure["figure"]["licence"].startswith("none stated")
    rows = list(csv.DictReader(io.StringIO(render_csv(RUN, "short", BESIDE))))
    assert [row["run"] for row in rows[:2]] == [RUN.id, "published-1080ti"]
    assert rows[1]["device_name"] == "NVIDIA GeForce GTX 1080 Ti"
    assert (rows[1]["total_median_s"], rows[1]["total_grade"]) == ("0.019", "")
    assert rows[1]["published_licence"].startswith("none stated")
    assert rows[0]["published_source"] == ""


def test_without_others_no_file_has_their_columns() -> None:
    assert "beside" not in json.loads(render_json(RUN, "short", View()))
    assert "published_source" not in render_csv(RUN, "short", View()).splitlines()[0]


def test_sentences_name_whose_each_row_is() -> None:
    text = sentences(RUN, BESIDE)
    assert text.startswith("sample: 8 rows, protocol default, 2 measured, 6 of others beside.")
    assert "\nResnet18, this run on cpu, batch 8, image 224 pixels: forward 20." in text
    assert "\nResnet18, Flux 0.6.8+, GTX 1080 Ti on cuda:0, batch 8, image 224 pixels: forward 7.90 ms; " in text


def test_a_marked_row_may_be_a_published_one() -> None:
    whole = together(RUN, (XEON,))
    key = next(case.case_id for case in whole.plan.cases if case.case_id in whole.borrowed)
    table = build(RUN, View(beside=(XEON,), reference=key))
    place = [column.key for column in table.columns].index("vs_ref")
    vgg = next(row for row in table.rows if row.key == VGG.case_id)
    assert vgg.cells[place].value is not None
    assert vgg.cells[place].relative is None, "a published figure has no interval, so the ratio has none"


def test_the_commands_are_those_of_the_own_rows_alone() -> None:
    lines, left_out = command_lines(together(RUN, (CARD,)), 100)
    assert left_out == 0
    assert lines == command_lines(RUN, 100)[0]


def test_a_filter_finds_rows_by_whose_they_are() -> None:
    table = build(RUN, replace(BESIDE, filter_text="flux"))
    assert len(table.rows) == 3
