"""``trend`` as a user types it."""

from __future__ import annotations

import json

import pytest

from tests.results.samples import measurement
from tests.results.trend.kept import ROW, keep, keep_times


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of runs that the commands look into."""
    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_the_chart_is_printed_and_saved_in_every_format(type_, kept, tmp_path):
    keep_times(kept, 0.01, 0.02)
    files = [f"t{suffix}" for suffix in (".md", ".csv", ".json", ".svg")]
    code, out, err = type_("trend", "resnet18", *(word for file in files for word in ("-o", file)))
    assert code == 0
    assert out.startswith("Resnet18, batch 8: total per iteration on cuda:0 NVIDIA H100")
    assert [line.split()[1] for line in err.splitlines()] == files
    assert len(json.loads((tmp_path / "t.json").read_text())["points"]) == 2


def test_phase_batch_device_and_an_axis_choose_the_row(type_, kept):
    amp = ROW.varied(precision="amp-bf16")
    keep(kept, "a", measurement(ROW, 0.01), measurement(amp, 0.005), cases=(ROW, amp))
    code, out, _ = type_(
        "trend", "resnet18", "-d", "cuda", "-b", "8", "--precision", "amp-bf16", "--phase", "inference"
    )
    assert code == 0
    assert out.startswith("Resnet18, batch 8, amp-bf16: inference per iteration on cuda:0")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing"], "No kept run has measured 'nothing'."),
        (["resnet18", "-b", "0"], "Batch"),
        (["resnet18", "-d", "gpuu"], "Unknown device 'gpuu'."),
        (["resnet18", "-d", "cpu"], "like that"),
        (["resnet18", "--precision", "fp32,amp-bf16"], "several values"),
        (["resnet18", "--precision", "fp33"], "fp33"),
        (["resnet18", "-o", "t.png"], "does not end in .md, .csv, .json or .svg"),
        (["resnet18", "-o", "no/t.md"], "there is no folder"),
    ],
)
def test_mistakes_are_a_sentence_and_exit_code_2(type_, kept, words, sentence):
    keep_times(kept, 0.01)
    code, out, err = type_("trend", *words)
    assert (code, out) == (2, "")
    assert sentence in err


def test_an_empty_folder_is_said(type_, kept):
    code, _, err = type_("trend", "resnet18")
    assert code == 2
    assert "No run with numbers is kept" in err


def test_ascii_only(type_, kept):
    keep_times(kept, 0.01, 0.02)
    assert type_("trend", "resnet18", "--ascii")[1].isascii()
