"""In which unit times are written."""

from __future__ import annotations

from cvbench_tui.core.plan import Case
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.cell import Cell
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.scales import row_scales
from cvbench_tui.results.table.view import View
from tests.every import every
from tests.results.samples import CONV, DENSE, measurement, model, plan, run_of

VGG, RESNET = model("VGG16"), model("Resnet18")


@every(
    ("rows", "expected"),
    [
        ([("model", [0.02]), ("model", [0.0004, 0.6])], ["ms", "ms"]),
        ([("layer", [4e-5]), ("layer", [2.3e-4, 0.003])], ["\u00b5s", "\u00b5s"]),
        ([("model", [0.02]), ("layer", [4e-5])], ["ms", "\u00b5s"]),
        ([("layer", [0.0169, 0.05]), ("layer", [0.0004])], ["ms", "ms"]),  # 16916 us does not read well
        ([("layer", [0.0169, 0.05]), ("layer", [4e-5])], ["ms", "\u00b5s"]),  # nor does 0.04 ms: each row its own
        ([("model", [16.0, 40.0])], ["s"]),
        ([("model", [16.0, 40.0]), ("model", [0.02])], ["s", "ms"]),
        ([("model", []), ("layer", [])], ["ms", "\u00b5s"]),
        ([("model", [0.0, -1.0, 0.02])], ["ms"]),
        ([], []),
    ],
)
def test_the_usual_unit_of_a_kind_where_all_times_read_well_in_it(rows, expected: list[str]) -> None:
    cells = [(kind, [Cell(time, "s") for time in times]) for kind, times in rows]
    assert [scale.unit for scale in row_scales(cells)] == expected


def test_an_invalid_time_sets_no_unit() -> None:
    rows = [("model", [Cell(0.003, "s"), Cell(0.000012, "s", valid=False)]), ("model", [Cell(0.02, "s")])]
    assert [scale.unit for scale in row_scales(rows)] == ["ms", "ms"]
    assert [scale.unit for scale in row_scales([("layer", [Cell(0.01, "s", valid=False)])])] == ["ms"], "none is valid"


def test_the_heading_has_the_unit_that_all_rows_share_and_cells_have_it_otherwise() -> None:
    cases = tuple(Case(each, "cuda:0", 8) for each in (VGG, RESNET, CONV, DENSE))
    times = (0.0245, 0.0064, 0.0002312, 0.0000887)
    outcomes = [measurement(case, seconds) for case, seconds in zip(cases, times, strict=True)]
    models = build(run_of(plan(*cases[:2]), *outcomes[:2]))
    place = [column.key for column in models.columns].index("forward")
    assert models.heading(place) == "Forward ms"
    assert [models.texts(row, "bare")[place] for row in models.rows] == ["24.52 \u00b10.1%", "6.406 \u00b10.1%"]
    assert models.texts(models.rows[0], "close")[place] == "24.52\u00b10.1%"
    both = build(run_of(plan(*cases), *outcomes))
    assert both.heading(place) == "Forward"
    assert [both.texts(row, "file")[place] for row in both.rows] == [
        "24.52 ms \u00b10.1%", "6.406 ms \u00b10.1%", "231.4 \u00b5s \u00b10.1%", "88.79 \u00b5s \u00b10.1%",
    ]  # fmt: skip
    unit = place - 1
    assert [both.texts(row, "bare")[unit] for row in both.rows] == ["ms", "ms", "\u00b5s", "\u00b5s"]
    assert both.texts(both.rows[2], "close")[place] == "231.4\u00b10.1%", "the unit is in a column of its own"
    assert unit in visible_columns(both)
    assert unit not in visible_columns(both, "file")
    assert unit not in visible_columns(models)
    chosen = build(run_of(plan(*cases), *outcomes), View(columns=("total",)))
    assert [chosen.columns[each].key for each in visible_columns(chosen)] == ["name", "unit", "total"]
    throughput = [column.key for column in models.columns].index("throughput")
    assert models.heading(throughput) == "Throughput img/s"
    assert both.heading(throughput) == "Throughput", "inputs of a layer are no images"


def test_a_row_that_arrives_changes_the_unit_of_all_and_a_row_object_is_reused_all_the_same() -> None:
    quick, slow = Case(DENSE, "cpu", 8), Case(CONV, "cpu", 8)
    before = build(run_of(plan(quick, slow), measurement(quick, 2e-5)))
    after = build(run_of(plan(quick, slow), measurement(quick, 2e-5), measurement(slow, 0.0169)))
    place = [column.key for column in before.columns].index("forward")
    assert (before.heading(place), after.heading(place)) == ("Forward \u00b5s", "Forward")
    assert before.texts(before.rows[0], "bare")[place] == "20.02 \u00b10.1%"
    assert after.texts(after.rows[0], "bare")[place - 1 : place + 1] == ("\u00b5s", "20.02 \u00b10.1%")
    again = build(run_of(plan(quick, slow), measurement(quick, 2e-5)))
    assert [again.texts(row, "bare")[place - 1] for row in again.rows] == ["-", "-"]


def test_where_no_unit_suits_all_a_row_takes_that_of_its_valid_times_and_of_invalid_ones_without_any() -> None:
    rows = [
        ("model", [Cell(16.0, "s")]),
        ("model", [Cell(0.02, "s"), Cell(1e-6, "s", valid=False)]),
        ("model", [Cell(3e-6, "s", valid=False)]),
    ]
    assert [scale.unit for scale in row_scales(rows)] == ["s", "ms", "\u00b5s"]


def test_of_several_units_that_suit_the_largest_is_taken() -> None:
    assert [scale.unit for scale in row_scales([("layer", [Cell(0.5, "s"), Cell(5.0, "s")])])] == ["s"]
