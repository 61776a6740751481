"""Texts from outside wherever text is made: shown letter for letter, one line each, never obeyed, never too long."""

from __future__ import annotations

import dataclasses
import unicodedata

from markdown_it import MarkdownIt

from cvbench_tui.base.cells import cell_len
from cvbench_tui.base.escape import one_line, visible
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.measurement import Failure, Notice
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.detail.row import detail_text
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.markdown_short import render_short
from cvbench_tui.results.export.registry import write_output
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import fitting
from cvbench_tui.results.table.view import View
from tests.every import every
from tests.results.samples import measurement, plan, run_of

STRINGS = {
    "pipes": "a|b\\|c|| | d",
    "lines": "one\ntwo\r\nthree\ttab",
    "paragraphs": "\n\n# heading\n\n| a |\n|---|\n\n* item",
    "backticks": "`code` ```fence``` `` ` ``",
    "html": "<b>bold</b><script>x</script><!-- a -- > &amp; &#35;",
    "markup": "[/] [bold]x[/bold] [link=a] [a](http://b) ![i](j)",
    "emphasis": "**a** __b__ ~~c~~ *d* _e_ $f$",
    "escape": "a\x1b[31mred\x1b[0m\x1b]0;title\x07 \x9bJ\x00",
    "bidi": "abc\u202edcba\u2066 \u05d0\u05d1\u05d2\u200f",
    "zero": "\u200bzero\ufeff\u0301",
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "surrogate": "lone \ud800 half",
    "long": "name" * 75,
    "wide": "\u6a21\u578b\U0001f600" * 60,
    "spaces": "  lead and trail  ",
    "nothing": "",
}
each_string = every("hostile", STRINGS.values())
VIEWS = [
    View(group=by, filter_text=filter_text)
    for by in ("none", "workload", "kind", "device")
    for filter_text in ("", "cpu")
]
PARSER = MarkdownIt("commonmark").enable("table")
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def poisoned(text: str) -> Run:
    """That text as name, device name, versions, sentences, traceback and plan."""
    cases = (
        Case(Workload("layer", text, text, (3, 8, 8), (("x", text),)), "cpu", 8),
        Case(Workload("model", text, text, (3, 8, 8)), "cpu", 4),
    )
    environment = Environment(
        (("torch", text), (text, "1")), (Device("cpu", text, 1, detail=text, uuid=text),), ((text, text),)
    )
    run = run_of(
        plan(*cases, name=text),
        measurement(cases[0], 0.1, notices=(Notice(text, text),)),
        Failure(cases[1].case_id, "error", text, text),
        environment=environment,
    )
    return dataclasses.replace(run, program=text, id=text, ended="failed", ended_sentence=text)


def unseen(text: str) -> set[str]:
    return {letter for letter in text if unicodedata.category(letter) in UNSEEN} - {"\n"}


def first_cells(markdown: str) -> list[str]:
    """What a reader sees in the first column, headings left out; anything but plain text is a mistake."""
    tokens, found = PARSER.parse(markdown), []
    for place, token in enumerate(tokens):
        if token.type == "tr_open" and tokens[place + 1].type == "td_open":
            children = tokens[place + 2].children or []
            assert {child.type for child in children} <= {"text", "text_special"}
            found.append("".join(child.content for child in children))
    return found


@each_string
@every("view", VIEWS, ids=str)
def test_in_markdown_it_is_read_as_it_is(hostile: str, view: View) -> None:
    run = poisoned(hostile)
    key = run.plan.cases[0].case_id
    full, short, row = render(run, "full", view), render(run, "short", view), render_short(run, view, key)
    assert first_cells(full) == [visible(hostile)] * 2
    for name in (*first_cells(short), *first_cells(row)):
        assert name == one_line(hostile) or one_line(hostile).startswith(name.removesuffix("..."))
    assert (len(first_cells(short)), len(first_cells(row))) == (2, 1)
    for text in (full, short.partition("<details>")[0], row):
        assert not unseen(text)
        assert not {"html_block", "fence", "code_block", "hr"} & {token.type for token in PARSER.parse(text)}
    blocks = [token.content.strip() for token in PARSER.parse(short) if token.type == "html_block"]
    assert len(blocks) == 2, "the part that is folded away begins and ends, and nothing else is HTML"
    assert blocks[0].startswith("<details><summary>")
    assert blocks[0].endswith("</summary>")
    assert blocks[0].count("<") == 3
    assert blocks[1] == "</details>"
    assert not unseen(short)
    original = render(run, "original", view)
    assert not unseen(original)
    assert len(first_cells(original)) == 2


@each_string
def test_on_a_screen_it_is_one_line_and_leaves_room(hostile: str) -> None:
    table = build(poisoned(hostile), View(group="device"))
    for title in (group.title for group in table.groups):
        assert cell_len(title) <= 60
        assert not unseen(title)
        assert "\n" not in title
    for row in table.rows:
        for form in ("bare", "close"):
            for written in table.texts(row, form):
                assert not unseen(written)
                assert "\n" not in written
    assert {"name", "total", "quality"} <= {table.columns[place].key for place in fitting(table, 78)}


@each_string
def test_in_the_detail_nothing_is_obeyed_and_nothing_is_cut(hostile: str) -> None:
    run = poisoned(hostile)
    for case in run.plan.cases:
        text = detail_text(run, case.case_id)
        assert not unseen(text) - {"\t"}
        assert text.endswith("\n")
        assert "Repeat this row\n" in text
    assert f"reason  {one_line(hostile)}\n" in text


@each_string
@every("suffix", ["md", "json", "csv"])
def test_every_file_can_be_written(hostile: str, suffix: str, tmp_path) -> None:
    path = tmp_path / f"run.{suffix}"
    write_output(poisoned(hostile), path, view=VIEWS[2])
    assert path.read_text(encoding="utf-8")
    path.unlink()


@each_string
def test_as_a_filter_it_is_text_and_nothing_else(hostile: str) -> None:
    run = poisoned("plain")
    view = View(filter_text=hostile)
    shown = " ".join(hostile.split())
    text = render(run, "short", view)
    assert bool(shown) == ("rows, filter" in text)
    assert not unseen(text)
    assert len(build(poisoned(hostile), view).rows) == 2, "it finds the rows with that name"
