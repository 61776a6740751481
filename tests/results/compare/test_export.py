"""Comparisons in files: what each format has, and that no name is ever more than text in any of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cvbench_tui.base.escape import one_line
from cvbench_tui.errors import StoreError
from cvbench_tui.results.compare.export.plain_text import sentences
from cvbench_tui.results.compare.export.registry import FORMATS, check_writable, render, write_comparisons
from cvbench_tui.results.compare.model import RunComparison
from tests.every import every
from tests.results.compare.made import ROWS, comparison, ratio
from tests.results.test_hostile import PARSER, each_string, first_cells, unseen

SVG = "{http://www.w3.org/2000/svg}"


def doubtful() -> RunComparison:
    return comparison(differences=("torch 2.14.1, was 2.11.0", "driver 580, was 570"), along="memory_format")


@every("suffix", [".md", ".svg", ".html"])
def test_golden(golden, suffix: str) -> None:
    golden(f"comparison{suffix}", render([doubtful()], suffix))


def test_several_judged_sides_are_in_one_markdown_table(golden) -> None:
    both = comparison(), comparison(*ROWS[1:], names=("main", "compiled"))
    corrected = sum(each.corrected for each in both)
    golden("comparison_of_three.md", render([replace(each, corrected=corrected) for each in both], ".md"))


def test_csv_has_a_line_for_each_row_and_side_with_numbers_that_are_not_rounded() -> None:
    lines = list(csv.DictReader(io.StringIO(render([doubtful(), comparison(ROWS[0])], ".csv"))))
    assert [line["workload"] for line in lines] == [*(row.label for row in ROWS), "resnet50"]
    first, missing = lines[0], lines[4]
    assert (float(first["a_s"]), float(first["b_s"])) == (0.0614, 0.04375)
    assert float(first["speedup"]) == 0.0614 / 0.04375
    assert (first["low"], first["high"], first["made_of"], first["repeats"]) == ("1.39", "1.41", "processes", "10")
    assert (first["verdict"], first["doubtful"], lines[-1]["doubtful"]) == ("faster", "True", "False")
    assert (missing["b_s"], missing["speedup"], missing["verdict"]) == ("", "", "")
    assert missing["sentence"] == "B has no number: OOM."


def test_json_has_everything() -> None:
    names = ("main", "nhwc", "third")
    document = json.loads(render([doubtful(), comparison(ROWS[0], names=(names[0], names[2]))], ".json"))
    assert [(side["letter"], side["name"]) for side in document["sides"]] == list(zip("ABC", names, strict=True))
    first, second = document["comparisons"]
    assert (first["a"], first["b"], second["b"]) == ("A", "B", "C")
    assert first["differences"] == ["torch 2.14.1, was 2.11.0", "driver 580, was 570"]
    assert (first["along"], first["bound"], first["doubtful"], len(first["only_b"])) == ("memory_format", 0.01, True, 2)
    assert first["means"][0]["speedup"] == 1.089
    assert len(first["rows"]) == len(ROWS)
    row = first["rows"][0]
    assert row["ratio"]["speedup"] == 0.0614 / 0.04375
    assert (row["a"]["seconds"], row["a"]["quality"], row["verdict"]) == (0.0614, "A", "faster")
    assert first["rows"][4]["b"] is None


def test_the_chart_has_a_mark_and_an_interval_for_each_ratio() -> None:
    tree = ElementTree.fromstring(render([doubtful()], ".svg"))
    ratios = [row.ratio for row in ROWS if row.ratio is not None]
    marks = tree.findall(f"{SVG}circle")
    assert len(marks) == len(ratios) + 1, "and the mean"
    assert [mark.get("class") for mark in marks[:4]] == ["mark faster", "mark ", "mark ", "mark slower"]
    places = [float(mark.get("cx", "")) for mark in marks[:4]]
    assert sorted(places) == [places[3], places[2], places[1], places[0]], "in the order of the ratios"
    assert len(tree.findall(f"{SVG}path[@class='mark faster']")) == 1
    texts = [text.text for text in tree.findall(f"{SVG}text")]
    assert "1.40x  1.39\u20131.41  faster?" in texts
    assert "B has no number: OOM." in texts


def test_a_ratio_without_an_interval_is_a_mark_alone() -> None:
    single = replace(ROWS[0], ratio=ratio(1.4, None, None), verdict=None)
    tree = ElementTree.fromstring(render([comparison(single)], ".svg"))
    assert (len(tree.findall(f"{SVG}circle")), tree.findall(f"{SVG}path[@class='mark ']")) == (1, [])


def test_sentences_say_each_row_in_words() -> None:
    text = sentences([doubtful()])
    assert (
        "\n\nresnet50, batch 64, total: A 61.4 ms, B 43.8 ms, 1.40 times as fast, interval 1.39 to 1.41, faster, "
        "doubtful.\n\n"
    ) in text
    assert "swin_t, batch 64, total: A 92.3 ms, B not available, no number; B has no number: OOM.\n" in text
    assert "B in total, geometric mean of 4: 1.09 times as fast, interval 1.05 to 1.13; 1 faster, 1 slower" in text
    assert "same: within plus or minus 1%." in text


def poisoned(text: str) -> list[RunComparison]:
    """That text as label, batch, sentence, name, run, plan and difference, of two judged sides."""
    rows = [replace(row, label=text, batch=text, sentence=text) for row in ROWS]
    made = comparison(*rows, differences=(one_line(text),), names=(text, text))
    run = replace(made.b.run, id=text, plan=replace(made.b.run.plan, name=text))
    made = replace(made, a=replace(made.a, run=run), b=replace(made.b, run=run))
    return [made, made]


@each_string
def test_in_markdown_a_name_is_read_as_it_is(hostile: str) -> None:
    both = poisoned(hostile)
    for comparisons in (both[:1], both):
        text = render(comparisons, ".md")
        assert [cell for cell in first_cells(text) if cell != "geometric mean of 4"] == [one_line(hostile)] * len(ROWS)
        assert not unseen(text)
        kinds = {token.type for token in PARSER.parse(text)}
        assert not {"html_block", "fence", "code_block", "hr"} & kinds
        inner = {child.type for token in PARSER.parse(text) for child in token.children or ()}
        assert inner <= {"text", "text_special", "softbreak"}


class _Page(HTMLParser):
    """Its tags, and the text of its first cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.data: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.data.append(data)


@each_string
def test_in_a_page_and_a_chart_it_adds_no_tag(hostile: str) -> None:
    page = _Page(render(poisoned(hostile), ".html"))
    usual = _Page(render([comparison()] * 2, ".html")).tags
    assert page.tags - {"title"} == usual - {"title"}, "a name that is cut in the chart has a title"
    if hostile:
        assert page.data.count(one_line(hostile)) >= len(ROWS)
    tree = ElementTree.fromstring(render(poisoned(hostile), ".svg"))
    assert {each.tag.removeprefix(SVG) for each in tree.iter()} <= {
        "svg", "style", "rect", "text", "title", "path", "circle",
    }  # fmt: skip
    assert not unseen("".join(tree.itertext()))


@each_string
def test_in_csv_json_and_sentences_it_is_text(hostile: str) -> None:
    both = poisoned(hostile)
    lines = list(csv.reader(io.StringIO(render(both, ".csv"))))
    assert len(lines) == 1 + 2 * len(ROWS)
    assert {len(line) for line in lines} == {len(lines[0])}
    assert json.loads(render(both, ".json"))["comparisons"][0]["rows"][0]["workload"] == hostile
    assert not unseen(sentences(both))


def test_no_cell_is_a_formula() -> None:
    lines = csv.reader(io.StringIO(render(poisoned("=HYPERLINK(1)"), ".csv")))
    cells = [cell for line in lines for cell in line]
    assert "'=HYPERLINK(1)" in cells
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r")) and cell != "-"]


@every("suffix", FORMATS)
def test_every_format_is_written_as_a_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_comparisons([comparison()], path)
    assert path.read_text(encoding="utf-8") == render([comparison()], suffix)
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()


def test_another_suffix_is_refused_with_those_there_are(tmp_path: Path) -> None:
    for refuse in (check_writable, lambda path: write_comparisons([comparison()], path)):
        with pytest.raises(StoreError, match=r"does not end in \.md, \.csv, \.json, \.html or \.svg"):
            refuse(tmp_path / "a.pdf")
