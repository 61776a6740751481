"""What this machine and this PyTorch offer: devices, versions, settings. Runs in a child of its own."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import reduce
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import torchvision

from cvbench_tui.base.cores import quota_cores, usable_cores
from cvbench_tui.base.system_files import cpuinfo, read_text
from cvbench_tui.core.environment import Device, Environment, Fact, known
from cvbench_tui.core.text import plural
from cvbench_tui.worker.devices.accelerators import Accelerators, accelerators
from cvbench_tui.worker.devices.cpu import intra_op_threads, memory_bytes

VARIABLES = (
    # where threads run, and how they wait; how many they are is a fact of its own
    "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY", "OMP_DYNAMIC", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT",
    "KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_LIBRARY", "OPENBLAS_NUM_THREADS",
    # which instructions and precision libraries choose
    "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    # how memory is allocated
    "MALLOC_CONF", "GLIBC_TUNABLES", "THP_MEM_ALLOC_ENABLE", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_HIP_ALLOC_CONF", "PYTORCH_NO_CUDA_MEMORY_CACHING",
    # how cards are driven
    "CUDA_LAUNCH_BLOCKING", "HIP_LAUNCH_BLOCKING", "CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
    "CUBLAS_WORKSPACE_CONFIG", "TORCH_BLAS_PREFER_CUBLASLT", "TORCH_CUDNN_V8_API_DISABLED", "MIOPEN_FIND_MODE",
    "PYTORCH_ENABLE_MPS_FALLBACK",
)  # fmt: skip
"""The environment's variables that change a time. Only these are read, so that no secret gets into a run file."""
ALLOCATORS = re.compile(r"jemalloc|tcmalloc|mimalloc|snmalloc|hoard")
OPENMP = re.compile(r"lib(?:gomp|iomp5|omp)\b")
TINY = 1e-310  # smaller than the smallest normal double, 2.2e-308
FLAGS: dict[str, tuple[str, object]] = {
    "deterministic": ("are_deterministic_algorithms_enabled", False),
    "anomaly_detection": ("is_anomaly_enabled", False),
    "default_dtype": ("get_default_dtype", torch.float32),
    "float32_matmul_precision": ("get_float32_matmul_precision", "highest"),
    "mkldnn": ("backends.mkldnn.enabled", True),
    "mkldnn.deterministic": ("backends.mkldnn.deterministic", False),
    "cudnn": ("backends.cudnn.enabled", True),
    "cudnn.benchmark": ("backends.cudnn.benchmark", False),
    "cudnn.deterministic": ("backends.cudnn.deterministic", False),
    "fp16_reduction": ("backends.cuda.matmul.allow_fp16_reduced_precision_reduction", True),
    "bf16_reduction": ("backends.cuda.matmul.allow_bf16_reduced_precision_reduction", True),
    "fp16_accumulation": ("backends.cuda.matmul.allow_fp16_accumulation", False),
    "sdp.flash": ("backends.cuda.flash_sdp_enabled", True),
    "sdp.efficient": ("backends.cuda.mem_efficient_sdp_enabled", True),
    "sdp.cudnn": ("backends.cuda.cudnn_sdp_enabled", True),
    "sdp.math": ("backends.cuda.math_sdp_enabled", True),
    "attention_fastpath": ("backends.mha.get_fastpath_enabled", True),
}
"""PyTorch's switches by the name they are shown by: where each is in ``torch``, and its default."""


def probe(*, cpu_only: bool = False) -> Environment:
    """Devices with names and memory, absent kinds with the reason, versions, and the facts of this process, which
    touches no device. ``cpu_only``: no other device is looked for, and no driver is asked."""
    found = Accelerators() if cpu_only else accelerators()
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "timm": installed_timm(),
        "hip": torch.version.hip,
        "cuda": torch.version.cuda,
        "cudnn": found.cudnn,
    }
    present = tuple((name, version) for name, version in versions.items() if version)
    cpu = Device("cpu", cpu_name(), memory_bytes(), detail=plural(intra_op_threads(), "thread"))
    return Environment(present, (cpu, *found.devices), (*facts(), *found.facts))


def installed_timm() -> str | None:
    """Its version, None without one; not imported, which only its own rows need."""
    try:
        return metadata.version("timm")
    except metadata.PackageNotFoundError:
        return None


def facts() -> Iterator[tuple[str, Fact]]:
    """What is known of the process, the system and PyTorch, and the variables that are set."""
    with warnings.catch_warnings():
        # Reading a flag by its older name, which versions before 2.9 know alone, warns in newer ones.
        warnings.simplefilter("ignore")
        yield from tuple(known(WORKER_FACTS))
    yield from ((f"env.{name}", os.environ[name]) for name in VARIABLES if name in os.environ)


def cpu_name(root: Path = Path("/")) -> str:
    """The processor's product name; its architecture where that is not known."""
    name = " ".join(cpuinfo("model name", root).split())
    return name or platform.processor() or platform.machine() or "CPU"


def _affinity(path: Path = Path("/proc/self/status")) -> str | None:
    """Logical cores that this process may run on, ``0-3,8``."""
    found = re.search(r"^Cpus_allowed_list:\s*(\S+)$", read_text(path), re.MULTILINE)
    return found.group(1) if found else None


def _loaded(pattern: re.Pattern[str], maps: Path = Path("/proc/self/maps")) -> str | None:
    """Names of the loaded libraries that match; None when there is none."""
    files = {Path(line.split(None, 5)[-1]).name for line in read_text(maps).splitlines() if ".so" in line}
    return ", ".join(sorted(name for name in files if pattern.search(name))) or None


def _build_digest() -> str:
    """Of this build's source, compiler flags and libraries. ``torch.__config__.show`` has more, but asks the driver."""
    told = torch.__config__.parallel_info().splitlines()
    libraries = [line for line in told if line[:1].isalpha() and " : " not in line]  # without counts of threads
    cards = getattr(torch._C, "_cuda_getArchFlags", lambda: "")()
    text = "\n".join([str(torch.version.git_version), torch.__config__._cxx_flags(), str(cards), *libraries])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _flags() -> str:
    """Switches that are not at their default, by name; those that this version lacks are left out."""
    values = known({name: lambda path=path: _read(path) for name, (path, _) in FLAGS.items()})
    changed = [f"{name}={value}" for name, value in values if value != FLAGS[name][1]]
    if torch.tensor(TINY, dtype=torch.float64).mul(1.0).item() == 0.0:  # the switch itself cannot be read
        changed.append("flush_denormal=True")
    return ", ".join(sorted(changed)) or "default"


def _read(path: str) -> Any:
    """The value of a switch, which is an attribute or a function without arguments."""
    value = reduce(getattr, path.split("."), torch)
    return value() if callable(value) else value


WORKER_FACTS: dict[str, Callable[[], Fact]] = {
    "host": platform.node,
    "os": platform.system,
    "kernel": platform.release,
    "architecture": platform.machine,
    "cpu_model": cpu_name,
    "cpu_cores": os.cpu_count,
    "affinity": _affinity,
    "allocator": lambda: _loaded(ALLOCATORS) or "libc",
    "openmp": lambda: _loaded(OPENMP),
    # False only in an interpreter that was built without the lock and runs without it
    "gil": lambda: bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
    "nice": lambda: os.getpriority(os.PRIO_PROCESS, 0),
    "usable_cores": usable_cores,
    "quota_cores": quota_cores,
    "threads": intra_op_threads,
    "cpu_capability": lambda: torch.backends.cpu.get_cpu_capability(),
    "torch_debug": lambda: torch.version.debug,
    "torch_build_digest": _build_digest,
    "torch_flags": _flags,
    "tf32_matmul": lambda: torch.backends.cuda.matmul.allow_tf32,
    "tf32_conv": lambda: torch.backends.cudnn.allow_tf32,
}
"""Readers by the name of the fact. Each call by its full name, so that one an older version lacks is only left out."""
