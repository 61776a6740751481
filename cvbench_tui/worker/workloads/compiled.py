"""torch.compile as an axis: a module is compiled in place, every graph of a case before anything is timed, and what the
compiler did is counted. A compilation that fails fails the row: nothing falls back to eager quietly.

Inductor is not imported for an eager row: that takes a second. (Dynamo comes with torchvision.)"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Compilation
from cvbench_tui.worker.process.failure import CompileError, UnsupportedError

if TYPE_CHECKING:
    from cvbench_tui.worker.devices.backend import Backend
    from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

EAGER = "eager"
HEARTBEAT_S = 1.0
MOST_CALLS = 24
"""Calls of one pass after which a module that is compiled anew in each is given up; Dynamo itself gives up at the
ninth compilation of one function, and a model may have several that settle one after the other."""
SENTENCE = 200  # characters of the compiler's own words


def prepare(value: str, device: torch.device) -> None:
    """Set the compiler up for a row that wants it, without what an earlier row of this process has compiled. Raises
    UnsupportedError where it is switched off, and CompileError where it cannot start."""
    if value == EAGER:
        return
    os.environ["TORCH_WARM_POOL"] = "0"  # its pool of processes starts with the first kernel of a card, or never
    with _named():
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


def compile_graphs(
    subject: ModuleUnderTest, backend: Backend, passes: Collection[PassName], heartbeat: Callable[[], None]
) -> Compilation:
    """Every graph of a compiled case, by calls in the mode of each of those passes; what that was. ``heartbeat`` is
    called meanwhile, from a thread: it takes minutes where the compiler's cache is cold. Raises CompileError,
    UnsupportedError, and whatever the workload raises."""
    calls = _Calls(subject, backend)
    with every(HEARTBEAT_S, heartbeat), _named():
        if set(passes) != {"inference"}:
            calls.train()
        if "inference" in passes:
            calls.infer()
    subject.clear()
    _end_pool()
    if not graphs():
        raise UnsupportedError("torch.compile compiled no part of this workload: it would be timed as eager.")
    return calls.found()


@dataclass
class _Calls:
    """Of a case until nothing is compiled any more."""

    subject: ModuleUnderTest
    backend: Backend
    seconds: float = 0.0
    recompiles: int = 0

    def train(self) -> None:
        """Forward and backward, in train mode."""
        self.subject.train()
        self._settle(self._train)

    def infer(self) -> None:
        """In eval mode."""
        self.subject.evaluate()
        with torch.inference_mode():
            self._settle(self.subject.forward)

    def _settle(self, call: Callable[[], object]) -> None:
        """Call until a call compiles nothing; the seconds of those before are the compiler's."""
        first = 0
        for number in range(MOST_CALLS):
            before, begun_s = graphs(), self.backend.now_s()
            call()
            self.backend.settle()
            new = graphs() - before
            # a backward is compiled by the first call, and is no graph of its own
            if number and not new:
                return
            self.seconds += self.backend.now_s() - begun_s
            first = first or new
            self.recompiles += new if number else 0
        raise CompileError(f"torch.compile compiled something anew in each of {MOST_CALLS} calls.")

    def _train(self) -> None:
        outputs = self.subject.forward()
        if not self.subject.gradients:
            self.subject.prepare_gradients(outputs)
        self.subject.backward(outputs)
        self.subject.clear()

    def found(self) -> Compilation:
        """What was compiled so far, in all passes."""
        counters = torch._dynamo.utils.counters
        breaks, inductor = counters["graph_break"], counters["inductor"]
        return Compilation(
            compile_s=round(self.seconds, 6),
            graphs=graphs(),
            breaks=sum(breaks.values()),
            break_reason=_words(next(iter(breaks), "")),
            recompiles=self.recompiles,
            cache_hits=inductor["fxgraph_cache_hit"],
            cache_misses=inductor["fxgraph_cache_miss"] + inductor["fxgraph_cache_bypass"],
            graph_skips=inductor["cudagraph_skips"],
        )


@contextmanager
def every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call it now, and from a thread again and again until the block ends."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(seconds):
            call()

    call()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _named() -> Iterator[None]:
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
            raise UnsupportedError(f"torch.compile cannot be had on this card: {_words(str(cause))}") from error
        if name in ("FailOnRecompileLimitHit", "FailOnCacheLimitHit"):
            raise CompileError(
                "torch.compile compiles this workload anew at each call, and gave it up: something in it changes."
            ) from error
        if isinstance(cause, OSError) and _of_cache(cause):
            raise CompileError(
                f"torch.compile cannot write into its cache {_cache_folder()} ({cause.strerror or name}): "
                "set TORCHINDUCTOR_CACHE_DIR to another folder."
            ) from error
        if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise CompileError(f"torch.compile failed: {name}: {_words(str(cause))}") from error
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


def _words(text: str) -> str:
    """The first line of what the compiler says, and what it explains."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    explained = next((line for line in lines[1:] if line.startswith("Explanation:")), "")
    said = explained.partition(":")[2].strip() or next(iter(lines), "")
    return one_line(said)[:SENTENCE]


def _end_pool() -> None:
    """End the processes that compiled kernels of a card: beside timed rounds there shall be none."""
    compiler: Any = sys.modules.get("torch._inductor.async_compile")
    if compiler is not None:
        compiler.shutdown_compile_workers()
