"""One run on disk, a JSON Lines file, read back through the same fold that made the run.

``wire`` has the format of a line, ``core.run`` the fold, ``results.storage.run_log`` the writing,
``results.storage.runs`` the folder of runs.
"""

from __future__ import annotations

import codecs
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.event import SCHEMA, Event, RowsAdded, RunStarted, case_of
from cvbench_tui.core.limits import MAX_CASES, MAX_FILE_BYTES, MAX_LINE_BYTES, MAX_ROUNDS, MAX_VISITS
from cvbench_tui.core.measurement import Measurement, Outcome
from cvbench_tui.core.run import Folding, Run
from cvbench_tui.errors import StoreError, os_reason
from cvbench_tui.wire import WireError, decode, newer, parse

MAX_EVENTS = {"environment_probed": 1_000, "ceiling_measured": 2_000}
"""Of what a run keeps each of: one for each time that it was gone on with, and for each of its devices then."""
DAMAGED = "The file was changed or damaged."
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
            raise StoreError(f"{shown(path)}, line {number}: {error}.", DAMAGED) from error
        if isinstance(event, RunStarted):
            raise StoreError(f"{shown(path)}, line {number}: a second run begins here.", "A file holds one run.")
        yield event
    if number == 0:
        raise StoreError(f"{shown(path)} is empty.", NO_RUN_HINT)


def load(path: Path) -> Run:
    """The run in that file. Of rows whose repeat was cut off the better outcome counts, as at the end of a run. Raises
    StoreError when it cannot be read or is none."""
    folding = Folding()
    rows: set[str] = set()
    kinds: Counter[str] = Counter()
    for event in read_events(path):
        if isinstance(event, (RunStarted, RowsAdded)):
            rows |= {case.case_id for case in (event.plan.cases if isinstance(event, RunStarted) else event.cases)}
            if len(rows) > MAX_CASES:
                raise StoreError(f"{shown(path)} has more than {MAX_CASES:,} rows.", DAMAGED)
        kinds[event.kind] += 1
        if kinds[event.kind] > MAX_EVENTS.get(event.kind, math.inf):
            raise StoreError(f"{shown(path)} has more than {MAX_EVENTS[event.kind]:,} {event.kind}.", DAMAGED)
        case_id = case_of(event)
        if case_id is not None and case_id not in rows:  # of a row that is in no plan, which nothing would show
            continue
        folding.add(event)
        if case_id is not None and _too_many(folding.outcome(case_id)):
            raise StoreError(f"{shown(path)} has more than {MAX_VISITS} visits to a row.", DAMAGED)
    folding.settle()
    return folding.run


def _too_many(outcome: Outcome | None) -> bool:
    """True for more visits, or rounds in them, than the estimate can take in pairs; failed ones leave a notice each."""
    if not isinstance(outcome, Measurement):
        return False
    visits = max(outcome.visits, len(outcome.notices))
    return visits > MAX_VISITS or any(len(phase.rounds) > MAX_ROUNDS for phase in outcome.phases)


def read_header(path: Path, line: bytes) -> RunStarted:
    """The first line of a run file, with or without a byte order mark. Raises StoreError when it is none, or one of a
    newer schema."""
    line = line.removeprefix(codecs.BOM_UTF8)
    try:
        header = parse(line)
    except WireError as error:
        raise StoreError(f"{shown(path)} is not a run file: line 1 is {error}.", NO_RUN_HINT) from None
    if not isinstance(header, dict) or header.get("kind") != "run_started":
        raise StoreError(f"{shown(path)} is not a run file: line 1 does not begin a run.", NO_RUN_HINT)
    schema = header.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise StoreError(f"{shown(path)} was {newer(schema)}.", "Update cvbench-tui to read it.")
    try:
        event = decode(line)
    except WireError as error:
        raise StoreError(f"{shown(path)}, line 1: {error}.", DAMAGED) from error
    assert isinstance(event, RunStarted), "the kind was looked at above"
    return event


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Line number from 1, the line, and whether it is the last. No more than two lines are in memory. Raises StoreError
    when the file cannot be read, is no regular one (a pipe could be waited for for ever), or has too long a line."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode) and not S_ISDIR(status.st_mode):
            raise StoreError(f"{shown(path)} is not a run file: it is no regular file.", NO_RUN_HINT)
        if status.st_size > MAX_FILE_BYTES:
            raise StoreError(
                f"{shown(path)} is not a run file: it is larger than {MAX_FILE_BYTES >> 30} GiB.", NO_RUN_HINT
            )
        with path.open("rb") as file:
            number, line = 1, _line(path, 1, file)
            while line:
                following = _line(path, number + 1, file)
                yield number, line, not following
                number, line = number + 1, following
    except OSError as error:
        raise StoreError(f"Cannot read {shown(path)}: {os_reason(error)}.") from error
    except ValueError as error:  # a zero byte
        raise StoreError(f"{shown(path)} is not a file name.") from error


def _line(path: Path, number: int, file: BinaryIO) -> bytes:
    """The next line, empty at the end of the file. Raises StoreError for one that is longer than any event."""
    line = file.readline(MAX_LINE_BYTES + 1)
    if len(line) > MAX_LINE_BYTES:
        sentence = f"{shown(path)}, line {number}: longer than {MAX_LINE_BYTES >> 20} MiB."
        raise StoreError(sentence, DAMAGED if number > 1 else NO_RUN_HINT)
    return line


def is_torn(line: bytes) -> bool:
    """True when the line stops in the middle of its JSON: the machine went down while it was written."""
    try:
        parse(line.removeprefix(codecs.BOM_UTF8))
    except WireError:
        return True
    return False


def shown(path: Path) -> str:
    """The path for a sentence."""
    return one_line(str(path))
