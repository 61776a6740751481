from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from cvbench_tui.base.choices import LAYOUTS
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.registry import write_output
from cvbench_tui.results.table.view import View
from tests.results.samples import graded_run, mixed_run

PARSER = MarkdownIt("commonmark").enable("table")
VIEW = View(columns=("device", "total", "vs_ref", "quality"))


def tables(markdown: str) -> list[list[str]]:
    """First cell of every row of every table, heading first."""
    tokens = PARSER.parse(markdown)
    found: list[list[str]] = []
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append(tokens[place + 2].content)
    return found


def test_groups_are_tables_below_their_titles() -> None:
    text = render(mixed_run(), "full", View(group="kind"))
    assert tables(text) == [
        ["Name", "VGG16", "Resnet18", "Resnet101", "VGG16"],
        ["Name", "Conv3x3/1", "Dense", "Conv3x3/1"],
    ]
    assert text.index("## Models") < text.index("Resnet18") < text.index("## Layers") < text.index("Dense")


def test_the_full_layout_says_what_the_view_is() -> None:
    run = graded_run()
    key = run.plan.cases[0].case_id
    text = render(run, "full", View(reference=key, filter_text="cuda resnet", columns=("total", "vs_ref", "quality")))
    assert '\n\n1 of 10 rows, filter "cuda resnet".\n\n' in text
    assert re.search(r"\| \*\*12\.00 ms \u00b10\.2%\*\* \| 16\.0\dx \u00b10\.3% \| A +\|", text)
    assert "vs ref: how many times as fast per input as Resnet18 (cpu, batch 8)" in text
    assert "Note on Resnet18 cuda:0: " in text
    assert "Dense" not in text, "no reasons of rows that are not shown"
    assert "VGG16" not in text
    assert "vs ref" not in render(run, "full")
    assert "vs ref" not in render(run, "full", View(reference=key, columns=("total",)))


def test_the_original_layout_takes_rows_and_order_and_says_so() -> None:
    text = render(mixed_run(), "original", View(filter_text="cuda", sort="forward", group="kind", columns=("total",)))
    assert text.endswith('\n5 of 7 rows, filter "cuda".\n')
    assert text.index("Resnet18") < text.index("VGG16")
    assert "Xeon" not in text.split("# NOTE", maxsplit=1)[0]
    assert "Forward Pass" in text
    assert "rows, filter" not in render(mixed_run(), "original", View(sort="forward"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_filter_that_leaves_nothing_still_makes_markdown(layout) -> None:
    text = render(mixed_run(), layout, View(filter_text="nothing like it", group="device"))
    assert '0 of 7 rows, filter "nothing like it".' in text


def test_data_files_keep_every_row(tmp_path) -> None:
    view = View(filter_text="conv", columns=("total",), group="kind", sort="forward")
    write_output(mixed_run(), tmp_path / "all.json", view=view)
    write_output(mixed_run(), tmp_path / "all.csv", view=view)
    write_output(mixed_run(), tmp_path / "some.md", view=view)
    assert (tmp_path / "all.json").read_text().count('"case":') == 7
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert len(lines) == 8
    assert lines[1].startswith("Dense,"), "in the view's order"
    assert (tmp_path / "some.md").read_text() == render(mixed_run(), "short", view)
