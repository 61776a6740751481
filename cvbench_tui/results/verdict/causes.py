"""Why a row is slower than it should be: each cause is a look at the evidence that gives a sentence, and a remedy.

A cause is named only where the measurement or the environment shows it. The likeliest come first: what was seen while
the row was measured, then how the machine is set, then what is another than before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import differing
from cvbench_tui.core.grading.reasons import REASONS
from cvbench_tui.core.text import plural
from cvbench_tui.results.machine_warnings import NOTES, REMEDIES, machine_warnings
from cvbench_tui.results.stats.derived_metrics import precisions
from cvbench_tui.results.text.units import hertz_text, part_text, seconds_text, times_text
from cvbench_tui.results.verdict.model import Finding, RowEvidence, median_of

Look = Callable[[RowEvidence], str]  # gives the sentence; empty where the evidence does not show it
LOWER_CLOCK = 0.05  # below that of kept runs by more
AT_CLOCK = 0.02  # within it of the clock that is set for applications
MORE_FOR_THE_CARD = "Use a larger batch, CUDA graphs (--graph on) or torch.compile (--compile)."
FASTER = 1.5  # times float32's peak, from which another precision is worth a remark


@dataclass(frozen=True)
class Cause:
    """One entry."""

    code: str
    look: Look
    remedy: str


def _seen(code: str) -> Cause:
    """A reason of the row's grade."""

    def look(row: RowEvidence) -> str:
        return next((each.sentence for each in row.result.reasons if each.code == code), "")

    return Cause(code, look, REASONS[code].remedy)


def _warned(code: str, *, of_host: bool = False) -> Cause:
    """A warning about the machine. ``of_host``: nothing to a row whose card sets the pace."""

    def look(row: RowEvidence) -> str:
        if of_host and not (row.on_cpu or row.result.host_bound):
            return ""
        return next((each.sentence for each in machine_warnings(row.environment) if each.code == code), "")

    return Cause(code, look, REMEDIES[code])


def _host_bound(row: RowEvidence) -> str:
    if not row.result.host_bound:
        return ""
    device_s, host_s = row.result.device_s, row.result.host_s
    alone = f", the card alone would need {seconds_text(device_s)}" if device_s is not None else ""
    loop = f" in {seconds_text(host_s)}" if host_s is not None else ""
    return f"The host launches an iteration at batch {row.case.batch}{loop}{alone}: the processor is the slower one."


def _application_clock(row: RowEvidence) -> str:
    limit, ran = row.number("card.clock_application_hz"), row.clock_hz
    if limit is None or ran is None or abs(ran / limit - 1) > AT_CLOCK:
        return ""
    return f"The card ran at {hertz_text(ran)}, the clock that is set for applications ({hertz_text(limit)})."


def _lower_clock(row: RowEvidence) -> str:
    ran, before = row.clock_hz, median_of(each.clock_hz for each in row.kept)
    if ran is None or before is None or ran > (1 - LOWER_CLOCK) * before:
        return ""
    return f"The clock was {hertz_text(ran)}, {part_text(1 - ran / before)} below that of the kept runs."


def _few_threads(row: RowEvidence) -> str:
    used, cores = row.measurement.threads, row.number("usable_cores")
    if not row.on_cpu or row.case.threads is not None or used is None or cores is None or used >= cores:
        return ""
    return f"It used {plural(used, 'thread')} of {cores:.0f} usable cores."


def _turbo_off(row: RowEvidence) -> str:
    return "Turbo is off: no core passes its base frequency." if row.on_cpu and row.fact("turbo") is False else ""


def _flags(row: RowEvidence) -> str:
    flags = row.fact("torch_flags")
    return f"PyTorch is set otherwise than by default: {flags}." if flags not in (None, "", "default") else ""


def _changed(row: RowEvidence) -> str:
    """What is another than in the fastest kept run."""
    known = [each for each in row.kept if each.environment is not None]
    fastest = min(known, key=lambda each: each.seconds, default=None)
    if fastest is None or fastest.environment is None:
        return ""
    changes = differing(fastest.environment, row.environment, (row.case.device,))
    return f"Other than in the fastest kept run, {fastest.name}: {'; '.join(changes)}." if changes else ""


CAUSES: tuple[Cause, ...] = (
    _seen("foreign"),
    _seen("throttled"),
    _seen("contention"),
    _seen("stolen"),
    _seen("swap"),
    _seen("stopped"),
    _seen("recompiled"),
    _seen("allocator"),
    _seen("battery"),
    _warned("debug_build"),
    _warned("blocking"),
    _warned("power_cap"),
    Cause("lower_clock", _lower_clock, "Let it cool down, and look for what lowers the clock: nvidia-smi -q -d CLOCK."),
    Cause("application_clock", _application_clock, "An administrator can reset it: nvidia-smi -rac."),
    _warned("throttled"),
    _warned("foreign"),
    _warned("mps"),
    _warned("mig"),
    Cause("host_bound", _host_bound, MORE_FOR_THE_CARD),
    Cause("few_threads", _few_threads, "Unset OMP_NUM_THREADS and its like, or ask for threads: --threads cores."),
    _warned("quota", of_host=True),
    _warned("priority", of_host=True),
    _warned("battery", of_host=True),
    _warned("profile", of_host=True),
    _warned("load", of_host=True),
    _warned("pressure_cpu", of_host=True),
    _warned("pressure_memory", of_host=True),
    _warned("stolen", of_host=True),
    _warned("memory", of_host=True),
    _warned("governor", of_host=True),
    Cause("turbo_off", _turbo_off, "An administrator can switch it on, in the firmware or by the frequency driver."),
    Cause("flags", _flags, "Leave PyTorch's switches as they come, unless the work needs them."),
    _seen("graph_break"),
    _seen("slow_machine"),
    _seen("clock"),
    Cause("changed", _changed, "Measure before and after in turn to see whether that is it: run --alternate."),
)
"""A code may have two entries, seen in the row's rounds and read of the machine: the first that speaks is it."""
UNEXPLAINED = Finding(
    "unexplained",
    "Nothing in the measurement or the environment explains it.",
    "Run it once more while the machine is idle; cvbench-tui doctor and nvidia-smi -q show more of the machine.",
)


def causes_of(row: RowEvidence) -> tuple[Finding, ...]:
    """What the evidence shows, the likeliest first; that nothing explains it, where that is so."""
    found: dict[str, Finding] = {}
    for cause in CAUSES:
        if cause.code not in found and (sentence := cause.look(row)):
            found[cause.code] = Finding(cause.code, sentence, cause.remedy)
    return tuple(found.values()) or (UNEXPLAINED,)


def of_device(environment: Environment, device: str) -> Environment:
    """The environment with no other card: what is said of another one explains nothing."""
    return replace(environment, devices=tuple(each for each in environment.devices if each.id in ("cpu", device)))


def machine_findings(environment: Environment, device: str) -> Iterator[Finding]:
    """Warnings about the machine that concern the device; those of little effect left out."""
    for each in machine_warnings(of_device(environment, device)):
        if not each.note and each.code not in NOTES:
            yield Finding(each.code, each.sentence, each.remedy)


def remarks_on(rows: list[RowEvidence]) -> Iterator[Finding]:
    """What other settings would do, though nothing is wrong: host-bound rows, float32 on a card that has TF32."""
    bound = dict.fromkeys(
        f"{row.case.workload.name} at batch {row.case.batch}" for row in rows if row.result.host_bound
    )
    if bound:
        sentence = f"Host-bound: {', '.join(bound)}. The processor sets their pace, not the card."
        yield Finding("host_bound", sentence, MORE_FOR_THE_CARD)
    for row in rows:
        names = precisions(row.case.device, row.case.case_id, dict(row.environment.facts))
        plain, tf32 = (row.peak.flops(name) if row.peak is not None else None for name in ("float32", "tf32"))
        if row.on_cpu or names != ("float32",) or not plain or not tf32 or tf32 < FASTER * plain:
            continue
        sentence = (
            f"In plain float32, as {row.case.workload.name} here, the card is not at its fastest: its TF32 matmul"
        )
        yield Finding(
            "tf32_off",
            f"{sentence} is {times_text(tf32 / plain)} as fast. Nothing is wrong with the card.",
            "Allow TF32 where its precision is enough: --precision tf32.",
        )
        return
