"""One run on disk, a JSON Lines file, read back through the same fold that made the run.

``wire`` has the format of a line, ``core.run`` the fold, ``results.storage.run_log`` the writing,
``results.storage.runs`` the folder of runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path

from cvbench_tui.core.event import SCHEMA, Event, RunStarted
from cvbench_tui.core.run import Folding, Run
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.wire import WireError, decode

NO_RUN_HINT = "Run files end in .jsonl and are listed by: cvbench-tui list runs"


def read_events(path: Path) -> Iterator[Event]:
    """Every event of a run file. A last line torn by a crash is left out; anything else wrong is a StoreError."""
    number = 0
    for number, line, last in numbered_lines(path):
        if number == 1:
            yield read_header(path, line)
            continue
        try:
            event = decode(line)
        except WireError as error:
            if last and is_torn(line):
                return
            raise StoreError(f"{path}, line {number}: {error}.", "The file was changed or damaged.") from error
        if isinstance(event, RunStarted):
            raise StoreError(f"{path}, line {number}: a second run begins here.", "A file holds one run.")
        yield event
    if number == 0:
        raise StoreError(f"{path} is empty.", NO_RUN_HINT)


def load(path: Path) -> Run:
    """The run in that file. Of rows whose repeat was cut off the better outcome counts, as at the end of a run. Raises
    StoreError when it cannot be read or is none."""
    folding = Folding()
    for event in read_events(path):
        folding.add(event)
    folding.settle()
    return folding.run


def read_header(path: Path, line: bytes) -> RunStarted:
    """The first line of a run file. Raises StoreError when it is none, or one of a newer schema."""
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("kind") != "run_started":
        raise StoreError(f"{path} is not a run file: line 1 does not begin a run.", NO_RUN_HINT)
    schema = header.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer version (schema {schema}, this one reads up to {SCHEMA}).",
            "Update cvbench-tui to read it.",
        )
    try:
        event = decode(line)
    except WireError as error:
        raise StoreError(f"{path}, line 1: {error}.", "The file was changed or damaged.") from error
    assert isinstance(event, RunStarted), "the kind was looked at above"
    return event


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Line number from 1, the line, and whether it is the last. Raises StoreError when the file cannot be read."""
    try:
        with path.open("rb") as file:
            for number, (line, following) in enumerate(pairwise(chain(file, [b""])), 1):
                yield number, line, not following
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {os_reason(error)}.") from error


def is_torn(line: bytes) -> bool:
    """True when the line stops in the middle of its JSON: the machine went down while it was written."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False
