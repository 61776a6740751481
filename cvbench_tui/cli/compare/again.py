"""``cvbench-tui compare --again``: the rows of two runs are measured once more, in turn, and those are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cvbench_tui.catalog.again import again_plan
from cvbench_tui.catalog.environments import check_devices, named_environments
from cvbench_tui.cli.compare.compare import Wanted, check_files, compared, conclude
from cvbench_tui.cli.outputs import Outputs
from cvbench_tui.cli.resume import named_code
from cvbench_tui.cli.run import Begun, How, drive, live_source, load_run
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import NamedEnvironment
from cvbench_tui.core.run import Run
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.errors import SelectionError
from cvbench_tui.results import storage
from cvbench_tui.results.compare.build import sides_along
from cvbench_tui.results.compare.match import value_of
from cvbench_tui.results.compare.model import Side
from cvbench_tui.results.storage.run_log import create_log

SIGNALLED = 128  # exit codes from here on are those of a signal


@dataclass
class _Kept(Outputs):
    """Keeps the run in place of its table: the comparison is what is printed and written."""

    run: Run | None = None

    def finish(self, run: Run) -> None:
        """Keep it."""
        self.run = run


@dataclass(frozen=True)
class Allowed:
    """What the user names, since no run file alone may start it."""

    code: Sequence[str] = ()  # of the user's own: ``./net.py:make``
    environments: Sequence[str] = ()  # ``NAME=WHERE``; of two runs alike they are the sides, the first the baseline


def measure_again(
    references: Sequence[str],
    wanted: Wanted,
    files: Sequence[str] = (),
    allowed: Allowed = Allowed(),
    *,
    quiet: bool = False,
    plain: bool = False,
    runs_dir: str | None = None,
) -> int:
    """Measure both sides of the two runs' common rows in a run of its own, alternated, then print and write what
    ``compare`` does of it. Returns its exit code, or that of a signal.

    Raises SelectionError where nothing can be alternated, or the machine is another.
    """
    if len(references) != 2:
        hint = "Name a baseline and one run: cvbench-tui compare A B --again"
        raise SelectionError("Two runs are measured again, no more and no fewer.", hint)
    if wanted.along or wanted.base is not None:
        raise SelectionError("--again finds by itself in which axis the runs differ.", "Leave --along and --base out.")
    check_files(files)
    a, b = (load_run(reference, runs_dir) for reference in references)
    if published := next((run for run in (a, b) if run.figures), None):
        raise SelectionError(f"{published.id} is published and cannot be measured again.", "Leave --again out.")
    started = named_environments(allowed.environments)
    named = [entry for text in allowed.code for entry in named_code(text, started)]

    def begin(source: LiveSource, environment: Environment) -> Begun:
        plan = again_plan(a, b, environment, started)
        check_devices(source.probe_named(), plan)
        session, folder = Session(source, plan), storage.runs_folder(runs_dir)
        return Begun(session, plan, lambda: create_log(folder, session.run_id), folder)

    again_plan(a, b, None, started)  # refuses what cannot be alternated before anything is started
    cpu_only = all(case.device == "cpu" for case in (*a.plan.cases, *b.plan.cases))
    others = tuple(each for each in started if each.where)
    source = live_source(runs_dir, cpu_only=cpu_only, named=named, environments=others)
    kept = _Kept(quiet=quiet, plain=plain)
    code = drive(source, begin, kept, How())
    if kept.run is None or code >= SIGNALLED:
        return code
    return conclude(compared(_sides(a, kept.run, started), wanted), wanted, files, plain=plain)


def _sides(a: Run, again: Run, started: Sequence[NamedEnvironment]) -> tuple[Side, ...]:
    """The values of the axis that was alternated, first that of the baseline."""
    along = again.plan.alternate
    theirs = {case.case_id for case in a.plan.cases}
    first = next((value_of(case, along) for case in again.plan.cases if case.case_id in theirs), None)
    if first is None and started:
        first = started[0].name
    return tuple(sorted(sides_along(again, along), key=lambda side: side.value != first))
