"""PyTorch's settings and its build: everything that decides which kernels run. Facts are named in ``core.facts``."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import torch

from cvbench_tui.base.cores import quota_cores, usable_cores
from cvbench_tui.core.environment import Fact, known
from cvbench_tui.worker.devices.cpu import intra_op_threads

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


def torch_facts() -> Iterator[tuple[str, Fact]]:
    """What is known of PyTorch here. An older version has fewer facts."""
    with warnings.catch_warnings():
        # Reading a flag by its older name, which versions before 2.9 know alone, warns in newer ones.
        warnings.simplefilter("ignore")
        yield from tuple(known(TORCH_FACTS))


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


TORCH_FACTS: dict[str, Callable[[], Fact]] = {
    "usable_cores": usable_cores,
    "quota_cores": quota_cores,
    "threads": intra_op_threads,
    "cpu_capability": lambda: torch.backends.cpu.get_cpu_capability(),
    "torch_debug": lambda: torch.version.debug,
    "torch_build_digest": lambda: hashlib.sha256(torch.__config__.show().encode()).hexdigest()[:12],
    "torch_flags": _flags,
    "tf32_matmul": lambda: torch.backends.cuda.matmul.allow_tf32,
    "tf32_conv": lambda: torch.backends.cudnn.allow_tf32,
}
"""Readers by the name of the fact. Each call by its full name, so that one an older version lacks is only left out."""
