"""Failures of a case that the parent detects: cancelled, skipped, timed out, a worker that died or sent no event."""

from __future__ import annotations

import dataclasses
import time

from cvbench_tui.core.event import CaseFailed
from cvbench_tui.core.measurement import Failure, FailureKind
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.wire import FigureError, WireError

MAX_SHOWN_BYTES = 200  # of a line that is no event, in the row's details


def cancelled(case: Case) -> CaseFailed:
    """The user cancelled the run."""
    return _failed(case, "cancelled", "Cancelled before it was finished.", "")


def skipped(case: Case) -> CaseFailed:
    """The user skipped this case."""
    return _failed(case, "skipped", "Skipped while it was being measured.", "")


def refused(case: Case, sentence: str) -> CaseFailed:
    """It is none that may be measured."""
    return _failed(case, "unsupported", sentence, "")


def timed_out(case: Case, protocol: Protocol, left_s: float, tail: str) -> CaseFailed:
    """No outcome within ``timeout_s``, or no event for ``silence_s``; ``left_s`` remained when the last wait began."""
    if left_s <= protocol.silence_s:
        sentence = f"Not finished after {protocol.timeout_s:.0f} s, the limit of protocol {protocol.name}."
    else:
        sentence = f"No answer for {protocol.silence_s:.0f} s; the measuring process was killed."
    return _failed(case, "timed_out", sentence, tail)


def worker_ended(case: Case, code: int | None, tail: str) -> CaseFailed:
    """The worker ended before the outcome; ``code`` is its exit code, -N for signal N."""
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
    return _failed(case, "crashed", f"The measuring process {how} before it had finished.", tail)


def invalid_line(case: Case, line: bytes, error: WireError) -> CaseFailed:
    """A line that is not an event, or an event with an impossible number."""
    if isinstance(error, FigureError):
        return _failed(case, "crashed", f"The measuring process sent an impossible number ({error}).", "")
    detail = f"{error}\n{line[:MAX_SHOWN_BYTES].decode(errors='replace')}"
    return _failed(case, "crashed", "The measuring process sent a line that is not an event.", detail)


def with_stderr(event: CaseFailed, tail: str) -> CaseFailed:
    """The failure; one without details gets the last lines of the worker's stderr."""
    failure = dataclasses.replace(event.failure, detail=event.failure.detail or tail)
    return dataclasses.replace(event, failure=failure)


def _failed(case: Case, kind: FailureKind, sentence: str, detail: str) -> CaseFailed:
    return CaseFailed(Failure(case.case_id, kind, sentence, detail), round(time.time(), 3))
