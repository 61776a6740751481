"""Published figures by name, ``--beside`` and ``merge``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import RunStarted
from cvbench_tui.core.plan import Case
from cvbench_tui.wire import encode
from tests.every import every
from tests.results.samples import events_of, measurement, model, plan

RESNET, ALEXNET = Case(model("Resnet18"), "cpu", 8), Case(model("alexnet"), "cpu", 8)


def saved(path: Path, case: Case, seconds: float) -> str:
    first, *rest = events_of(plan(case), measurement(case, seconds))
    assert isinstance(first, RunStarted)
    events = [replace(first, run_id=path.stem), *rest]
    path.write_text("".join(f"{encode(event)}\n" for event in events))
    return str(path)


@pytest.fixture
def one(tmp_path: Path) -> str:
    return saved(tmp_path / "one.jsonl", RESNET, 0.02)


@pytest.fixture
def two(tmp_path: Path) -> str:
    return saved(tmp_path / "two.jsonl", RESNET, 0.01)


def test_published_figures_are_listed_with_source_and_licence(type_) -> None:
    code, out, _ = type_("list", "published")
    assert code == 0
    assert "published-1080ti" in out
    assert "jcjohnson/cnn-benchmarks" in out
    assert "MIT, Copyright (c) 2016 Justin Johnson" in out
    rows = json.loads(type_("list", "published", "--json")[1])
    assert {"name", "rows", "device", "hardware", "source", "url", "licence"} == rows[0].keys()
    assert (rows[0]["name"], rows[0]["rows"]) == ("published-1080ti", 30)


def test_they_are_shown_and_saved_like_runs(type_, tmp_path: Path) -> None:
    code, out, _ = type_("show", "published-xeon", "--layout", "original")
    assert code == 0
    assert "|VGG16|Pytorch 0.4.1|__6.6024 s__|__9.4336 s__|__16.036 s__|__6.4216 s__|" in out
    table = tmp_path / "t.md"
    assert type_("export", "published-1080ti", "-o", str(table), "--layout", "original")[0] == 0
    assert "||Flux 0.6.8+|0.0205 s|0.1795 s|0.2000 s|-|" in table.read_text()
    assert "9 rows" not in type_("show", "published-xeon", "--plain")[2]


@every("command", [("resume",), ("delete",), ("name",)])
def test_they_cannot_be_changed(type_, command: tuple[str, ...]) -> None:
    more = ("mine",) if command == ("name",) else ()
    code, out, err = type_(*command, "published-1080ti", *more)
    assert (code, out) == (2, "")
    assert "published-1080ti ships with the program and cannot be changed." in err


def test_a_run_is_compared_with_each_framework_of_them_and_no_verdict_is_made_up(type_, one: str) -> None:
    code, out, _ = type_("compare", one, "published-1080ti")
    assert code == 0
    text = " ".join(out.split())
    assert "framework Pytorch 0.4.1, was torch" in text
    assert "framework Flux 0.6.8+, was torch" in text
    (row,) = [line for line in out.splitlines() if line.startswith("| Resnet18")]
    assert row.count("no interval") == 2
    assert not any(word in row for word in ("faster", "slower", "same"))
    assert "No such card exists: the GTX 1080 Ti has 11 GB." in text
    assert text.count("Licence: none stated") == 2, "once for each side"


def test_published_figures_fail_no_gate(type_, one: str) -> None:
    """They are a single number: nothing about them is certain."""
    assert type_("compare", "published-xeon", "published-1080ti", "--fail-slower", "5%")[0] == 0
    assert type_("compare", "published-1080ti", "published-xeon", "--fail-slower", "5%")[0] == 0


def test_a_name_that_is_none_of_them_is_no_run(type_) -> None:
    code, _, err = type_("show", "published-1080it")
    assert code == 2
    assert "published-1080it" in err


def test_rows_of_others_stand_beside(type_, one: str, two: str) -> None:
    code, out, _ = type_("show", one, "--beside", f"{two},published-1080ti")
    assert code == 0
    lines = [line for line in out.splitlines() if line.startswith("| Resnet18")]
    assert [line.split("|")[2].strip() for line in lines] == [
        "this run", "two", "Pytorch 0.4.1, GTX 1080 Ti", "Flux 0.6.8+, GTX 1080 Ti"
    ]  # fmt: skip
    assert "Rows of two: Measured" in " ".join(out.split())


@every(
    ("arguments", "words"),
    [
        (("--beside", "published-xeon"), "No row of published-xeon is of a model or layer of"),
        (("--beside", "{one}"), "are the same run."),
        (("--beside", "nothing"), "There is no run 'nothing'"),
    ],
)
def test_what_cannot_stand_beside_is_said_in_a_sentence(type_, one: str, arguments, words: str) -> None:
    code, out, err = type_("show", one, *(each.format(one=one) for each in arguments))
    assert (code, out) == (2, "")
    assert words in err


def test_merge_prints_or_saves_every_row_of_all(type_, one: str, two: str, tmp_path: Path) -> None:
    third = saved(tmp_path / "three.jsonl", ALEXNET, 0.005)
    code, out, _ = type_("merge", one, two, third)
    assert code == 0
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in out.splitlines() if line.startswith("| ")]
    assert rows[1:] == [["Resnet18", "one"], ["Resnet18", "two"], ["alexnet", "three"]]
    files = [tmp_path / name for name in ("t.md", "t.csv", "t.json")]
    code, out, err = type_("merge", one, two, third, *(part for file in files for part in ("-o", str(file))))
    assert (code, out) == (0, "")
    assert err.count("saved ") == 3
    assert len(json.loads(files[2].read_text())["results"]) == 3
    assert len(files[1].read_text().splitlines()) == 4


@every(
    ("count", "words"),
    [(1, "needs two at least"), (2, "are the same run.")],
)
def test_merging_one_run_is_refused(type_, one: str, count: int, words: str) -> None:
    code, out, err = type_("merge", *[one] * count)
    assert (code, out) == (2, "")
    assert words in err
