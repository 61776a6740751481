"""Failures of a case that the parent detects: cancelled, skipped, timed out, a worker that died or sent no event."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from cvbench_tui.base.escape import visible
from cvbench_tui.core.event import BatchTry, CaseFailed, tries_text
from cvbench_tui.core.measurement import Failure, FailureKind
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.wire import FigureError, WireError

MAX_SHOWN_BYTES = 200  # of a line that is no event, in the row's details
NO_THREAD = ("Thread creation failed", "can't start new thread")  # in the words of libgomp and Python
LIMITS = "look at the limits on processes (ulimit -u, a container's pids.max)"
MAX_REASON = 500  # characters of what is wrong with it


def cancelled(case: Case) -> CaseFailed:
    """The user cancelled the run."""
    return _failed(case, "cancelled", "Cancelled before it was finished.", "")


def skipped(case: Case) -> CaseFailed:
    """The user skipped this case."""
    return _failed(case, "skipped", "Skipped while it was being measured.", "")


def refused(case: Case, sentence: str) -> CaseFailed:
    """It is none that may be measured."""
    return _failed(case, "unsupported", sentence, "")


def timed_out(case: Case, sentence: str, tail: str) -> CaseFailed:
    """No outcome in time, or no event for too long, as the sentence says."""
    return _failed(case, "timed_out", sentence, tail)


def no_batch(case: Case, tries: Sequence[BatchTry]) -> CaseFailed:
    """Not even the smallest batch that was tried fits into the device's memory."""
    last = tries[-1]
    sentence = last.sentence or f"Batch {last.batch} does not fit into the memory of {case.device}."
    return _failed(case, "out_of_memory", sentence, tries_text(tries))


def too_slow(case: Case, batch: int, visit_s: float, protocol: Protocol) -> CaseFailed:
    """A visit at the batch that would be tried next takes more time than the protocol gives it."""
    return _failed(
        case,
        "timed_out",
        f"The largest batch is {batch:,} or more, and a visit there takes about {visit_s / 60:,.0f} min, more than "
        f"protocol {protocol.name} allows: name a batch, or give less memory (ulimit -d, a container's limit).",
        "",
    )


def worker_ended(case: Case, code: int | None, tail: str, *, too_long: bool, out_of_memory: bool) -> CaseFailed:
    """The worker ended before the outcome; ``code`` is its exit code, -N for signal N. ``too_long``: it was killed for
    a line without an end; ``out_of_memory``: the kernel has killed a process meanwhile, as memory had run out."""
    if too_long:
        return _failed(case, "crashed", "The measuring process sent a line that is too long to be an event.", tail)
    if code == -9 and out_of_memory:
        sentence = "The system ran out of memory and killed the measuring process; try a smaller batch."
        return _failed(case, "out_of_memory", sentence, tail)
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
    return _failed(case, "crashed", f"The measuring process {how} before it had finished.", tail)


def invalid_line(case: Case, line: bytes, error: Exception) -> CaseFailed:
    """A line that is not an event, or an event with an impossible number. Reading it may fail in any way."""
    if isinstance(error, FigureError):
        return _failed(case, "crashed", f"The measuring process sent an impossible number ({error}).", "")
    reason = str(error) if isinstance(error, WireError) else f"{type(error).__name__}: {error}"
    shown = visible(line[:MAX_SHOWN_BYTES].decode(errors="replace"))
    detail = f"{visible(reason[:MAX_REASON])}\n{shown}"
    return _failed(case, "crashed", "The measuring process sent a line that is not an event.", detail)


def with_stderr(event: CaseFailed, tail: str) -> CaseFailed:
    """The failure; one without details gets the last lines of the worker's stderr. OpenMP ends a process that can have
    no thread with exit code 1, and says why there alone."""
    failure = dataclasses.replace(event.failure, detail=event.failure.detail or tail)
    if failure.kind == "crashed" and any(words in tail for words in NO_THREAD):
        failure = dataclasses.replace(failure, sentence=f"No further thread can be started: {LIMITS}.")
    return dataclasses.replace(event, failure=failure)


def _failed(case: Case, kind: FailureKind, sentence: str, detail: str) -> CaseFailed:
    return CaseFailed(Failure(case.case_id, kind, sentence, detail), round(time.time(), 3))
