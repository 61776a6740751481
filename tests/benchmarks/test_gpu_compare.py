"""Our times against the truth's, from made-up files."""

from __future__ import annotations

import json

import pytest

from benchmarks.gpu_compare import main

TRUTH = {"wall_s": 10e-3, "host_s": 9e-3, "kernel_s": 3.9e-3, "span_s": 4.1e-3, "graph_s": 4.0e-3, "launches": 300}
DEVICE = {"clock": "cuda_event", "grade": "A", "median_s": 4.05e-3, "device_s": 4.05e-3, "host_s": 4.2e-3}
HOST = {"clock": "cuda_event", "grade": "B", "median_s": 10e-3, "device_s": 4e-3, "host_s": 10e-3, "host_bound": True}
CPU = {"clock": "perf_counter", "grade": "C", "median_s": 10e-3, "device_s": None, "host_s": None}


@pytest.fixture
def compare(tmp_path, capsys):
    """Compare one phase of one model; exit code, lines of the table, models that failed."""

    def run(ours, truth=TRUTH, *options, name="resnet18", batch=8):
        case = {"op": name, "batch": batch, "kind": "model"}
        layer = {"case": {"op": "linear", "batch": 8, "kind": "layer"}, "phases": {"total": DEVICE}}
        result = {"case": case, "phases": {} if ours is None else {"total": ours}}
        truths = {"models": [{"name": "resnet18", "batch": 8, "phases": {"total": truth}}]}
        for path, document in (("truth", truths), ("ours", {"results": [layer, result]})):
            (tmp_path / path).write_text(json.dumps(document))
        paths = [str(tmp_path / each) for each in ("truth", "ours", "failed")]
        code = main([*paths[:2], "--failed", paths[2], *options])
        return code, capsys.readouterr().out.splitlines(), (tmp_path / "failed").read_text().split()

    return run


@pytest.mark.parametrize(
    ("ours", "truth", "why"),
    [
        (DEVICE, {}, "ok: device time +0.0%"),
        (DEVICE | {"device_s": 4.17e-3}, {}, "ok: device time +1.7%"),  # against the span
        (DEVICE | {"device_s": 4.19e-3}, {}, "FAIL: device time +2.2%"),
        (DEVICE | {"device_s": 3.924e-3}, {}, "ok: device time -1.9%"),  # against the graph
        (DEVICE | {"device_s": 3.91e-3}, {}, "FAIL: device time -2.2%"),
        (DEVICE, {"span_s": None}, "ok: device time +1.2%"),
        (DEVICE, {"graph_s": None}, "ok: device time -1.2%"),
        (DEVICE, {"graph_s": None, "span_s": None}, "-: device time: not known in the truth"),
        (DEVICE | {"grade": "C"}, {}, "-: graded C"),
        (DEVICE | {"grade": "X"}, {}, "-: graded X"),
        (HOST, {}, "ok: wall time +0.0%"),
        (HOST | {"grade": "C", "host_s": 11.2e-3}, {}, "FAIL: wall time +12.0%"),
        (HOST | {"host_s": 8.9e-3}, {}, "FAIL: wall time -11.0%"),
        (HOST | {"grade": "X", "host_s": 20e-3}, {}, "-: graded X"),
        (HOST | {"host_s": None}, {}, "-: wall time: not known here"),
        (CPU, {}, "ok: wall time +0.0%"),
        (None, {}, "-: we have no number"),
    ],
)
def test_a_row_is_judged(compare, ours, truth, why):
    code, (_, row, counts), failed = compare(ours, TRUTH | truth)
    assert why in row
    assert code == (0 if "ok:" in row else 1)
    assert failed == (["resnet18:8"] if "FAIL" in row else [])
    assert counts.startswith(f"{'ok:' in row:d} ok, {'FAIL' in row:d} failed, {'-: ' in row:d} not judged")


def test_files_without_the_two_times_are_read(compare):
    """Those written before each phase had them: the headline by events is the device's time."""
    older = {key: value for key, value in DEVICE.items() if key not in ("device_s", "host_s")}
    assert compare(older)[0] == 0
    assert "wall time: not known here" in compare(older | {"host_bound": True})[1][1]


def test_another_batch_is_another_model(compare):
    assert "we have no number" in compare(DEVICE, batch=4)[1][1]
    assert "we have no number" in compare(DEVICE, name="resnet50")[1][1]


def test_all_that_is_known_of_a_row_but_its_samples(compare):
    lines = compare(DEVICE | {"samples_s": [1.0], "rounds": 5}, TRUTH, "--detail")[1]
    assert "  rounds 5" in lines
    assert not any("samples_s" in line for line in lines)


def test_a_file_that_a_step_left_out_is_a_sentence(tmp_path, capsys):
    """Cut off by its limit, it wrote nothing."""
    (tmp_path / "truth").write_text('{"models": [{"name": "resnet18", "batch": 8, "phases": {"total": {}}}]}')
    assert main([str(tmp_path / "truth"), str(tmp_path / "ours")]) == 1
    captured = capsys.readouterr()
    assert "No such file" in captured.err
    assert "0 ok, 0 failed, 1 not judged" in captured.out
