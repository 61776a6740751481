"""``--compare``: rows that differ in one axis are ranked together and get ratios, printed, spoken and in files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cvbench_tui.cli.progress import outcome_line
from cvbench_tui.core.event import CaseFinished
from cvbench_tui.core.plan import Case
from cvbench_tui.wire import encode
from tests.every import every
from tests.results.samples import events_of, measurement, model, plan, run_of

RESNET = Case(model("Resnet18"), "cpu", 8)
ROWS = [RESNET.varied(memory_format=value) for value in ("contiguous", "channels_last")]
DONE = [measurement(case, seconds) for case, seconds in zip(ROWS, (0.02, 0.01), strict=True)]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "one.jsonl"
    path.write_text("".join(f"{encode(event)}\n" for event in events_of(plan(*ROWS), *DONE)))
    return path


@every("layout", ["short", "full"])
def test_a_shown_run_is_compared_along_that_axis_alone(type_, saved: Path, layout: str) -> None:
    code, before, _ = type_("show", str(saved), "--layout", layout)
    assert (code, "2.000x" in before) == (0, False)
    code, out, _ = type_("show", str(saved), "--layout", layout, "--compare", "memory-format")
    assert code == 0
    assert "2.000x" in out
    assert "the row marked ref, which differs in memory format only," in " ".join(out.split())


def test_so_are_its_sentences_and_its_files(type_, saved: Path, tmp_path: Path) -> None:
    code, out, _ = type_("show", str(saved), "--plain", "--compare", "memory_format")
    assert code == 0
    assert "Resnet18 channels_last on cpu, batch 8, image 224 pixels: " in out
    assert "vs ref 2.000x" in out
    table = tmp_path / "a.csv"
    assert type_("export", str(saved), "-o", str(table), "--compare", "memory-format")[0] == 0
    with table.open() as file:
        assert [round(float(row["vs_ref"]), 3) for row in csv.DictReader(file)] == [1.0, 2.0]


@every(
    ("axis", "hint"),
    [("precison", "Nearest: precision."), ("device", "Axes: batch, image, precision, memory-format"), ("", "Axes: ")],
)
def test_another_word_is_refused_with_the_nearest(type_, saved: Path, axis: str, hint: str) -> None:
    code, out, err = type_("show", str(saved), "--compare", axis)
    assert (code, out) == (2, "")
    assert f"--compare has no axis '{axis}'." in err
    assert hint in err


def test_a_line_of_progress_names_what_its_rows_differ_in() -> None:
    run = run_of(plan(*ROWS), *DONE)
    lines = [outcome_line(CaseFinished(done), run) for done in DONE]
    assert [line.partition("  forward")[0] for line in lines] == [
        "[2/2] Resnet18  cpu  batch 8", "[2/2] Resnet18 channels_last  cpu  batch 8",
    ]  # fmt: skip
