"""How much memory a training iteration takes, by formula, and which rows of a plan cannot fit. Nothing is measured.

Weights and their gradients, plus what an iteration holds for each input: the catalog's column ``training_mb``,
counted with PyTorch's ``meta`` device as the tensors that autograd keeps. The gradients on their way and the libraries'
working memory are added by ``WORKSPACE``.

Measured by the worker on a CPU (growth of resident memory), as a share of this formula: Resnet18 1.10 to 1.18 at batch
1 to 8, VGG16 1.03 to 1.05, mobilenet_v3_small 1.00 to 1.09, densenet121 0.87 to 0.88 (batch 1 and 4), vit_b_16 0.74 and
0.79 (batch 4 and 8). No card has been compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.sources import entry_of
from cvbench_tui.core import axes
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.image_sizes import cannot_take, cannot_train
from cvbench_tui.core.plan import Case, Plan

FLOAT32_BYTES = 4
WEIGHT_COPIES = 2  # the weights and their gradients; an optimizer's state is added where a step is measured
WORKSPACE = 1.4  # what the held tensors are multiplied by
SURE = 0.6
"""A row is called too large when this share of its expectation is already too much. The least share seen is 0.74; the
tensors alone, with no working memory and the weights' gradients arriving only when as much of what was held has gone,
are 0.59 at the worst."""

_LAYERS: dict[tuple[object, ...], LayerEntry] = {(entry.op, entry.params): entry for entry in LAYERS}
"""By what is computed: two of the list differ in their size only."""


@dataclass(frozen=True)
class TooLarge:
    """A row that will not fit into its device's memory."""

    case: Case
    needs_bytes: int
    has_bytes: int  # memory of the device


def expected_bytes(case: Case, *, step: bool = False) -> int | None:
    """Peak bytes of a training iteration of that case, with ``step`` of one that an optimizer ends; None for a
    workload of which the catalog does not know it."""
    workload, entry = case.workload, entry_of(case.workload.op)
    layer = _LAYERS.get((workload.op, workload.params))
    if workload.kind == "model" and entry and entry.training_mb is not None and entry.parameters is not None:
        held = entry.training_mb * 1e6 * (workload.input_shape[-1] / entry.image) ** 2  # grows with the input's area
        state = sum(axis.value(case.setting(axis.name)).weight_copies for axis in axes.AXES) if step else 0
        fixed = (WEIGHT_COPIES + state) * FLOAT32_BYTES * entry.parameters
    elif workload.kind == "layer" and layer:
        held = layer.training_mb * 1e6 * prod(workload.input_shape) / prod(layer.input_shape)
        fixed = 0  # a layer's weights are left out: the largest block has 7 million, 57 MB with their gradients
    else:
        return None
    return round((fixed + WORKSPACE * held * case.batch) * axes.memory_factor(case.settings))


def too_large(plan: Plan, environment: Environment) -> tuple[TooLarge, ...]:
    """The rows that will not fit, in the plan's order; those of which too little is known are left out, those that are
    measured without training (inference takes far less), and those that find their batch."""
    if {"training", "step"}.isdisjoint(plan.protocol.passes):
        return ()
    step = "step" in plan.protocol.passes
    memory = {device.id: device.memory_bytes for device in environment.devices}
    trained = (
        case
        for case in plan.cases
        if not (cannot_take(case.workload) or cannot_train(case) or axes.unsupported(case) or case.finds_batch)
    )
    rows = ((case, expected_bytes(case, step=step), memory.get(case.device)) for case in trained)
    return tuple(TooLarge(case, needs, has) for case, needs, has in rows if needs and has and needs * SURE > has)
