"""What the measuring process knows of itself and of the system it runs on. Facts are named in ``core.facts``.

No torch here: what PyTorch knows is in ``probe_torch``.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from cvbench_tui.base.system_files import read_text
from cvbench_tui.core.environment import Fact, known

VARIABLES = (
    # where threads run, and how they wait; how many they are is a fact of its own
    "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY", "OMP_DYNAMIC", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT",
    "KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_LIBRARY", "OPENBLAS_NUM_THREADS",
    # which instructions and precision libraries choose
    "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    # how memory is taken
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


def process_facts() -> Iterator[tuple[str, Fact]]:
    """What is known of the process, the interpreter and the system, and the variables that are set."""
    yield from known(PROCESS_FACTS)
    for name in VARIABLES:
        if name in os.environ:
            yield f"env.{name}", os.environ[name]


def cpu_name(path: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's product name; its architecture where that is not known."""
    found = re.search(r"^model name\s*:\s*(.+)$", read_text(path), re.MULTILINE)
    return " ".join(found.group(1).split()) if found else platform.processor() or platform.machine() or "CPU"


def _affinity(path: Path = Path("/proc/self/status")) -> str | None:
    """Logical cores that this process may run on, ``0-3,8``."""
    found = re.search(r"^Cpus_allowed_list:\s*(\S+)$", read_text(path), re.MULTILINE)
    return found.group(1) if found else None


def _loaded(pattern: re.Pattern[str], maps: Path = Path("/proc/self/maps")) -> str | None:
    """Names of the loaded libraries that match; None when there is none."""
    files = {Path(line.split(None, 5)[-1]).name for line in read_text(maps).splitlines() if ".so" in line}
    return ", ".join(sorted(name for name in files if pattern.search(name))) or None


def _gil() -> bool:
    """False only in an interpreter that was built without the lock and runs without it."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


PROCESS_FACTS: dict[str, Callable[[], Fact]] = {
    "host": platform.node,
    "os": platform.system,
    "kernel": platform.release,
    "architecture": platform.machine,
    "cpu_model": cpu_name,
    "cpu_cores": os.cpu_count,
    "affinity": _affinity,
    "allocator": lambda: _loaded(ALLOCATORS) or "libc",
    "openmp": lambda: _loaded(OPENMP),
    "gil": _gil,
    "nice": lambda: os.getpriority(os.PRIO_PROCESS, 0),
}
"""Readers by the name of the fact."""
