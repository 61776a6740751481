"""Which layers a model has, asked of the worker between runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cvbench_tui.core.event import CaseFailed, LayersListed
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.workers.worker_supervisor import WorkerSupervisor
from cvbench_tui.errors import WorkerError

LAYERS_S = 180.0  # time limit; the largest of torchvision's takes 3 s, a user's own may take a minute to be made


def ask_for_layers(supervisor: WorkerSupervisor, model: Workload, wanted: Sequence[str]) -> LayersListed:
    """The worker's answer; a process that ended without one is a problem too. Raises WorkerError where the worker
    itself gives none."""
    supervisor.ensure_running()
    if not supervisor.can("layers"):
        raise WorkerError("This worker cannot list the layers of a model.")
    request = {"kind": "layers", "workload": dataclasses.asdict(model), "wanted": list(wanted)}
    answer = supervisor.ask(request, LAYERS_S)
    if supervisor.one_case:
        supervisor.discard()  # every case needs a process that has run nothing else
    if isinstance(answer, CaseFailed):
        return LayersListed((), problem=answer.failure.sentence)
    if not isinstance(answer, LayersListed):
        raise WorkerError(f"The worker answered the question for a model's layers with {answer.kind}.")
    return answer
