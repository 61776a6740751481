"""Workers of several environments: this program's own Python, other interpreters, folders of code of the user's.

One supervisor for each, whose worker is started when it is first needed; one of them computes at a time, by turns where
rows of several are measured round by round. Another interpreter needs torch and torchvision alone: of this program it
gets the package ``cvbench_tui`` by a link in a folder of its own, and no package that is installed beside it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.axes import ENV, axis
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import CaseFailed, EnvironmentProbed
from cvbench_tui.core.plan import Case, NamedEnvironment
from cvbench_tui.engine.workers.worker_supervisor import WorkerSupervisor
from cvbench_tui.errors import SelectionError, WorkerError

OWN = ""  # name of this program's own
PROBE_S = 150.0  # the worker gives NVIDIA's driver up after at most 100, and then Intel's after 30
MODULE = ("-m", "cvbench_tui.worker")


def name_of(case: Case) -> str:
    """Name of the environment that measures the case; empty for the program's own."""
    known = axis(ENV)
    value = case.setting(ENV)
    return OWN if known is None or value == known.default else value


class WorkersByEnvironment:
    """``own``: the supervisor of the program's own worker. Others are made from ``named`` when they are asked for."""

    def __init__(self, own: WorkerSupervisor, start_s: float, named: Sequence[NamedEnvironment]) -> None:
        self._named = {each.name: each for each in named}
        self._start_s = start_s
        self._workers = {OWN: own}
        self._bundle: str | None = None

    @property
    def named(self) -> tuple[NamedEnvironment, ...]:
        """Those besides the program's own."""
        return tuple(self._named.values())

    @property
    def all(self) -> tuple[WorkerSupervisor, ...]:
        """The supervisors so far."""
        return tuple(self._workers.values())

    def of(self, name: str) -> WorkerSupervisor:
        """The supervisor of that environment. Raises WorkerError for one that was not named for this source."""
        if name not in self._workers:
            environment = self._named.get(name)
            if environment is None:
                raise WorkerError(f"There is no environment {one_line(name)}.", "Name it: --env NAME=WHERE")
            self._workers[name] = self._made(environment)
        return self._workers[name]

    def side_by_side(self, names: Sequence[str]) -> list[WorkerSupervisor]:
        """A supervisor for each of these environments, another one where a name is there again."""
        return [self._numbered(name, list(names[:place]).count(name)) for place, name in enumerate(names)]

    def _numbered(self, name: str, number: int) -> WorkerSupervisor:
        """Its usual one is 0."""
        if not number:
            return self.of(name)
        key = f"{name} {number}"  # no name has a blank
        if key not in self._workers:
            named, own = self._named.get(name), self._workers[OWN]
            self._workers[key] = (
                self._made(named) if named else self._like(own, WorkerSupervisor(own.command, self._start_s))
            )
        return self._workers[key]

    def _like(self, own: WorkerSupervisor, made: WorkerSupervisor) -> WorkerSupervisor:
        made.no_driver, made.hear, made.closed = own.no_driver, own.hear, own.closed
        return made

    def _made(self, environment: NamedEnvironment) -> WorkerSupervisor:
        own = self._workers[OWN]
        command = [environment.python, *MODULE] if environment.python else list(own.command)
        first = tuple(filter(None, (self._package(), environment.folder)))
        made = WorkerSupervisor(command, self._start_s, first=first, folder=environment.folder or None)
        return self._like(own, made)

    def _package(self) -> str:
        """A folder that holds this package and nothing else."""
        if self._bundle is None:
            self._bundle = tempfile.mkdtemp(prefix="cvbench-worker-")
            package, link = Path(__file__).resolve().parents[2], Path(self._bundle, "cvbench_tui")
            try:
                link.symlink_to(package, target_is_directory=True)
            except OSError:  # a system that allows no links
                shutil.copytree(package, link, ignore=shutil.ignore_patterns("__pycache__"))
        return self._bundle

    def listen(self, hear: Callable[[str], None]) -> None:
        """Call it with each line of stderr of every worker, of later ones too."""
        for each in self.all:
            each.hear = hear

    def discard_further(self) -> None:
        """End those beside the usual one of an environment."""
        for key in [key for key in self._workers if " " in key]:
            self._workers.pop(key).discard()

    def discard(self) -> None:
        """End every worker."""
        for each in self.all:
            each.discard()

    def close(self) -> None:
        """End every worker, start none any more, and remove the folder that was made for them."""
        for each in self.all:
            each.closed = True
            each.kill()
            each.discard()
        if self._bundle is not None:
            shutil.rmtree(self._bundle, ignore_errors=True)
            self._bundle = None


def refused(environment: NamedEnvironment, problem: WorkerError) -> SelectionError:
    """That this environment cannot be used, as a mistake of the user's who has named it."""
    reason = problem.message[0].lower() + problem.message[1:]
    sentence = f"The environment {environment.name} ({one_line(environment.where)}) cannot be used: {reason}"
    return SelectionError(sentence, problem.hint)


def probe(supervisor: WorkerSupervisor, *, cpu_only: bool) -> Environment:
    """The worker's answer to a probe. Raises WorkerError when it is none."""
    event = supervisor.ask({"kind": "probe", "cpu_only": cpu_only}, PROBE_S)
    if isinstance(event, EnvironmentProbed):
        return event.environment
    if isinstance(event, CaseFailed):
        supervisor.discard()
        raise WorkerError(f"The devices could not be listed: {event.failure.sentence}", event.failure.detail)
    raise WorkerError(f"The worker answered a probe with {event.kind}.")
