from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cvbench_tui.base.cells import shorten
from cvbench_tui.tui.state.checklist_model import ChecklistLine, ChecklistModel, Item
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.tui.widgets.checklist.text import Columns, rows

HOSTILE = [
    "[/]",
    "[bold]x[/bold]",
    "\x1b[31mred",
    "\u05d0\u05d1\u05d2",
    "a" * 300,
    "\u6f22\u5b57" * 40,
    "a\nb\tc",
    "e\u0301",
]


def texts(ticks: ChecklistModel, width: int) -> dict[str, list[str]]:
    columns = Columns.fitting(ticks, width)
    return {
        line.item.key if line.item else line.group: [
            "".join(text for _, text in row) for row in rows(ticks, line, columns, width)
        ]
        for line in ticks.lines
    }


def shown_columns(ticks: ChecklistModel, width: int) -> list[str]:
    widths = Columns.fitting(ticks, width).widths
    return [heading for heading, cells in zip(ticks.headings, widths, strict=True) if cells]


def dated() -> PlanSelection:
    """A time beside every model."""
    plan_selection = PlanSelection()
    plan_selection.devices.offer([Item("cpu", "cpu")], ("cpu",))
    assert plan_selection.remember(lambda case: "12.3 ms")
    return plan_selection


def test_columns_go_from_the_least_important_and_the_last_time_stays() -> None:
    models = dated().models
    assert shown_columns(models, 76) == ["image px", "GMACs", "parameters", "last time"]
    assert shown_columns(models, 37) == ["parameters", "last time"]
    assert shown_columns(models, 28) == ["last time"]
    assert shown_columns(models, 24) == []
    assert shown_columns(PlanSelection().models, 33) == ["GMACs", "parameters"], "without times there is room"


def test_a_line_is_a_box_a_name_and_numbers_at_the_right() -> None:
    found = texts(PlanSelection().models, 33)
    assert found["VGG"] == ["[ ] \u25be VGG (0 of 8)"]
    assert found["RegNet"] == ["[ ] \u25b8 RegNet (0 of 15)"]
    assert found["Resnet18"] == ["[ ] Resnet18           1.8  11.7M"]


def test_no_model_is_cut_and_no_number_either() -> None:
    models = dated().models
    models.folded.clear()
    for width in (31, 33, 37, 45, 76):
        found = texts(models, width)
        for item in models.items:
            (row,) = found[item.key]
            assert cell_len(row) == width
            if item.aside and width < 76:  # a name of another source, as long as it may be
                continue
            assert row.startswith(f"[ ] {item.name} ")
            assert row.endswith(" 12.3 ms")
            assert set(row[4 + len(item.name) : -7].split()) <= set(item.columns)


def test_a_name_is_cut_only_where_it_does_not_fit_alone() -> None:
    ticks = ChecklistModel([Item("a", "x" * 40, columns=("12",)), Item("b", "short", columns=("12",))], headings=("n",))
    assert texts(ticks, 20)["a"] == ["[ ] xxxxxxxxxxxxx..."]
    assert texts(ticks, 44)["a"] == ["[ ] " + "x" * 40]


def test_a_reason_goes_on_below() -> None:
    ticks = ChecklistModel(
        [Item("cpu", "cpu"), Item("mps", "mps", reason="This is not a Mac, so there is no Metal on it.")]
    )
    assert texts(ticks, 24)["mps"] == ["[-] mps This is not a", "    Mac, so there is no", "    Metal on it."]


def test_what_the_filter_found_is_marked() -> None:
    models = PlanSelection().models
    models.search("rn18")
    (item,) = (item for item in models.shown if item.name == "Resnet18")
    (row,) = rows(models, ChecklistLine(item.group, item), Columns(()), 30)
    assert [text for role, text in row if role == "match"] == ["R", "n", "18"]


@given(st.text(max_size=400), st.text(max_size=60), st.text(max_size=40), st.integers(6, 90))
def test_whatever_stands_in_it_a_row_fits(name: str, other: str, column: str, width: int) -> None:
    items = [Item("a", name, columns=(column, other)), Item("b", name, note=other), Item("c", other, reason=name)]
    ticks = ChecklistModel(items, ("a",), headings=("n", "m"))
    for found in texts(ticks, width).values():
        for row in found:
            assert cell_len(row) <= width
            assert not any(letter in row for letter in "\n\r\t\x1b")


def test_hostile_text_is_shown_letter_for_letter() -> None:
    unlike = []
    for text in HOSTILE:
        (row,) = texts(ChecklistModel([Item("a", text, columns=("12",))], headings=("n",)), 80)["a"]
        plain = text.replace("\x1b", "\\x1b").replace("\n", " ").replace("\t", " ")
        if not row[4:].startswith(plain if cell_len(plain) <= 76 else plain[:30]):
            unlike.append((text, row))
    assert unlike == []


@given(st.text(max_size=50), st.integers(0, 20))
def test_a_cut_text_has_at_most_its_cells(text: str, cells: int) -> None:
    assert cell_len(shorten(text, cells)) <= cells
