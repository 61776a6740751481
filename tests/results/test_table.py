from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.core.measurement import PHASES, Failure, Measurement
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import CLEAN, PROTOCOLS
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.stats.phase_stats import Terms, phase_results
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.columns import COLUMNS, PUBLISHED_COLUMNS, UNIT
from cvbench_tui.results.table.model import REFERENCE, Table
from cvbench_tui.results.table.view import View
from tests.every import every
from tests.results.samples import (
    CONV,
    ENVIRONMENT,
    graded_run,
    measurement,
    mixed_run,
    model,
    plan,
    run_of,
    with_clean,
)
from tests.results.test_markdown_short import VGG, wobbling

SMALL, LARGE, LARGER = (Case(model(name), "cpu", 8) for name in ("Resnet18", "resnet101", "Resnet152"))
BROKEN = Case(model("VGG16"), "cpu", 8)
GRADED = graded_run()


def small_run() -> Table:
    return build(run_of(plan(LARGE, BROKEN, SMALL, LARGER), *outcomes()))


def outcomes() -> tuple[Measurement | Failure, ...]:
    return (
        measurement(LARGE, 0.2),
        Failure(BROKEN.case_id, "error", "Why."),
        measurement(SMALL, 0.1),
        measurement(LARGER, 0.2),
    )


def names(table: Table) -> list[str]:
    return [str(row.cells[0].value) for row in table.rows]


def test_without_a_column_the_order_is_the_plans() -> None:
    assert names(small_run()) == ["resnet101", "VGG16", "Resnet18", "Resnet152"]


def test_missing_values_are_last_in_both_directions() -> None:
    run = run_of(plan(LARGE, BROKEN, SMALL, LARGER), *outcomes())
    assert names(build(run, View(sort="forward"))) == ["Resnet18", "resnet101", "Resnet152", "VGG16"]
    assert names(build(run, View(sort="forward", descending=True))) == ["resnet101", "Resnet152", "Resnet18", "VGG16"]


def test_names_sort_by_their_numbers_and_without_case() -> None:
    run = run_of(plan(LARGE, BROKEN, SMALL, LARGER), *outcomes())
    assert names(build(run, View(sort="name"))) == ["Resnet18", "resnet101", "Resnet152", "VGG16"]


ALWAYS_THERE = [
    column.key for column in COLUMNS if column.key not in (REFERENCE, UNIT) and not (column.clean or column.several)
]


@every("column", ALWAYS_THERE)
@every("descending", [False, True])
def test_sorting_by_any_column_keeps_every_row(column: str, descending: bool) -> None:
    run = mixed_run()
    table = build(run, View(sort=column, descending=descending))
    assert sorted(row.key for row in table.rows) == sorted(case.case_id for case in run.plan.cases)
    values = [row.cells[[c.key for c in table.columns].index(column)].value for row in table.rows]
    present = [value for value in values if value is not None]
    assert values[: len(present)] == present, "a missing value stands before a present one"


@every("column", ALWAYS_THERE)
@every("descending", [False, True])
def test_what_is_invalid_stands_behind_all_that_is_valid(column: str, descending: bool) -> None:
    table = build(GRADED, View(sort=column, descending=descending))
    place = [each.key for each in table.columns].index(column)
    values = [row.quality.letter if column == "quality" else row.cells[place].value for row in table.rows]
    ranks = [
        2 if value is None else int(not row.cells[place].valid) for row, value in zip(table.rows, values, strict=True)
    ]
    assert ranks == sorted(ranks)
    if column in ("forward", "total", "inference", "quality", "throughput", "compute", "bandwidth", "energy"):
        assert 1 in ranks


@every("column", ["quality", "grade", "state"])
def test_quality_sorts_the_best_first_and_its_old_names_are_known(column: str) -> None:
    found = [row.quality.text for row in build(GRADED, View(sort=column)).rows]
    assert found == ["A", "A", "A", "B", "B host-bound", "C busy", "C two speeds", "D", "X impossible", "OOM"]
    last = [row.quality.text for row in build(GRADED, View(sort=column, descending=True)).rows]
    assert last == ["D", "C busy", "C two speeds", "B host-bound", "B", "A", "A", "A", "X impossible", "OOM"]


def test_cells_of_every_grade() -> None:
    table = build(GRADED)
    rows = {(case.workload.name, case.device): case.case_id for case in GRADED.plan.cases}
    conv, norm, quiet = (rows[name, "cuda:0"] for name in ("Conv3x3/1", "BatchNorm", "Resnet18"))
    assert table.text(conv, "forward") == "2.00/2.59 ms", "two speeds, both shown"
    assert table.text(norm, "total") == "1.000 ms", "no interval that would vouch for it"
    assert table.text(norm, "quality") == "X impossible"
    assert table.text(quiet, "compute") == "30.00 TFLOP/s 10% \u00b10.2%"
    assert table.text(quiet, "bandwidth") == "250.0 GB/s 10% \u00b10.2%"
    assert table.text(quiet, "energy") == "0.225 J/img?"
    assert table.text(conv, "compute") == "29.6 TFLOP/s 9.9%", "no interval around what lies between two speeds"
    invalid = next(row for row in table.rows if row.key == norm)
    for place, column in enumerate(table.columns):
        if column.key in ("inference", "throughput", "compute", "bandwidth", "energy", "quality"):
            assert not invalid.cells[place].valid
    assert table.text(quiet, "first_call") == "40.0 ms"
    assert table.text(rows["Resnet18", "cpu"], "samples") == "90 in 9 +1; 100 in 10"


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(SelectionError, match="no column 'foward'") as caught:
        build(mixed_run(), View(sort="foward"))
    assert "Nearest: forward" in caught.value.hint


def test_a_failed_row_has_dashes_and_no_zeroes() -> None:
    table = small_run()
    for key in ("forward", "backward", "total", "inference", "throughput", "memory"):
        assert table.text(BROKEN.case_id, key) == "-"
    broken = next(row for row in table.rows if row.key == BROKEN.case_id)
    values = [cell.value for column, cell in zip(table.columns, broken.cells, strict=True) if not column.identifies]
    assert values == [None] * (len(values) - 1) + ["error"]
    assert table.text(BROKEN.case_id, "quality") == broken.quality.text == "error"


def test_a_measured_row() -> None:
    table = small_run()
    assert table.text(SMALL.case_id, "forward") == "100.1 ms \u00b10.1%"
    assert table.text(SMALL.case_id, "throughput") == "106.6 img/s \u00b10.1%", (
        "8 images in the median of inference, 75.04 ms"
    )
    assert table.text(SMALL.case_id, "memory") == "768 MiB"
    assert table.text(SMALL.case_id, "image") == "224 px"
    with pytest.raises(KeyError):
        table.text(SMALL.case_id, "nothing")


def test_under_the_published_method_the_mean_leads_and_the_minimum_stands_beside_it() -> None:
    case = Case(CONV, "cpu", 1)
    table = build(run_of(plan(case, protocol="original"), measurement(case, 0.001, stop="fixed")))
    forward = next(column for column in table.columns if column.key == "forward")
    assert forward.heading == "Forward mean"
    assert table.text(case.case_id, "forward") == "1001 \u00b5s \u00b10.1% (min 999.0)"
    value = table.rows[0].cells[table.columns.index(forward)].value
    assert value == pytest.approx(0.0010009)


def test_clean_numbers_stand_beside_the_published_ones_and_nowhere_else() -> None:
    case = Case(CONV, "cpu", 1)
    table = build(run_of(plan(case, protocol="original"), with_clean(case, 0.001)))
    keys = [column.key for column in table.columns]
    place = keys.index("inference")
    assert keys[place + 2 : place + 7] == [*(f"{phase}_clean" for phase in PHASES if phase != "step"), "total_device"]
    assert table.text(case.case_id, "forward_clean") == "875.9 \u00b5s \u00b10.1%"
    assert [table.columns[place].heading for place in visible_columns(table)][5:7] == ["Backward mean", "Total mean"]
    for run in (mixed_run(), run_of(replace(plan(case), protocol=replace(PROTOCOLS["original"], clean=None)))):
        assert not any(column.clean for column in build(run).columns)
    bare = build(run_of(plan(case, protocol="original"), measurement(case, 0.001, stop="fixed")))
    assert not any(bare.columns[place].clean for place in visible_columns(bare)), "a file of before has none"
    assert build(mixed_run(), View(sort="total_clean")).rows == build(mixed_run()).rows


def test_clean_numbers_are_graded_by_themselves() -> None:
    wide = replace(
        with_clean(VGG, 0.1),
        clean=replace(measurement(VGG, 0.1), phases=wobbling(VGG, 4), visit_rounds=(), visit_records=()),
    )
    run = run_of(plan(VGG, protocol="original"), wide)
    row = row_data(run, VGG)
    assert row.clean == phase_results(wide.clean, Terms(CLEAN, facts=ENVIRONMENT.facts))
    assert (row.phases["total"].grade, row.clean["total"].grade) == ("A", "C")
    assert build(run).text(VGG.case_id, "quality") == "A", "of the published numbers"
    assert row.row_notes[0].text.startswith("B one process in all phases of the clean numbers: ")


def test_keys_are_the_same_under_every_protocol() -> None:
    assert [column.key for column in PUBLISHED_COLUMNS] == [column.key for column in COLUMNS]
    assert all(column.heading and column.help for column in COLUMNS)


def test_an_empty_run_still_has_all_rows() -> None:
    table = build(run_of(plan(SMALL, LARGE), environment=None))
    assert [row.quality.text for row in table.rows] == ["not begun", "not begun"]


def test_a_share_of_a_peak_that_was_measured_while_disturbed_is_a_dash() -> None:
    key = next(
        case.case_id for case in GRADED.plan.cases if (case.workload.name, case.device) == ("Resnet18", "cuda:0")
    )
    unsure = {device: replace(peak, sure=False) for device, peak in GRADED.ceilings.items()}
    table = build(replace(GRADED, ceilings=unsure))
    assert table.text(key, "compute") == "30.00 TFLOP/s - \u00b10.2%"
    assert table.text(key, "bandwidth") == "250.0 GB/s - \u00b10.2%"
    assert "%" not in table.text(key, "compute").replace("\u00b10.2%", "")
    assert build(GRADED).text(key, "compute") == "30.00 TFLOP/s 10% \u00b10.2%"
    assert table.text(key, "energy") == build(GRADED).text(key, "energy")


def test_the_interval_of_a_mean_is_the_means() -> None:
    taken = replace(measurement(VGG, 0.01, stop="fixed"), phases=wobbling(VGG, 1))
    run = run_of(plan(VGG, protocol="original"), taken)
    result, table = row_data(run, VGG).phases["total"], build(run)
    assert result.mean_relative != result.relative
    place = [each.key for each in table.columns].index("total")
    assert table.rows[0].cells[place].relative == result.mean_relative
