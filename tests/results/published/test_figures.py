"""The published figures: one by one against a copy of the original page, and what every one of them must say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cvbench_tui.core.axes import unsupported
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.detail.row import detail_text, histograms
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.rerun_command import command_line
from cvbench_tui.results.published.load import PREFIX, published, refuse
from cvbench_tui.results.stats.phase_stats import worst_grade
from cvbench_tui.results.stats.repeat import rows_to_resume
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.series import series
from tests.every import every

PAGE = (Path(__file__).parents[2] / "data/original_page.md").read_text(encoding="utf-8")
NAMES = {"GPU": "published-1080ti", "CPU": "published-xeon"}
HEADINGS = {
    "Forward Pass": "forward", "Backward Pass": "backward", "Total Time": "total", "Inference": "inference"
}  # fmt: skip
AT_FOUR = ("Resnet101", "Resnet152")  # the exceptions of the page's input dimensions
RUNS = sorted(published())


def cells_of_the_page() -> Iterator[tuple[str, str, str, str, str]]:
    """Run, workload, framework, phase and text of every figure, the marks of bold left out."""
    device = workload = ""
    headings: list[str] = []
    for line in re.sub(r"<!--.*?-->", "", PAGE, flags=re.DOTALL).splitlines():
        if line.startswith("## ") and "USED" in line:
            device = line[3:6]
        fields = line.split("|")[1:-1]
        if not fields or set(line) <= set("|:-"):
            continue
        if fields[0] in ("Model", "Layer"):
            headings = fields[2:]
            continue
        workload = fields[0] or workload
        for heading, text in zip(headings, fields[2:], strict=True):
            yield NAMES[device], workload, fields[1], HEADINGS[heading], text.strip("_")


CELLS = list(cells_of_the_page())


def test_the_page_has_every_figure_that_was_counted_on_it() -> None:
    """Nine models and four VGGs with four times, six layers with three, by two frameworks; one cell is a dash."""
    assert len(CELLS) == 2 * (9 * 4 + 4 * 4 + 6 * 3)
    assert [cell[:4] for cell in CELLS if cell[4] == "-"] == [
        ("published-1080ti", "Resnet50", "Flux 0.6.8+", "inference")
    ]


@every("cell", CELLS)
def test_each_figure_is_the_one_on_the_page(cell: tuple[str, str, str, str, str]) -> None:
    name, workload, framework, phase, text = cell
    run = published()[name]
    (case,) = [each for each in run.plan.cases if (each.workload.name, each.framework) == (workload, framework)]
    batch = 1 if case.workload.kind == "layer" else 4 if workload in AT_FOUR else 8
    assert case.batch == batch, "the page's, and of layers that of the scripts"
    result = row_data(run, case).phases.get(phase)
    figure = run.figures[case.case_id]
    if text == "-":
        assert result is None
        assert phase not in figure.printed
        return
    number, unit = text.split()
    assert result is not None
    assert result.median_s == result.mean_s == result.min_s == pytest.approx(float(number) / {"s": 1, "ms": 1000}[unit])
    assert figure.printed[phase] == text


def test_there_are_no_more_figures_than_on_the_page() -> None:
    there = sum(len(figure.printed) for name in NAMES.values() for figure in published()[name].figures.values())
    assert there == sum(cell[4] != "-" for cell in CELLS)


@pytest.mark.parametrize("device", NAMES)
def test_in_the_original_layout_the_rows_are_those_of_the_page_bold_included(device: str) -> None:
    """Line for line, except for the card, which the page calls by a name that no card has."""
    page = [line for line in re.sub(r"<!--.*?-->", "", PAGE, flags=re.DOTALL).splitlines() if line.startswith("|")]
    mine = [line for line in render(published()[NAMES[device]], "original").splitlines() if line.startswith("|")]
    ours = set(mine)
    assert ours <= set(page)
    rows = {"GPU": 2 * (9 + 6), "CPU": 2 * 4}[device]
    assert len([line for line in mine if "Pytorch" in line or "Flux" in line]) == rows


@every("name", RUNS)
def test_every_run_says_where_it_is_from_and_how_it_is_read(name: str) -> None:
    run = published()[name]
    assert name.startswith(PREFIX)
    assert run.id == run.plan.name == name
    assert run.figures.keys() == run.outcomes.keys() == {case.case_id for case in run.plan.cases}
    for figure in run.figures.values():
        of = figure.of
        for text in (of.source, of.url, of.licence, of.device, of.hardware, of.software, of.precision, of.statistic):
            assert text
        assert figure.reading, "every figure has a note"
        assert all(note.endswith(".") for note in figure.reading)
        assert figure.printed
    unfolded = " ".join(render(run, "short").split())
    assert unfolded.count(f"Licence: {run.figures[run.plan.cases[0].case_id].of.licence}.") == 1


@every("name", RUNS)
def test_no_grade_no_interval_and_no_command_is_made_up(name: str) -> None:
    run = published()[name]
    for case in run.plan.cases:
        row = row_data(run, case)
        assert row.quality.text == "published"
        assert row.quality.letter is None
        assert row.quality.numbers
        assert worst_grade(row.phases) is None
        assert row.row_notes == ()
        for result in row.phases.values():
            assert (result.n, result.relative, result.mean_relative, result.reasons) == (1, None, None, ())
            assert result.valid
            assert result.modes is None
        assert "No command repeats this row" in command_line(run, case)
        assert unsupported(case) == "", "its settings are those of an axis"
        assert histograms(run, case.case_id) == {}
        assert series(run, case.case_id, 40) == ()
    assert rows_to_resume(run) == ()


@every("name", RUNS)
def test_a_total_is_forward_and_backward_together_or_the_row_says_why_not(name: str) -> None:
    """Typing errors show here: the sums of what is printed agree to 2%."""
    run = published()[name]
    for case in run.plan.cases:
        phases = {phase: result.median_s for phase, result in row_data(run, case).phases.items()}
        if {"forward", "backward", "total"} <= phases.keys():
            apart = phases["total"] / (phases["forward"] + phases["backward"])
            assert (
                apart == pytest.approx(1, abs=0.022)
                or "add up" in " ".join(run.figures[case.case_id].notes)
                or ("exceeds" in " ".join(run.figures[case.case_id].notes) and apart > 1)
            ), (case.case_id, apart)


def test_a_rate_is_the_time_of_its_batch() -> None:
    """timm's RTX 3090, compiled or not, has images per second; its own step time of resnet50 is 318.095 ms."""
    run = published()["published-timm-rtx3090"]
    (case,) = [
        case
        for case in run.plan.cases
        if case.workload.name == "Resnet50" and case.framework == "PyTorch 2.4.0 (timm)" and len(case.settings) == 1
    ]
    assert case.batch == 1024
    assert row_data(run, case).phases["inference"].median_s == pytest.approx(0.318095, rel=1e-3)
    assert "3219.06 img/s" in detail_text(run, case.case_id)


def test_the_detail_has_source_licence_and_notes() -> None:
    run = published()["published-1080ti"]
    (case,) = [each for each in run.plan.cases if (each.workload.name, each.framework[:4]) == ("Resnet50", "Flux")]
    text = detail_text(run, case.case_id)
    for words in (
        "0.1795 s",
        "github.com/avik-pal",
        "none stated",
        "minimum of the iterations",
        "nobody has explained",
    ):
        assert words in text
    assert "perf_counter" not in text
    assert "samples" not in text


def test_a_published_run_is_not_gone_on_with() -> None:
    with pytest.raises(SelectionError, match="published-xeon ships with the program and cannot be changed"):
        refuse("published-xeon", "changed")
    refuse("last", "changed")


def test_each_outcome_is_one_sample_of_each_phase() -> None:
    for run in published().values():
        for outcome in run.outcomes.values():
            assert isinstance(outcome, Measurement)
            assert [len(phase.rounds) for phase in outcome.phases] == [1] * len(outcome.phases)
