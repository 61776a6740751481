"""Run files with one row, or a few, at the times and in the environments of the test's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import Event, PeakMeasured, RunStarted
from cvbench_tui.core.measurement import Failure, Measurement
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.results.storage import run_log
from cvbench_tui.results.storage.history import History
from tests.results.samples import ENVIRONMENT, STARTED_AT_S, events_of, measurement, model, plan

ROW = Case(model("Resnet18", "resnet18"), "cuda:0", 8)
DAY_S = 86400.0


def with_versions(**versions: str) -> Environment:
    """The environment of the samples with other versions, and an identity."""
    known = {**dict(ENVIRONMENT.versions), **versions}
    return replace(ENVIRONMENT, versions=tuple(known.items()), identity_hash="0" * 16)


NOW = with_versions()


def keep(
    folder: Path,
    run_id: str,
    *outcomes: Measurement | Failure,
    cases: Sequence[Case] = (ROW,),
    day: int = 0,
    protocol: str = "default",
    environment: Environment | None = NOW,
    peaks: Sequence[DevicePeak] = (),
) -> Path:
    """A run of those cases that began so many days after the first."""
    header, *rest = events_of(plan(*cases, protocol=protocol), *outcomes, environment=environment)
    assert isinstance(header, RunStarted)
    folder.mkdir(exist_ok=True)
    events: list[Event] = [replace(header, run_id=run_id, at_s=STARTED_AT_S + day * DAY_S), *rest]
    with run_log.create_log(folder, run_id) as log:
        for event in [*events[:-1], *map(PeakMeasured, peaks), events[-1]]:
            log.append(event)
    return log.path


def keep_times(folder: Path, *forward_s: float, **how: object) -> None:
    """A run a day with the row at these times."""
    for day, seconds in enumerate(forward_s):
        keep(folder, f"run{day}", measurement(ROW, seconds), day=day, **how)  # type: ignore[arg-type]


def history_of(folder: Path) -> History:
    """All that is kept there."""
    history = History(folder)
    history.refresh()
    return history
