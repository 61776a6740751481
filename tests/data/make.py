"""Writes graded.jsonl: a run made by hand, whose figures are round inventions and no measurement of anything.

Rows of every grade with everything that can stand beside a number, and one out of memory. ``good.jsonl``, made
the same way when the schema was 1, is kept as it was written then: an old file has to stay readable.
Run it from the repository's root: python -m tests.data.make
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import Selection, to_plan
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    Event,
    PeakMeasured,
    Progress,
    RunFinished,
    RunStarted,
    WorkerReady,
)
from cvbench_tui.core.evidence import Evidence, PassName, PassRecord, Visit
from cvbench_tui.core.measurement import (
    PHASES,
    WHOLE_PHASE,
    Failure,
    Measurement,
    PassEnergy,
    Phase,
    PhaseMemory,
    PhaseSamples,
    PhaseWork,
    Variant,
    VariantKind,
)
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.wire import encode

START_S = 1_764_000_000.0
ENVIRONMENT = Environment(
    versions=(("python", "3.11.0"), ("torch", "2.14.1"), ("torchvision", "0.29.1"), ("cvbench-tui", "0.1.0")),
    devices=(
        Device("cpu", "Example CPU", 64 * 2**30, detail="16 threads"),
        Device("cuda:0", "Example GPU [test]", 80 * 2**30, uuid="GPU-0", detail="compute capability 9.0"),
    ),
    facts=(("cpu_cores", 16), ("threads", 16), ("load_1min", 0.25), ("on_battery", False)),
    identity_hash="0123456789abcdef",
)
CEILINGS = (
    DevicePeak("cpu", "cpu", (("float32", 1e12),), 8e10, 32 * 2**20),
    DevicePeak("cuda:0", "GPU-0", (("float32", 5e13), ("tf32", 3e14)), 2.5e12, 50 * 2**20),
)
VISITS = 10  # of one round each
ROUND = Evidence(
    wall_s=0.125, timed_s=0.12, cpu_s=0.125, thread_s=0.12, waited_s=0.0005, switches=2, major_faults=0, others_s=0.01,
    stolen_s=0.0, swapped_pages=0,
)  # fmt: skip
ON_CARD = replace(
    ROUND, allocations=0, retries=0, clock_hz=1.98e9, temperature_c=55.0, power_w=500.0, foreign=0, utilisation=0.99
)
SHARES: dict[Phase, float] = {"forward": 1.0, "backward": 2.0, "total": 3.0, "inference": 0.9}
FORWARD_S = {"Resnet18": 0.004, "VGG16": 0.02, "Conv3x3/1": 0.002, "Dense": 0.00005, "BatchNorm": 0.001}
"""Invented forward times on the card; the CPU takes 16 times as long."""
NO_MEMORY = "Not enough memory on the device: 1 GiB was asked for [1, 3, 224] and [/] was free."
TRACE = "Traceback (most recent call last):\n  File [bold]model.py[/bold], line 1\ntorch.OutOfMemoryError: [/]"


def plan() -> Plan:
    """Two models and three layers on both devices."""
    models = (find_model("Resnet18"), find_model("VGG16"))
    layers = tuple(find_layer(name) for name in ("Conv3x3/1", "Dense", "BatchNorm"))
    selection = Selection("graded", models, layers, ("cpu", "cuda:0"), (), (), "default")
    return to_plan(selection, ENVIRONMENT)


def events() -> Iterator[Event]:
    """The run from its first event to its last."""
    at_s = START_S
    made = plan()
    yield RunStarted("20251124-160000-graded", made, at_s, "0.1.0")
    yield WorkerReady(1000, "3.11.0", "2.14.1", 4.5)
    yield EnvironmentProbed(ENVIRONMENT)
    yield from map(PeakMeasured, CEILINGS)
    for case in made.cases:
        at_s += 10.0
        yield CaseStarted(case.case_id, 1001, at_s=at_s)
        yield from _case(case, at_s)
    yield RunFinished("finished", at_s + 10.0)


def _who(case: Case) -> tuple[str, str]:
    return case.workload.name, case.device


def _case(case: Case, at_s: float) -> Iterator[Event]:
    forward_s = FORWARD_S[case.workload.name] * (16 if case.device == "cpu" else 1)
    if _who(case) == ("VGG16", "cpu"):
        yield CaseFailed(Failure(case.case_id, "out_of_memory", NO_MEMORY, TRACE), at_s + 2.0)
        return
    yield Progress(case.case_id, "measuring", "total", 2, 12, 0.4, 3 * forward_s, 0.06 * forward_s, at_s + 5.0)
    yield CaseFinished(_bent(case, _measurement(case, forward_s, at_s)), at_s=at_s + 9.0)


def _measurement(case: Case, forward_s: float, at_s: float) -> Measurement:
    """A quiet row that lacks nothing."""
    clock = "perf_counter" if case.device == "cpu" else "cuda_event"
    size = 2**30 if case.workload.kind == "model" else 2**26
    passes = tuple(_pass(name, case, forward_s) for name in ("training", "inference")) * VISITS
    return Measurement(
        case.case_id,
        tuple(
            PhaseSamples(phase, _rounds(forward_s * share), 1, clock, "precision") for phase, share in SHARES.items()
        ),
        memory_peak_bytes=size,
        parameters=find_model(case.workload.name).parameters if case.workload.kind == "model" else 1792,
        first_call_s=10 * forward_s,
        warmup_s=1.0,
        wall_s=9.0,
        threads=16 if case.device == "cpu" else None,
        timed_s=1.2,
        passes=passes,
        memory=tuple(_memory(phase, case, size) for phase in PHASES),
        energy=_energy(forward_s) if case.device == "cuda:0" else (),
        work=tuple(_work(phase, case, forward_s) for phase in PHASES),
        variants=tuple(_variants(case, forward_s, clock)),
        wall=_wall(case, forward_s, 1.001) if case.device != "cpu" else (),
        visit_rounds=tuple((phase, (1,) * VISITS) for phase in PHASES),
        visit_records=tuple(Visit(at_s + 12.0 * visit, 0.9, 1001 + visit) for visit in range(VISITS)),
    )


def _wall(case: Case, forward_s: float, factor: float) -> tuple[PhaseSamples, ...]:
    """A loop without a lead: that many times the card's own time."""
    return tuple(
        PhaseSamples(phase, _rounds(factor * forward_s * share), 1, "cuda_event", "precision")
        for phase, share in SHARES.items()
    )


def _bent(case: Case, quiet: Measurement) -> Measurement:
    """The row with what makes its grade."""
    bend = {
        ("Resnet18", "cuda:0"): _at_power_limit,
        ("VGG16", "cuda:0"): _imprecise,
        ("Conv3x3/1", "cuda:0"): _two_speeds,
        ("Dense", "cuda:0"): _host_bound,
        ("BatchNorm", "cuda:0"): _impossible,
        ("Resnet18", "cpu"): _set_aside,
        ("Dense", "cpu"): _contended,
        ("BatchNorm", "cpu"): _scattered,
    }.get(_who(case))
    return bend(quiet) if bend is not None else quiet


def _at_power_limit(quiet: Measurement) -> Measurement:
    """A remark that costs no grade."""
    return _with_evidence(quiet, throttle=("power_cap",))


def _imprecise(quiet: Measurement) -> Measurement:
    """Visits that differ by 2%, in no order: B."""
    return _uneven(quiet, 0.02)


def _scattered(quiet: Measurement) -> Measurement:
    """Visits that differ by 20%: D."""
    return _uneven(quiet, 0.2)


def _uneven(quiet: Measurement, share: float) -> Measurement:
    factors = [1 + share * step for step in (0, 1, -0.7, 0.6, -1, 0.8, 0.2, -0.5, -0.9, 0.9)]
    phases = (
        replace(
            phase,
            rounds=tuple(
                tuple(round(sample * factor, 9) for sample in samples)
                for samples, factor in zip(phase.rounds, factors, strict=True)
            ),
        )
        for phase in quiet.phases
    )
    return replace(quiet, phases=tuple(phases))


def _two_speeds(quiet: Measurement) -> Measurement:
    """Every third sample takes 1.3 times as long."""
    phases = (
        replace(
            phase,
            rounds=tuple(
                tuple(round(sample * (1.3 if place % 3 == 0 else 1.0), 9) for place, sample in enumerate(samples))
                for samples in phase.rounds
            ),
        )
        for phase in quiet.phases
    )
    return replace(quiet, phases=tuple(phases))


def _host_bound(quiet: Measurement) -> Measurement:
    """The card waits for its host, which takes eight times as long."""
    found = _with_evidence(quiet, host_s=0.0004, outran=0.0)
    wall = tuple(
        replace(phase, rounds=tuple(tuple(8 * sample for sample in samples) for samples in phase.rounds))
        for phase in found.phases
    )
    phases, wall = ([replace(phase, iterations_per_sample=20) for phase in each] for each in (found.phases, wall))
    return replace(found, phases=tuple(phases), wall=tuple(wall))


def _impossible(quiet: Measurement) -> Measurement:
    """What cannot be: a total below its backward pass, and inference in which the card worked on something unseen."""
    phases = tuple(
        replace(phase, rounds=_rounds(FORWARD_S["BatchNorm"])) if phase.phase == "total" else phase
        for phase in quiet.phases
    )
    return replace(_with_evidence(quiet, "inference", utilisation=0.4), phases=phases, wall=phases)


def _set_aside(quiet: Measurement) -> Measurement:
    """The first round of training waited for a core and was taken again."""
    first = _with_evidence(quiet, "training", waited_s=0.05).passes[0]
    return replace(quiet, passes=(first, *quiet.passes[1:]))


def _contended(quiet: Measurement) -> Measurement:
    """A machine that is busy all the time: C."""
    return _with_evidence(quiet, waited_s=0.015)


def _with_evidence(quiet: Measurement, name: PassName | None = None, **changes: object) -> Measurement:
    """``name``: of that pass only."""
    passes = (
        replace(each, evidence=tuple(replace(one, **changes) for one in each.evidence))  # type: ignore[arg-type]
        if name in (None, each.name)
        else each
        for each in quiet.passes
    )
    return replace(quiet, passes=tuple(passes))


def _pass(name: PassName, case: Case, forward_s: float) -> PassRecord:
    """Of one visit."""
    iteration_s = forward_s * SHARES[WHOLE_PHASE[name]]
    evidence = ROUND if case.device == "cpu" else replace(ON_CARD, host_s=iteration_s / 4)
    return PassRecord(
        name, (evidence,), warmup_s=0.05, warmup_windows_s=(iteration_s,) * 3, busy_s=0.12, wall_s=0.125,
        empty_region_s=2e-7, deferred_share=0.01,
    )  # fmt: skip


def _memory(phase: Phase, case: Case, size: int) -> PhaseMemory:
    if case.device == "cpu":
        return PhaseMemory(phase, resident_bytes=size)
    return PhaseMemory(phase, allocated_bytes=size, reserved_bytes=size + 2**25, driver_bytes=size + 2**29)


def _energy(forward_s: float) -> tuple[PassEnergy, ...]:
    """500 W by the counter; the power readings agree in training and are 10% short in inference."""
    names: tuple[PassName, ...] = ("training", "inference")
    return tuple(
        PassEnergy(name, "nvml", 2.0, round(2 / (forward_s * share)), 1000.0, joules, 100.0)
        for name, share, joules in zip(names, (3.0, 0.9), (990.0, 900.0), strict=True)
    )


def _work(phase: Phase, case: Case, forward_s: float) -> PhaseWork:
    """A tenth of the ceilings' speed."""
    flops_per_s, bytes_per_s = (1e11, 8e9) if case.device == "cpu" else (3e13, 2.5e11)
    seconds = forward_s * SHARES[phase]
    moved = round(seconds * bytes_per_s)
    return PhaseWork(phase, round(seconds * flops_per_s), moved, moved // 2, case.workload.name == "Conv3x3/1")


def _variants(case: Case, forward_s: float, clock: str) -> Iterator[Variant]:
    """Each phase alone; a layer with flushed caches; inference from a graph."""
    kinds: list[tuple[VariantKind, tuple[Phase, ...], float]] = [("alone", PHASES, 1.005)]
    kinds += [("flushed", PHASES, 1.25)] if case.workload.kind == "layer" else []
    kinds += [("device_only", ("inference",), 0.95)] if case.device == "cuda:0" else []
    for kind, phases, factor in kinds:
        for phase in phases:
            rounds = _rounds(forward_s * SHARES[phase] * factor)[:5]
            yield Variant(kind, PhaseSamples(phase, rounds, 1, clock, "rounds"))  # type: ignore[arg-type]


def _rounds(typical_s: float) -> tuple[tuple[float, ...], ...]:
    """Rounds of ten samples within 2% of the typical one, in no order."""
    return tuple(
        tuple(round(typical_s * (1 + 0.004 * ((7 * sample + 3 * number) % 11 - 5)), 12) for sample in range(10))
        for number in range(VISITS)
    )


def main() -> None:
    """Write the file beside this one."""
    lines = "".join(encode(event) + "\n" for event in events())
    Path(__file__).with_name("graded.jsonl").write_text(lines)


if __name__ == "__main__":
    main()
