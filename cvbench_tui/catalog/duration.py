"""About how long a plan will take, before anything has run. A guess for the screen, never a result."""

from __future__ import annotations

from cvbench_tui.catalog.models import MODELS
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol

CPU_GMACS_PER_S = 50.0
"""Two to four cores with AVX2 were seen to do 30 to 70 billion multiply-accumulates a second."""
ACCELERATOR_GMACS_PER_S = 5000.0
"""A card in float32, roughly; small batches wait for the host and are slower."""
LAYER_S = {True: 0.02, False: 0.0005}
"""Seconds of one training iteration of a layer, on the CPU and elsewhere."""
TRAINING_FACTOR = 3.0
"""A forward and a backward take about three times an inference."""
START_S = 0.5
"""Seconds a case takes besides: a process, building the module, the first call."""

_GMACS = {model.op: (model.gmacs, model.image) for model in MODELS}


def expected_s(plan: Plan) -> float:
    """Wall seconds for the whole plan, roughly."""
    return plan.protocol.processes * sum(_case_s(case, plan.protocol) for case in plan.cases)


def _case_s(case: Case, protocol: Protocol) -> float:
    training_s = _iteration_s(case)
    passes = (training_s, training_s / TRAINING_FACTOR)
    return START_S + 2 * training_s + sum(_pass_s(seconds, case, protocol) for seconds in passes)


def _pass_s(iteration_s: float, case: Case, protocol: Protocol) -> float:
    """Warm-up and rounds of one pass; half way between the fewest and the most rounds."""
    if protocol.method == "published":
        return iteration_s * (protocol.iterations_cpu if case.device == "cpu" else protocol.iterations)
    warmup_s = min(protocol.warmup_cap_s, max(3 * protocol.warmup_window_s, 6 * iteration_s))
    round_s = max(protocol.round_s, protocol.round_iterations * iteration_s)
    rounds = (protocol.min_rounds + protocol.max_rounds) / 2
    return max(warmup_s, 6 * iteration_s) + max(
        protocol.min_rounds * iteration_s, min(protocol.budget_s, rounds * round_s)
    )


def _iteration_s(case: Case) -> float:
    """Seconds of one training iteration."""
    on_cpu = case.device == "cpu"
    if case.workload.kind == "layer":
        return LAYER_S[on_cpu] * case.batch / 8
    gmacs, image = _GMACS.get(case.workload.op, (1.0, 224))
    scale = ((case.image or image) / image) ** 2
    rate = CPU_GMACS_PER_S if on_cpu else ACCELERATOR_GMACS_PER_S
    return TRAINING_FACTOR * gmacs * scale * case.batch / rate
