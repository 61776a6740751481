"""What on this machine will spoil a measurement, from the facts of its environment, each with what to do about it.

Pure: nothing is read here and nothing is ever changed on the machine. Names of facts are ``core.facts``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cvbench_tui.base.cores import CORES_FOR_APP
from cvbench_tui.core.environment import Environment, Fact
from cvbench_tui.core.facts import count_listed
from cvbench_tui.results.text.units import bytes_text, celsius_text, part_text, significant, watts_text

LOAD_SHARE = 0.1
"""Load above this share of the cores is the work of other programs; the app and its worker rest when they are asked."""
STOLEN_SHARE = 0.01
"""Time lost to other virtual machines beyond this is more than the default protocol's precision, 1%."""
PRESSURE_SHARE = 0.1
"""Waiting for a core in more than this share of the last 10 s."""
POWER_SHARE = 0.98
"""A power limit below this share of the factory's is a cap; boards round by a watt or two."""
SWAP_SHARE = 0.01
"""Swapped memory beyond this share of the machine's: systems put away a little at any time."""
LOW_MEMORY_BYTES = 2 * 2**30
"""PyTorch and a large model at the default batch take about this much."""
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "refined-jiffies")
"""Clocks outside the processor: one reading takes about 1 us instead of 20 ns, or is coarse."""
SLOWDOWNS = ("thermal", "hardware", "power_brake")
"""Reasons for a lowered clock that are no normal state under load, as the power limit is."""


@dataclass(frozen=True)
class MachineWarning:
    """One thing that will spoil a measurement, or that a reader of its numbers must know."""

    code: str
    """``governor``, ``load`` ..."""
    sentence: str
    """What it is, with its figure."""
    remedy: str
    """What the user can do."""
    note: bool = False
    """True for what changes little, or cannot be helped."""


Finder = Callable[[Environment], Iterator[MachineWarning]]


def machine_warnings(environment: Environment) -> tuple[MachineWarning, ...]:
    """Everything that is wrong with the machine as it was when it was asked, notes last."""
    found = [hazard for find in FINDERS for hazard in find(environment)]
    return tuple(sorted(found, key=lambda hazard: hazard.note))


def _number(value: Fact) -> float | None:
    """The fact where it is a number."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _load(environment: Environment) -> Iterator[MachineWarning]:
    load, cores = _number(environment.fact("load_1min")), _number(environment.fact("cpu_cores"))
    if load is not None and cores and load > LOAD_SHARE * cores:
        yield MachineWarning(
            "load",
            f"The load of the last minute is {significant(load, 2)} on {cores:.0f} cores: something else is computing.",
            "End it (top shows what it is), and wait a minute: the figure is slow to fall.",
        )


def _pressure(environment: Environment) -> Iterator[MachineWarning]:
    for name, what, remedy in (
        ("cpu", "a core", "End other programs, or measure with fewer threads."),
        ("memory", "memory", "End programs that need much memory, or use smaller batches."),
    ):
        share = _number(environment.fact(f"pressure_{name}_share"))
        if share is not None and share > PRESSURE_SHARE:
            yield MachineWarning(
                f"pressure_{name}", f"In {part_text(share)} of the last 10 s some program waited for {what}.", remedy
            )


def _stolen(environment: Environment) -> Iterator[MachineWarning]:
    share = _number(environment.fact("stolen_share"))
    if share is not None and share > STOLEN_SHARE:
        yield MachineWarning(
            "stolen",
            f"The hypervisor gave {part_text(share)} of the CPU time wanted here since the start to other machines.",
            "Measure at a quieter hour, or on a machine of your own.",
        )


def _quota(environment: Environment) -> Iterator[MachineWarning]:
    quota, affinity = _number(environment.fact("quota_cores")), environment.fact("affinity")
    cores = count_listed(affinity) if isinstance(affinity, str) else _number(environment.fact("cpu_cores"))
    if quota is not None and cores and quota < cores:
        yield MachineWarning(
            "quota",
            f"The container may use {quota:g} of {cores:.0f} cores, and is paused when it has used its share.",
            "Start it without a CPU quota, or pin it to whole cores (docker run --cpuset-cpus).",
        )


def _priority(environment: Environment) -> Iterator[MachineWarning]:
    nice = _number(environment.fact("nice"))
    if nice is not None and nice > 0:
        yield MachineWarning(
            "priority",
            f"The measurement runs at nice {nice:.0f}: whatever else wants a core goes first.",
            "Start cvbench-tui without nice.",
        )


def _memory(environment: Environment) -> Iterator[MachineWarning]:
    figures = (_number(environment.fact(f"memory_{name}_bytes")) for name in ("available", "limit"))
    left = min((figure for figure in figures if figure is not None), default=None)
    if left is not None and left < LOW_MEMORY_BYTES:
        yield MachineWarning(
            "memory",
            f"Only {bytes_text(int(left))} of memory can be had.",
            "End other programs, or measure small models at small batches.",
        )
    swapped, total = (_number(environment.fact(name)) for name in ("swap_used_bytes", "memory_total_bytes"))
    if swapped and total and swapped > SWAP_SHARE * total:
        yield MachineWarning(
            "swap",
            f"{bytes_text(int(swapped))} of memory is put away on the disk: fetching it back takes milliseconds.",
            "Free memory; rows in which it happened say so.",
            note=True,
        )


def _battery(environment: Environment) -> Iterator[MachineWarning]:
    if environment.fact("on_battery"):
        yield MachineWarning(
            "battery", "The machine runs on its battery, and saves power at the cost of speed.", "Plug it in."
        )
    profile = environment.fact("platform_profile")
    if profile in ("low-power", "quiet", "cool"):
        yield MachineWarning(
            "profile",
            f"The firmware's power profile is {profile}.",
            "Choose another one in the system's power settings while you measure.",
        )


def _governor(environment: Environment) -> Iterator[MachineWarning]:
    governor = environment.fact("governor")
    if governor is not None and governor != "performance":
        yield MachineWarning(
            "governor",
            f"The frequency governor is {governor}: the clock rises only after work has begun.",
            "An administrator can set it while you measure: cpupower frequency-set -g performance.",
        )
    if environment.fact("turbo"):
        yield MachineWarning(
            "turbo",
            "Turbo is on: the clock depends on heat and on how many cores are busy.",
            "Nothing, for everyday figures; rows whose clock moved say so. An administrator can switch it off.",
            note=True,
        )


def _clock(environment: Environment) -> Iterator[MachineWarning]:
    source = environment.fact("clocksource")
    if source in SLOW_CLOCKS:
        yield MachineWarning(
            "clocksource",
            f"The kernel reads the time from {source}, which takes about 50 times as long as from the processor.",
            "Find out why it does not trust the processor's counter: dmesg | grep -i clocksource.",
        )
    if environment.fact("virtual_machine") and environment.fact("frequency_hz") is None:
        yield MachineWarning(
            "hidden_clock",
            "This virtual machine does not tell the processor's clock: a change of it can only be seen in the times.",
            "Nothing here; compare only what was taken in one run.",
            note=True,
        )


def _cores(environment: Environment) -> Iterator[MachineWarning]:
    cores = _number(environment.fact("usable_cores"))
    if cores is not None and cores < CORES_FOR_APP:
        yield MachineWarning(
            "few_cores",
            f"The app and the measurement share {cores:.0f} core{'s' * (cores > 1)}.",
            "For the best figures measure without the app: cvbench-tui run.",
            note=True,
        )


def _settings(environment: Environment) -> Iterator[MachineWarning]:
    if environment.fact("torch_debug"):
        yield MachineWarning(
            "debug_build", "This PyTorch is a debug build, many times slower.", "Install PyTorch's own release."
        )
    for name in ("CUDA_LAUNCH_BLOCKING", "HIP_LAUNCH_BLOCKING"):
        if environment.fact(f"env.{name}") not in (None, "", "0"):
            yield MachineWarning(
                "blocking",
                f"{name} is set: the host waits for every kernel.",
                f"Unset it: it is for finding errors (unset {name}).",
            )


def _cards(environment: Environment) -> Iterator[MachineWarning]:
    for device in environment.usable:
        if not device.is_cpu:
            yield from _busy_card(environment, device.id)
            yield from _slow_card(environment, device.id)


def _busy_card(environment: Environment, card: str) -> Iterator[MachineWarning]:
    """Others on the card, and cards that are only a part of one."""
    others = _number(environment.fact(f"{card}.foreign_processes"))
    if others:
        yield MachineWarning(
            "foreign",
            f"{card}: {others:.0f} other program{'s' * (others > 1)} can compute on the card (nvidia-smi lists them).",
            "End them, or choose another card.",
        )
    if environment.fact(f"{card}.mps"):
        yield MachineWarning(
            "mps",
            f"{card}: programs share the card through MPS, and compute at the same time.",
            "Stop the MPS daemon while you measure, if nobody else needs it.",
        )
    if environment.fact(f"{card}.mig"):
        yield MachineWarning(
            "mig",
            f"{card} is a slice of a card (MIG): neighbours share its power and heat.",
            "Compare with slices of the same size only.",
        )


def _slow_card(environment: Environment, card: str) -> Iterator[MachineWarning]:
    """Limits of power and heat."""
    limit, factory = (_number(environment.fact(f"{card}.power_limit_{kind}w")) for kind in ("", "default_"))
    if limit is not None and factory and limit < POWER_SHARE * factory:
        yield MachineWarning(
            "power_cap",
            f"{card}: the power limit is {watts_text(limit)}, the factory's {watts_text(factory)}.",
            f"Compare with cards at this limit only, or let an administrator lift it: nvidia-smi -pl {factory:.0f}.",
        )
    reasons = [word for word in str(environment.fact(f"{card}.throttle") or "").split(", ") if word in SLOWDOWNS]
    if reasons:
        degrees = celsius_text(_number(environment.fact(f"{card}.temperature_c")))
        yield MachineWarning(
            "throttled",
            f"{card} has lowered its clock now ({', '.join(reasons)}, {degrees}).",
            "Let it cool down, and look at its fans and its power supply.",
        )


FINDERS: tuple[Finder, ...] = (
    _load, _pressure, _stolen, _quota, _priority, _battery, _governor, _clock, _memory, _settings, _cards, _cores,
)  # fmt: skip
"""What is looked for, in the order in which it is told."""
