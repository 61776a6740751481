"""The layers of a model that a run has, each as often as the model calls it, beside the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_names import batch_text
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import LAYER_OF_MODEL, Workload
from cvbench_tui.results.stats.phase_stats import reported
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.text import units


@dataclass(frozen=True)
class LayerSum:
    """What the measured layers of a model take together."""

    seconds: Mapping[Phase, tuple[float, float]]  # of the layers, and of the model; phases that all of them have
    layers: int  # distinct ones that have valid numbers
    distinct: int  # that the model has
    share: float  # of the model's operations that they are, 0 to 1

    @property
    def covered(self) -> str:
        """``20 of 24 distinct layers, 99.8% of the operations``."""
        return f"{self.layers} of {self.distinct} distinct layers, {self.share:.1%} of the operations"

    def phase_text(self, phase: Phase) -> str:
        """``12.1 ms of 14.5 ms (83%)``."""
        layers_s, model_s = self.seconds[phase]
        return f"{units.seconds_text(layers_s)} of {units.seconds_text(model_s)} ({layers_s / model_s:.0%})"


def layer_sum(run: Run, case: Case, layers: Sequence[Case] | None = None) -> LayerSum | None:
    """The sum beside that row; None where it is no model's with numbers, or the run has none of its layers at the same
    device, batch, image and settings. Layers that are equal count once, and blocks never: they hold others.
    ``layers``: the run's layers of models, where the caller has them."""
    if case.workload.kind != "model" or case.workload.image is None:
        return None
    found: dict[object, tuple[Case, int]] = {}
    for each in _layers(run) if layers is None else layers:
        count = each.workload.param("count")
        if type(count) is int and belongs(each, case) and any(one.valid for one in row_data(run, each).phases.values()):
            found.setdefault(each.workload.param("like"), (each, count))
    model, protocol = row_data(run, case).phases, run.plan.protocol
    seconds: dict[Phase, tuple[float, float]] = {}
    for phase in PHASES:
        parts = [(row_data(run, each).phases.get(phase), count) for each, count in found.values()]
        whole = model.get(phase)
        numbers = [reported(protocol, part)[0] * count for part, count in parts if part is not None and part.valid]
        if whole is not None and whole.valid and parts and len(numbers) == len(parts):
            seconds[phase] = sum(numbers), reported(protocol, whole)[0]
    if not seconds:
        return None
    works = [each.workload for each, _ in found.values()]
    distinct = max(_number(work, "distinct") for work in works)
    return LayerSum(seconds, len(works), max(len(works), int(distinct)), sum(_number(work, "share") for work in works))


def layer_lines(run: Run, cases: Sequence[Case]) -> tuple[str, ...]:
    """One sentence for each model among these rows whose layers the run has as well."""
    layers = _layers(run)
    lines = []
    for case in cases if layers else ():
        if (found := layer_sum(run, case, layers)) is not None:
            name = run.plan.label(case, without=("device", "batch"))
            times = ", ".join(f"{phase} {found.phase_text(phase)}" for phase in found.seconds)
            lines.append(
                f"Layers of {one_line(name)} on {case.device}, {batch_text(case)}, each as often as it is"
                f" called, of the model's time: {times}; {found.covered}."
            )
    return tuple(lines)


def _layers(run: Run) -> list[Case]:
    return [case for case in run.plan.cases if case.workload.op == LAYER_OF_MODEL]


def belongs(layer: Case, model: Case) -> bool:
    """True for a layer of that model under the same conditions. Names are not compared."""
    made = layer.workload.model
    if made is None:
        return False
    mine, theirs = (made.op, made.input_shape, made.params), model.workload
    if mine != (theirs.op, theirs.input_shape, theirs.params):
        return False
    places = [(each.device, each.batch, each.framework, each.settings) for each in (layer, model)]
    return places[0] == places[1]


def _number(work: Workload, name: str) -> float:
    value = work.param(name)
    return float(value) if isinstance(value, (int, float)) else 0.0
