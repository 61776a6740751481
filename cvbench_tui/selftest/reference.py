"""Numbers of other harnesses: the parent's end of the reference program, ``cvbench_tui.worker.selftest``."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cvbench_tui.core.plan import Case
from cvbench_tui.engine.workers.watchdog import NoAnswer, Watchdog
from cvbench_tui.engine.workers.worker_process import WorkerEnded, WorkerProcess, child_environment

COMMAND = (sys.executable, "-m", "cvbench_tui.worker.selftest")
ANSWER_S = 300.0  # seconds in which an answer must have come; torch's import on a cold disk is the longest part


class ReferenceFailed(Exception):
    """The reference program gave no numbers; the text is one sentence."""


@dataclass(frozen=True)
class ReferenceResult:
    """What another harness measured."""

    values_s: dict[str, float]  # seconds per iteration by phase: the median of its samples, or their mean
    samples_s: dict[str, list[float]]
    seconds: float  # wall seconds it took, building the module included


@dataclass
class Reference:
    """One reference program at a time; a fresh process for every question. Not to be shared between threads."""

    command: Sequence[str] = COMMAND
    no_driver: bool | None = False  # True: for the CPU alone, NVIDIA's driver is not asked
    _program: WorkerProcess | None = None
    _one_case: bool = False

    def start(self) -> WorkerProcess:
        """Begin importing torch, so that the first question need not wait for it. Raises ReferenceFailed."""
        if self._program is None:
            try:
                self._program = program = WorkerProcess(self.command, child_environment(no_driver=self.no_driver))
            except OSError as error:
                raise ReferenceFailed(f"The reference program could not be started: {error}.") from error
            try:
                self._one_case = bool(self._read(program).get("one_case"))
            except ReferenceFailed:
                if self.no_driver is None or not program.lacks_driver:
                    raise
                self.no_driver = None
                return self.start()
        return self._program

    def ask(self, case: Case, method: str, *, seconds: float, threads: int, **options: Any) -> ReferenceResult:
        """The numbers of that loop for that case. Raises ReferenceFailed when there are none. ``options``: ``phases``,
        and ``flush`` and ``defaults`` for do_bench."""
        program = self.start()
        request = {"case": dataclasses.asdict(case), "method": method, "seconds": seconds, "threads": threads}
        program.send({**request, **options})
        reply = self._read(program)
        if self._one_case:
            self.close()  # it would answer the next one too, in the same process
        if "error" in reply:
            raise ReferenceFailed(f"{method}: {reply['error']}")
        return ReferenceResult(reply["values_s"], reply["samples_s"], reply["seconds"])

    def close(self) -> None:
        """End it and what it started."""
        if self._program is not None:
            self._program.kill()
            self._program.close()
            self._program = None

    def _read(self, program: WorkerProcess) -> dict[str, Any]:
        """Its next line."""
        sentence = f"The reference program did not answer within {ANSWER_S:.0f} s."
        try:
            line = Watchdog(program, ANSWER_S, sentence).next_line()
        except NoAnswer as error:
            self.close()
            raise ReferenceFailed(str(error)) from None
        if isinstance(line, WorkerEnded):
            self.close()  # its last words are read to their end
            raise ReferenceFailed(f"The reference program ended: {program.last_line()}.")
        reply: dict[str, Any] = json.loads(line)
        return reply
