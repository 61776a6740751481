"""Expected duration of a plan: from earlier runs of its rows, else a rough guess that separates seconds from hours.
``results.storage.history`` reads earlier runs; ``results.stats.eta`` judges what is left once rows arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.catalog.sources import entry_of
from cvbench_tui.core import axes
from cvbench_tui.core.event import MOST_TRIES
from cvbench_tui.core.image_sizes import cannot_take, cannot_train
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.visits import most_visits

CPU_GMAC_PER_S = 50.0  # a desktop processor in float32; machines differ by five times either way
ACCELERATOR_GMAC_PER_S = 5000.0  # a recent card in float32 with its usual losses; five times either way
TRAINING_FACTOR = 3.0  # forward, then backward for the input and for the weights, each about as much work as forward
LAYER_S = 0.002
MIN_MODEL_S = 0.002  # inference of a model is not shorter than its kernel launches
TYPICAL_GMACS = 4.0  # for a model that the catalog does not know, as in a run of another version
STARTUP_S = {"cpu": 0.3}
WORKER_S = 3.0  # a worker's start, torch imported; rows on processors share a new one for each of their visits
STARTUP_ACCELERATOR_S = 3.0  # fork, build and, on an accelerator, a fresh context with its libraries
BATCH_GUESS = 64  # of a row that is to find the largest batch, by guess
LAYER_COMPILE = 0.1  # of a model's compilation, that of a single layer, by guess
OPTIMIZER_FACTOR = 0.1  # of the training iteration: what the step of an optimizer adds to it, by guess
WARMUP_WINDOWS = 3  # windows that have to agree, at the least

MANY_ROWS = 500  # more are more than a table to read, and 100 models in five variants
LONG_S = 8 * 3600.0  # a night


def too_long(rows: int, seconds: float) -> str:
    """What is said of a plan that may have been meant smaller, part of a sentence; empty of another."""
    if seconds > LONG_S:
        return "longer than a night"
    return "many rows" if rows > MANY_ROWS else ""


def expected_s(plan: Plan) -> float:
    """Wall seconds that the plan may take by guess, 0 for an empty one."""
    return sum(expected_by_case(plan).values())


def about(plan: Plan) -> str:
    """What stands before its expected duration: ``at least`` where a model is of the user's own code, whose size is not
    known before it runs."""
    own = any(case.workload.code is not None and case.workload.kind == "model" for case in plan.cases)
    return "at least" if own else "about"


def expected_by_case(plan: Plan, known: Mapping[str, float] | None = None) -> dict[str, float]:
    """Wall seconds of every case, all visits to it together, by case id. ``known``: the same from an earlier run under
    this protocol; the others are guessed, as if none were precise before its most visits. Together they take the
    protocol's shortest span at least."""
    known = known or {}
    start_s = WORKER_S / max(1, sum(case.device == "cpu" for case in plan.cases))
    seconds = {case.case_id: known.get(case.case_id) or _case_s(case, plan.protocol, start_s) for case in plan.cases}
    whole_s = sum(seconds.values())
    measured = any(not (cannot_take(case.workload) or axes.unsupported(case)) for case in plan.cases)
    longer = max(1.0, plan.protocol.span_s / whole_s) if whole_s > 0 and measured else 1.0
    return {case_id: longer * each for case_id, each in seconds.items()}


def _case_s(case: Case, protocol: Protocol, start_s: float) -> float:
    """Never more than the protocol's time limit where a single visit would reach it: the case is given up there.
    ``start_s``: a row's share of the start of a worker, in each visit on processors."""
    if cannot_take(case.workload) or axes.unsupported(case):
        return STARTUP_S.get(case.device, STARTUP_ACCELERATOR_S)
    inference_s = _inference_s(case)
    training_s = 0.0 if cannot_train(case) else inference_s * TRAINING_FACTOR
    startup_s = STARTUP_S.get(case.device, STARTUP_ACCELERATOR_S) + training_s + axes.setup_s(case.settings)
    if protocol.method == "published":
        iterations = protocol.published_iterations(case.workload.kind, case.device)
        clean_s = _case_s(case, protocol.clean, start_s) if protocol.clean is not None else 0.0
        return min(startup_s + iterations * (training_s + inference_s) + clean_s, protocol.timeout_s)
    of_pass = {"training": training_s, "inference": inference_s, "step": training_s * (1 + OPTIMIZER_FACTOR)}
    passes = [_pass_s(of_pass[name], protocol) for name in protocol.passes if of_pass[name]]
    search_s = MOST_TRIES * startup_s if case.finds_batch else 0.0
    if not passes:
        return startup_s
    shared_s = start_s if case.device == "cpu" else 0.0
    visit_s = shared_s + startup_s + sum(warmup_s + timed_s for warmup_s, timed_s in passes)
    if visit_s >= protocol.timeout_s:
        return protocol.timeout_s
    first_s = axes.first_s(case.settings) * (LAYER_COMPILE if case.workload.kind == "layer" else 1.0)
    return first_s + search_s + visit_s * most_visits(max(timed_s for _, timed_s in passes), protocol)


def _inference_s(case: Case) -> float:
    """Multiply-accumulates grow with the area of the image."""
    if case.workload.kind == "layer":
        return LAYER_S
    if case.workload.code is not None:  # a single layer or a large network: nobody knows before it runs
        return MIN_MODEL_S
    entry = entry_of(case.workload.op)
    share = (case.workload.input_shape[-1] / entry.image) ** 2 if entry else 1.0
    gmacs = share * entry.gmacs if entry and entry.gmacs is not None else TYPICAL_GMACS
    rate = CPU_GMAC_PER_S if case.device == "cpu" else ACCELERATOR_GMAC_PER_S
    if case.threads is not None and case.device == "cpu":
        rate *= min(1.0, case.threads / _cores())
    batch = BATCH_GUESS if case.finds_batch else case.batch
    return max(MIN_MODEL_S, axes.time_factor(case.settings, case.device) * gmacs * batch / rate)


@cache
def _cores() -> int:
    """Looked up once: by the control group's files it takes 1 ms, and a plan may have 20,000 rows."""
    return usable_cores()


def _pass_s(iteration_s: float, protocol: Protocol) -> tuple[float, float]:
    """Warm-up and rounds of one pass in one visit, at least one iteration for every window and round."""
    window_s = max(protocol.warmup_window_s, protocol.warmup_iterations * iteration_s)
    warmup_s = max(min(WARMUP_WINDOWS * window_s, protocol.warmup_cap_s), WARMUP_WINDOWS * iteration_s)
    rounds = protocol.min_rounds if protocol.max_visits > 1 else (protocol.min_rounds + protocol.max_rounds) / 2
    round_s = max(protocol.round_s, protocol.round_iterations * iteration_s)
    return warmup_s, max(min(rounds * round_s, protocol.budget_s), protocol.min_rounds * iteration_s)
