"""PyTorch's settings and its build: whatever decides which code computes. Facts are named in ``core.facts``."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import metadata

import torch

from cvbench_tui.base.cores import quota_cores, usable_cores
from cvbench_tui.core.environment import Fact, known
from cvbench_tui.worker.devices.cpu import intra_op_threads

TINY = 1e-310
"""Smaller than the smallest normal double, 2.2e-308."""


def torch_facts() -> Iterator[tuple[str, Fact]]:
    """What is known of PyTorch here. An older version has fewer facts."""
    with warnings.catch_warnings():
        # Reading a flag by its older name, which versions before 2.9 know alone, warns in newer ones.
        warnings.simplefilter("ignore")
        yield from tuple(known(TORCH_FACTS))


@lru_cache(maxsize=1)
def _build() -> str:
    """PyTorch's description of how it was built."""
    return str(torch.__config__.show())


def _in_build(pattern: str) -> str | None:
    """The first group of a pattern in the build's description; None when it is not there."""
    found = re.search(pattern, _build())
    return found.group(1) if found else None


def _flush_denormal() -> bool:
    """Whether a product that is too small for a normal number becomes 0: the setting itself cannot be read."""
    return torch.tensor(TINY, dtype=torch.float64).mul(1.0).item() == 0.0


def _parallel_backend() -> str | None:
    found = re.search(r"ATen parallel backend: (.+)", torch.__config__.parallel_info())
    return found.group(1) if found else None


TORCH_FACTS: dict[str, Callable[[], Fact]] = {
    "usable_cores": usable_cores,
    "quota_cores": quota_cores,
    "threads": intra_op_threads,
    "interop_threads": torch.get_num_interop_threads,
    "parallel_backend": _parallel_backend,
    "torch_git": lambda: torch.version.git_version,
    "torch_debug": lambda: torch.version.debug,
    "torch_build_digest": lambda: hashlib.sha256(_build().encode()).hexdigest()[:12],
    "torch_cuda_architectures": lambda: ", ".join(torch.cuda.get_arch_list()) or None,
    "cpu_capability": lambda: torch.backends.cpu.get_cpu_capability(),
    "mkl": lambda: torch.backends.mkl.is_available(),
    "mkl_version": lambda: _in_build(r"Math Kernel Library Version (\S+)"),
    "onednn": lambda: torch.backends.mkldnn.is_available(),
    "onednn_version": lambda: _in_build(r"(?:MKL-DNN|oneDNN) v(\S+)"),
    "onednn_enabled": lambda: bool(torch.backends.mkldnn.enabled),
    "onednn_deterministic": lambda: bool(torch.backends.mkldnn.deterministic),
    "nnpack": lambda: torch.backends.nnpack.is_available(),
    "flush_denormal": _flush_denormal,
    "default_dtype": lambda: str(torch.get_default_dtype()).replace("torch.", ""),
    "deterministic": torch.are_deterministic_algorithms_enabled,
    "fill_uninitialized": lambda: bool(getattr(torch.utils.deterministic, "fill_uninitialized_memory")),  # noqa: B009  # no stub has it
    "anomaly_detection": torch.is_anomaly_enabled,
    "matmul_precision": torch.get_float32_matmul_precision,
    "tf32_matmul": lambda: torch.backends.cuda.matmul.allow_tf32,
    "tf32_conv": lambda: torch.backends.cudnn.allow_tf32,
    "fp16_reduction": lambda: torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction,
    "bf16_reduction": lambda: torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
    "fp16_accumulation": lambda: torch.backends.cuda.matmul.allow_fp16_accumulation,
    "cudnn_enabled": lambda: torch.backends.cudnn.enabled,
    "cudnn_benchmark": lambda: torch.backends.cudnn.benchmark,
    "cudnn_benchmark_limit": lambda: torch.backends.cudnn.benchmark_limit,
    "cudnn_deterministic": lambda: torch.backends.cudnn.deterministic,
    "sdp_flash": lambda: torch.backends.cuda.flash_sdp_enabled(),
    "sdp_efficient": lambda: torch.backends.cuda.mem_efficient_sdp_enabled(),
    "sdp_cudnn": lambda: torch.backends.cuda.cudnn_sdp_enabled(),
    "sdp_math": lambda: torch.backends.cuda.math_sdp_enabled(),
    "attention_fastpath": lambda: torch.backends.mha.get_fastpath_enabled(),
    "blas_library": lambda: str(torch.backends.cuda.preferred_blas_library()).rsplit(".", 1)[-1],
    "linalg_library": lambda: str(torch.backends.cuda.preferred_linalg_library()).rsplit(".", 1)[-1],
    "cuda_allocator": lambda: torch.cuda.get_allocator_backend() if torch.cuda.is_available() else None,
    "triton_version": lambda: metadata.version("triton"),
}
"""Readers by the name of the fact. Each call by its full name, so that one an older version lacks is only left out."""
