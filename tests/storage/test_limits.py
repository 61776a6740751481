"""Run files beyond every limit: one sentence each, in little time and memory; the others are listed."""

from __future__ import annotations

import codecs
import json
import os
import time
import tracemalloc
from pathlib import Path

import pytest

from cvbench_tui.cli.list import print_runs
from cvbench_tui.cli.options import complete
from cvbench_tui.core.limits import MAX_CASES, MAX_LINE_BYTES
from cvbench_tui.errors import StoreError
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import reopen_log
from cvbench_tui.results.storage.runs import find, list_runs
from tests.every import every

GOOD = (Path(__file__).parent.parent / "data" / "good.jsonl").read_bytes()
LINES = [json.loads(line) for line in GOOD.splitlines()]
FINISHED = next(number for number, event in enumerate(LINES) if event["kind"] == "case_finished")
MIB = 1 << 20


def with_event(number: int, **changes: object) -> bytes:
    """The good file with other values in one of its lines; a value of bytes is written as it is."""
    events = [dict(event) for event in LINES]
    raw = {f"<{key}>": value for key, value in changes.items() if isinstance(value, bytes)}
    events[number] |= {key: f"<{key}>" if isinstance(value, bytes) else value for key, value in changes.items()}
    text = b"\n".join(json.dumps(event).encode() for event in events) + b"\n"
    for mark, value in raw.items():
        text = text.replace(json.dumps(mark).encode(), value)
    return text


def with_sample(text: bytes) -> bytes:
    """The good file with that text in place of a sample."""
    sample = json.dumps(LINES[FINISHED]["measurement"]["phases"][0]["rounds"][0][0]).encode()
    return GOOD.replace(sample, text, 1)


def with_cases(count: int) -> list[dict[str, object]]:
    case = LINES[0]["plan"]["cases"][0]
    return [case | {"batch": number + 1} for number in range(count)]


def header(**changes: object) -> bytes:
    return json.dumps(LINES[0] | changes).encode() + b"\n"


BAD = {
    "nested": (b"[" * 100_000, "nested too deeply"),
    "nested objects": (GOOD + b'{"a":' * 100_000 + b"\n" + GOOD, "nested too deeply"),
    "nested in the header": (with_event(0, program=b"[" * 500 + b"]" * 500), "nested too deeply"),
    "an integer of 5,000 digits": (with_event(1, pid=b"9" * 5_000), "too many digits"),
    "an integer of 400 digits": (with_event(1, pid=b"9" * 400), "pid is not a number from"),
    "a moment of 400 digits": (with_event(0, at_s=b"9" * 400), "at_s is no time"),
    "a moment nobody can show": (with_event(0, at_s=1e300), "at_s is no time from 1970 to 2999"),
    "a moment that is none": (with_event(0, at_s=b"NaN"), "at_s is no time"),
    "a moment before all": (with_event(-1, at_s=-1e15), "at_s is no time"),
    "the smallest float": (with_sample(b"5e-324"), "positive number of seconds"),
    "the largest float": (with_sample(b"1.7e308"), "positive number of seconds"),
    "nothing": (with_sample(b"0"), "positive number of seconds"),
    "memory of 1e300 bytes": (with_event(FINISHED, measurement=LINES[FINISHED]["measurement"] | {
        "memory_peak_bytes": int(1e300)}), "memory_peak_bytes is not a number"),
    "a schema of 400 digits": (with_event(0, schema=b"9" * 400), "written by a newer version"),
    "arrays in place of samples": (with_sample(b"[" + b"[0]," * 200_000 + b"0]"), "case_finished.measurement"),
    "a plan of 20,001 cases": (header(plan=LINES[0]["plan"] | {"cases": with_cases(MAX_CASES + 1)}), "20,001"),
    "rows added to 20,001": (
        header(plan=LINES[0]["plan"] | {"cases": with_cases(MAX_CASES)})
        + json.dumps({"kind": "rows_added", "at_s": 1.0, "cases": with_cases(MAX_CASES + 1)[-1:]}).encode(),
        "more than 20,000 rows"),
    "no dimension": (header(plan=LINES[0]["plan"] | {"cases": [
        {"workload": {"kind": "model", "name": "x", "op": "vgg16", "input_shape": []}, "device": "cpu", "batch": 1}
    ]}), "no dimension"),
    "text in another coding": (GOOD.decode().encode("utf-16"), "not a run file"),
    "a thousand and one rounds": (with_event(FINISHED, measurement=LINES[FINISHED]["measurement"] | {
        "phases": [LINES[FINISHED]["measurement"]["phases"][0] | {"rounds": [[0.1]] * 1_001}]}), "1,001 rounds"),
    "five hundred and one visits": (
        GOOD + (GOOD.splitlines()[FINISHED] + b"\n") * 501, "more than 500 visits"),
    "notices without end": (with_event(FINISHED, measurement=LINES[FINISHED]["measurement"] | {
        "notices": [{"code": "a", "sentence": "b"}] * 1_001}), "notices are 1,001"),
    "orders to a terminal": (with_event(1, kind="\x1b]0;title\x07"), "an event of no kind that is known"),
}  # fmt: skip


@every(("name", "bad"), BAD.items(), ids=lambda case: case[0])
def test_one_bad_file_is_one_line_and_the_others_are_listed(tmp_path_factory, capsys, monkeypatch, name, bad):
    text, words = bad
    folder = tmp_path_factory.mktemp("runs")
    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(folder))
    (folder / "good.jsonl").write_bytes(GOOD)
    (folder / "bad.jsonl").write_bytes(text)
    began_s = time.process_time()
    with pytest.raises(StoreError) as caught:
        load(folder / "bad.jsonl")
    assert words in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600
    assert {summary.path.stem for summary in list_runs(folder)} == {"good", "bad"}
    print_runs((), {}, as_json=False, runs_dir=None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert complete("runs")(None, None, "go") == ["good"]
    assert load(find("good", folder)).plan.cases
    History(folder).refresh()
    assert time.process_time() - began_s < 10


def test_a_sparse_file_is_not_read_into_memory(tmp_path):
    """2 GiB of nothing, alone and behind a run. No line is longer than 64 MiB."""
    for name, beginning in (("empty", b""), ("behind", GOOD), ("begun", GOOD[:100])):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(beginning)
        os.truncate(path, 2 << 30)
    tracemalloc.start()
    try:
        for path in tmp_path.glob("*.jsonl"):
            with pytest.raises(StoreError, match="longer than 64 MiB"):
                load(path)
        assert {each.path.stem for each in list_runs(tmp_path) if each.problem} >= {"empty", "begun"}
        History(tmp_path).refresh()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * MAX_LINE_BYTES


def test_a_line_of_many_values_is_refused_before_it_is_parsed(tmp_path):
    """60 MiB of ``[],``: as a tree of values they take gigabytes."""
    path = tmp_path / "wide.jsonl"
    path.write_bytes(header() + b'{"kind":"rows_added","cases":[' + b"[]," * (20 * MIB) + b"0]}\n" + GOOD)
    began_s = time.process_time()
    with pytest.raises(StoreError, match="more than 4,000,000 values"):
        load(path)
    assert time.process_time() - began_s < 10


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    """A pipe, a socket's folder, a device: nothing is read from them."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    for name in ("pipe", "zero", "loop"):
        with pytest.raises(StoreError):
            load(tmp_path / f"{name}.jsonl")
    list_runs(tmp_path)
    History(tmp_path).refresh()


def test_a_byte_order_mark_in_front_is_no_damage(tmp_path):
    path = tmp_path / f"{LINES[0]['run_id']}.jsonl"
    path.write_bytes(codecs.BOM_UTF8 + GOOD)
    plain = tmp_path / "plain.jsonl"
    plain.write_bytes(GOOD)
    assert load(path) == load(plain)
    summary = next(each for each in list_runs(tmp_path) if each.path == path)
    assert (summary.problem, summary.rows) == ("", len(LINES[0]["plan"]["cases"]))
    reopen_log(seen(path)).close()
    assert path.read_bytes() == codecs.BOM_UTF8 + GOOD, "writing on begins at its end"


def test_twenty_thousand_cases_are_read(tmp_path):
    path = tmp_path / "large.jsonl"
    path.write_bytes(header(plan=LINES[0]["plan"] | {"cases": with_cases(MAX_CASES)}))
    assert len(load(path).plan.cases) == MAX_CASES


@every(
    "name",
    [
        "a" * 300,
        "a" * 5_000,
        "~" + "a" * 300,
        "/" + "a" * 300,
        "a" * 300 + "/b",
        "a\0b",
        "\udcff\udcfe",
        "~\udcff",
        "a/" * 3_000,
    ],
    ids=lambda name: name[:9].encode(errors="replace").decode(),
)
def test_a_name_that_no_file_can_have_is_no_run(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "good.jsonl").write_bytes(GOOD)
    with pytest.raises(StoreError, match="There is no run"):
        find(name, folder)


GROWING = {
    "a row measured again and again": (
        400,
        lambda number: {"kind": "rows_added", "cases": LINES[0]["plan"]["cases"][:1], "at_s": 1.0, "again": True}, ""),
    "peaks of ever new devices": (
        2_001,
        lambda number: {"kind": "ceiling_measured", "ceiling": {
            "device": f"cuda:{number}", "key": "k", "flops_per_s": [["float32", 1e12]], "bytes_per_s": 1e11}},
        "more than 2,000 ceiling_measured"),
    "machines in turn": (
        1_001,
        lambda number: {"kind": "environment_probed", "environment": {
            "versions": [["torch", str(number)]], "devices": [], "identity_hash": "0"}},
        "more than 1,000 environment_probed"),
    "results of rows that are in no plan": (
        5_000,
        lambda number: {"kind": "case_failed", "failure": {
            "case_id": f"model:x{number}", "kind": "error", "sentence": "No."}},
        ""),
    "failures after numbers": (
        501,
        lambda number: {"kind": "case_failed", "failure": {
            "case_id": LINES[FINISHED]["measurement"]["case_id"], "kind": "error", "sentence": "No."}},
        "more than 500 visits"),
}  # fmt: skip


@every(("name", "growing"), GROWING.items(), ids=lambda case: case[0])
def test_what_grows_with_lines_is_read_in_time_or_refused(tmp_path_factory, name, growing):
    count, line, words = growing
    path = tmp_path_factory.mktemp("growing") / "run.jsonl"
    path.write_bytes(GOOD + b"".join(json.dumps(line(number)).encode() + b"\n" for number in range(count)))
    began_s = time.process_time()
    if words:
        with pytest.raises(StoreError, match=words):
            load(path)
    else:
        run = load(path)
        assert (run.pending, len(run.outcomes)) == (0, len(run.plan.cases))
    assert time.process_time() - began_s < 20


def test_a_file_that_no_run_can_fill_is_not_read(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_bytes(GOOD)
    os.truncate(path, (4 << 30) + 1)
    with pytest.raises(StoreError, match="larger than 4 GiB"):
        load(path)
    (summary,) = list_runs(tmp_path)
    assert "larger than 4 GiB" in summary.problem


def test_a_repeat_that_measured_nothing_new_ranks_nothing(tmp_path, monkeypatch):
    """Each ranking reads every round of a row: 0.1 s for 300 of them, for a line of 300 bytes."""
    path = tmp_path / "run.jsonl"
    again = {"kind": "rows_added", "cases": LINES[0]["plan"]["cases"], "at_s": 1.0, "again": True}
    path.write_bytes(GOOD + (json.dumps(again).encode() + b"\n") * 50)
    monkeypatch.setattr("cvbench_tui.core.run.rank", lambda *_: pytest.fail("ranked"))
    assert load(path).pending == 0
