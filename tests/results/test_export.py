from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import stat
from dataclasses import replace

import pytest

from cvbench_tui.core.run import Run
from cvbench_tui.errors import StoreError
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.registry import EXPORTERS, check_writable, write_output
from cvbench_tui.results.stats.phase_stats import phase_result, terms_of
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.cell import Cell
from cvbench_tui.results.table.view import View
from tests.results.samples import CONV, Case, graded_run, measurement, mixed_run, plan, run_of
from tests.results.test_markdown_short import RESNET, VGG

RUN = mixed_run()


def export_json(run: Run) -> str:
    return EXPORTERS[".json"].render(run, "short", View())


def export_csv(run: Run, *, sort: str | None = None) -> str:
    return EXPORTERS[".csv"].render(run, "short", View(sort=sort))


def test_json_golden(golden):
    golden("mixed.json", export_json(RUN))


def test_csv_golden(golden):
    golden("mixed.csv", export_csv(RUN))


def test_json_has_what_every_number_carries():
    run = graded_run()
    document = json.loads(export_json(run))
    assert document["schema"] == 6
    assert document["environment"]["identity_hash"] == "0123456789abcdef"
    assert [ceiling["device"] for ceiling in document["run"]["ceilings"]] == ["cpu", "cuda:0"]
    rows = {(row["case"]["name"], row["case"]["device"]): row for row in document["results"]}
    quiet, aside, twice = rows["Resnet18", "cuda:0"], rows["Resnet18", "cpu"], rows["Conv3x3/1", "cuda:0"]
    total = quiet["phases"]["total"]
    assert (quiet["grade"], total["grade"], rows["BatchNorm", "cuda:0"]["grade"]) == ("A", "A", "X")
    assert (quiet["quality"], rows["Dense", "cpu"]["quality"]) == ("A", "C busy")
    assert (quiet["processes"], quiet["span_s"]) == (10, pytest.approx(108.9))
    assert "valid" not in quiet["cells"]["total"]
    assert rows["BatchNorm", "cuda:0"]["cells"]["total"]["valid"] is False
    assert total["reasons"][0].keys() == {"code", "grade", "sentence", "figure", "remedy"}
    assert total["mean_low_s"] < total["mean_s"] < total["mean_high_s"]
    assert (total["p5_s"] < total["median_s"] < total["p95_s"], total["p99_s"]) == (True, None)
    assert total["rates"]["flop_share"] == pytest.approx(0.1, rel=1e-3)
    assert {other["kind"] for other in quiet["phases"]["inference"]["variants"]} == {"alone", "device_only"}
    assert quiet["energy"][1]["disagreement"] == pytest.approx(0.1)
    assert quiet["memory"][0]["driver_bytes"] > quiet["memory"][0]["allocated_bytes"]
    assert len(quiet["passes"]) == 2 * len(total["samples_per_round"]) == 20
    assert aside["phases"]["total"]["set_aside"] == [True, *(False,) * 9]
    assert (aside["phases"]["total"]["repeated_rounds"], aside["phases"]["total"]["rounds"]) == (1, 9)
    assert twice["phases"]["total"]["modes"]["share_high"] == pytest.approx(0.4)
    assert rows["Dense", "cuda:0"]["phases"]["total"]["host_bound"] is True
    assert quiet["timed_s"] == 1.2
    assert -1 <= total["autocorrelation"] <= 1
    assert rows["VGG16", "cpu"]["grade"] is None, "failed"


def test_both_have_every_cell_of_the_table():
    run = graded_run()
    table = build(run, View())
    rows = list(csv.DictReader(io.StringIO(export_csv(run))))
    results = json.loads(export_json(run))["results"]
    for row, flat, result in zip(table.rows, rows, results, strict=True):
        for column, cell in zip(table.columns, row.cells, strict=True):
            if cell.value is None or column.drawn:
                assert column.key not in result["cells"]
                continue
            found = dataclasses.asdict(Cell(None)) | result["cells"][column.key]
            assert json.dumps(dataclasses.asdict(cell)) == json.dumps(found)
            if column.file_name:
                assert flat[column.file_name] == str(cell.value)


def test_csv_has_it_flat():
    rows = list(csv.DictReader(io.StringIO(export_csv(graded_run(), sort="quality"))))
    assert [row["grade"] for row in rows] == sorted(
        (row["grade"] for row in rows), key=["A", "B", "C", "D", "X", ""].index
    )
    assert [row["quality"] for row in rows][3:6] == ["B", "B host-bound", "C busy"]
    row = next(row for row in rows if (row["name"], row["device"]) == ("Conv3x3/1", "cuda:0"))
    assert (row["total_grade"], row["total_reasons"]) == ("C", "bimodal")
    assert float(row["total_flushed_ratio"]) == pytest.approx(1.234, abs=0.001)
    assert float(row["inference_joules_per_input"]) == pytest.approx(0.1125, rel=1e-3)
    assert all(row[name] for name in ("total_flop_share", "total_mode_high_s", "total_driver_bytes"))
    assert len(rows[0]) == len(set(rows[0]))


def test_json_has_phases_or_a_failure_for_every_case():
    document = json.loads(export_json(RUN))
    assert list(document) == ["schema", "run", "environment", "protocol", "results"]
    assert len(document["results"]) == len(RUN.plan.cases)
    assert all(("phases" in result) != ("failure" in result) for result in document["results"])
    failed = next(result for result in document["results"] if "failure" in result)
    assert failed["failure"]["kind"] == "out_of_memory"
    assert failed["failure"]["detail"] == "Trace\nlast"


def test_json_has_every_sample_and_the_statistics_of_them():
    result = json.loads(export_json(RUN))["results"][0]
    outcome = RUN.measured[0]
    total = outcome.phase("total")
    assert total is not None
    found = result["phases"]["total"]
    assert found["samples_s"] == [sample for samples in total.rounds for sample in samples]
    expected = phase_result(outcome, "total", terms_of(RUN, RUN.plan.cases[0]))
    assert expected is not None
    for name in ("median_s", "low_s", "high_s", "mean_s", "min_s", "n", "rounds"):
        assert found[name] == getattr(expected, name)


def test_what_was_not_measured_is_null_or_empty():
    case = Case(CONV, "cpu", 8)
    bare = run_of(plan(case), environment=None)
    document = json.loads(export_json(bare))
    assert document["environment"] is None
    pending = document["results"][0]
    assert (pending["quality"], pending["phases"], pending["grade"]) == ("not begun", {}, None)
    row = next(csv.DictReader(io.StringIO(export_csv(bare))))
    assert row["total_median_s"] == row["memory_peak_bytes"] == row["device_name"] == ""


def test_csv_is_sorted_and_keeps_odd_names():
    odd = replace(CONV, name='a,"b"\nc')
    cases = (Case(CONV, "cpu", 8), Case(odd, "cpu", 8))
    run = run_of(plan(*cases), measurement(cases[0], 0.002), measurement(cases[1], 0.001))
    rows = list(csv.DictReader(io.StringIO(export_csv(run, sort="forward"))))
    assert [row["name"] for row in rows] == ['a,"b"\nc', "Conv3x3/1"]


def test_csv_of_an_empty_plan_is_a_heading():
    assert export_csv(run_of(plan())) == "name\n"


@pytest.mark.parametrize("suffix", [".md", ".json", ".csv", ".MD"])
def test_the_suffix_decides_what_is_written(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    write_output(RUN, path, layout="original")
    texts = {".md": render(RUN, "original"), ".json": export_json(RUN), ".csv": export_csv(RUN)}
    assert path.read_text() == texts[suffix.lower()]
    assert os.listdir(tmp_path) == [path.name]


def test_a_new_file_gets_the_mode_of_a_plain_open_and_an_old_one_keeps_its_own(tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "out.md"
    plain.touch()
    write_output(RUN, path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o600)
    write_output(RUN, path, view=View(sort="total", descending=True))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == render(RUN, "short", View(sort="total", descending=True))


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    write_output(RUN, tmp_path / "link.md")
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").read_text() == render(RUN, "short")


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "out.md"
    path.write_text("before")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StoreError, match="No space left"):
        write_output(RUN, path)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["out.md"]


def test_half_a_character_in_a_name_does_not_lose_the_file(tmp_path):
    case = Case(replace(CONV, name="odd \udce4"), "cpu", 8)
    for suffix in (".md", ".json", ".csv"):
        write_output(run_of(plan(case)), tmp_path / f"out{suffix}")
        assert "odd" in (tmp_path / f"out{suffix}").read_text()


def test_checking_leaves_nothing_behind_and_touches_nothing(tmp_path):
    check_writable(tmp_path / "new.md")
    assert os.listdir(tmp_path) == []
    old = tmp_path / "old.csv"
    old.write_text("before")
    check_writable(old)
    assert (os.listdir(tmp_path), old.read_text()) == (["old.csv"], "before")


@pytest.mark.parametrize("name", ["out.txt", "out", "out.jsn", ".md"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(StoreError, match=r"does not end in \.md, \.json or \.csv") as caught:
        check_writable(tmp_path / name)
    assert caught.value.hint
    assert ("Nearest: .json." in caught.value.hint) == (name == "out.jsn")


@pytest.mark.parametrize("act", [check_writable, lambda path: write_output(RUN, path)])
def test_what_cannot_be_written_is_refused(tmp_path, act):
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    refused = {
        tmp_path / "folder.md": "it is a folder",
        tmp_path / "none" / "out.md": "no folder",
        tmp_path / "file" / "out.md": "Not a directory",
        tmp_path / "pipe.md": "not a regular file",
        tmp_path / ("x" * 300 + ".md"): "too long",
    }
    for path, words in refused.items():
        with pytest.raises(StoreError, match=words):
            act(path)
    with pytest.raises(StoreError):
        act(tmp_path / "loop.md")


def test_read_only_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "out.md"
    path.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreError, match="read-only"):
        check_writable(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        check_writable(tmp_path / "out.md")


def test_csv_falls_and_json_compares_as_the_view_does() -> None:
    run = run_of(plan(VGG, RESNET), measurement(VGG, 0.02), measurement(RESNET, 0.01))
    text = EXPORTERS[".csv"].render(run, "short", View(sort="forward", descending=False))
    falling = EXPORTERS[".csv"].render(run, "short", View(sort="forward", descending=True))
    names = [[row["name"] for row in csv.DictReader(io.StringIO(each))] for each in (text, falling)]
    assert names == [["Resnet18", "VGG16"], ["VGG16", "Resnet18"]]
    document = json.loads(EXPORTERS[".json"].render(run, "short", View(reference=VGG.case_id)))
    assert [result["cells"]["vs_ref"]["value"] for result in document["results"]] == pytest.approx([1.0, 2.0])
