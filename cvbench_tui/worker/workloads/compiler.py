"""torch.compile as an axis: the compiler set up, a module marked for it, its errors in a sentence."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.plan import Case
from cvbench_tui.worker.process.failure import CompileError, UnsupportedError

EAGER = "eager"
SENTENCE = 200  # characters of the compiler's own words


def is_compiled(case: Case) -> bool:
    """Whether the row runs by torch.compile."""
    return case.setting("compile") != EAGER


def prepare(value: str, device: torch.device) -> None:
    """Set the compiler up for a row that wants it, without what an earlier row of this process has compiled. Raises
    UnsupportedError where it is switched off, and CompileError where it cannot start."""
    if value == EAGER:
        return
    os.environ["TORCH_WARM_POOL"] = "0"  # its pool of processes starts with the first kernel of a card, or never
    with named():
        import torch._dynamo.config as dynamo
        import torch._inductor.compile_fx  # here, so that it is in no time and in no growth of memory
    if getattr(dynamo, "disable", False):
        raise UnsupportedError("torch.compile is switched off by TORCH_COMPILE_DISABLE or TORCHDYNAMO_DISABLE.")
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    dynamo.suppress_errors = False  # a failure would be eager code
    for name in ("fail_on_recompile_limit_hit", "fail_on_cache_limit_hit"):  # its name before PyTorch 2.6
        if hasattr(dynamo, name):
            setattr(dynamo, name, True)  # and so would a function that is compiled too often


def compile_module(module: nn.Module, value: str) -> nn.Module:
    """The same module, compiled by its next call; shapes are static, since each row has one."""
    if value != EAGER:
        module.compile(mode=value, dynamic=False)
    return module


def forget() -> None:
    """Give back what was compiled in this process, and the memory that graphs of a card hold."""
    if "torch._dynamo" in sys.modules:
        torch._dynamo.reset()


def graphs() -> int:
    """Graphs that this process has compiled so far."""
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])


@contextmanager
def named() -> Iterator[None]:
    """Errors of the compiler as such, in a sentence; those of the workload itself as they are."""
    try:
        yield
    except Exception as error:
        cause = _cause(error)
        name = type(cause).__name__
        if isinstance(cause, (MemoryError, torch.OutOfMemoryError)):
            raise cause from error
        if name == "InvalidCxxCompiler":
            raise UnsupportedError(
                "torch.compile needs a C++ compiler: install g++ or clang++, or name one in CXX."
            ) from error
        if name in ("TritonMissing", "GPUTooOldForTriton"):
            raise UnsupportedError(f"torch.compile cannot be had on this card: {words(str(cause))}") from error
        if name in ("FailOnRecompileLimitHit", "FailOnCacheLimitHit"):
            raise CompileError(
                "torch.compile reached its limit of versions of one function, which it would run as eager from then on:"
                " something in it differs from call to call."
            ) from error
        if isinstance(cause, OSError) and _of_cache(cause):
            raise CompileError(
                f"torch.compile cannot write into its cache {_cache_folder()} ({cause.strerror or name}): "
                "set TORCHINDUCTOR_CACHE_DIR to another folder."
            ) from error
        if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise CompileError(f"torch.compile failed: {name}: {words(str(cause))}") from error
        raise


def _cause(error: BaseException) -> BaseException:
    """What the compiler wrapped."""
    while isinstance(inner := getattr(error, "inner_exception", None), BaseException):
        error = inner
    return error


def _cache_folder() -> str:
    return os.environ.get("TORCHINDUCTOR_CACHE_DIR") or os.path.join(tempfile.gettempdir(), "torchinductor_...")


def _of_cache(error: OSError) -> bool:
    """True for one of a file of the compiler's."""
    folder = os.environ.get("TORCHINDUCTOR_CACHE_DIR") or "torchinductor_"
    return folder in str(error.filename or "")


def words(text: str) -> str:
    """The first line of what the compiler says, and what it explains."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    explained = next((line for line in lines[1:] if line.startswith("Explanation:")), "")
    said = explained.partition(":")[2].strip() or next(iter(lines), "")
    return one_line(said)[:SENTENCE]
