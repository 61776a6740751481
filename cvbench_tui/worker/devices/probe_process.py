"""What the measuring process can tell of itself and of the system it runs on. Facts are named in ``core.facts``.

No torch here: what PyTorch tells is in ``probe_torch``.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from cvbench_tui.core.environment import Fact, known

VARIABLES = (
    # how many threads, where they run, how they wait
    "OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_SCHEDULE", "OMP_WAIT_POLICY", "OMP_DYNAMIC",
    "OMP_THREAD_LIMIT", "OMP_MAX_ACTIVE_LEVELS", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT",
    "KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_HW_SUBSET", "KMP_LIBRARY",
    "MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_THREADING_LAYER", "OPENBLAS_NUM_THREADS",
    # which instructions and precision libraries choose
    "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "MKL_CBWR",
    "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    # how memory is taken
    "MALLOC_CONF", "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_",
    "GLIBC_TUNABLES", "PYTHONMALLOC", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF",
    "PYTORCH_NO_CUDA_MEMORY_CACHING", "THP_MEM_ALLOC_ENABLE",
    # how cards are driven
    "CUDA_LAUNCH_BLOCKING", "CUDA_MODULE_LOADING", "CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
    "CUBLAS_WORKSPACE_CONFIG", "CUBLASLT_WORKSPACE_SIZE", "TORCH_CUDNN_V8_API_DISABLED", "CUDA_FORCE_PTX_JIT",
    "HIP_LAUNCH_BLOCKING", "AMD_SERIALIZE_KERNEL", "HSA_OVERRIDE_GFX_VERSION", "MIOPEN_FIND_MODE",
    "PYTORCH_ENABLE_MPS_FALLBACK", "PYTORCH_MPS_HIGH_WATERMARK_RATIO",
    # what the interpreter adds to each call
    "PYTHONHASHSEED", "PYTHONDEVMODE", "TORCH_SHOW_DISPATCH_TRACE", "TORCH_COMPILE_DISABLE",
)  # fmt: skip
"""The environment's variables that change a time. Only these are read, so that no secret gets into a run file."""
ALLOCATORS = re.compile(r"jemalloc|tcmalloc|mimalloc|snmalloc|hoard")
OPENMP = re.compile(r"lib(?:gomp|iomp5|omp)\b")
POLICIES = ("other", "fifo", "round robin", "batch", "", "idle", "deadline")
"""Linux's scheduling policies by number; 4 is not used."""


def process_facts() -> Iterator[tuple[str, Fact]]:
    """What is known of the process, the interpreter and the system, and the variables that are set."""
    yield from known(PROCESS_FACTS)
    for name in VARIABLES:
        if name in os.environ:
            yield f"env.{name}", os.environ[name]


def cpu_name(path: str = "/proc/cpuinfo") -> str:
    """The processor's product name; its architecture when the system does not tell."""
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "CPU"


def ranges(numbers: Collection[int]) -> str:
    """Numbers as Linux writes lists of cores: ``0-3,8``."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def _libc() -> str | None:
    """``glibc 2.36``, by the library's own word; what the interpreter was linked with elsewhere."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return " ".join(platform.libc_ver()).strip() or None


def _loaded(pattern: re.Pattern[str], maps: str = "/proc/self/maps") -> str | None:
    """Names of the loaded libraries that match; None when there is none."""
    files = {Path(line.split(None, 5)[-1]).name for line in Path(maps).read_text().splitlines() if ".so" in line}
    return ", ".join(sorted(name for name in files if pattern.search(name))) or None


def _allocator() -> str:
    """The library that answers malloc: a replacement that is loaded, else the C library's."""
    return _loaded(ALLOCATORS) or "libc"


def _preload() -> str | None:
    """Names of the libraries in LD_PRELOAD, without their folders."""
    return ", ".join(Path(name).name for name in re.split(r"[\s:]+", os.environ.get("LD_PRELOAD", "")) if name) or None


def _affinity() -> str:
    return ranges(os.sched_getaffinity(0))


def _numa_node(root: str = "/") -> int | None:
    """Memory node of the core that runs this very line."""
    core = Path(root, "proc/self/stat").read_text().rsplit(")", 1)[1].split()[36]
    nodes = Path(root, f"sys/devices/system/cpu/cpu{core}").glob("node[0-9]*")
    return next((int(node.name[4:]) for node in nodes), None)


def _memory_nodes(path: str = "/proc/self/status") -> str:
    """The memory nodes this process may take memory from, ``0-1``."""
    lines = Path(path).read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Mems_allowed_list"))


def _gil() -> bool:
    """False only in an interpreter that was built without the lock and runs without it."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


PROCESS_FACTS: dict[str, Callable[[], Fact]] = {
    "platform": platform.platform,
    "host": platform.node,
    "os": platform.system,
    "kernel": platform.release,
    "kernel_build": platform.version,
    "architecture": platform.machine,
    "cpu_model": cpu_name,
    "cpu_cores": os.cpu_count,
    "affinity": _affinity,
    "memory_nodes": _memory_nodes,
    "numa_node": _numa_node,
    "libc": _libc,
    "allocator": _allocator,
    "preload": _preload,
    "openmp": lambda: _loaded(OPENMP),
    "python_implementation": platform.python_implementation,
    "python_build": lambda: " ".join(platform.python_build()),
    "python_compiler": platform.python_compiler,
    "gil": _gil,
    "nice": lambda: os.getpriority(os.PRIO_PROCESS, 0),
    "scheduler": lambda: POLICIES[os.sched_getscheduler(0)],
}
"""Readers by the name of the fact."""
