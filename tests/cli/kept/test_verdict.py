"""``verdict`` as a user types it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cvbench_tui.engine.live import LiveSource
from tests.results.samples import measurement
from tests.results.trend.kept import ROW, keep, keep_times


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of runs that the commands look into."""
    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def measures(type_, monkeypatch):
    """Type ``verdict`` over a worker without torch; with the source's stores."""
    stores = []

    def source(*_: object, peaks=None, **__: object) -> LiveSource:
        import cvbench_tui.engine.live as live

        stores.append(peaks)
        return LiveSource(live.WORKER_COMMAND, peaks=peaks)

    monkeypatch.setattr("cvbench_tui.cli.kept.verdict.live_source", source)
    return lambda *words, worker="ceiling": (*type_("verdict", *words, worker=worker), stores)


def test_a_run_is_judged_by_the_others_and_the_exit_code_says_how(type_, kept):
    keep_times(kept, 0.010, 0.010, 0.0101)
    code, out, err = type_("verdict", "last")
    assert (code, err) == (0, "")
    assert out.startswith("cuda:0 NVIDIA H100 80GB HBM3: as fast as it should be (1 of 1 row)")
    keep(kept, "slow", measurement(ROW, 0.02), day=9)
    code, out, _ = type_("verdict", "last")
    assert code == 1
    assert "slower than it should be in 1 of 1 row" in out
    assert "Nothing in the measurement or the environment explains it." in " ".join(out.split())


def test_a_run_with_nothing_to_compare_with_says_so_and_is_no_success(type_, kept):
    keep_times(kept, 0.01)
    code, out, _ = type_("verdict", "last")
    assert code == 1
    assert "nothing to compare" in out


def test_files_and_json(type_, kept, tmp_path):
    keep_times(kept, 0.01, 0.01)
    code, out, err = type_("verdict", "last", "--json", "-o", "v.md", "-o", "v.txt", "-o", "v.json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "v.json").read_text())
    assert json.loads(out)["devices"][0]["standing"] == "fine"
    assert (tmp_path / "v.md").read_text().startswith("```\ncuda:0 NVIDIA H100")
    assert (tmp_path / "v.txt").read_text().startswith("cuda:0 NVIDIA H100")
    assert [line.split()[1] for line in err.splitlines()] == ["v.md", "v.txt", "v.json"]


def test_the_processors_rows_are_measured_with_fresh_peaks_kept_and_judged(measures, kept):
    code, out, _, stores = measures("-d", "cpu")
    assert stores == [stores[0]]
    assert stores[0], "the peak was measured and not looked up"
    assert code == 1, "nothing is kept to compare with"
    assert out.startswith("cpu a CPU: ")
    assert "ViT block" in out
    assert "float32 matmul" in out
    assert len(list(kept.glob("*.jsonl"))) == 1
    _, again, _, _ = measures("-d", "cpu", "-q")
    assert "the one kept run" in again
    assert "the best one kept" in again


def test_the_card_has_a_preset_of_its_own(measures, kept):
    _, out, _, _ = measures(worker="card")
    assert out.startswith("cuda:0 a card: ")
    assert "VGG16" in out
    assert "amp-bf16" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing"], "nothing"),
        (["last", "-d", "cpu"], "The run has no rows on cpu."),
        (["last", "-d", "gpuu"], "Unknown device 'gpuu'."),
        (["last", "-o", "v.png"], "does not end in .md, .txt or .json"),
        (["-d", "cuda:3"], "This machine has no usable device cuda:3."),
    ],
)
def test_mistakes_are_a_sentence_and_exit_code_2(measures, kept, words, sentence):
    keep_times(kept, 0.01)
    code, out, err, _ = measures(*words)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_torn_run_is_judged_as_far_as_it_goes_and_a_strangers_file_is_refused(type_, kept):
    keep_times(kept, 0.01, 0.01)
    whole = (kept / "run1.jsonl").read_bytes()
    (kept / "torn.jsonl").write_bytes(whole[: len(whole) - 40])
    assert type_("verdict", str(kept / "torn.jsonl"))[0] == 0
    (kept / "other.jsonl").write_text("not a run\n")
    code, _, err = type_("verdict", str(kept / "other.jsonl"))
    assert code == 2
    assert "other.jsonl" in err


def test_a_run_without_an_environment_is_refused(type_, kept):
    keep(kept, "bare", replace(measurement(ROW, 0.01)), environment=None)
    code, _, err = type_("verdict", "last")
    assert code == 2
    assert "no rows that can be judged" in err
