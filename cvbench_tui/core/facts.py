"""Every fact an environment can hold: its group, its meaning, and why it decides comparability if it does.

``worker.devices.probe`` reads those of the process and of PyTorch, ``engine.host`` those of the machine and NVML.
Units are in names; a share is between 0 and 1. docs/environment.md is this table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Group = Literal["system", "processor", "frequency", "memory", "now", "process", "torch", "card"]
GROUPS: dict[Group, str] = {
    "system": "System",
    "processor": "Processor",
    "frequency": "Processor's frequency",
    "memory": "Memory",
    "now": "State when it was asked",
    "process": "Measuring process",
    "torch": "PyTorch",
    "card": "Cards",
}
"""Titles, in the order in which they are shown."""
CARD = "card."
"""Stands in front of the name of a fact that each card has; an environment has ``cuda:0.`` there."""
VARIABLE = "env."


@dataclass(frozen=True)
class FactKind:
    """One fact, or one pattern of facts."""

    name: str
    """Its name; ``card.power_limit_w`` for ``cuda:0.power_limit_w``, ``env.*`` for the environment's variables."""
    group: Group
    meaning: str
    identity: str
    """Why two runs that differ in it must not be compared; empty when they may."""


def kind_name(fact: str) -> str:
    """The name in ``FACTS`` of a fact: ``cuda:0.sm_count`` gives ``card.sm_count``, ``env.HOME`` gives ``env.*``."""
    if fact.startswith(VARIABLE):
        return f"{VARIABLE}*"
    return CARD + fact.split(".", 1)[1] if "." in fact else fact


def kind_of(fact: str) -> FactKind | None:
    """What is known about a fact; None for one of a later version, or of a worker that is not ours."""
    return FACTS.get(kind_name(fact))


def count_listed(listed: str) -> int:
    """How many numbers a list of cores has: ``0-3,8`` has 5; 0 for what is no such list."""
    spans = re.findall(r"(\d+)(?:-(\d+))?", listed)
    return sum(int(last or first) - int(first) + 1 for first, last in spans)


def _group(group: Group, meanings: Mapping[str, tuple[str, str]]) -> dict[str, FactKind]:
    return {name: FactKind(name, group, *texts) for name, texts in meanings.items()}


_SYSTEM = _group(
    "system",
    {
        "platform": ("Python's words for the whole system", ""),
        "host": ("name of the machine", ""),
        "os": ("operating system", "it schedules and allocates"),
        "distribution": ("name and version of the distribution", ""),
        "kernel": ("release of the kernel", "scheduler and system calls change with it"),
        "kernel_build": ("how that kernel was built", "preemption and options are chosen there"),
        "architecture": ("instruction set: `x86_64`, `arm64`", "other code runs"),
        "machine_product": ("product name, or the cloud's type of instance", "another machine"),
        "bios_version": ("version of the firmware", "it sets memory timing and power limits"),
        "virtual_machine": ("true below a hypervisor", "a hypervisor takes time and hides the clock"),
        "hypervisor": ("which hypervisor", "each costs something else"),
        "container": ("`docker`, `podman`, `kubernetes`, `lxc`, or `none`", "its limits and filters cost time"),
        "clocksource": ("what the kernel reads the time from", "reading the time costs 20 ns or 1 us"),
        "aslr": ("randomised addresses: 0 off, 1 partly, 2 fully", "it decides how much processes differ"),
        "mitigations": ("processor flaws the kernel works around", "each makes system calls slower"),
        "unmitigated": ("processor flaws it leaves open", "the other half of the above"),
        "numa_balancing": ("1 when the kernel moves pages between nodes", "moving takes time"),
        "boot_id": ("random name of this start of the machine", ""),
        "uptime_s": ("seconds since the machine was started", ""),
    },
)
_PROCESSOR = _group(
    "processor",
    {
        "cpu_model": ("product name", "another processor"),
        "cpu_family": ("family number", "tells apart what shares a name"),
        "cpu_model_number": ("model number", "tells apart what shares a name"),
        "cpu_stepping": ("stepping", "tells apart what shares a name"),
        "microcode": ("version of the microcode", "updates have changed speed"),
        "cpu_flags_digest": ("digest of the feature flags", "libraries choose their code by them"),
        "sockets": ("processors", "memory is near or far"),
        "physical_cores": ("cores", "more work side by side"),
        "cpu_cores": ("logical cores", "more work side by side"),
        "smt": ("true when cores run two threads", "two threads share one core"),
        "usable_cores": ("cores the measurement may use, by affinity and quota", "limits the threads"),
        "quota_cores": ("cores by the control group's quota; absent without one", "the group is paused beyond it"),
        "affinity": ("logical cores the process may run on", "other cores have other caches and neighbours"),
        "isolated_cores": ("cores kept free from the scheduler", "nobody disturbs there"),
        "nohz_full": ("cores without a timer tick", "nobody disturbs there"),
        "l1d_cache_bytes": ("first data cache, of one core", "what fits runs faster"),
        "l2_cache_bytes": ("second cache", "what fits runs faster"),
        "l3_cache_bytes": ("last cache, of one group of cores", "what fits runs faster"),
        "l3_cores": ("logical cores that share it", "they compete for it"),
        "numa_nodes": ("memory nodes", "memory is near or far"),
        "memory_nodes": ("nodes the process may take memory from", "memory is near or far"),
        "numa_node": ("node the process ran on when it was asked", ""),
    },
)
_FREQUENCY = _group(
    "frequency",
    {
        "governor": ("frequency governor; several when cores differ", "it decides the clock"),
        "frequency_driver": ("driver that sets the frequency", "it decides the clock"),
        "pstate_mode": ("mode of the P-state driver", "it decides the clock"),
        "energy_preference": ("hint between speed and saving", "it decides the clock"),
        "platform_profile": ("the firmware's power profile", "it decides the clock"),
        "turbo": ("true when cores may pass the base frequency", "it decides the clock"),
        "frequency_min_hz": ("lowest frequency allowed", "it decides the clock"),
        "frequency_max_hz": ("highest frequency allowed", "it decides the clock"),
        "frequency_hardware_max_hz": ("highest frequency the processor has", ""),
        "frequency_base_hz": ("frequency without turbo", ""),
        "frequency_hz": ("frequency of the first core, or of all, when it was asked", ""),
        "idle_driver": ("driver of the sleep states", "waking up takes time"),
        "idle_governor": ("chooser of the sleep states", "waking up takes time"),
    },
)
_MEMORY = _group(
    "memory",
    {
        "memory_total_bytes": ("memory of the machine", ""),
        "memory_available_bytes": ("memory that programs could take", ""),
        "memory_limit_bytes": ("limit of the control group; absent without one", ""),
        "swap_total_bytes": ("swap space", ""),
        "swap_used_bytes": ("swap space in use", ""),
        "page_size_bytes": ("size of a page", "more or fewer page faults"),
        "thp": ("transparent huge pages: `always`, `madvise`, `never`", "fewer page faults and table walks"),
        "thp_defrag": ("whether a page fault waits for huge pages", "it waits in the middle of a call"),
        "huge_pages": ("huge pages set aside", "fewer page faults and table walks"),
    },
)
_NOW = _group(
    "now",
    {
        "load_1min": ("runnable and waiting tasks, mean of one minute", ""),
        "load_5min": ("mean of five minutes", ""),
        "load_15min": ("mean of fifteen minutes", ""),
        "running_tasks": ("tasks running or ready", ""),
        "pressure_cpu_share": ("share of the last 10 s in which a task waited for a core", ""),
        "pressure_memory_share": ("share of the last 10 s in which a task waited for memory", ""),
        "pressure_io_share": ("share of the last 10 s in which a task waited for a disk", ""),
        "stolen_share": ("share of the wanted CPU time since start that the hypervisor gave to others", ""),
        "on_battery": ("true when no power supply is plugged in", ""),
        "battery_share": ("charge of the battery", ""),
        "cpu_temperature_c": ("hottest sensor of the processor", ""),
    },
)
_PROCESS = _group(
    "process",
    {
        "libc": ("C library and version", "its memory and mathematics functions are used"),
        "allocator": ("who answers malloc", "page faults come from there"),
        "preload": ("libraries loaded before all others", "they replace functions"),
        "openmp": ("OpenMP libraries loaded", "they start and stop the threads"),
        "python_implementation": ("`CPython`", "other calls cost other times"),
        "python_build": ("number and date of the build", "other options"),
        "python_compiler": ("compiler that built it", "other options"),
        "gil": ("true with the global interpreter lock", "single threads are slower without it"),
        "nice": ("priority; above 0 others go first", "others go first"),
        "scheduler": ("scheduling policy", "others go first, or never"),
        "env.*": ("a variable that libraries read, where it is set", "that is what it is for"),
    },
)
_TORCH = _group(
    "torch",
    {
        "torch_git": ("commit that was built", "other code"),
        "torch_debug": ("true for a debug build", "many times slower"),
        "torch_build_digest": ("digest of PyTorch's own description of its build", "other options"),
        "torch_cuda_architectures": ("what its CUDA code was compiled for", "others are compiled when first used"),
        "threads": ("threads within an operator", "it decides the speed on the CPU"),
        "interop_threads": ("threads between operators", "it decides the speed on the CPU"),
        "parallel_backend": ("what runs those threads", "starting them costs time"),
        "cpu_capability": ("instructions PyTorch's own code uses", "other code runs"),
        "mkl": ("true with MKL", "it multiplies matrices"),
        "mkl_version": ("version of MKL", "it multiplies matrices"),
        "onednn": ("true when built with oneDNN", "it convolves on the CPU"),
        "onednn_version": ("version of oneDNN", "it convolves on the CPU"),
        "onednn_enabled": ("true when it may be used", "it convolves on the CPU"),
        "onednn_deterministic": ("true when it must be repeatable", "slower algorithms"),
        "nnpack": ("true with NNPACK", "it convolves on the CPU"),
        "flush_denormal": ("true when tiny numbers become 0", "they are slow on many processors"),
        "default_dtype": ("type of new tensors", "other work"),
        "deterministic": ("true when only repeatable algorithms are allowed", "slower algorithms"),
        "fill_uninitialized": ("true when new memory is filled, with the above", "filling takes time"),
        "anomaly_detection": ("true when autograd looks for NaN", "many times slower"),
        "matmul_precision": ("precision of float32 matrix products", "less is faster"),
        "tf32_matmul": ("TF32 in matrix products", "up to 10 times faster"),
        "tf32_conv": ("TF32 in convolutions", "up to 10 times faster"),
        "fp16_reduction": ("float16 sums of float16 products", "less precision is faster"),
        "bf16_reduction": ("bfloat16 sums of bfloat16 products", "less precision is faster"),
        "fp16_accumulation": ("float16 accumulators", "less precision is faster"),
        "cudnn_enabled": ("true when cuDNN may be used", "it convolves"),
        "cudnn_benchmark": ("true when it tries algorithms first", "it finds faster ones"),
        "cudnn_benchmark_limit": ("how many it tries", "it finds faster ones"),
        "cudnn_deterministic": ("true when only repeatable ones are allowed", "slower algorithms"),
        "sdp_flash": ("flash attention allowed", "attention by another kernel"),
        "sdp_efficient": ("memory-efficient attention allowed", "attention by another kernel"),
        "sdp_cudnn": ("cuDNN's attention allowed", "attention by another kernel"),
        "sdp_math": ("plain attention allowed", "attention by another kernel"),
        "attention_fastpath": ("fused transformer layers for inference", "inference by another kernel"),
        "blas_library": ("preferred library for matrix products on a card", "other kernels"),
        "linalg_library": ("preferred library for decompositions on a card", "other kernels"),
        "cuda_allocator": ("`native` or `cudaMallocAsync`", "allocating takes time"),
        "triton_version": ("version of Triton", "it writes the kernels of compiled models"),
    },
)
_CARD = _group(
    "card",
    {
        "card.capability": ("compute capability", "another card"),
        "card.architecture": ("ROCm's name of the architecture", "another card"),
        "card.compute_units": ("multiprocessors, compute units", "another card, or a slice of it"),
        "card.l2_cache_bytes": ("last cache", "what fits runs faster"),
        "card.pci_id": ("address on the bus", ""),
        "card.numa_node": ("memory node it is attached to", ""),
        "card.vbios": ("version of its firmware", "it sets clocks and limits"),
        "card.power_limit_w": ("power limit in force", "it decides the sustained clock"),
        "card.power_limit_default_w": ("power limit from the factory", ""),
        "card.power_limit_max_w": ("highest power limit that can be set", ""),
        "card.power_w": ("power drawn when it was asked", ""),
        "card.clock_application_hz": ("clock set for applications", "it decides the clock"),
        "card.clock_default_hz": ("clock for applications from the factory", ""),
        "card.clock_max_hz": ("highest clock of the compute units", "it decides the clock"),
        "card.clock_hz": ("their clock when it was asked, mostly idle", ""),
        "card.memory_clock_application_hz": ("memory clock set for applications", "it decides the bandwidth"),
        "card.memory_clock_max_hz": ("highest memory clock", "it decides the bandwidth"),
        "card.memory_clock_hz": ("memory clock when it was asked, mostly idle", ""),
        "card.temperature_c": ("temperature", ""),
        "card.temperature_slowdown_c": ("temperature at which it slows down", ""),
        "card.throttle": ("why the clock is lowered now", ""),
        "card.performance_state": ("`P0` is the fastest, mostly lower when idle", ""),
        "card.utilisation": ("share of the last moment in which something ran", ""),
        "card.memory_free_bytes": ("memory nobody has taken", ""),
        "card.foreign_processes": ("other programs that compute there", ""),
        "card.display_active": ("true when a screen shows its picture", ""),
        "card.fan_share": ("fan speed", ""),
        "card.persistence": ("true when the driver stays loaded", ""),
        "card.compute_mode": ("who may use it: `default`, `exclusive`, `prohibited`", ""),
        "card.mig": ("true when it is cut into slices", "a slice is another card"),
        "card.mps": ("true when programs share it through MPS", "others run at the same time"),
        "card.ecc": ("true when its memory is checked", "checking takes bandwidth"),
        "card.virtualisation": ("`none`, `passthrough`, `vgpu` ...", "a part of a card is another card"),
        "card.pcie_generation": ("generation of the link now, lower when idle", ""),
        "card.pcie_generation_max": ("highest generation card and board agree on", "copies are slower"),
        "card.pcie_width": ("lanes of the link", "copies are slower"),
        "card.pcie_width_max": ("most lanes card and board agree on", ""),
    },
)

FACTS: dict[str, FactKind] = {**_SYSTEM, **_PROCESSOR, **_FREQUENCY, **_MEMORY, **_NOW, **_PROCESS, **_TORCH, **_CARD}
"""By name, in the order in which they are shown."""
