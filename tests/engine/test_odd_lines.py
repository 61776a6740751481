"""A worker that sends what no worker sends: one failed row with a sentence; the others are measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cvbench_tui.engine.live import LiveSource
from tests.engine.test_live import plan, run_of

WORKER = """
import json, os, sys
line = open(sys.argv[1], "rb").read()
def send(**event): sys.stdout.write(json.dumps(event) + "\\n"); sys.stdout.flush()
send(kind="worker_ready", pid=os.getpid(), python="3", torch="2", import_s=0.0)
samples = {"rounds": [[0.1, 0.1]] * 5, "iterations_per_sample": 1, "clock": "perf_counter", "stop": "precision"}
for text in sys.stdin:
    request = json.loads(text)
    if request["kind"] == "probe":
        send(kind="environment_probed", environment={"versions": [], "devices": [{"id": "cpu", "name": "CPU"}]})
        continue
    case_id = request["case_id"]
    send(kind="case_started", case_id=case_id, pid=os.getpid())
    if "first" in case_id:
        sys.stdout.buffer.write(line.replace(b"<case>", case_id.encode()) + b"\\n"); sys.stdout.flush()
    phases = [{"phase": name, **samples} for name in ("forward", "backward", "total", "inference")]
    send(kind="case_finished", measurement={"case_id": case_id, "phases": phases, "memory_peak_bytes": None,
         "parameters": 1, "first_call_s": 0.1, "warmup_s": 0.1, "wall_s": 1.0, "threads": 1})
"""
FINISHED = {"case_id": "<case>", "phases": [], "memory_peak_bytes": None, "parameters": 1, "first_call_s": 0.1,
            "warmup_s": 0.1, "wall_s": 1.0, "threads": 1}  # fmt: skip
SAMPLES = {"phase": "total", "iterations_per_sample": 1, "clock": "perf_counter", "stop": "precision"}


def finished(**changes: object) -> bytes:
    return json.dumps({"kind": "case_finished", "measurement": FINISHED | changes}).encode()


LINES = {
    "nested": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "9,000 digits": b'{"kind":"progress","round":' + b"9" * 9_000 + b"}",
    "400 digits": b'{"kind":"progress","case_id":"<case>","stage":"measuring","round":' + b"9" * 400 + b"}",
    "bytes": bytes(range(256)).replace(b"\n", b""),
    "a moment of no clock": b'{"kind":"progress","case_id":"<case>","stage":"measuring","at_s":1e300}',
    "the largest sample": finished(phases=[SAMPLES | {"rounds": [[1.7e308, 1.7e308]]}]),
    "the smallest sample": finished(phases=[SAMPLES | {"rounds": [[5e-324]]}]),
    "no sample": finished(phases=[SAMPLES | {"rounds": []}]),
    "a phase twice": finished(phases=[SAMPLES | {"rounds": [[0.1]]}] * 2),
    "memory of 1e300 bytes": finished(memory_peak_bytes=10**300),
    "many samples that are none": finished(phases=[SAMPLES | {"rounds": [0] * 1_000_000}]),
    "a terminal's order": b'{"kind":"\\u001b]0;title\\u0007"}',
    "a process of another": b'{"kind":"case_started","case_id":"<case>","pid":-1}',
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_one_odd_line_is_one_failed_row(tmp_path, line):
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "line").write_bytes(line)
    source = LiveSource((sys.executable, str(tmp_path / "worker.py"), str(tmp_path / "line")), start_s=60)
    try:
        run = run_of(source, plan())
    finally:
        source.close()
    assert run.ended == "finished"
    assert [each.case_id.split("|")[0] for each in run.measured] == ["layer:second"]
    (failure,) = run.failures
    assert failure.kind == "crashed"
    assert "The measuring process sent" in failure.sentence
    assert failure.sentence.isprintable()


@pytest.mark.parametrize("pid", [0, 1 << 70])
def test_a_process_number_of_a_line_never_ends_this_program(pid):
    """In a process of its own group: 0 would be that group."""
    code = f"from cvbench_tui.engine.workers.processes import kill_group; kill_group({pid}); print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, text=True, env=os.environ
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
