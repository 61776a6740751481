"""The owner of the run's state, with the source and the background threads: all of a run that needs no widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import RunLabelled
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.run import Run, fold
from cvbench_tui.engine.host.others import Watch
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_index import SeenFile, seen
from cvbench_tui.tui.background.log_buffer import LogBuffer
from cvbench_tui.tui.background.threads import (
    BackgroundThread,
    RunThread,
    list_layers,
    look,
    offer_resume,
    open_run,
    probe,
    wait_for_idle,
)
from cvbench_tui.tui.messages import Post
from cvbench_tui.tui.state.run_state import RunState

EXIT_WAIT_S = 0.4  # longest wait for the run's last event at exit; a run file without it reads as interrupted


class RunManager:
    """Asks for devices, begins runs, adds to them, ends them. The app hands it what its threads post."""

    def __init__(
        self,
        source: EventSource,
        history: History,
        post: Post,
        clock: Callable[[], float],
        changed: Callable[[RunState, RunState], object] = lambda before, now: None,
    ) -> None:
        """``history``: of the folder that the runs are written into. ``changed`` is called with each two states."""
        self.state = RunState()
        self.log = LogBuffer(post, clock)  # worker's stderr and what happened; its lines are for the app's thread only
        self._before: RunState | None = None  # what is shown again when the run cannot be begun
        self._thread: RunThread | None = None
        self._watch: Watch | None = None  # looks at other programs before a run begins
        self._source = source
        self._history = history
        self._post = post
        self._clock = clock
        self._changed = changed
        source.listen(self.log.write)

    def _set(self, **changes: Any) -> None:
        before, self.state = self.state, replace(self.state, **changes)
        self._changed(before, self.state)

    def ask(self, *, queued: bool = False) -> None:
        """Ask the worker for the devices, unless that is being done. ``queued``: the user waits for them to run."""
        asking = self.state.status in ("probing", "queued")
        self._set(status="queued" if queued else "probing", problem=None)
        if not asking:
            BackgroundThread(self._post, probe, self._source).start()

    def probed(self, environment: Environment | None, problem: CvbenchError | None = None) -> None:
        """The worker has reported the devices, or could not be started."""
        self._set(environment=environment, status="idle", problem=problem)

    def look(self, plan: Plan) -> None:
        """Look at other programs where that plan would be measured, in the background; ``Looked`` follows."""
        self._watch = self._source.watch(plan)
        self._set(status="looking")
        BackgroundThread(self._post, look, self._watch).start()

    def wait(self) -> None:
        """Wait until they have left; ``Looked`` follows again and again, then ``BecameIdle``."""
        if self._watch is not None:
            self._set(status="waiting")
            BackgroundThread(self._post, wait_for_idle, self._watch).start()

    def watches(self, watch: Watch) -> bool:
        """False for one whose run is not wanted any more, or has begun."""
        return watch is self._watch

    def stop_looking(self) -> None:
        """Neither look nor wait any more."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
            self._set(status="idle")

    def begin(self, plan: Plan) -> None:
        """Begin a run; ``RunAdvanced`` messages follow, or one ``RunRefused``."""
        self._start(Session(self._source, plan, started_at_s=self._clock()), run=None, saved=False)

    def add(self, plan: Plan) -> int:
        """Add the plan's cases that are not in the running run, under its protocol. Returns how many."""
        if self._thread is None or not self.state.running:
            return 0
        known = {case.case_id for case in self._thread.session.plan.cases}
        new = [case for case in plan.cases if case.case_id not in known]
        return len(new) if new and self._thread.session.add(new) else 0

    def lacking_passes(self, plan: Plan) -> tuple[PassName, ...]:
        """The passes of that plan which the running run does not measure, whatever rows it gets."""
        if self._thread is None or not self.state.running:
            return ()
        measured = self._thread.session.plan.protocol.passes
        return tuple(name for name in plan.protocol.passes if name not in measured)

    def again(self) -> bool:
        """Measure the repeatable rows again: a running run gets them added, another is resumed. False without any."""
        if self._thread is not None and self.state.running:
            return bool(self.state.repeatable) and self._thread.session.add(self.state.repeatable)
        return self.resume(self.state.repeatable)

    def resume(self, cases: Sequence[Case]) -> bool:
        """Measure these rows of the run that is shown, in its own file. False without any."""
        run = self.state.run
        if run is None or not cases:
            return False
        now_s = self._clock()
        plan = replace(run.plan, cases=tuple(cases))
        session = Session(self._source, plan, started_at_s=now_s, resume=run)
        self._start(session, self.state.run_file, run=reduce(fold, session.opening, run))
        return True

    def _start(self, session: Session, opened: SeenFile | None = None, **changes: Any) -> None:
        self._before = self.state
        self._thread = RunThread(self._post, session, self._history, self.log.note, opened)
        self._set(status="running", began_at_s=session.started_at_s, run_file=self._thread.file, **changes)
        self._thread.start()

    def advanced(self, run: Run) -> None:
        """``RunAdvanced`` came."""
        self._before = None
        changes: dict[str, Any] = {"run": run}
        if run.ended is not None and self._thread is not None:
            changes |= {"run_file": self._thread.file, "status": "idle"}
        self._set(**changes)

    def moved(self, problem: CvbenchError) -> None:
        """``RunMoved`` came: the run has another file."""
        self.log.write(f"{problem.message} {problem.hint}")
        if self._thread is not None:
            self._set(run_file=self._thread.file)

    def refused(self) -> None:
        """``RunRefused`` came: the run could not be begun, or not be written to its end."""
        if self._before is not None:
            self.state, before = self._before, self.state
            self._changed(before, self.state)
        elif self.state.running:
            self._set(status="idle")

    def skip(self) -> None:
        """Skip the case being measured; nothing between two cases."""
        if self._thread is not None and self.state.running:
            self._thread.session.skip()

    def cancel(self) -> None:
        """End the run, or take it off the queue. It stays ``running`` until it has ended."""
        self.stop_looking()
        if self.state.status == "queued":
            self._set(status="probing")
        elif self._thread is not None and self.state.running:
            self._set(status="cancelling")
            self._thread.session.cancel()

    def read(self, path: Path) -> None:
        """Read the run of that file; ``RunOpened`` or ``Failed`` will follow."""
        BackgroundThread(self._post, open_run, path).start()

    def list_layers(self, model: ModelEntry, images: Sequence[int]) -> None:
        """Ask the worker for the layers of that model; ``LayersListed`` or ``Failed`` will follow."""
        BackgroundThread(self._post, list_layers, self._source, model, images).start()

    def offer_resume(self) -> None:
        """Look whether the last run lacks something; ``ResumeOffered`` follows if so."""
        BackgroundThread(self._post, offer_resume, self._history.folder).start()

    def open(self, run: Run, file: SeenFile) -> bool:
        """Show the saved run of that file. False while one is running: it keeps its place."""
        if self.state.running:
            return False
        self.stop_looking()
        status = "probing" if self.state.status == "queued" else self.state.status
        run = replace(run, running=None, progress=None)  # its file may have been cut off in mid-case
        self._set(run=run, saved=True, run_file=file, status=status)
        return True

    def labelled(self, before: SeenFile, event: RunLabelled) -> None:
        """A saved run was named: the one that is shown is called so too, and its file is known as it is now."""
        run, shown = self.state.run, self.state.run_file
        if run is None or self.state.running or shown != before:
            return
        self._set(run=fold(run, event), run_file=seen(before.path))

    def shut_down(self) -> None:
        """End the run and the worker, waiting briefly for the last line of the run file."""
        self.log.close()
        self.stop_looking()
        if self._thread is not None and self._thread.is_alive():
            self._thread.session.cancel()
        self._source.close()
        if self._thread is not None:
            self._thread.join(EXIT_WAIT_S)
