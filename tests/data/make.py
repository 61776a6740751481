"""Writes good.jsonl: a run made by hand, whose figures are round inventions and no measurement of anything.

Three workloads on two devices, one of them out of memory, and texts that look like markup.
Run it from the repository's root: python tests/data/make.py
"""

from __future__ import annotations

from collections.abc import Iterator
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
    Progress,
    RunFinished,
    RunStarted,
    WorkerReady,
)
from cvbench_tui.core.measurement import Failure, Measurement, Notice, Phase, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.wire import encode

START_S = 1_764_000_000.0
ENVIRONMENT = Environment(
    versions=(("python", "3.11.0"), ("torch", "2.14.1"), ("torchvision", "0.29.1"), ("cvbench-tui", "0.1.0")),
    devices=(
        Device("cpu", "Example CPU", 64 * 2**30, detail="16 threads"),
        Device("cuda:0", "Example GPU [test]", 80 * 2**30, uuid="GPU-0", detail="compute capability 9.0"),
        Device("mps", "Apple GPU", available=False, reason="Not a Mac."),
    ),
    facts=(("cpu_cores", 16), ("threads", 16), ("load_1min", 0.25)),
)
FORWARD_S = {"Resnet18": 0.04, "VGG16": 0.3, "Conv3x3/1": 0.002}
"""Invented forward times on the CPU; the card is 16 times as fast."""
SHARES: tuple[tuple[Phase, float], ...] = (("forward", 1.0), ("backward", 2.0), ("total", 3.0), ("inference", 0.9))
NO_MEMORY = "Not enough memory on the device: 1 GiB was asked for [1, 3, 224] and [/] was free."
TRACE = "Traceback (most recent call last):\n  File [bold]model.py[/bold], line 1\ntorch.OutOfMemoryError: [/]"


def plan() -> Plan:
    """Two models and a layer on both devices."""
    models = (find_model("Resnet18"), find_model("VGG16"))
    layers = (find_layer("Conv3x3/1"),)
    selection = Selection("selection", models, layers, ("cpu", "cuda:0"), None, None, "quick")
    return to_plan(selection, ENVIRONMENT)


def events() -> Iterator[Event]:
    """The run from its first event to its last."""
    at_s = START_S
    made = plan()
    yield RunStarted("20251124-160000-test", made, at_s, "0.1.0")
    yield WorkerReady(1000, "3.11.0", "2.14.1", 4.5)
    yield EnvironmentProbed(ENVIRONMENT)
    for case in made.cases:
        at_s += 10.0
        yield CaseStarted(case.case_id, 1001, at_s=at_s)
        yield from _case(case, at_s)
    yield RunFinished("finished", at_s + 10.0)


def _case(case: Case, at_s: float) -> Iterator[Event]:
    yield Progress(case.case_id, "building", at_s=at_s + 1.0)
    if case.workload.name == "VGG16" and case.device == "cuda:0":
        yield CaseFailed(Failure(case.case_id, "out_of_memory", NO_MEMORY, TRACE), at_s + 2.0)
        return
    forward_s = FORWARD_S[case.workload.name] / (16 if case.device == "cuda:0" else 1)
    yield Progress(case.case_id, "warming up", fraction=0.1, at_s=at_s + 2.0)
    yield Progress(case.case_id, "measuring", "total", 2, 12, 0.4, 3 * forward_s, 0.06 * forward_s, at_s + 5.0)
    yield CaseFinished(_measurement(case, forward_s), at_s=at_s + 9.0)


def _measurement(case: Case, forward_s: float) -> Measurement:
    clock = "perf_counter" if case.device == "cpu" else "cuda_event"
    phases = tuple(PhaseSamples(phase, _rounds(forward_s * share), 1, clock, "precision") for phase, share in SHARES)
    notices = (Notice("unsettled", "Warm-up ended at its limit."),) if case.workload.name == "VGG16" else ()
    return Measurement(
        case.case_id,
        phases,
        memory_peak_bytes=None if case.device == "cpu" else 2**30,
        parameters=find_model(case.workload.name).parameters if case.workload.kind == "model" else 1792,
        first_call_s=10 * forward_s,
        warmup_s=1.0,
        wall_s=9.0,
        threads=16 if case.device == "cpu" else None,
        notices=notices,
    )


def _rounds(typical_s: float) -> tuple[tuple[float, ...], ...]:
    """Five rounds of ten samples within 2% of the typical one."""
    return tuple(
        tuple(round(typical_s * (1 + 0.004 * ((7 * sample + 3 * number) % 11 - 5)), 9) for sample in range(10))
        for number in range(5)
    )


def main() -> None:
    """Write the file beside this one."""
    lines = "".join(encode(event) + "\n" for event in events())
    Path(__file__).with_name("good.jsonl").write_text(lines)


if __name__ == "__main__":
    main()
