"""Why a number is not graded A: each reason, its meaning and what to do about it. ``core.grading`` finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grade = Literal["A", "B", "C", "X"]
GRADES: tuple[Grade, ...] = ("A", "B", "C", "X")
"""Best first."""
GRADE_HELP: dict[Grade, str] = {
    "A": "Precise to what the protocol asks for, and nothing was seen that could bend it.",
    "B": "Within twice the protocol's precision, or with a remark that changes little.",
    "C": "A real number with a wide or doubtful interval: budget spent, drift, contention or two modes.",
    "X": "Not a measurement of the workload. Grey, and left out of sorting, comparison and bold.",
}


@dataclass(frozen=True, slots=True)
class ReasonKind:
    """One thing that can be wrong with a number."""

    meaning: str
    """What it is and why it matters, in one sentence."""
    remedy: str
    """What the user can do, in one sentence."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was seen in one phase of one case."""

    code: str
    """Key of ``REASONS``, which has meaning and remedy."""
    grade: Grade
    """The best grade a number can have with it; ``A`` for a mere note."""
    sentence: str
    """What was seen, with its figure, in one sentence."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The grade of one phase of one case."""

    grade: Grade
    reasons: tuple[Reason, ...]
    """Worst first."""


REASONS: dict[str, ReasonKind] = {
    "imprecise": ReasonKind(
        "The interval is wider than the protocol asks for: the most rounds or the budget came first.",
        "Measure on a quieter machine; --protocol rigorous, if not in use yet, takes more rounds and processes.",
    ),
    "few_rounds": ReasonKind(
        "Fewer than five rounds were taken, too few for an interval to rely on.",
        "Let the row run to its end, or use a smaller batch.",
    ),
    "few_processes": ReasonKind(
        "Fewer fresh processes took part than the protocol asks for, so luck that lasts for a process is not averaged.",
        "Let the run go on to its end, or run the row again.",
    ),
    "unsettled": ReasonKind(
        "Times were still changing when the warm-up ended.",
        "Run the row again on a quieter machine; --protocol rigorous, if not in use yet, warms up longer.",
    ),
    "drift": ReasonKind(
        "Rounds became slower or faster while it was measured, by more than the precision.",
        "Let the machine reach its working temperature, and close what runs beside it; then run the row again.",
    ),
    "bimodal": ReasonKind(
        "The samples fall into two groups: one number stands for neither of them, so both are shown.",
        "Pin threads and clocks where you can, and look at the row's histogram; a row may truly have two speeds.",
    ),
    "contention": ReasonKind(
        "Threads of the measurement were ready and had to wait for a core; between their mean wait and its sum.",
        "End other programs, or give the measurement fewer threads than there are free cores.",
    ),
    "stolen": ReasonKind(
        "The hypervisor gave this virtual machine's cores to somebody else.",
        "Measure at a quieter hour, or on a machine of your own.",
    ),
    "repeated": ReasonKind(
        "Rounds were taken again because something outside disturbed them; the disturbed ones are kept in the file.",
        "Nothing to do for a few; many mean that the machine is busy.",
    ),
    "clock": ReasonKind(
        "The device's clock was not the same in all rounds.",
        "Let the device warm up or cool down first; a fixed clock is the system administrator's to set.",
    ),
    "throttled": ReasonKind(
        "The card lowered its clock because of heat, power or a fault, as its driver tells.",
        "Improve the cooling or the power supply, or accept this as the sustained speed.",
    ),
    "power_cap": ReasonKind(
        "The card ran at its power limit, as cards under full load do: a sustained speed, not the highest clock.",
        "Compare with cards at the same power limit only; it stands in the environment.",
    ),
    "host_bound": ReasonKind(
        "The device had to wait for its host to launch the work; the times of both are in the row's detail.",
        "Use a larger batch, or read the row as the cost of launching.",
    ),
    "unaccounted": ReasonKind(
        "The device was busy with work that the timed regions did not see, as on a stream of its own.",
        "Make the workload's work part of the current stream; until then its time is unknown.",
    ),
    "deferred": ReasonKind(
        "The workload was still computing after its calls had returned, so the clock saw only a part of it.",
        "Make the workload wait for its own threads before it returns.",
    ),
    "allocator": ReasonKind(
        "Memory was taken from the driver while it was timed, or only after the cache was emptied.",
        "Use a smaller batch, or free memory on the card.",
    ),
    "recompiled": ReasonKind(
        "Code was compiled anew in the middle of the timed rounds.",
        "Give the workload inputs of one shape.",
    ),
    "collections": ReasonKind(
        "Python's garbage collector ran while it was timed, although it is switched off here.",
        "Find the library that switches it on.",
    ),
    "swap": ReasonKind(
        "Memory was read back from the disk while it was timed.",
        "Free memory, or use a smaller batch.",
    ),
    "foreign": ReasonKind(
        "Another process had work on the card.",
        "End it, or choose another card; nvidia-smi lists the processes of each.",
    ),
    "battery": ReasonKind(
        "The machine ran on its battery, where systems save power at the cost of speed.",
        "Plug it in.",
    ),
    "process_dependent": ReasonKind(
        "Fresh processes did not agree within twice the precision: memory layout or choice of algorithm differ.",
        "Read the interval, which is made of the processes; bound to one NUMA node they may agree better.",
    ),
    "repetition_failed": ReasonKind(
        "A repetition in a fresh process failed; the numbers are of the others.",
        "Mend what the notice names, and run the row again.",
    ),
    "fused_differs": ReasonKind(
        "The phase took another time by itself than between the other marks of a training iteration.",
        "Read both; caches left warm by the forward pass make the fused time the one that training sees.",
    ),
    "winograd": ReasonKind(
        "More operations per second than a matrix product reaches: 3x3 and 5x5 convolutions can do with fewer.",
        "Nothing: the operations are counted by the direct formula, the time is real.",
    ),
    "impossible_rate": ReasonKind(
        "More operations per second, or bytes, than this device was ever measured to reach: the clock missed work.",
        "Report it; with cvbench-tui selftest you can see whether the clock works here.",
    ),
    "impossible_parts": ReasonKind(
        "The whole took less time than one of its parts, or less than the device's own events.",
        "Report it; with cvbench-tui selftest you can see whether the clock works here.",
    ),
    "broken_clock": ReasonKind(
        "A sample was zero, negative or no number at all: the clock stood still or went backwards.",
        "Report it; with cvbench-tui selftest you can see whether the clock works here.",
    ),
    "no_variation": ReasonKind(
        "All samples are equal to the last digit: no real clock on real work gives that.",
        "Report it; with cvbench-tui selftest you can see whether the clock works here.",
    ),
    "short_region": ReasonKind(
        "The timed regions were so short that the marks themselves are part of the number.",
        "Use a larger batch.",
    ),
}
"""By code. The codes are what the JSON export writes."""

_RUN_AGAIN = "The times are not touched by it; run the row again if you need it."
NOTICES: dict[str, ReasonKind] = {
    "repetition_failed": ReasonKind("Why a repetition in a fresh process failed: the cause of that reason.", ""),
    "affinity_shrunk": ReasonKind(
        "Importing torch took processor cores from the process; it got them back before anything was timed.", ""
    ),
    "energy": ReasonKind(
        "The energy counter and the sum of the power readings differ by more than 5%; both are in the row's detail.",
        "Trust neither to better than their difference.",
    ),
    "memory_failed": ReasonKind("The peak memory by phase could not be taken.", _RUN_AGAIN),
    "energy_failed": ReasonKind("The energy could not be taken.", _RUN_AGAIN),
    "work_failed": ReasonKind("The operations and bytes could not be computed, so the rates are missing.", _RUN_AGAIN),
    "variants_failed": ReasonKind("None of the other ways of measuring could be begun.", _RUN_AGAIN),
    "alone_failed": ReasonKind("The phases could not be timed by themselves.", _RUN_AGAIN),
    "flushed_failed": ReasonKind("The phases could not be timed with emptied caches.", ""),
    "device_only_failed": ReasonKind("Inference could not be recorded as a graph, or not be replayed.", ""),
}
"""What a row may say that costs no grade, by code; without a remedy where there is nothing to do."""
