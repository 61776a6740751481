"""Events of a run, distinguished by ``kind``: one JSON object per line of the worker's stdout and of the run file.

``at_s`` is the time of an event in seconds since the epoch.

Schema history:
1  first version.
2  evidence of every round, variants, memory by phase, energy, work, measured peaks, identity of the environment. All
   of it may be missing, so that files of schema 1 are read unchanged.
3  ``rows_added``, so that a run can grow and continue after its end; the failure kind ``skipped``. A file of an older
   schema keeps its header when rows are added to it. ``clean`` of a measurement and of a protocol may be missing.
4  several visits to a case, spread over the run, each a ``case_finished`` of its own; ``again`` of ``rows_added``.
5  ``settings`` of a case in place of one field for each axis; ``batch_found``, and ``batch`` of a measurement.
6  ``alternate`` of a plan: rows that differ in it alone were measured in turn. ``environments`` of a plan, and ``env``
   of ``environment_probed``, for several of them. All may be missing.
6  ``run_labelled``, which may be written long after a run's end. A file of an older schema keeps its header then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Union

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import Failure, Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case, Plan

SCHEMA = 6
MOST_TRIES = 8  # of batches, for the largest that fits

EndReason = Literal["finished", "cancelled", "failed"]
WAITING: Final = "waiting for its turn"  # a stage: other processes measure
Stage = Literal["finding the batch", "building", "compiling", "warming up", "measuring", "waiting for its turn"]


@dataclass(frozen=True)
class RunStarted:
    """First event of a run and header of its file, written by the session."""

    run_id: str
    plan: Plan
    at_s: float
    program: str  # version of cvbench-tui
    schema: int = SCHEMA
    kind: Literal["run_started"] = "run_started"


@dataclass(frozen=True)
class RowsAdded:
    """These cases follow, and a run that had ended continues. Written by the session. With ``again`` rows are measured
    anew, and the better one of both outcomes counts; otherwise those with numbers go on with the visits they lack."""

    cases: tuple[Case, ...]
    at_s: float
    again: bool = True
    kind: Literal["rows_added"] = "rows_added"


@dataclass(frozen=True)
class RunLabelled:
    """The user calls the run so from now on: what it was called before is gone. Also written after the run's end."""

    name: str  # empty: it has none any more
    tags: tuple[str, ...]  # all of them
    at_s: float
    kind: Literal["run_labelled"] = "run_labelled"


@dataclass(frozen=True)
class WorkerReady:
    """The worker has imported torch and reads requests."""

    pid: int
    python: str
    torch: str
    import_s: float  # seconds of importing torch and torchvision
    one_case: bool = False  # True when it measures by itself and forks no process, as where fork is unsafe
    can: tuple[str, ...] = ()  # requests it answers in addition to ``probe`` and ``measure``: ``ceiling``, ``layers``
    kind: Literal["worker_ready"] = "worker_ready"


@dataclass(frozen=True)
class EnvironmentProbed:
    """The machine as the worker reports it."""

    environment: Environment
    env: str = ""  # name of the plan's environment whose worker this is; empty: the program's own
    kind: Literal["environment_probed"] = "environment_probed"


@dataclass(frozen=True)
class PeakMeasured:
    """Peak rates of a device of the plan, measured now or in an earlier run."""

    ceiling: DevicePeak
    kind: Literal["ceiling_measured"] = "ceiling_measured"


@dataclass(frozen=True)
class ModelLayer:
    """A layer of a model, in one forward at batch 1. Equal ones (module, arguments, input) are one."""

    path: str  # of the first one in the model: ``layer1.0.conv1``; of the one that was asked for
    module: str  # class: ``Conv2d``
    arguments: str  # as the module prints them: ``64, 64, kernel_size=(3, 3)``
    input_shape: tuple[int, ...]  # of its first input, without the batch
    flops: int  # operations of one call
    held_bytes: int  # input, output and the gradients of both: what a training iteration holds at least
    like: str = ""  # path of the first one that is equal; empty for a block, which has layers inside
    count: int = 1  # how often such a layer is called in one forward
    share: float = 0.0  # of the model's operations, all such layers together, 0 to 1


@dataclass(frozen=True)
class LayersListed:
    """Answer to ``layers``: what a model consists of, or why that cannot be said. Never in a run file."""

    layers: tuple[ModelLayer, ...]  # those asked for, or every distinct one in the order of the forward
    distinct: int = 0  # distinct layers of the model
    problem: str = ""  # in one sentence; then there are no layers
    hint: str = ""
    kind: Literal["layers_listed"] = "layers_listed"


@dataclass(frozen=True)
class CaseStarted:
    """A process has started a visit to this case."""

    case_id: str
    pid: int  # the measuring process, leader of its own process group, so that it can be killed alone
    visit: int = 0  # number of the visit, from 0
    at_s: float = 0.0
    kind: Literal["case_started"] = "case_started"


@dataclass(frozen=True)
class Progress:
    """Progress of the running case. Sent between rounds only; a newer one replaces it."""

    case_id: str
    stage: Stage
    phase: Phase | None = None  # phase of the interval: total in the training pass, inference in the other
    round: int = 0  # rounds of this pass so far
    max_rounds: int = 0
    fraction: float = 0.0  # estimated share of the case that is done, 0 to 1
    median_s: float | None = None  # estimate so far, seconds per iteration
    half_width_s: float | None = None  # half width of its 95% interval; None before the second round
    at_s: float = 0.0
    kind: Literal["progress"] = "progress"


@dataclass(frozen=True)
class BatchTry:
    """Whether a batch fits into the memory of the device, tried in a process of its own."""

    batch: int
    fits: bool
    peak_bytes: int | None = None  # that the iteration took; None where it failed, or it is not known
    room_bytes: int | None = None  # that it could have taken
    iteration_s: float | None = None  # seconds of the last iteration; None where it failed
    sentence: str = ""  # why it does not fit


def tries_text(tries: Sequence[BatchTry]) -> str:
    """``5 tries in processes of their own: 2, 20, 56 fit, 58 does not``; why not, where it is not for memory."""
    fit = [f"{each.batch:,}" for each in tries if each.fits]
    others = [f"{each.batch:,}" for each in tries if not each.fits]
    parts = [f"{', '.join(fit)} {'fits' if len(fit) == 1 else 'fit'}"] if fit else []
    parts += [f"{', '.join(others)} {'does' if len(others) == 1 else 'do'} not"] if others else []
    reasons = dict.fromkeys(each.sentence for each in tries if each.sentence and "memory" not in each.sentence)
    how_many = "1 try in a process of its own" if len(tries) == 1 else f"{len(tries)} tries in processes of their own"
    return f"{how_many}: {', '.join(parts)}" + "".join(f". {each}" for each in reasons)


@dataclass(frozen=True)
class BatchTried:
    """A worker's answer to ``try_batch``. No run file has it."""

    case_id: str
    tried: BatchTry
    at_s: float = 0.0
    kind: Literal["batch_tried"] = "batch_tried"


@dataclass(frozen=True)
class BatchFound:
    """The largest batch of this case that fits into the device's memory; its visits are measured at that batch."""

    case_id: str
    batch: int
    tries: tuple[BatchTry, ...]  # in their order
    at_s: float = 0.0
    kind: Literal["batch_found"] = "batch_found"


@dataclass(frozen=True)
class CaseFinished:
    """All samples of one visit to a case. Those of several visits are merged."""

    measurement: Measurement
    visit: int = 0
    at_s: float = 0.0
    kind: Literal["case_finished"] = "case_finished"


@dataclass(frozen=True)
class CaseFailed:
    """A case without samples, with the reason."""

    failure: Failure
    at_s: float = 0.0
    kind: Literal["case_failed"] = "case_failed"


@dataclass(frozen=True)
class RunFinished:
    """Last event of a run, unless ``RowsAdded`` follows. A file without it was cut off by a kill or a crash."""

    reason: EndReason
    at_s: float
    sentence: str = ""  # why, when ``reason`` is ``failed``
    kind: Literal["run_finished"] = "run_finished"


CaseEvent = Union[CaseStarted, Progress, BatchTried, BatchFound, CaseFinished, CaseFailed]
RunEvent = Union[RunStarted, RowsAdded, RunLabelled, RunFinished]
Event = Union[RunEvent, WorkerReady, EnvironmentProbed, PeakMeasured, LayersListed, CaseEvent]


def case_of(event: Event) -> str | None:
    """Id of the event's case; None for an event of the whole run."""
    if isinstance(event, (CaseStarted, Progress, BatchTried, BatchFound)):
        return event.case_id
    if isinstance(event, CaseFinished):
        return event.measurement.case_id
    return event.failure.case_id if isinstance(event, CaseFailed) else None
