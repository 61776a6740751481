"""What comes up from a session: facts, told apart by ``kind``, one JSON object per line.

Schema history:
1  first version.
2  what the system did in every round, variants, memory by phase, energy, work, ceilings, identity of the environment.
   Everything that was added may be missing, so that files of schema 1 are read as they are.
3  rows_added, so that a run can grow and go on after its end; the failure kind ``skipped``.
   A file that was begun with an older schema keeps its header when rows are added to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import Failure, Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case, Plan

SCHEMA = 3

EndReason = Literal["finished", "cancelled", "failed"]
Stage = Literal["building", "warming up", "measuring"]


@dataclass(frozen=True)
class RunStarted:
    """The first event of a run and the header of its file. Made by the session."""

    run_id: str
    plan: Plan
    at_s: float
    """Seconds since the epoch."""
    program: str
    """Version of cvbench-tui."""
    schema: int = SCHEMA
    kind: Literal["run_started"] = "run_started"


@dataclass(frozen=True)
class RowsAdded:
    """These cases are to be measured: as new rows, or again. Made by the session.

    What came of them before is forgotten, and a run that had ended goes on.
    """

    cases: tuple[Case, ...]
    at_s: float
    """Seconds since the epoch."""
    kind: Literal["rows_added"] = "rows_added"


@dataclass(frozen=True)
class WorkerReady:
    """The worker has imported torch and takes requests."""

    pid: int
    python: str
    torch: str
    import_s: float
    """Seconds the import of torch and torchvision took."""
    one_case: bool = False
    """True when this process measures one case and ends, as where fork is unsafe."""
    can: tuple[str, ...] = ()
    """Requests it answers beside ``probe`` and ``measure``: ``ceiling``."""
    kind: Literal["worker_ready"] = "worker_ready"


@dataclass(frozen=True)
class EnvironmentProbed:
    """The machine as the worker sees it."""

    environment: Environment
    kind: Literal["environment_probed"] = "environment_probed"


@dataclass(frozen=True)
class PeakMeasured:
    """How fast a device of the plan can be, measured now or kept from an earlier run."""

    ceiling: DevicePeak
    kind: Literal["ceiling_measured"] = "ceiling_measured"


@dataclass(frozen=True)
class CaseStarted:
    """A process has begun with this case."""

    case_id: str
    pid: int
    """Process that measures; its own process group, so that it can be killed alone."""
    process: int = 0
    """Which repetition in a fresh process this is, from 0."""
    at_s: float = 0.0
    """Seconds since the epoch."""
    kind: Literal["case_started"] = "case_started"


@dataclass(frozen=True)
class Progress:
    """Where the running case is. Sent between rounds only; a newer one replaces it."""

    case_id: str
    stage: Stage
    phase: Phase | None = None
    """The phase whose interval is shown: total in the training pass, inference in the other."""
    round: int = 0
    """Rounds taken of this pass."""
    max_rounds: int = 0
    fraction: float = 0.0
    """Share of the case that is done, 0 to 1; an estimate."""
    median_s: float | None = None
    """Estimate so far, seconds per iteration."""
    half_width_s: float | None = None
    """Half width of its 95% interval; None before the second round."""
    at_s: float = 0.0
    """Seconds since the epoch."""
    kind: Literal["progress"] = "progress"


@dataclass(frozen=True)
class CaseFinished:
    """All samples of a case from one process. Several of one case are merged."""

    measurement: Measurement
    process: int = 0
    at_s: float = 0.0
    """Seconds since the epoch."""
    kind: Literal["case_finished"] = "case_finished"


@dataclass(frozen=True)
class CaseFailed:
    """A case that has no numbers, with the reason."""

    failure: Failure
    at_s: float = 0.0
    """Seconds since the epoch."""
    kind: Literal["case_failed"] = "case_failed"


@dataclass(frozen=True)
class RunFinished:
    """The last event of a run, unless ``RowsAdded`` follows. A file without it was interrupted by force."""

    reason: EndReason
    at_s: float
    """Seconds since the epoch."""
    sentence: str = ""
    """Why, when ``reason`` is ``failed``."""
    kind: Literal["run_finished"] = "run_finished"


Event = Union[
    RunStarted,
    RowsAdded,
    WorkerReady,
    EnvironmentProbed,
    PeakMeasured,
    CaseStarted,
    Progress,
    CaseFinished,
    CaseFailed,
    RunFinished,
]


def case_of(event: Event) -> str | None:
    """The id of the case an event is about; None for one that is about the whole run."""
    if isinstance(event, (CaseStarted, Progress)):
        return event.case_id
    if isinstance(event, CaseFinished):
        return event.measurement.case_id
    return event.failure.case_id if isinstance(event, CaseFailed) else None
