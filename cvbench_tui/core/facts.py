"""Every fact an environment can hold: its group, its meaning, and why it decides whether two runs can be compared; and
one digest of all that decides it.

``worker.devices.probe`` reads those of the process and of PyTorch, ``engine.host`` those of the machine and NVML.
Units are in names; a share is between 0 and 1. docs/environment.md is this table. Files of earlier versions hold more
facts; one without a kind here is shown by its name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cvbench_tui.core.environment import Environment

Group = Literal["system", "processor", "frequency", "memory", "now", "process", "torch", "card"]
GROUPS: dict[Group, str] = {
    "system": "System",
    "processor": "Processor",
    "frequency": "Processor's frequency",
    "memory": "Memory",
    "now": "State when it was read",
    "process": "Measuring process",
    "torch": "PyTorch",
    "card": "Cards",
}
"""Titles, in the order in which they are shown."""
CARD = "card."  # stands in front of the name of a fact that each card has; an environment has ``cuda:0.`` there
VARIABLE = "env."


@dataclass(frozen=True)
class FactKind:
    """One fact, or one pattern of facts."""

    name: str  # ``card.power_limit_w`` for ``cuda:0.power_limit_w``, ``env.*`` for the environment's variables
    group: Group
    meaning: str
    identity: str = ""  # why two runs that differ in it must not be compared; empty when they may


def kind_name(fact: str) -> str:
    """The name in ``FACTS`` of a fact: ``cuda:0.power_w`` gives ``card.power_w``, ``env.HOME`` gives ``env.*``."""
    if fact.startswith(VARIABLE):
        return f"{VARIABLE}*"
    return CARD + fact.split(".", 1)[1] if "." in fact else fact


def kind_of(fact: str) -> FactKind | None:
    """What is known about a fact; None for one of another version, or of a worker that is not ours."""
    return FACTS.get(kind_name(fact))


def count_listed(listed: str) -> int:
    """How many numbers a list of cores has: ``0-3,8`` has 5; 0 for what is no such list."""
    if re.search(r"\d{10}", listed):  # no core has such a number, and Python refuses one of 5,000 digits
        return 0
    spans = re.findall(r"(\d+)(?:-(\d+))?", listed)
    return sum(int(last or first) - int(first) + 1 for first, last in spans)


ALGORITHMS = "they choose other algorithms"
CLOCK = "it decides the clock"
_KINDS = (
    FactKind("host", "system", "name of the machine"),
    FactKind("os", "system", "operating system", "it schedules and allocates"),
    FactKind("distribution", "system", "name and version of the distribution"),
    FactKind("kernel", "system", "release of the kernel"),
    FactKind("architecture", "system", "instruction set: `x86_64`, `arm64`", "other code runs"),
    FactKind("machine_product", "system", "product name, or the cloud's type of instance", "another machine"),
    FactKind("virtual_machine", "system", "true below a hypervisor", "a hypervisor takes time and hides the clock"),
    FactKind("container", "system", "`docker`, `podman`, `kubernetes`, `lxc`"),
    FactKind("clocksource", "system", "what the kernel reads the time from"),
    FactKind("cpu_model", "processor", "product name", "another processor"),
    FactKind("microcode", "processor", "version of the microcode"),
    FactKind("physical_cores", "processor", "cores", "more work in parallel"),
    FactKind("cpu_cores", "processor", "logical cores", "more work in parallel"),
    FactKind("usable_cores", "processor", "cores by affinity and quota", "limits the threads"),
    FactKind("quota_cores", "processor", "cores by the control group's quota, if any", "the group is paused beyond it"),
    FactKind("affinity", "processor", "logical cores the process may run on", "other caches and neighbours"),
    FactKind("numa_nodes", "processor", "memory nodes", "distance from core to memory"),
    FactKind("governor", "frequency", "frequency governor; several when cores differ", CLOCK),
    FactKind("energy_preference", "frequency", "hint between speed and saving", CLOCK),
    FactKind("platform_profile", "frequency", "the firmware's power profile", CLOCK),
    FactKind("turbo", "frequency", "true when cores may pass the base frequency", CLOCK),
    FactKind("frequency_max_hz", "frequency", "highest frequency allowed", CLOCK),
    FactKind("frequency_hz", "frequency", "frequency of the first core, or of all, when it was read"),
    FactKind("memory_total_bytes", "memory", "memory of the machine"),
    FactKind("memory_available_bytes", "memory", "memory that programs could take"),
    FactKind("memory_limit_bytes", "memory", "limit of the control group, if any"),
    FactKind("swap_used_bytes", "memory", "swap space in use"),
    FactKind("page_size_bytes", "memory", "size of a page", "more or fewer page faults"),
    FactKind("thp", "memory", "transparent huge pages: `always`, `madvise`, `never`", "more or fewer page faults"),
    FactKind("load_1min", "now", "runnable and waiting tasks, mean of one minute"),
    FactKind("pressure_cpu_share", "now", "share of the last 10 s in which a task waited for a core"),
    FactKind("pressure_memory_share", "now", "share of the last 10 s in which a task waited for memory"),
    FactKind("stolen_share", "now", "share of the CPU time requested since boot that the hypervisor gave to others"),
    FactKind("on_battery", "now", "true when no power supply is plugged in"),
    FactKind("cpu_temperature_c", "now", "the processor's own sensor"),
    FactKind("allocator", "process", "library that answers malloc", "page faults come from there"),
    FactKind("openmp", "process", "OpenMP libraries loaded", "they start and stop the threads"),
    FactKind("gil", "process", "true with the global interpreter lock", "single threads are slower without it"),
    FactKind("nice", "process", "priority; above 0 others go first"),
    FactKind("env.*", "process", "a variable that changes times, where it is set", "it changes times"),
    FactKind("threads", "torch", "threads within an operator", "it decides the speed on the CPU"),
    FactKind("cpu_capability", "torch", "instructions PyTorch's own code uses", "other code runs"),
    FactKind("torch_debug", "torch", "true for a debug build"),
    FactKind(
        "torch_build_digest",
        "torch",
        "digest of PyTorch's source, compiler flags and libraries",
        "other libraries or options",
    ),
    FactKind(
        "torch_flags", "torch", "`default`, or what differs: `cudnn.benchmark=True, deterministic=True`", ALGORITHMS
    ),
    FactKind("tf32_matmul", "torch", "TF32 in matmuls", "up to 10 times faster"),
    FactKind("tf32_conv", "torch", "TF32 in convolutions", "up to 10 times faster"),
    FactKind("card.compute_units", "card", "multiprocessors, compute units", "another card, or a slice of it"),
    FactKind("card.pci_id", "card", "address on the bus"),
    FactKind("card.power_limit_w", "card", "power limit in force", "it decides the sustained clock"),
    FactKind("card.power_limit_default_w", "card", "power limit from the factory"),
    FactKind("card.power_w", "card", "power draw when it was read"),
    FactKind("card.clock_application_hz", "card", "clock set for applications", CLOCK),
    FactKind("card.clock_hz", "card", "clock of the compute units when it was read, mostly idle"),
    FactKind("card.temperature_c", "card", "temperature"),
    FactKind("card.throttle", "card", "why the clock is lowered now"),
    FactKind("card.utilisation", "card", "share of the driver's last sample in which something ran"),
    FactKind("card.memory_free_bytes", "card", "free memory"),
    FactKind("card.foreign_processes", "card", "other programs that compute there"),
    FactKind("card.mig", "card", "true when it is cut into slices", "a slice is another card"),
    FactKind("card.mps", "card", "true when programs share it through MPS", "other programs run at the same time"),
    FactKind("card.ecc", "card", "true when its memory is checked", "checking takes bandwidth"),
)
FACTS: dict[str, FactKind] = {kind.name: kind for kind in _KINDS}  # by name, in the order in which they are shown

IDENTITY: dict[str, str] = {kind.name: kind.identity for kind in FACTS.values() if kind.identity}
"""Fact by its name, with the reason why it decides comparability. Load, temperature, free memory, clocks of the moment
and the like change from minute to minute and are never part of it: they enter the grade instead."""
NOT_MEASURED = ("cvbench-tui", "timm")
"""Versions that are left out: the first measures, it is not measured; of the second depend the rows of its own models
alone, and the others are to be comparable whether or not it is installed. A run's header has both."""
VERSIONS_OF_CARDS = ("driver", "cudnn")  # known where a driver was asked, and nothing to rows on the CPU
DIGITS = 16  # of the digest: 64 bits, so that a thousand million environments still differ


def identity_pairs(environment: Environment, device_id: str | None = None) -> tuple[tuple[str, str], ...]:
    """Versions, usable devices and the facts of ``IDENTITY``, as sorted names and values. ``device_id``: for rows on
    that device, to which the others are nothing, and which a run on the CPU alone does not look for; all of them
    without."""
    left_out = (*NOT_MEASURED, *VERSIONS_OF_CARDS) if device_id == "cpu" else NOT_MEASURED
    pairs = [(f"version {name}", version) for name, version in environment.versions if name not in left_out]
    for device in environment.usable:  # without the machine's memory, which kernels count differently
        card = device.name, device.uuid, None if device.is_cpu else device.memory_bytes
        if device_id in (None, device.id):
            pairs.append((f"device {device.id}", json.dumps(card)))
    others = tuple(f"{each.id}." for each in environment.devices if device_id not in (None, each.id))
    facts = [(name, value) for name, value in environment.facts if not name.startswith(others)]
    pairs += [(f"fact {name}", json.dumps(value)) for name, value in facts if kind_name(name) in IDENTITY]
    return tuple(sorted(pairs))


def identity_hash(environment: Environment, device_id: str | None = None) -> str:
    """The first 16 hexadecimal digits of SHA-256 over ``identity_pairs``. Rows with equal digests of their devices may
    be compared."""
    text = json.dumps(identity_pairs(environment, device_id))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def environment_id(environment: Environment, device_id: str) -> str | None:
    """The digest for rows on that device; None in files of schema 1, which lack the facts."""
    return None if environment.identity_hash is None else identity_hash(environment, device_id)


def differing(before: Environment, now: Environment, device_ids: Iterable[str]) -> tuple[str, ...]:
    """What makes rows on those devices incomparable: ``torch 2.14.1, was 2.11.0``. Nothing when they may be
    compared."""
    found: dict[str, str] = {}
    for device_id in device_ids:
        if comparable(before, now, (device_id,)):
            continue
        if None in (environment_id(before, device_id), environment_id(now, device_id)):  # schema 1
            return ("the run does not say on what it was measured",)
        was, here = dict(identity_pairs(before, device_id)), dict(identity_pairs(now, device_id))
        for name in sorted({*was, *here}):
            if was.get(name) != here.get(name):
                found[name] = f"{name.split(' ', 1)[1]} {_plain(here.get(name))}, was {_plain(was.get(name))}"
    return tuple(found.values())


def _plain(value: str | None) -> str:
    """A value of ``identity_pairs`` as people write it: of a device its name, of a text no quotes."""
    try:
        found = json.loads(value or "null")
    except ValueError:  # a version
        return str(value)
    first = found[0] if isinstance(found, list) and found else found
    return "none" if first is None else str(first)


def comparable(one: Environment, other: Environment, device_ids: Iterable[str]) -> bool:
    """True when rows on those devices may be compared. Of environments of schema 1, which lack the facts, only one and
    the same is known to be comparable."""
    if one == other:
        return True
    digests = [(environment_id(one, each), environment_id(other, each)) for each in device_ids]
    return all(mine is not None and mine == theirs for mine, theirs in digests)
