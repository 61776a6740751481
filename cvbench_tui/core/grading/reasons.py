"""Reasons for grades, and notices, with their meaning and what to do about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cvbench_tui.core.evidence import SLOTS

Grade = Literal["A", "B", "C", "D", "X"]
GRADES: tuple[Grade, ...] = ("A", "B", "C", "D", "X")  # best first
WIDTHS: tuple[tuple[Grade, float], ...] = (("A", 0.01), ("B", 0.03), ("C", 0.10))
"""Half widths of the interval, as shares of the number, up to which it has that letter; D beyond. The same for every
protocol, so that a letter says how far two numbers can be told apart, and not what was asked for."""
GRADE_HELP: dict[Grade, str] = {
    "A": "The interval is within \u00b11%, and nothing speaks against the number.",
    "B": "Within \u00b13%, or a minor doubt.",
    "C": "Within \u00b110%, or a serious doubt: enough to tell twice as fast, not 5% faster.",
    "D": "A wider interval, or none.",
    "X": "Invalid: this time does not describe the workload. Grey, excluded from sorting and comparison.",
}


@dataclass(frozen=True, **SLOTS)
class ReasonKind:
    """Kind of reason or notice."""

    meaning: str  # what it is and why it matters, in one sentence
    remedy: str  # what the user can do, in one sentence
    word: str = ""  # a reason's mark behind the letter, as in ``B drift``


@dataclass(frozen=True, **SLOTS)
class Reason:
    """Why one phase of one case is not graded better."""

    code: str  # key of ``REASONS``
    grade: Grade  # the best grade possible with it; ``A`` for a mere note
    sentence: str  # what was detected, with its number, in one sentence
    figure: str = ""  # a number that stands behind its mark


@dataclass(frozen=True, **SLOTS)
class Assessment:
    """Grade of one phase of one case."""

    grade: Grade
    reasons: tuple[Reason, ...]  # worst first, those of one grade in the order of the checks


_SELFTEST = "Report it; cvbench-tui selftest shows whether the clock works here."
REASONS: dict[str, ReasonKind] = {
    "broken_clock": ReasonKind(
        "A sample is zero, negative or not a number: the clock stood still or went backwards.",
        _SELFTEST, "clock broken",
    ),
    "no_variation": ReasonKind(
        "All samples are equal to the last digit, which no real clock gives.", _SELFTEST, "no variation"
    ),
    "not_same": ReasonKind(
        "Not the same result: with its settings the workload computes something else than without, beyond what the "
        "precision explains.",
        "Do not use these settings for this workload; its detail has the errors and their bounds.",
        "not the same",
    ),
    "impossible_parts": ReasonKind(
        "The total is shorter than one of its parts, or the timed regions are longer than the wall time.",
        _SELFTEST, "impossible",
    ),
    "short_region": ReasonKind(
        "The timed regions are so short that timer overhead is a part of the time.", "Use a larger batch.", "short"
    ),
    "impossible_rate": ReasonKind(
        "More FLOP/s or bytes/s than this device's measured peak: the clock missed work.", _SELFTEST, "impossible"
    ),
    "winograd": ReasonKind(
        "More FLOP/s than a matmul reaches: 3x3 and 5x5 convolutions need fewer operations than are counted.",
        "None: operations are counted by the direct formula, the time is right.", "winograd",
    ),
    "deferred": ReasonKind(
        "The workload still computed after its calls had returned, so only a part of it was timed.",
        "Make the workload wait for its own threads before it returns.", "deferred",
    ),
    "unaccounted": ReasonKind(
        "The device was busy with work outside the timed regions, e.g. on a stream of its own.",
        "Run all work of the workload on the current stream; otherwise its time is unknown.", "hidden work",
    ),
    "host_bound": ReasonKind(
        "The host needs longer to launch the work than the device to do it: the number is the wall time of a loop.",
        "Use a larger batch; the columns of device and host time have both.", "host-bound",
    ),
    "one_visit": ReasonKind(
        "Too little was measured for an interval.", "Let the run finish, or use a smaller batch.", "one visit"
    ),
    "few_visits": ReasonKind(
        "The case had fewer visits than the protocol asks for, over a shorter time.",
        "Let the run finish, or run the row again.", "few visits",
    ),
    "visit_failed": ReasonKind(
        "A visit failed, and none followed; the numbers are from those before.",
        "Fix the cause named in the notice, and run the row again.", "visit failed",
    ),
    "unsettled": ReasonKind(
        "Most warm-ups ended by their time limit and not by times that agree; first rounds may differ from later ones.",
        "Run the row again on an idle machine, or with protocol rigorous, which warms up longer.", "warming",
    ),
    "drift": ReasonKind(
        "Times became slower or faster in the course of the run.",
        "Let the machine reach its working temperature and close other programs, then run the row again.", "drift",
    ),
    "bimodal": ReasonKind(
        "The samples have two speeds; both are shown, because a single number would describe neither.",
        "Pin threads and clocks if you can, and see the row's histogram; some workloads have two speeds.", "two speeds",
    ),
    "fused_differs": ReasonKind(
        "By itself the phase takes another time than within a training iteration.",
        "For training the fused time applies: there the forward pass leaves the caches warm.", "fused",
    ),
    "contention": ReasonKind(
        "Benchmark threads were ready to run and had to wait for a CPU core.",
        "Close other programs, lift a container's CPU quota, or use fewer threads than there are free cores.", "busy",
    ),
    "waits_unknown": ReasonKind(
        "This system does not report whether threads waited for a CPU core.",
        "Close other programs; Linux reports it.", "waits unknown",
    ),
    "stolen": ReasonKind(
        "The hypervisor gave this virtual machine's CPU time to others.",
        "Measure at a quieter time, or on a dedicated machine.", "stolen",
    ),
    "slow_machine": ReasonKind(
        "The machine took longer for a fixed matrix product, which fits its cache, than at its best.",
        "Run the row again while the machine is idle and cool.", "machine slow",
    ),
    "repeated": ReasonKind(
        "Rounds were repeated because of an external disturbance; the disturbed ones stay in the file.",
        "A few need no action; many mean that the machine is busy.", "repeated",
    ),
    "clock": ReasonKind(
        "The device's clock speed differed between rounds.",
        "Let the device warm up or cool down first; only an administrator can lock its clock.", "clock",
    ),
    "throttled": ReasonKind(
        "The card's driver reported a lower clock because of heat, power or a fault.",
        "Improve cooling or power supply, or accept this as the sustained speed.", "throttled",
    ),
    "power_cap": ReasonKind(
        "The card ran at its power limit, as is normal under full load: its sustained speed, not its highest clock.",
        "Compare only with cards of the same power limit, which the environment lists.", "power limit",
    ),
    "allocator": ReasonKind(
        "Memory was allocated from the driver during the timed rounds, or only after the cache was emptied.",
        "Use a smaller batch, or free memory on the card.", "memory",
    ),
    "swap": ReasonKind(
        "Memory was read back from disk during the timed rounds.", "Free memory, or use a smaller batch.", "swap"
    ),
    "stopped": ReasonKind(
        "A signal, a debugger or the machine's sleep stopped the measuring process during the timed rounds.",
        "Run the row again.", "stopped",
    ),
    "recompiled": ReasonKind("Code was recompiled during the timed rounds.", "Use inputs of one shape.", "recompiled"),
    "graph_break": ReasonKind(
        "torch.compile could not take the workload as a whole: between the parts that it compiled Python goes on.",
        "TORCH_LOGS=graph_breaks names each place.", "graph break",
    ),
    "graph_skipped": ReasonKind(
        "torch.compile's mode would record CUDA graphs, and could not: kernels are launched one by one.",
        "TORCH_LOGS=perf_hints says why.", "no CUDA graph",
    ),
    "collections": ReasonKind(
        "Python's garbage collector ran during the timed rounds, although it is switched off.",
        "Find the library that switches it on.", "collector",
    ),
    "foreign": ReasonKind(
        "Another process used the card.",
        "End it, or choose another card; nvidia-smi lists the processes of each.", "shared",
    ),
    "battery": ReasonKind(
        "The machine ran on battery, where systems save power at the cost of speed.", "Plug it in.", "battery"
    ),
    "two_processes": ReasonKind(
        "Only two processes were measured, and each has its own memory layout and choice of algorithms.",
        "Use protocol rigorous, whose visits are all processes of their own.", "two processes",
    ),
    "one_process": ReasonKind(
        "Only one process was measured, and each has its own memory layout and choice of algorithms.",
        "Use protocol rigorous, whose visits are all processes of their own.", "one process",
    ),
}  # fmt: skip
"""By code, as in the JSON export, in the order of the checks: of equal ones the first is the mark of a row."""

_RUN_AGAIN = "The times are not affected; run the row again if you need it."
NOTICES: dict[str, ReasonKind] = {
    "visit_failed": ReasonKind("Why a visit failed.", ""),
    "visit_skipped": ReasonKind("You skipped the row while it was visited.", "R measures it again."),
    "no_training": ReasonKind(
        "The model or layer cannot be trained at this batch and image size; its inference is measured.", ""
    ),
    "no_step": ReasonKind(
        "An optimizer has no step to take: the row has no weights, or is replayed from a CUDA graph. The other phases "
        "are measured.",
        "",
    ),
    "step_failed": ReasonKind(
        "The optimizer's steps made a weight infinite or no number, which takes another time; the step has none.",
        "Use another optimizer or precision.",
    ),
    "graph_whole": ReasonKind(
        "A CUDA graph holds the whole training iteration, so that only its total is known.",
        "Measure the row without a graph beside it.",
    ),
    "affinity_shrunk": ReasonKind(
        "Importing torch restricted the process to fewer CPU cores; they were restored before the timing.", ""
    ),
    "energy": ReasonKind(
        "The energy counter and the integrated power readings differ by more than 5%; the row's detail shows both.",
        "Take their difference as the uncertainty of both.",
    ),
    "memory_failed": ReasonKind("The peak memory of the phases could not be measured.", _RUN_AGAIN),
    "energy_failed": ReasonKind("The energy could not be measured.", _RUN_AGAIN),
    "work_failed": ReasonKind("Operations and bytes could not be counted, so the rates are missing.", _RUN_AGAIN),
    "variants_failed": ReasonKind("The variants could not be measured.", _RUN_AGAIN),
    "alone_failed": ReasonKind("The phases could not be timed by themselves.", _RUN_AGAIN),
    "flushed_failed": ReasonKind("The phases could not be timed with a cold cache.", ""),
    "check_failed": ReasonKind(
        "The row's results could not be compared with those of float32, so they may be others.", ""
    ),
    "clean_failed": ReasonKind(
        "Beside the published loop the case could not be measured by today's method; the published numbers stand.",
        "Run the row with protocol quick.",
    ),
    "device_only_failed": ReasonKind("Inference could not be recorded as a CUDA graph, or not be replayed.", ""),
}
"""Information that does not change a grade, by code; without a remedy where there is nothing to do."""
