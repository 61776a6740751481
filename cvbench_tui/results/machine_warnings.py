"""Warnings about the machine: what may disturb a measurement, from the facts of its environment, with remedies.

Pure: nothing is read here and nothing is ever changed on the machine. Names of facts are ``core.facts``'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cvbench_tui.base.cores import CORES_FOR_APP
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import count_listed
from cvbench_tui.core.text import plural
from cvbench_tui.results.text.units import bytes_text, celsius_text, part_text, significant, watts_text

LOAD_SHARE = 0.1
"""Load above this share of the cores is by other programs; the app and its worker are idle when it is read."""
STOLEN_SHARE = 0.01  # time lost to other virtual machines beyond this is more than the default protocol's precision, 1%
PRESSURE_SHARE = 0.1  # waiting for a core in more than this share of the last 10 s
POWER_SHARE = 0.98  # a power limit below this share of the factory's is a cap; boards round by a watt or two
SWAP_SHARE = 0.01  # swapped memory beyond this share of the machine's: systems put away a little at any time
LOW_MEMORY_BYTES = 2 * 2**30  # PyTorch and a large model at the default batch take about this much
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "refined-jiffies")
"""Clocks outside the processor: one reading takes about 1 us instead of 20 ns, or is coarse."""
SLOWDOWNS = ("thermal", "hardware", "power_brake")
"""Reasons for a lowered clock that are no normal state under load, as the power limit is."""

REMEDIES = {
    "accelerators": "Change the variable, if it names one; else see what nvidia-smi says, and restart after an update.",
    "load": "End it (top shows what it is), and wait a minute: the load is a mean over time.",
    "pressure_cpu": "End other programs, or measure with fewer threads.",
    "pressure_memory": "End programs that need much memory, or use smaller batches.",
    "stolen": "Measure at a quieter time, or on a dedicated machine.",
    "quota": "Start it without a CPU quota, or pin it to whole cores (docker run --cpuset-cpus).",
    "priority": "Start cvbench-tui without nice.",
    "battery": "Plug it in.",
    "profile": "Choose another one in the system's power settings while you measure.",
    "governor": "An administrator can set it while you measure: cpupower frequency-set -g performance.",
    "turbo": "Usually none needed: rows whose clock changed have a reason. An administrator can switch turbo off.",
    "clocksource": "Find out why the kernel does not use the processor's counter: dmesg | grep -i clocksource.",
    "hidden_clock": "No remedy; compare only within one run.",
    "memory": "End other programs, or measure small models at small batches.",
    "swap": "Free memory; rows measured while pages were read back have a reason.",
    "debug_build": "Install PyTorch's own release.",
    "blocking": "Unset it: it is for finding errors.",
    "foreign": "End them, or choose another card.",
    "mps": "Stop the MPS daemon while you measure, if no other user needs it.",
    "mig": "Compare with slices of the same size only.",
    "power_cap": "Compare with cards at this limit only, or let an administrator lift it with nvidia-smi -pl.",
    "throttled": "Let it cool down; check its fans and its power supply.",
    "few_cores": "For the best figures measure without the app: cvbench-tui run.",
}
"""What the user can do, by the warning's code."""
NOTES = ("turbo", "hidden_clock", "swap", "few_cores")  # warnings of what changes little, or cannot be helped


@dataclass(frozen=True)
class MachineWarning:
    """One thing that may disturb a measurement, or that a reader of its numbers must know."""

    code: str  # ``governor``, ``load`` ...
    sentence: str  # what it is, with its figure
    remedy: str  # what the user can do
    note: bool  # True for what changes little, or cannot be helped


Sentences = Iterator[tuple[str, str]]  # codes and sentences


def machine_warnings(environment: Environment) -> tuple[MachineWarning, ...]:
    """Warnings about the machine as its environment was read, notes last."""
    finders = (_accelerators, _other_programs, _limits, _clock, _memory, _process)
    found = [each for find in finders for each in find(environment)]
    cards = [device.id for device in environment.usable if not device.is_cpu]
    found += [each for card in cards for each in _card(environment, card)]
    if any(code == "quota" for code, _ in found):  # whose pauses are waits for a core too, and nobody else's doing
        found = [each for each in found if each[0] != "pressure_cpu"]
    warnings = [MachineWarning(code, sentence, REMEDIES[code], code in NOTES) for code, sentence in found]
    return tuple(sorted(warnings, key=lambda warning: warning.note))


def quota(environment: Environment) -> str:
    """The container's quota and what can be done about it, in two sentences; empty without one. No other program's use
    of the machine, so that waiting does not help."""
    found = (f"{sentence} {REMEDIES[code]}" for code, sentence in _limits(environment) if code == "quota")
    return next(found, "")


def _number(environment: Environment, name: str) -> float | None:
    """The fact where it is a number."""
    value = environment.fact(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _accelerators(environment: Environment) -> Sentences:
    if environment.why_no_accelerator:
        yield "accelerators", f"No accelerator can be used: {environment.why_no_accelerator}"


def _other_programs(environment: Environment) -> Sentences:
    load, cores = _number(environment, "load_1min"), _number(environment, "cpu_cores")
    if load is not None and cores and load > LOAD_SHARE * cores:
        figure = significant(load, 2)
        yield (
            "load",
            f"The load of the last minute is {figure} on {plural(round(cores), 'core')}: other programs are computing.",
        )
    for kind, what in (("cpu", "a core"), ("memory", "memory")):
        share = _number(environment, f"pressure_{kind}_share")
        if share is not None and share > PRESSURE_SHARE:
            yield f"pressure_{kind}", f"In {part_text(share)} of the last 10 s some program waited for {what}."
    share = _number(environment, "stolen_share")
    if share is not None and share > STOLEN_SHARE:
        part = part_text(share)
        yield "stolen", f"The hypervisor gave {part} of the CPU time requested since boot to other machines."


def _limits(environment: Environment) -> Sentences:
    quota, affinity = _number(environment, "quota_cores"), environment.fact("affinity")
    cores = count_listed(affinity) if isinstance(affinity, str) else _number(environment, "cpu_cores")
    if quota is not None and cores and quota < cores:
        many = f"{quota:g} of {plural(round(cores), 'core')}"
        yield "quota", f"The container may use {many}, and is paused when it has used its share."
    nice = _number(environment, "nice")
    if nice is not None and nice > 0:
        yield "priority", f"The measurement runs at nice {nice:.0f}: other processes get a core first."


def _clock(environment: Environment) -> Sentences:
    """What sets the processor's clock, and where the time is read."""
    if environment.fact("on_battery"):
        yield "battery", "The machine runs on its battery, and saves power at the cost of speed."
    profile = environment.fact("platform_profile")
    if profile in ("low-power", "quiet", "cool"):
        yield "profile", f"The firmware's power profile is {profile}."
    governor = environment.fact("governor")
    if governor is not None and governor != "performance":
        yield "governor", f"The frequency governor is {governor}: the clock rises only after work has begun."
    if environment.fact("turbo"):
        yield "turbo", "Turbo is on: the clock depends on heat and on how many cores are busy."
    source = environment.fact("clocksource")
    if source in SLOW_CLOCKS:
        sentence = f"The kernel reads the time from {source}, which takes about 50 times as long as from the processor."
        yield "clocksource", sentence
    if environment.fact("virtual_machine") and environment.fact("frequency_hz") is None:
        yield "hidden_clock", "The virtual machine hides the processor's clock: changes of it show only in the times."


def _memory(environment: Environment) -> Sentences:
    figures = (_number(environment, f"memory_{name}_bytes") for name in ("available", "limit"))
    left = min((figure for figure in figures if figure is not None), default=None)
    if left is not None and left < LOW_MEMORY_BYTES:
        yield "memory", f"Only {bytes_text(int(left))} of memory is available."
    swapped, total = (_number(environment, name) for name in ("swap_used_bytes", "memory_total_bytes"))
    if swapped and total and swapped > SWAP_SHARE * total:
        figure = bytes_text(int(swapped))
        yield "swap", f"{figure} of memory is swapped out: reading a page back takes milliseconds."


def _process(environment: Environment) -> Sentences:
    """The measuring process: its PyTorch, its variables, its cores."""
    if environment.fact("torch_debug"):
        yield "debug_build", "This PyTorch is a debug build, many times slower."
    for name in ("CUDA_LAUNCH_BLOCKING", "HIP_LAUNCH_BLOCKING"):
        if environment.fact(f"env.{name}") not in (None, "", "0"):
            yield "blocking", f"{name} is set: the host waits for every kernel."
    cores = _number(environment, "usable_cores")
    if cores is not None and cores < CORES_FOR_APP:
        yield "few_cores", f"The app and the measurement share {plural(round(cores), 'core')}."


def _card(environment: Environment, card: str) -> Sentences:
    """Others on the card, cards that are only a part of one, limits of power and heat."""
    others = _number(environment, f"{card}.foreign_processes")
    if others:
        programs = plural(round(others), "other program")
        yield "foreign", f"{card}: {programs} can compute on the card (nvidia-smi lists them)."
    if environment.fact(f"{card}.mps"):
        yield "mps", f"{card}: programs share the card through MPS, and compute at the same time."
    if environment.fact(f"{card}.mig"):
        yield "mig", f"{card} is a slice of a card (MIG): the other slices share its power and heat."
    limit, factory = (_number(environment, f"{card}.power_limit_{kind}w") for kind in ("", "default_"))
    if limit is not None and factory and limit < POWER_SHARE * factory:
        yield "power_cap", f"{card}: the power limit is {watts_text(limit)}, the factory's {watts_text(factory)}."
    reasons = [word for word in str(environment.fact(f"{card}.throttle") or "").split(", ") if word in SLOWDOWNS]
    if reasons:
        degrees = celsius_text(_number(environment, f"{card}.temperature_c"))
        yield "throttled", f"{card} has lowered its clock now ({', '.join(reasons)}, {degrees})."
