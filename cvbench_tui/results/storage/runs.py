"""The folder of runs: finding a run in it by name, and listing them all.

What is in a run file is ``results.storage.run_file``'s business.

A listing comes from the index (``run_index``). Of a file that it does not know, the header is validated; of the other
lines the kind and the case are looked at by a pattern, which is what the wire writes, and parsed only where the pattern
does not match: 3 ms for a run of 20 rows and 2 MB, where loading it takes 11 ms.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from cvbench_tui.base.nearest import nearest
from cvbench_tui.core.event import EndReason, RowsAdded, RunStarted
from cvbench_tui.core.plan import Case
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.results.storage import SUFFIX, run_index
from cvbench_tui.results.storage.run_file import is_torn, numbered_lines, read_header
from cvbench_tui.results.storage.run_index import KnownFile, RunSummary, stamp_of
from cvbench_tui.wire import WireError, decode

NEWEST = "last"
MAX_NAMED = 3

_KIND = re.compile(rb'"kind": ?"([a-z_]+)"\}\s*\Z')
_OUTCOME_CASE = re.compile(rb'\A\{"(?:measurement|failure)": ?\{"case_id": ?("(?:[^"\\]|\\.)*")')
_OUTCOMES = ("case_finished", "case_failed")
_COUNTED = (*_OUTCOMES, "rows_added", "run_finished")  # kinds of lines that a summary depends on, after the first
_TAIL_BYTES = 64  # the kind is the last thing in a line; a line of samples can be megabytes long


def list_runs(folder: Path) -> tuple[RunSummary, ...]:
    """The runs of a folder, newest first, then the files that cannot be read, with their problem.

    A file is read when the index does not know it as it is. One with a problem always is: the sentence names the folder
    as it was asked for.
    """
    known = run_index.load(folder, times=False)
    files: dict[str, KnownFile] = {}
    changed: list[str] = []
    summaries: list[RunSummary] = []
    for path in _files(folder):
        stamp, before = stamp_of(path), known.get(path.name)
        if before is None or before.stamp != stamp or before.summary.problem:
            summary = summary_of(path)
            before = KnownFile(stamp, summary, None) if stamp is not None else None
            changed += [path.name] if before is not None and not summary.problem else []
        else:
            summary = before.summary
        summaries.append(summary)
        files |= {path.name: before} if before is not None else {}
    if changed:
        run_index.save(folder, files, changed)
    return tuple(sorted(summaries, key=lambda run: (run.problem == "", run.started_at_s or 0.0, run.id), reverse=True))


def find(reference: str, folder: Path) -> Path:
    """The file of a run: a path, an id, a unique prefix of one, or ``last``.

    Raises StoreError, naming the nearest or the several that begin so.
    """
    reference = reference.strip()
    if not reference:
        raise StoreError("No run was named.", "Give a path, an id, the beginning of one, or 'last'.")
    if reference == NEWEST:
        return _newest(folder)
    files = {path.stem: path for path in _files(folder)}
    if reference in files:
        return files[reference]
    named = Path(os.path.expanduser(reference))
    if named.is_file():
        return named
    if named.is_dir():
        raise StoreError(f"{reference} is a folder, not a run file.", "Name one of its files, or use --runs-dir.")
    matches = sorted((name for name in files if name.startswith(reference)), reverse=True)
    if len(matches) == 1:
        return files[matches[0]]
    if matches:
        raise StoreError(f"{len(matches)} runs begin with '{reference}'.", f"Among them: {_some(matches)}.")
    raise StoreError(f"There is no run '{reference}' in {folder}.", _hint(reference, sorted(files, reverse=True)))


def _newest(folder: Path) -> Path:
    """The run that began last, by the headers alone. Raises StoreError when there is none."""
    started: list[tuple[float, str, Path]] = []
    for path in _files(folder):
        with suppress(StoreError):
            started += [
                (read_header(path, line).at_s, path.stem, path) for _, line, _ in islice(numbered_lines(path), 1)
            ]
    if not started:
        raise StoreError(f"There is no run in {folder}.", "Measure something first: cvbench-tui run quick")
    return max(started)[2]


def _files(folder: Path) -> list[Path]:
    """The run files of a folder; none when it does not exist. Raises StoreError when it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"Cannot read the runs folder {folder}: {os_reason(error)}.") from error


def summary_of(path: Path) -> RunSummary:
    """A run file in one line; one that cannot be read with its problem."""
    try:
        return _counted(path)
    except StoreError as error:
        return RunSummary(path.stem, path, problem=error.message)


def _counted(path: Path) -> RunSummary:
    """The header, and the outcomes counted as the fold does: numbers win over a failure, and of a row that is
    measured again the better outcome counts. Raises StoreError."""
    header: RunStarted | None = None
    outcomes: dict[str, str] = {}
    ended: EndReason | None = None
    for number, line, last in numbered_lines(path):
        if number == 1:
            header = read_header(path, line)
            outcomes = {case.case_id: "" for case in header.plan.cases}
            continue
        event = _glance(line)
        if event is None:
            if last:  # torn
                break
            raise StoreError(f"{path}, line {number}: not a JSON object.")
        kind = event.get("kind")
        if kind == "rows_added":
            outcomes = {case.case_id: "" for case in _added(line)} | outcomes
            ended = None
        elif kind == "run_finished":
            ended = next((reason for reason in get_args(EndReason) if reason == event.get("reason")), None)
        elif kind in _OUTCOMES and outcomes.get(event["case_id"]) in ("", "case_failed"):
            outcomes[event["case_id"]] = kind
    if header is None:
        raise StoreError(f"{path} is empty.")
    measured, failed = (sum(kind == each for each in outcomes.values()) for kind in _OUTCOMES)
    return RunSummary(header.run_id, path, header.at_s, header.plan.name, len(outcomes), measured, failed, ended)


def _glance(line: bytes) -> dict[str, Any] | None:
    """What a summary needs of a line: its kind, and the case of an outcome; None for a line that is no JSON."""
    kind = _KIND.search(line[-_TAIL_BYTES:])
    if kind and kind[1].decode() not in _COUNTED:
        return {}
    case = _OUTCOME_CASE.match(line)
    if kind and case:
        try:
            return {"kind": kind[1].decode(), "case_id": json.loads(case[1])}
        except ValueError:  # a damaged name
            return None
    if is_torn(line):
        return None
    event = json.loads(line)
    if not isinstance(event, dict):
        return {}
    outcome = event.get("measurement") or event.get("failure")
    return event | {"case_id": str(outcome.get("case_id")) if isinstance(outcome, dict) else ""}


def _added(line: bytes) -> Sequence[Case]:
    """The cases that a line adds; none when it is damaged."""
    try:
        event = decode(line)
    except WireError:
        return ()
    return event.cases if isinstance(event, RowsAdded) else ()


def _hint(reference: str, names: Sequence[str]) -> str:
    newest = f"The newest are {_some(names)}." if names else "Measure something first: cvbench-tui run quick"
    return nearest(reference, names, MAX_NAMED, 0.5) or newest


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (", ..." if len(names) > MAX_NAMED else "")
