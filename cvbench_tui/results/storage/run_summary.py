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

from cvbench_tui.core.axes import Setting
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import (
    SCHEMA,
    CaseFailed,
    CaseFinished,
    EndReason,
    EnvironmentProbed,
    RowsAdded,
    RunFinished,
    RunLabelled,
    RunStarted,
)
from cvbench_tui.core.limits import MAX_CASES, MOMENT_S
from cvbench_tui.core.plan import Case, case_id_of
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.row_counts import MEASURED, RowTally
from cvbench_tui.results.storage.run_contents import ContentsTally
from cvbench_tui.results.storage.run_file import is_torn, numbered_lines, read_events, read_header
from cvbench_tui.results.storage.run_index import MAX_TEXT, RunSummary
from cvbench_tui.wire import WireError, decode, parse

SMALL_BYTES = 1 << 18
_KIND = re.compile(rb'"kind": ?"([a-z_]+)"\}\s*\Z')
_OUTCOME = re.compile(rb'\A\{"(measurement|failure)": ?\{"case_id": ?("(?:[^"\\]|\\.)*")(?:, ?"kind": ?"([a-z_]+)")?')
_DEVICES = re.compile(rb'"devices": ?(\[.*?\]), ?"facts"')  # a machine has hundreds of facts after them
_COUNTED = ("case_finished", "case_failed", "rows_added", "run_finished", "run_labelled", "environment_probed")
"""Kinds of lines that a summary depends on, after the first."""
_TAIL_BYTES = 64  # the kind is the last thing in a line; a line of samples can be megabytes long
_MAX_PROBLEM = 2000  # characters; pydantic quotes what it was given
_MEASURED = b'{"measurement":{"case_id":"'  # how a line of a row's numbers begins
_FINISHED = b',"kind":"case_finished"}'  # and how it ends
_UNCOUNTED = ("progress", "case_started", "worker_ready", "ceiling_measured")
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
        seen = _Seen()
        for case in cases:
            seen.row(case)
        for line in lines:
            seen.line(line)
        return seen.summary(path, run_id, at_s, plan_name)
    except Exception:  # a stranger's file may raise anything
        return None


class _Seen:
    """What the events of a run have said so far: rows counted as the fold does, and what they are of."""

    def __init__(self) -> None:
        self.ended: EndReason | None = None
        self._rows = RowTally()
        self._contents = ContentsTally()

    def row(self, case: dict[str, Any]) -> None:
        """A row of the plan as it is in the file. Raises KeyError, TypeError or ValueError for what is no case."""
        work, threads, device = case["workload"], case.get("threads"), case["device"]
        settings: list[Setting] = [(name, value) for name, value in case.get("settings", ())]
        settings = settings or [("threads", str(threads))] * bool(threads)
        sizes = work["input_shape"], device, case["batch"], case["framework"]
        self._rows.rows[case_id_of(work["kind"], work["name"], *sizes, settings)] = None
        self._contents.case(work["name"], device, settings)

    def cases(self, cases: Sequence[Case], *, again: bool) -> None:
        """Rows of the plan, or added ones."""
        self._rows.add((case.case_id for case in cases), again=again)
        for case in cases:
            self._contents.case(case.workload.name, case.device, case.settings)

    def line(self, line: bytes) -> None:
        """Take what a line says. Raises ValueError for one that is not as ours are."""
        if line.endswith(_PASSED):
            return
        if line.startswith(_MEASURED) and line.endswith(_FINISHED):  # the most by far of what is left
            begin = len(_MEASURED)
            case_id = line[begin : line.index(b'"', begin)]
            if b"\\" not in case_id:
                self._rows.outcome(case_id.decode(), MEASURED)
                return
        note = _glance(line)
        if note is None or not note[0] or note[1] is None:
            raise ValueError("a line to be looked at whole")
        self.note(note)

    def note(self, note: Note) -> None:
        """Take what a line says."""
        kind, what = note
        if kind == "rows_added":
            self.cases(what.cases, again=what.again)
            self.ended = None
        elif kind == "run_finished":
            self._rows.settle()
            self.ended = what
        elif kind == "run_labelled":
            self._contents.labelled(what.name, what.tags)
        elif kind == "environment_probed":
            self._contents.machine(what)
        else:
            self._rows.outcome(what, kind)

    def summary(self, path: Path, run_id: str, at_s: float, plan_name: str) -> RunSummary:
        """The line of the list, after the last event."""
        self._rows.settle()
        counts = self._rows.counts
        return RunSummary(
            run_id[:MAX_TEXT], path, at_s, plan_name[:MAX_TEXT], len(self._rows.rows), counts.measured, counts.failed,
            self.ended, skipped=counts.skipped, cancelled=counts.cancelled, contents=self._contents.contents,
        )  # fmt: skip


def _counted(path: Path, read: Callable[[Path], Iterator[RunStarted | Note]]) -> RunSummary:
    """The header, and the outcomes counted as the fold does. Raises StoreError."""
    seen, header = _Seen(), None
    for each in read(path):
        if isinstance(each, RunStarted):
            header = each
            seen.cases(header.plan.cases, again=True)
            continue
        seen.note(each)
    if header is None:
        raise StoreError(f"{path} is empty.")
    return seen.summary(path, header.run_id, header.at_s, header.plan.name)


def _products(environment: Environment) -> dict[str, str]:
    return {device.id: device.name for device in environment.devices}


def _whole(path: Path) -> Iterator[RunStarted | Note]:
    """Every event that counts. Raises StoreError."""
    for event in read_events(path):
        if isinstance(event, RunStarted):
            yield event
        elif isinstance(event, (RowsAdded, RunLabelled)):
            yield event.kind, event
        elif isinstance(event, EnvironmentProbed):
            yield event.kind, _products(event.environment)
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
    if kind and kind[1] == b"environment_probed" and (devices := _DEVICES.search(line)):
        return _probed(devices[1])
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


def _probed(devices: bytes) -> Note | None:
    """The names of the machine's devices; None for what is no list of them."""
    try:
        products = {each["id"]: each["name"] for each in json.loads(devices)}
    except (ValueError, LookupError, TypeError):
        return None
    sound = all(isinstance(text, str) for product in products.items() for text in product)
    return ("environment_probed", products) if sound else None


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
        if kind == "environment_probed":
            return kind, _products(decode(line).environment)  # type: ignore[union-attr]
        return (kind, decode(line)) if kind in ("rows_added", "run_labelled") else ("", None)
    except (ValueError, RecursionError, LookupError, TypeError, WireError):
        return None
