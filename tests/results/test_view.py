from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.stats.comparison import compare
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.results.table.model import Table
from cvbench_tui.results.table.view import View, check_columns
from tests.every import every
from tests.results.samples import CONV, flux_run, graded_run, measurement, mixed_run, model, plan, run_of

FAST, SLOW, HALF = Case(model("VGG16"), "cuda:0", 8), Case(model("VGG16"), "cpu", 8), Case(model("VGG16"), "cuda:0", 4)


def rows_of(table: Table) -> list[tuple[str, str]]:
    return [(str(row.cells[0].value), str(row.cells[1].value)) for row in table.rows]


def column(table: Table, key: str) -> list[str]:
    return [table.text(row.key, key) for row in table.rows]


def ids(run: Run) -> dict[tuple[str, str], str]:
    return {(case.workload.name, case.device): case.case_id for case in run.plan.cases}


# -- filter


@every(
    ("filter_text", "left"),
    [
        ("vgg", 2), ("VGG cuda", 1), ("cuda vgg16", 1), ("oom", 1), ("OOM cuda", 1), ("  ", 7), ("", 7), ("a conv", 2),
        ("101 4", 1), ("nothing like it", 0), ("\u00df", 0), ("[/]", 0),
    ],
)  # fmt: skip
def test_every_word_of_the_filter_has_to_be_in_the_row(filter_text: str, left: int) -> None:
    table = build(mixed_run(), View(filter_text=filter_text))
    assert len(table.rows) == left
    assert table.total == 7


def test_letters_and_words_are_found() -> None:
    found = {text: len(build(graded_run(), View(filter_text=text)).rows) for text in ("host-bound", "busy", "C speeds")}
    assert found == {"host-bound": 1, "busy": 1, "C speeds": 1}


def test_a_filter_changes_neither_units_nor_what_is_fastest() -> None:
    whole, part = build(mixed_run()), build(mixed_run(), View(filter_text="vgg cuda"))
    assert part.units == whole.units
    assert part.rows[0] == whole.rows[0]
    assert [column.key for column in part.columns].index("forward") in part.rows[0].best


# -- groups


def test_groups_stand_in_the_plans_order_and_are_sorted_inside() -> None:
    run = mixed_run()
    table = build(run, View(group="device", sort="forward"))
    assert [group.title for group in table.groups] == [
        "cuda:0, NVIDIA H100 80GB HBM3",
        "cpu, Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz",
    ]
    assert [name for name, _ in rows_of(table)] == [
        "Dense", "Conv3x3/1", "Resnet18", "VGG16", "Resnet101", "Conv3x3/1", "VGG16",
    ]  # fmt: skip
    assert [key for group in table.groups for key in group.keys] == [row.key for row in table.rows]


@every("by", ["workload", "kind", "device"])
@every("filter_text", ["", "vgg", "nothing like it"])
@every("descending", [False, True])
def test_every_row_is_in_one_group_whatever_the_order(by, filter_text: str, descending: bool) -> None:
    table = build(mixed_run(), View(sort="inference", descending=descending, group=by, filter_text=filter_text))
    keys = [key for group in table.groups for key in group.keys]
    assert keys == [row.key for row in table.rows]
    assert len(set(keys)) == len(build(mixed_run(), View(filter_text=filter_text)).rows)
    assert all(group.keys for group in table.groups)


def test_the_other_groups() -> None:
    assert [group.title for group in build(mixed_run(), View(group="kind")).groups] == ["Models", "Layers"]
    titles = [group.title for group in build(mixed_run(), View(group="workload")).groups]
    assert titles == ["VGG16", "Resnet18", "Resnet101", "Conv3x3/1", "Dense"]
    assert build(mixed_run()).groups == ()
    unknown = build(replace(mixed_run(), environment=None), View(group="device"))
    assert [group.title for group in unknown.groups] == ["cuda:0", "cpu"]


# -- reference


def test_how_many_times_as_fast_a_row_is_as_the_marked_one() -> None:
    run = run_of(plan(FAST, SLOW, HALF), measurement(FAST, 0.01), measurement(SLOW, 0.4), measurement(HALF, 0.01))
    table = build(run, View(reference=SLOW.case_id))
    assert column(table, "vs_ref") == ["40.00x \u00b10.1%", "ref", "20.00x \u00b10.1%"], (
        "half the batch, half the speed"
    )
    assert [each.key for each in table.columns] == [each.key for each in COLUMNS if not (each.clean or each.several)]
    assert [each.key for each in table.columns][-2:] == ["vs_ref", "quality"]


def test_the_interval_is_that_of_both_in_quadrature() -> None:
    run = graded_run()
    both = [row_data(run, run.plan.case(ids(run)[key])).phases for key in (("VGG16", "cuda:0"), ("Resnet18", "cpu"))]
    found = compare(run.plan.protocol, both[0], 8, both[1], 8)
    assert found is not None
    widths = [result["total"].relative or 0.0 for result in both]
    assert found.relative == pytest.approx((widths[0] ** 2 + widths[1] ** 2) ** 0.5, rel=1e-4)
    assert found.ratio == pytest.approx(both[1]["total"].median_s / both[0]["total"].median_s)


def test_what_cannot_be_compared_has_a_dash() -> None:
    run = graded_run()
    rows = ids(run)
    table = build(run, View(reference=rows["Resnet18", "cuda:0"]))
    assert table.text(rows["VGG16", "cpu"], "vs_ref") == "-", "out of memory"
    assert table.text(rows["BatchNorm", "cuda:0"], "vs_ref") == "-", "of grade X"
    assert table.text(rows["Conv3x3/1", "cuda:0"], "vs_ref").endswith("x"), "two speeds, no interval"
    invalid = build(run, View(reference=rows["BatchNorm", "cuda:0"]))
    assert set(column(invalid, "vs_ref")) == {"ref", "-"}


def test_inference_is_compared_where_one_has_no_total() -> None:
    run = flux_run()
    rows = ids(run)
    vgg, resnet = rows["VGG16", "cuda:0"], rows["Resnet18", "cuda:0"]
    table = build(run, View(reference=vgg))
    assert table.text(resnet, "vs_ref").startswith("4.305x"), "the total, in a row without inference"
    only = {"inference": 0.75}
    other = run_of(plan(FAST, SLOW), measurement(FAST, 0.01), measurement(SLOW, 0.4, factors=only))
    assert build(other, View(reference=SLOW.case_id)).text(FAST.case_id, "vs_ref").startswith("40.00x")
    neither = run_of(
        plan(FAST, SLOW), measurement(FAST, 0.01, factors={"total": 1.0}), measurement(SLOW, 0.4, factors=only)
    )
    assert build(neither, View(reference=SLOW.case_id)).text(FAST.case_id, "vs_ref") == "-"


def test_under_the_published_method_means_are_compared() -> None:
    run = run_of(
        plan(FAST, SLOW, protocol="original"),
        measurement(FAST, 0.1, stop="fixed"),
        measurement(SLOW, 0.2, stop="fixed"),
    )
    assert build(run, View(reference=SLOW.case_id)).text(FAST.case_id, "vs_ref") == "2.000x \u00b10.1%"


def test_rows_sort_by_it_with_the_marked_one_among_them() -> None:
    run = graded_run()
    rows = ids(run)
    table = build(run, View(reference=rows["Resnet18", "cpu"], sort="vs_ref", descending=True))
    texts = column(table, "vs_ref")
    values = [float(text.split("x")[0]) if text != "ref" else 1.0 for text in texts if text != "-"]
    assert values == sorted(values, reverse=True)
    assert texts[-2:] == ["-", "-"]


@pytest.mark.parametrize("reference", [None, "no such case", "failed"])
def test_without_a_marked_row_with_numbers_there_is_no_such_column(reference: str | None) -> None:
    run = graded_run()
    key = ids(run)["VGG16", "cpu"] if reference == "failed" else reference
    table = build(run, View(reference=key, sort="vs_ref"))
    assert "vs_ref" not in [each.key for each in table.columns]
    assert [row.key for row in table.rows] == [case.case_id for case in run.plan.cases], "the plan's order"
    assert len(table.rows[0].cells) == len(table.columns) == len(table.units)


def test_a_marked_row_that_the_filter_hides_still_counts() -> None:
    run = run_of(plan(FAST, SLOW), measurement(FAST, 0.01), measurement(SLOW, 0.4))
    table = build(run, View(reference=SLOW.case_id, filter_text="cuda"))
    assert column(table, "vs_ref") == ["40.00x \u00b10.1%"]


# -- best


def best(table: Table) -> set[tuple[str, str, str]]:
    return {
        (str(row.cells[0].value), str(row.cells[1].value), table.columns[place].key)
        for row in table.rows
        for place in row.best
    }


def test_the_fastest_of_equal_work_is_marked_in_every_phase_and_as_a_rate() -> None:
    keys = ("forward", "backward", "total", "inference", "throughput")
    expected = {(name, "cuda:0", key) for name in ("VGG16", "Conv3x3/1") for key in keys}
    assert best(build(mixed_run())) == expected


def test_x_and_two_speeds_are_never_the_fastest_nor_beaten() -> None:
    found = best(build(graded_run()))
    assert {name for name, _, _ in found} == {"Resnet18", "Dense"}
    assert {device for _, device, _ in found} == {"cuda:0"}


def test_another_batch_or_image_is_other_work_and_equals_are_both_fastest() -> None:
    small = Case(model("VGG16", side=64), "cpu", 8)
    run = run_of(plan(FAST, HALF, small), *(measurement(case, 0.01) for case in (FAST, HALF, small)))
    assert best(build(run)) == set()
    same = run_of(plan(FAST, SLOW), measurement(FAST, 0.01), measurement(SLOW, 0.01))
    assert len(best(build(same))) == 10


# -- columns, and what callers before had


def test_columns_are_checked_with_the_nearest() -> None:
    kept, problems = check_columns(("total", "foward", "name", "total", "\x1b[31m" * 99, ""))
    assert kept == ("name", "total")
    assert problems[0] == "There is no column 'foward'. Nearest: forward."
    assert len(problems) == 3
    assert all("\x1b" not in problem and len(problem) < 100 for problem in problems)
    assert check_columns(()) == ((), ())
    assert check_columns(("state", "grade", "total")) == (("total", "quality"), ()), "names of settings of before"


def test_unknown_columns_of_a_view_are_ignored_and_an_unknown_order_is_refused() -> None:
    assert build(mixed_run(), View(columns=("nonsense", "total"))).chosen == ("nonsense", "total")
    with pytest.raises(SelectionError):
        build(mixed_run(), View(sort="nonsense"))


def test_without_a_view_all_rows_are_in_the_plans_order() -> None:
    run = mixed_run()
    assert build(run) is not build(run)
    assert build(run).rows == build(run, View()).rows


def test_another_state_of_the_run_is_another_table() -> None:
    case = Case(CONV, "cpu", 8)
    run = run_of(plan(case), measurement(case, 0.1))
    assert build(run).rows[0].quality.text == "A"
    assert build(replace(run, outcomes={})).rows[0].quality.text == "not begun"
    assert build(run).rows[0].quality.text == "A"
