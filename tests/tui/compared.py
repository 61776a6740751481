"""Runs that are compared, by hand: every verdict, a failure, differences; no clock and no chance."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, PhaseSamples
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.compare.build import sides_along
from cvbench_tui.tui.state.compare_request import CompareRequest
from tests.results.samples import ENVIRONMENT, FACTORS, VISITS, WOBBLE, model, plan, run_of

TIMES: dict[str, tuple[float, float | None, float]] = {
    "resnet50": (0.02047, 0.01458, 6.0),
    "resnet18": (0.00631, 0.00470, 9.0),
    "resnet34": (0.01059, 0.00816, 12.0),
    "densenet121": (0.02337, 0.02250, 150.0),
    "vgg16": (0.02935, 0.02936, 3.0),
    "mobilenet_v3_large": (0.00521, 0.00498, 5.0),
    "vit_b_16": (0.03420, 0.03563, 4.0),
    "swin_t": (0.03077, None, 1.0),
}
"""Seconds of the forward pass contiguous and channels_last, None for a failure; how far visits of the second are apart,
as a multiple of ``WOBBLE``."""
OOM = "CUDA out of memory: the card has 80 GiB, of which 1.2 GiB were free."


def measured(case: Case, forward_s: float, spread: float = 1.0, *, later: bool = False) -> Measurement:
    """Ten visits of one round each, so far apart. ``later``: after those of the other side, so that none are pairs."""
    phases = []
    for phase in (each for each in PHASES if each in FACTORS):
        base = forward_s * FACTORS[phase]
        shares = [spread * wobble for wobble in (reversed(WOBBLE) if later else WOBBLE)]
        rounds = tuple((base * (1 + share), base * (1 + 1.2 * share)) for share in shares)
        phases.append(PhaseSamples(phase, rounds, 1, "perf_counter", "precision"))
    visits = tuple((phase.phase, (1,) * len(WOBBLE)) for phase in phases)
    records = tuple(replace(each, begun_at_s=each.begun_at_s + 600.0 * later) for each in VISITS)
    return Measurement(
        case.case_id, tuple(phases), 3 * 2**28, 11689512, 0.5, 1.25, 40.0, 16, (), visits, visit_records=records
    )


def three_sides() -> CompareRequest:
    """Along the precision, of which a run of one model has three, each in two layouts."""
    one = Case(model("resnet50"), "cuda:0", 64)
    values = {"default": 0.02, "bf16": 0.012, "fp16": 0.011}
    cases = [
        one.varied(precision=value, memory_format=layout)
        for value in values
        for layout in ("contiguous", "channels_last")
    ]
    outcomes = [measured(case, values[case.setting("precision")], later=bool(case.settings)) for case in cases]
    return CompareRequest(sides_along(run_of(plan(*cases), *outcomes), "precision"), "precision")


def along_memory_format() -> Run:
    """One run with both layouts of every model."""
    outcomes: list[Measurement | Failure] = []
    cases: list[Case] = []
    for name, (before_s, now_s, spread) in TIMES.items():
        case = Case(model(name), "cuda:0", 64)
        other = case.varied(memory_format="channels_last")
        cases += [case, other]
        outcomes.append(measured(case, before_s))
        if now_s is None:
            outcomes.append(Failure(other.case_id, "out_of_memory", OOM, "Trace"))
        else:
            outcomes.append(measured(other, now_s, spread, later=True))
    return run_of(plan(*cases), *outcomes)


def request_along(axis: str) -> CompareRequest:
    """That run along that axis."""
    return CompareRequest(sides_along(along_memory_format(), axis), axis)


def runs() -> tuple[Run, Run]:
    """The same models before and after an update."""
    cases = [Case(model(name), "cuda:0", 64) for name in TIMES]
    before = [measured(case, TIMES[case.workload.name][0]) for case in cases]
    now: list[Measurement | Failure] = []
    for case in cases:
        _, now_s, spread = TIMES[case.workload.name]
        now.append(
            measured(case, now_s, spread, later=True) if now_s else Failure(case.case_id, "out_of_memory", OOM, "")
        )
    a = run_of(plan(*cases, name="nightly"), *before, environment=replace(ENVIRONMENT, identity_hash="a"))
    b = run_of(plan(*cases, name="nightly"), *now, environment=updated())
    b = replace(b, id="20261126-212903-51c0", started_at_s=b.started_at_s + 195_000.0)
    return replace(a, id="20261124-151012-9f3a"), b


def updated() -> Environment:
    """The machine with another torch and driver."""
    versions = dict(ENVIRONMENT.versions) | {"torch": "2.15.0+cu130", "driver": "590.44"}
    return replace(ENVIRONMENT, versions=tuple(versions.items()), identity_hash="b")
