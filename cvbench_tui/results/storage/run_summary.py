"""A run file in one line of a list: its header, and what came of its rows, without the samples.

Of a large file only the header is validated; of the other lines the kind and the case are looked at by a pattern, which
is what the wire writes, and parsed only where the pattern does not match: 3 ms for a run of 20 rows and 2 MB, where
loading it takes 11 ms. A small one is validated whole, in 0.9 ms for 20 kB; in a folder of very many of them
``quick_summary`` takes a tenth of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from cvbench_tui.core.event import SCHEMA, CaseFailed, CaseFinished, EndReason, RowsAdded, RunFinished, RunStarted
from cvbench_tui.core.limits import MAX_CASES, MOMENT_S
from cvbench_tui.core.plan import case_id_of
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.row_counts import MEASURED, RowTally
from cvbench_tui.results.storage.run_file import is_torn, numbered_lines, read_events, read_header
from cvbench_tui.results.storage.run_index import MAX_TEXT, RunSummary
from cvbench_tui.wire import WireError, decode, parse

SMALL_BYTES = 1 << 18
_KIND = re.compile(rb'"kind": ?"([a-z_]+)"\}\s*\Z')
_OUTCOME = re.compile(rb'\A\{"(measurement|failure)": ?\{"case_id": ?("(?:[^"\\]|\\.)*")(?:, ?"kind": ?"([a-z_]+)")?')
_COUNTED = ("case_finished", "case_failed", "rows_added", "run_finished")
"""Kinds of lines that a summary depends on, after the first."""
_TAIL_BYTES = 64  # the kind is the last thing in a line; a line of samples can be megabytes long
_MAX_PROBLEM = 2000  # characters; pydantic quotes what it was given
_MEASURED = b'{"measurement":{"case_id":"'  # how a line of a row's numbers begins
_FINISHED = b',"kind":"case_finished"}'  # and how it ends
_UNCOUNTED = ("progress", "case_started", "worker_ready", "environment_probed", "ceiling_measured")
_PASSED = tuple(f',"kind":"{kind}"}}'.encode() for kind in _UNCOUNTED)

Note = tuple[str, Any]  # kind of the line, and what counts of it


def summary_of(path: Path) -> RunSummary:
    """A run file in one line; one that cannot be read with its problem, whatever it is. Raises nothing."""
    try:
        return _counted(path, _whole if path.stat().st_size <= SMALL_BYTES else _glanced)
    except StoreError as error:
        problem = error.message
    except OSError as error:
        problem = f"Cannot read {path}: {os_reason(error)}."
    except RecursionError:
        problem = f"{path} cannot be read: nested too deeply."
    except Exception as error:  # a stranger's file may raise anything, and a list has other lines
        problem = f"{path} cannot be read: {type(error).__name__}."
    return RunSummary(path.stem, path, problem=problem[:_MAX_PROBLEM])


def quick_summary(path: Path) -> RunSummary | None:
    """The same of a small file by a glance at it: what the list shows is checked, no other figure is. None where
    anything in it is not as the wire writes it; ``summary_of`` then has the reason. Raises nothing."""
    try:
        with open(path, "rb", buffering=0) as file:
            first, *lines = file.read(SMALL_BYTES).split(b"\n")
        if lines.pop():  # no line, or one that goes on
            return None
        header = parse(first)
        plan, schema = header["plan"], header["schema"]
        at_s, run_id, plan_name, cases = float(header["at_s"]), header["run_id"], plan["name"], plan["cases"]
        known = type(schema) is int and 1 <= schema <= SCHEMA and len(cases) <= MAX_CASES
        if not known or header["kind"] != "run_started" or not MOMENT_S[0] <= at_s <= MOMENT_S[1]:
            return None
        tally = RowTally(dict.fromkeys(map(_case_id, cases)))
        ended = _tallied(tally, lines)
        tally.settle()
        counts = tally.counts
        return RunSummary(
            run_id[:MAX_TEXT], path, at_s, plan_name[:MAX_TEXT], len(tally.rows), counts.measured, counts.failed, ended,
            skipped=counts.skipped, cancelled=counts.cancelled,
        )  # fmt: skip
    except Exception:  # a stranger's file may raise anything
        return None


def _case_id(case: dict[str, Any]) -> str:
    """Raises KeyError, TypeError or ValueError for what is no case."""
    work, threads = case["workload"], case.get("threads")
    settings = [(name, value) for name, value in case.get("settings", ())] or [("threads", threads)] * bool(threads)
    sizes = case["device"], case["batch"], case["framework"]
    return case_id_of(work["kind"], work["name"], work["input_shape"], *sizes, settings)


def _counted(path: Path, read: Callable[[Path], Iterator[RunStarted | Note]]) -> RunSummary:
    """The header, and the outcomes counted as the fold does. Raises StoreError."""
    tally, header, ended = RowTally(), None, None
    for each in read(path):
        if isinstance(each, RunStarted):
            header = each
            tally.add((case.case_id for case in header.plan.cases), again=True)
            continue
        ended = _taken(tally, each, ended)
    if header is None:
        raise StoreError(f"{path} is empty.")
    tally.settle()
    counts = tally.counts
    return RunSummary(
        header.run_id[:MAX_TEXT], path, header.at_s, header.plan.name[:MAX_TEXT], len(tally.rows), counts.measured,
        counts.failed, ended, skipped=counts.skipped, cancelled=counts.cancelled,
    )  # fmt: skip


def _taken(tally: RowTally, note: Note, ended: EndReason | None) -> EndReason | None:
    """Count what such a line says; how the run has ended after it."""
    kind, what = note
    if kind == "rows_added":
        tally.add((case.case_id for case in what.cases), again=what.again)
        return None
    if kind == "run_finished":
        tally.settle()
        reason: EndReason | None = what
        return reason
    tally.outcome(what, kind)
    return ended


def _tallied(tally: RowTally, lines: Sequence[bytes]) -> EndReason | None:
    """Count what came of the rows; how the run ended. Raises ValueError for a line that is not as ours are."""
    ended: EndReason | None = None
    begin = len(_MEASURED)
    for line in lines:
        if line.endswith(_PASSED):
            continue
        if line.startswith(_MEASURED) and line.endswith(_FINISHED):  # the most by far of what is left
            case_id = line[begin : line.index(b'"', begin)]
            if b"\\" not in case_id:
                tally.outcome(case_id.decode(), MEASURED)
                continue
        note = _glance(line)
        if note is None or not note[0] or note[1] is None:
            raise ValueError("a line to be looked at whole")
        ended = _taken(tally, note, ended)
    return ended


def _whole(path: Path) -> Iterator[RunStarted | Note]:
    """Every event that counts. Raises StoreError."""
    for event in read_events(path):
        if isinstance(event, RunStarted):
            yield event
        elif isinstance(event, RowsAdded):
            yield event.kind, event
        elif isinstance(event, RunFinished):
            yield event.kind, event.reason
        elif isinstance(event, CaseFinished):
            yield MEASURED, event.measurement.case_id
        elif isinstance(event, CaseFailed):
            yield event.failure.kind, event.failure.case_id


def _glanced(path: Path) -> Iterator[RunStarted | Note]:
    """The same by a glance at each line. Raises StoreError."""
    for number, line, last in numbered_lines(path):
        if number == 1:
            yield read_header(path, line)
            continue
        note = _glance(line)
        if note is None:
            if last and is_torn(line):
                return
            what = "not a JSON object" if is_torn(line) else "no event of a run"
            raise StoreError(f"{path}, line {number}: {what}.")
        if note[0]:
            yield note


def _glance(line: bytes) -> Note | None:
    """What a summary needs of a line, an empty kind where that is nothing; None for a line that is none of a run."""
    kind = _KIND.search(line[-_TAIL_BYTES:])
    if kind and kind[1].decode() not in _COUNTED:
        return "", None
    outcome = _OUTCOME.match(line)
    if kind and outcome and (outcome[1] == b"measurement") == (kind[1] == b"case_finished"):
        try:
            case_id = json.loads(outcome[2])
        except ValueError:  # a damaged name
            return None
        if kind[1] == b"case_finished":
            return MEASURED, case_id
        if outcome[3]:
            return outcome[3].decode(), case_id
    return _parsed(line)


def _parsed(line: bytes) -> Note | None:
    try:
        event = json.loads(line)
        kind = event["kind"]
        if kind == "case_finished":
            return MEASURED, str(event["measurement"]["case_id"])
        if kind == "case_failed":
            return str(event["failure"]["kind"]), str(event["failure"]["case_id"])
        if kind == "run_finished":
            return kind, next((reason for reason in get_args(EndReason) if reason == event["reason"]), None)
        return (kind, decode(line)) if kind == "rows_added" else ("", None)
    except (ValueError, RecursionError, LookupError, TypeError, WireError):
        return None
