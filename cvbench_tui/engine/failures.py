"""What went wrong with a case, as seen from this side of the wall, made into its failure. Ends and starts nothing."""

from __future__ import annotations

import dataclasses
import time

from cvbench_tui.core.event import CaseFailed
from cvbench_tui.core.measurement import Failure, FailureKind
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.wire import FigureError, WireError

CANCELLED = "Cancelled before it was finished."
SKIPPED = "Skipped while it was measured."
SHOWN_BYTES = 200
"""Of a line that is no event, in the row's details."""


def cancelled(case: Case) -> CaseFailed:
    """The user's own cancel."""
    return _failed(case, "cancelled", CANCELLED, "")


def skipped(case: Case) -> CaseFailed:
    """The user's wish to go on with the next case."""
    return _failed(case, "skipped", SKIPPED, "")


def timed_out(case: Case, protocol: Protocol, left_s: float, tail: str) -> CaseFailed:
    """No outcome in the protocol's time, or no sign of life; ``left_s`` was left when the last wait began."""
    if left_s <= protocol.silence_s:
        sentence = f"Not done after {protocol.timeout_s:.0f} s, the limit of protocol {protocol.name}."
    else:
        sentence = f"No sign of life for {protocol.silence_s:.0f} s; the measuring process was ended."
    return _failed(case, "timed_out", sentence, tail)


def ended(case: Case, code: int | None, tail: str) -> CaseFailed:
    """The worker went away in mid-case; ``code`` is its exit code, -N for signal N."""
    how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
    return _failed(case, "crashed", f"The measuring process ended {how} in mid-case.", tail)


def garbled(case: Case, line: bytes, error: WireError) -> CaseFailed:
    """A line that is no event, or one with a figure that cannot be."""
    if isinstance(error, FigureError):
        return _failed(case, "crashed", f"The measuring process sent a figure that cannot be ({error}).", "")
    detail = f"{error}\n{line[:SHOWN_BYTES].decode(errors='replace')}"
    return _failed(case, "crashed", "The measuring process sent something that is not an event.", detail)


def explained(event: CaseFailed, tail: str) -> CaseFailed:
    """A failure that the worker reported without details gets the last lines of its stderr."""
    failure = dataclasses.replace(event.failure, detail=event.failure.detail or tail)
    return dataclasses.replace(event, failure=failure)


def _failed(case: Case, kind: FailureKind, sentence: str, detail: str) -> CaseFailed:
    return CaseFailed(Failure(case.case_id, kind, sentence, detail), round(time.time(), 3))
