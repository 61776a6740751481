"""``cvbench-tui resume``: goes on with a saved run in its own file, and measures exactly the rows that it lacks."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cvbench_tui.base.escape import one_line
from cvbench_tui.catalog.environments import check_devices, code_in, differing_places, named_environments, own_model_in
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.cli.outputs import unfailing_stderr
from cvbench_tui.cli.run import Begun, How, conclude, drive, find_run, live_source
from cvbench_tui.core.event import RunFinished
from cvbench_tui.core.plan import NamedEnvironment
from cvbench_tui.engine.session import Session
from cvbench_tui.errors import SelectionError
from cvbench_tui.results import storage
from cvbench_tui.results.stats.outcome import outcome_text
from cvbench_tui.results.stats.repeat import Also, another_machine, rows_to_resume
from cvbench_tui.results.storage import run_file
from cvbench_tui.results.storage.peak_cache import with_best
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import being_written, in_use, reopen_log

if TYPE_CHECKING:
    from cvbench_tui.cli.outputs import Outputs
    from cvbench_tui.core.environment import Environment
    from cvbench_tui.engine.live import LiveSource

ANYWAY_HINT = "Measure the rows in a run of their own, or go on with --anyway: its rows cannot be compared then."


def resume(
    reference: str,
    also: Collection[Also],
    outputs: Outputs,
    how: How,
    *,
    anyway: bool = False,
    code: Collection[str] = (),
    environments: Sequence[str] = (),
    runs_dir: str | None = None,
) -> int:
    """Measure what that run lacks, and ``also`` such rows. ``anyway``: also on another machine. ``code``: of the user's
    own, and ``environments`` (NAME=WHERE), which a run file alone cannot have run. Returns the exit code.

    Raises StoreError for a file that cannot be read or written on, SelectionError for a run of another machine.
    """
    outputs.check()
    started = named_environments(environments)
    named = [entry for text in code for entry in named_code(text, started)]
    folder = storage.runs_folder(runs_dir)
    file = seen(find_run(reference, folder))
    if being_written(file.path):
        raise in_use(file.path)
    run = with_best(run_file.load(file.path), folder)
    if elsewhere := differing_places(started, run.plan.environments):
        raise SelectionError(elsewhere, "Name the one that the run was begun with, or begin a run of its own.")
    cases = rows_to_resume(run, also)
    if not cases and run.ended is None and not how.dry_run:  # it was killed between its last row and its last line
        with reopen_log(file) as log:
            log.append(RunFinished("finished", time.time()))
    if not cases:
        others = "" if also else " --failed, --busy and --invalid measure such rows again."
        with unfailing_stderr():
            print(one_line(f"Nothing to measure in {file.path}: {outcome_text(run)}.{others}"), file=sys.stderr)  # noqa: T201
            return 0 if how.dry_run else conclude(run, outputs, how)

    def begin(source: LiveSource, environment: Environment) -> Begun:
        plan = replace(run.plan, cases=cases)
        check_devices(source.probe_named(), plan, run)
        if not anyway and (why := another_machine(run, environment, cases)):
            raise SelectionError(why, ANYWAY_HINT)
        return Begun(Session(source, plan, resume=run), plan, lambda: reopen_log(file), folder)

    cpu_only = all(case.device == "cpu" for case in cases)
    source = live_source(runs_dir, cpu_only=cpu_only, named=named, environments=started)
    return drive(source, begin, outputs, how)


def named_code(text: str, started: Sequence[NamedEnvironment]) -> tuple[ModelEntry, ...]:
    """That code as it is here and in the folders of the environments."""
    entry = own_model_in(text, started, ())
    return (entry, *(each for _, each in code_in(text, entry, started)))
