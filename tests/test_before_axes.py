"""Runs of versions that had no axes: ids, plans and lists of files are what they were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cvbench_tui.catalog.selection import why_not_offered
from cvbench_tui.core.event import RunStarted
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.results.storage.run_summary import quick_summary, summary_of
from cvbench_tui.wire import WireError, decode, encode
from tests.every import every
from tests.results.samples import CONV, Case, model

DATA = Path(__file__).parent / "data"
HEADER = DATA / "before_axes.jsonl"  # as schema 4 was written
IDS = (DATA / "before_axes_ids.txt").read_text().splitlines()  # of the version that wrote it, in its order


def header() -> RunStarted:
    event = decode(HEADER.read_text())
    assert isinstance(event, RunStarted)
    return event


def test_the_ids_are_those_of_the_version_that_wrote_it() -> None:
    cases = header().plan.cases
    assert [case.case_id for case in cases] == IDS
    assert [case.threads for case in cases if case.settings] == [4, 4]
    assert all(why_not_offered(case) == "" for case in cases)
    assert [case.case_id for case in decode(encode(header())).plan.cases] == IDS, "written anew they are the same"


def test_its_line_in_a_list_counts_the_same_rows_by_a_glance() -> None:
    whole, glance = summary_of(HEADER), quick_summary(HEADER)
    assert whole == glance
    assert whole.rows == len(IDS)


@every("schema", [1, 2, 3, 4])
def test_every_schema_before_is_read(schema: int) -> None:
    old = json.loads(HEADER.read_text()) | {"schema": schema}
    event = decode(json.dumps(old))
    assert [case.case_id for case in event.plan.cases] == IDS


@every(
    ("changes", "words"),
    [
        ({"precision": "float16"}, "precision was always float32"),
        ({"memory_format": "channels_last"}, "memory_format was always contiguous"),
        ({"compile_mode": "default"}, "compile_mode was always eager"),
    ],
)
def test_a_value_that_no_old_version_had_is_refused(changes: dict[str, Any], words: str) -> None:
    old = json.loads(HEADER.read_text())
    old["plan"]["cases"][0] |= changes
    with pytest.raises(WireError, match=words):
        decode(json.dumps(old))


SETTINGS = {
    "twice": [["precision", "bf16"], ["precision", "fp16"]],
    "not in the order": [["compile", "default"], ["precision", "bf16"]],
    "the default of an axis": [["precision", "default"]],
    "batch that is not max": [["batch", "7"]],
    "first of them": [["precision", "bf16"], ["batch", "max"]],
    "empty or has more than 100": [["precision", ""]],
    "or has more than 100": [["x" * 101, "1"]],
    "are 33, and may be at most 32": [[f"axis{number}", "1"] for number in range(33)],
    "at most 2 items": [["precision", "bf16", "more"]],
    "Field required": [["precision"]],
}


@every("words", list(SETTINGS))
def test_settings_of_a_strangers_file_have_bounds(words: str) -> None:
    line = json.loads(encode(RunStarted("a", Plan("p", (Case(CONV, "cpu", 1),), PROTOCOLS["quick"]), 1e9, "1")))
    line["plan"]["cases"][0]["settings"] = SETTINGS[words]
    with pytest.raises(WireError, match=words):
        decode(json.dumps(line))


def test_axes_of_a_newer_version_are_read_and_named_and_not_measured() -> None:
    case = replace(Case(model("Resnet18"), "cpu", 8), settings=(("precision", "bf16"), ("sparsity", "2:4")))
    plan = Plan("p", (case, Case(model("Resnet18"), "cpu", 8)), PROTOCOLS["quick"])
    read = decode(encode(RunStarted("a", plan, 1e9, "1"))).plan
    assert read == plan
    assert read.label(case) == "Resnet18 bf16 sparsity 2:4"
    assert why_not_offered(case) == "This version has no 'sparsity=2:4', so 'Resnet18' is not measured."
