"""Runs made by hand: fixed numbers, every kind of outcome, no clock and no chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    Event,
    Progress,
    RunFinished,
    RunStarted,
    WorkerReady,
)
from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Notice, PhaseSamples, Stop
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.storage.run_file import load

STARTED_AT_S = 1795533012.0
"""2026-11-24 15:10:12 UTC."""
UNSETTLED = Notice("unsettled", "Warm-up ended after 3 s before the times agreed; the first rounds may be slow.")
FACTORS = {"forward": 1.0, "backward": 2.0, "total": 3.0, "inference": 0.75}
"""Times of a phase in units of the forward pass; exact in binary."""
WOBBLE = (0.0, 0.001, -0.001, 0.002, 0.0, 0.0, -0.001, 0.002, 0.0, 0.001)
"""Added to a sample, as a share, by its round."""

VISITS = tuple(Visit(STARTED_AT_S + 6.0 * visit, 2.0, 42 + visit) for visit in range(len(WOBBLE)))
"""In processes of their own, over a minute."""

ENVIRONMENT = Environment(
    versions=(("python", "3.11.9"), ("torch", "2.14.1+cu130"), ("torchvision", "0.29.1+cu130"), ("driver", "580.1")),
    devices=(
        Device("cpu", "Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz", 64 * 2**30, detail="16 threads"),
        Device("cuda:0", "NVIDIA H100 80GB HBM3", 80 * 2**30, uuid="GPU-1", detail="compute capability 9.0"),
        Device("mps", "Apple GPU", available=False, reason="Not a Mac."),
    ),
    facts=(("platform", "Linux"), ("usable_cores", 16), ("memory_available_bytes", 2**33), ("on_battery", False)),
)


def model(name: str, op: str = "", side: int = 224) -> Workload:
    return Workload("model", name, op or name.lower(), (3, side, side))


CONV = Workload(
    "layer", "Conv3x3/1", "conv2d", (3, 224, 224),
    (("in_channels", 3), ("kernel_size", 3), ("out_channels", 64), ("padding", 1), ("stride", 1)),
)  # fmt: skip
DENSE = Workload("layer", "Dense", "linear", (1024,), (("in_features", 1024), ("out_features", 512)))


def measurement(
    case: Case,
    forward_s: float,
    *,
    stop: Stop = "precision",
    notices: tuple[Notice, ...] = (),
    memory: int | None = 3 * 2**28,
    factors: dict[str, float] = FACTORS,
) -> Measurement:
    """Ten visits of a round of two samples, the second a thousandth longer."""
    phases = []
    for phase in PHASES:
        if phase in factors:
            base = forward_s * factors[phase]
            rounds = tuple((base * (1 + wobble), base * (1.001 + wobble)) for wobble in WOBBLE)
            phases.append(PhaseSamples(phase, rounds, 1, "perf_counter", stop))
    visits = tuple((phase.phase, (1,) * len(WOBBLE)) for phase in phases)
    return Measurement(
        case.case_id, tuple(phases), memory, 11689512, 0.5, 1.25, 40.0, 16, notices, visits, visit_records=VISITS
    )


def with_clean(case: Case, forward_s: float, *, stop: Stop = "fixed", **known: Any) -> Measurement:
    """By the published loop: the clean numbers beside it are an eighth shorter."""
    clean = measurement(case, 0.875 * forward_s, memory=None)
    return replace(measurement(case, forward_s, stop=stop, **known), clean=clean)


def plan(*cases: Case, protocol: str = "default", name: str = "sample") -> Plan:
    return Plan(name, cases, PROTOCOLS[protocol])


def run_of(plan: Plan, *outcomes: Measurement | Failure, environment: Environment | None = ENVIRONMENT) -> Run:
    """A finished run with these outcomes."""
    run: Run | None = None
    for event in events_of(plan, *outcomes, environment=environment):
        run = fold(run, event)
    assert run is not None
    return run


def events_of(
    plan: Plan, *outcomes: Measurement | Failure, environment: Environment | None = ENVIRONMENT
) -> list[Event]:
    """The events of a run that finished."""
    events: list[Event] = [RunStarted("20261124-151012-9f3a", plan, STARTED_AT_S, "0.1.0")]
    events.append(WorkerReady(41, "3.11.9", "2.14.1+cu130", 4.5))
    if environment is not None:
        events.append(EnvironmentProbed(environment))
    for outcome in outcomes:
        events.append(CaseStarted(outcome.case_id, 42, at_s=STARTED_AT_S + 5))
        events.append(Progress(outcome.case_id, "measuring", "total", 3, 12, 0.375))
        events.append(CaseFailed(outcome) if isinstance(outcome, Failure) else CaseFinished(outcome))
    return [*events, RunFinished("finished", STARTED_AT_S + 60)]


def mixed_plan(protocol: str = "default", framework: str = "torch") -> Plan:
    """Models and layers on a card and on the CPU."""
    return plan(
        Case(model("VGG16"), "cuda:0", 8, framework),
        Case(model("Resnet18"), "cuda:0", 8, framework),
        Case(model("Resnet101"), "cuda:0", 4, framework),
        Case(CONV, "cuda:0", 8, framework),
        Case(DENSE, "cuda:0", 8, framework),
        Case(model("VGG16"), "cpu", 8, framework),
        Case(CONV, "cpu", 8, framework),
        protocol=protocol,
        name="mixed",
    )


def mixed_events(protocol: str = "default") -> list[Event]:
    """A measured row of each state, an out of memory, and the notices."""
    mixed = mixed_plan(protocol)
    vgg, resnet18, resnet101, conv, dense, slow_vgg, slow_conv = mixed.cases
    fixed: Stop | None = "fixed" if protocol == "original" else None
    measured = with_clean if protocol == "original" else measurement
    return events_of(
        mixed,
        measured(vgg, 0.0245, stop=fixed or "precision"),
        measured(resnet18, 0.0064, stop=fixed or "budget", notices=(UNSETTLED,)),
        Failure(resnet101.case_id, "out_of_memory", "The card has 80 GiB, of which 2 GiB were free.", "Trace\nlast"),
        measured(conv, 0.0002312, stop=fixed or "precision", memory=None),
        measured(dense, 0.0000887, stop=fixed or "precision"),
        measured(slow_vgg, 6.6024, stop=fixed or "rounds"),
        measured(slow_conv, 0.012, stop=fixed or "precision"),
    )


def mixed_run(protocol: str = "default") -> Run:
    run: Run | None = None
    for event in mixed_events(protocol):
        run = fold(run, event)
    assert run is not None
    return run


def flux_run() -> Run:
    """The same cases in another framework: slower in one phase, without another, and one case missing."""
    other = mixed_plan(framework="flux")
    vgg, resnet18, resnet101, conv, dense, slow_vgg, _ = other.cases
    environment = replace(ENVIRONMENT, versions=(("julia", "1.12"), ("flux", "0.6.8+")))
    return run_of(
        other,
        measurement(vgg, 0.0287),
        measurement(resnet18, 0.008, factors={"forward": 0.5, "backward": 2.0, "total": 2.5}),
        measurement(resnet101, 0.0215),
        measurement(conv, 0.0001984),
        Failure(dense.case_id, "unsupported", "Flux has no such [layer]."),
        measurement(slow_vgg, 10.458),
        environment=environment,
    )


def graded_run() -> Run:
    """The recorded run with rows of every grade."""
    return load(Path(__file__).parent.parent / "data" / "graded.jsonl")


def graded_energy():
    return next(each.energy for each in graded_run().measured if each.energy)
