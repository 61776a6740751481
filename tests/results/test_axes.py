"""Settings in the results: columns, order, groups, filter, ranking, comparison, and every format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from cvbench_tui.catalog.axes import COMPARED, GROUPINGS
from cvbench_tui.core.axes import AXES
from cvbench_tui.core.plan import BATCH_MAX, Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.detail.row import detail
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.results.export.rerun_command import command_line
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import fitting, visible_columns
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.results.table.model import Table
from cvbench_tui.results.table.view import View
from cvbench_tui.wire import decode, encode
from tests.every import every
from tests.results.samples import events_of, measurement, model, plan, run_of

RESNET = Case(model("Resnet18"), "cuda:0", 8)
VALUES = ("default", "amp-bf16", "bf16")
LADDER = [RESNET.varied(precision=value) for value in VALUES]
SECONDS = (0.03, 0.02, 0.01)


def ladder(*cases: Case) -> Run:
    cases = cases or tuple(LADDER)
    return run_of(plan(*cases), *(measurement(case, seconds) for case, seconds in zip(cases, SECONDS, strict=False)))


def shown(table: Table) -> list[str]:
    return [table.columns[place].key for place in visible_columns(table)]


def values(table: Table, key: str) -> list[object]:
    place = [column.key for column in table.columns].index(key)
    return [row.cells[place].value for row in table.rows]


def best(table: Table, key: str) -> list[bool]:
    place = [column.key for column in table.columns].index(key)
    return [place in row.best for row in table.rows]


def test_every_axis_has_one_column_that_tells_rows_apart() -> None:
    for axis in AXES:
        (column,) = [each for each in COLUMNS if each.key == axis.name]
        assert column.identifies
        assert column.file_name == axis.name
        assert {axis.name} <= set(COMPARED) & set(GROUPINGS)


def test_a_column_is_there_where_a_row_is_not_default_and_stays_however_narrow() -> None:
    table = build(ladder())
    assert "precision" in shown(table)
    assert "compile" not in shown(table)
    assert not {axis.name for axis in AXES} & set(shown(build(ladder(RESNET, replace(RESNET, batch=1)))))
    assert "precision" in [table.columns[place].key for place in fitting(table, 30)]
    alike = build(ladder(LADDER[1]))
    assert values(alike, "precision") == ["amp-bf16"]
    assert "precision" in shown(alike), "what no title says on a screen"


def test_rows_sort_in_the_order_of_the_registry_and_threads_as_numbers() -> None:
    mixed = build(ladder(LADDER[2], LADDER[0], LADDER[1]), View(sort="precision"))
    assert values(mixed, "precision") == list(VALUES)
    cpu = Case(model("Resnet18"), "cpu", 8)
    table = build(ladder(cpu.varied(threads="16"), cpu.varied(threads="2"), cpu), View(sort="threads"))
    assert values(table, "threads") == ["cores", 2, 16]
    assert values(build(ladder(*LADDER), View(sort="precision", descending=True)), "precision") == [*VALUES[::-1]]


def test_digits_that_are_no_number_are_shown_as_they_are() -> None:
    for odd in ("\u00b2", "\u0663", "9" * 5000, "0"):
        case = replace(Case(model("Resnet18"), "cpu", 8), settings=(("threads", odd),))
        table = build(ladder(case))
        assert case.threads is None
        assert values(table, "threads") == [odd]
        assert render(ladder(case), "short", View())


def test_chosen_columns_do_not_hide_what_tells_rows_apart() -> None:
    newer = replace(RESNET, settings=(("sparsity", "half"),))
    table = build(ladder(*LADDER[:2], newer), View(columns=("total",)))
    assert [key for key in shown(table) if key != "name"] == ["precision", "other_settings", "total"]
    assert "precision" not in shown(build(ladder(LADDER[1]), View(columns=("total",))))


def test_groups_are_in_the_registrys_order_and_sizes_by_number() -> None:
    table = build(ladder(LADDER[2], LADDER[0], LADDER[1]), View(group="precision"))
    assert [group.title for group in table.groups] == [f"Precision {value}" for value in VALUES]
    sizes = [replace(RESNET, batch=batch) for batch in (64, 8)]
    assert [group.title for group in build(ladder(*sizes), View(group="batch")).groups] == ["Batch 8", "Batch 64"]


def test_the_filter_finds_values() -> None:
    assert values(build(ladder(), View(filter_text="resnet AMP")), "precision") == ["amp-bf16"]


def test_nothing_is_ranked_across_an_axis_unless_it_is_compared() -> None:
    twin = replace(LADDER[0], device="cuda:1")
    run = ladder(*LADDER[:2], twin)
    assert best(build(run), "total") == [False, False, True], "the same work on two devices"
    along = build(run, View(compare="precision"))
    assert best(along, "total") == [False, False, True]
    assert along.text(twin.case_id, "vs_ref").split()[0] == "-", "of a device there is no ratio along precision"
    assert best(build(ladder(), View(compare="precision")), "total") == [False, False, True]
    assert best(build(ladder(), View(compare="compile")), "total") == [False] * 3


def test_a_compared_axis_has_ratios_to_its_default_within_rows_that_are_alike_otherwise() -> None:
    other = LADDER[0].varied(compile="default")
    run = ladder(LADDER[2], LADDER[0], other)
    table = build(run, View(compare="precision"))
    assert [table.text(case.case_id, "vs_ref").split()[0] for case in run.plan.cases] == ["0.6667x", "ref", "-"]
    assert "vs_ref" not in shown(build(run))
    for text in (render(run, "short", View(compare="precision")), sentences(run, View(compare="precision"))):
        assert "the row marked ref, which differs in precision only," in " ".join(text.split())


def test_optimizers_are_compared_and_ranked_by_the_step_alone() -> None:
    cases = (RESNET, RESNET.varied(optimizer="adamw"))
    factors = ({"total": 3.0, "step": 0.5}, {"total": 2.0, "step": 1.0})
    run = run_of(
        plan(*cases), *(measurement(case, 0.01, factors=each) for case, each in zip(cases, factors, strict=True))
    )
    table = build(run, View(compare="optimizer"))
    assert [text.split()[0] for text in (table.text(each.case_id, "vs_ref") for each in cases)] == ["ref", "0.5000x"]
    assert best(table, "step") == [True, False]
    assert best(table, "total") == best(table, "throughput") == [False, False]
    assert "differs in optimizer only, by the step." in " ".join(sentences(run, View(compare="optimizer")).split())
    unmeasured = run_of(plan(*cases), *(measurement(case, 0.01) for case in cases))
    assert "vs_ref" not in shown(build(unmeasured, View(compare="optimizer")))


@every("axis", ["batch", "image"])
def test_along_batch_and_image_only_what_counts_inputs_is_ranked(axis: str) -> None:
    image = replace(RESNET, workload=RESNET.workload.with_image(160))
    other = replace(RESNET, batch=64) if axis == "batch" else image
    table = build(ladder(RESNET, other), View(compare=axis))
    assert best(table, "total") == [False, False]
    assert best(table, "throughput") == [False, True]
    first = ["ref", "12.00x"] if axis == "batch" else ["0.6667x", "ref"]
    assert [text.split(" ")[0] for text in (table.text(each.case_id, "vs_ref") for each in (RESNET, other))] == first


def test_the_sentence_about_the_marked_row_says_what_the_others_differ_in() -> None:
    run = ladder(*LADDER[:2], replace(LADDER[2], batch=16))
    text = " ".join(render(run, "full", View(reference=LADDER[1].case_id)).split())
    assert "as fast per input as Resnet18 amp-bf16 (cuda:0, batch 8), by the total" in text
    assert "The rows differ from it in precision and batch." in text


def test_one_table_has_all_settings_and_its_title_what_they_share() -> None:
    cases = [case.varied(memory_format="channels_last", precision=case.setting("precision")) for case in LADDER]
    text = render(ladder(*cases), "short")
    assert text.count("### ") == 1
    assert "channels_last, batch 8, 224 px" in text
    assert "| Precision" in text
    assert "| amp-bf16 " in text
    assert "Memory format" not in text


def test_every_format_tells_the_rows_apart() -> None:
    run = ladder()
    assert "Resnet18 amp-bf16" in render(run, "original")
    assert "Resnet18 amp-bf16 on cuda:0, batch 8" in sentences(run)
    rows = list(csv.DictReader(io.StringIO(EXPORTERS[".csv"].render(run, "short", View()))))
    assert [row["precision"] for row in rows] == list(VALUES)
    assert {row["compile"] for row in rows} == {"eager"}
    results = json.loads(EXPORTERS[".json"].render(run, "short", View()))["results"]
    assert [each["case"]["precision"] for each in results] == list(VALUES)
    assert [each["case"]["settings"] for each in results] == [{}, *({"precision": value} for value in VALUES[1:])]
    assert [each["cells"]["precision"]["value"] for each in results] == list(VALUES)
    assert command_line(run, LADDER[1]).endswith("-b 8 --precision amp-bf16 --protocol default")


def test_the_detail_says_what_a_setting_means() -> None:
    first = detail(ladder(), LADDER[1].case_id)[0]
    assert first.title == "Resnet18 amp-bf16"
    assert ("precision", "amp-bf16: autocast to bfloat16, weights float32") in first.pairs


def test_a_batch_that_was_found_is_a_number_of_its_own() -> None:
    found = replace(RESNET, batch=96, settings=(BATCH_MAX,))
    run = ladder(replace(RESNET, batch=96), found)
    table = build(run)
    assert [table.text(case.case_id, "batch") for case in run.plan.cases] == ["96", "96 max"]
    assert best(table, "total") == [False, False], "an equal number is no equal work: another device finds another"
    pending = build(run_of(plan(replace(found, batch=1))))
    assert values(pending, "batch") == ["max"]
    rows = list(csv.DictReader(io.StringIO(EXPORTERS[".csv"].render(run, "short", View()))))
    assert [(row["batch"], row["finds_batch"]) for row in rows] == [("96", "False"), ("96", "True")]
    assert "-b max" in command_line(run, found)


def test_settings_that_this_version_does_not_have_are_shown_by_name() -> None:
    newer = replace(RESNET, settings=(("sparsity", "2:4"),))
    run = ladder(RESNET, newer)
    table = build(run)
    assert values(table, "other_settings") == [None, "sparsity 2:4"]
    assert "sparsity 2:4" in render(run, "short")
    assert best(table, "total") == [False, False]
    assert "no option for the sparsity 2:4" in command_line(run, newer)


def test_a_run_with_settings_is_read_back_as_it_was() -> None:
    cases = (*LADDER, replace(RESNET, settings=(BATCH_MAX, ("compile", "default"))))
    for event in events_of(plan(*cases)):
        assert decode(encode(event)) == event


def test_without_a_valid_number_of_the_default_nothing_is_compared() -> None:
    run = run_of(plan(*LADDER), *(measurement(case, 0.01) for case in LADDER[1:]))
    table = build(run, View(compare="precision"))
    assert "vs_ref" not in [column.key for column in table.columns]
    assert render(run, "short", View(compare="precision")).count("vs ref") == 0
