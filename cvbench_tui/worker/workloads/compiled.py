"""torch.compile as an axis: a module is compiled in place, every graph of a case before anything is timed, and what the
compiler did is counted. A compilation that fails fails the row: nothing falls back to eager quietly.

Inductor is not imported for an eager row: that takes a second. (Dynamo comes with torchvision.)"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Compilation
from cvbench_tui.worker.process.failure import CompileError, UnsupportedError
from cvbench_tui.worker.workloads.compiler import graphs, named, words

if TYPE_CHECKING:
    from cvbench_tui.worker.devices.backend import Backend
    from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

HEARTBEAT_S = 1.0
MOST_CALLS = 24
"""Calls of one pass after which a module that is compiled anew in each is given up; Dynamo itself gives up at the
ninth compilation of one function, and a model may have several that settle one after the other."""


def compile_graphs(
    subject: ModuleUnderTest,
    backend: Backend,
    passes: Collection[PassName],
    heartbeat: Callable[[], None],
    *,
    autograd: bool = False,
) -> Compilation:
    """Every graph of a compiled case, by calls in the mode of each of those passes; what that was. ``heartbeat`` is
    called meanwhile, from a thread: it takes minutes where the compiler's cache is cold. ``autograd``: whether it
    records inference, as under the published method. Raises CompileError, UnsupportedError, and whatever the workload
    raises."""
    calls = _Calls(subject, backend)
    with every(HEARTBEAT_S, heartbeat), named():
        if set(passes) != {"inference"}:
            calls.train()
        if "inference" in passes:
            calls.infer(autograd=autograd)
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

    def infer(self, *, autograd: bool) -> None:
        """In eval mode, with or without autograd."""
        self.subject.evaluate()
        with torch.inference_mode(not autograd):
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
            break_reason=words(next(iter(breaks), "")),
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


def _end_pool() -> None:
    """End the processes that compiled kernels of a card: beside timed rounds there shall be none."""
    compiler: Any = sys.modules.get("torch._inductor.async_compile")
    if compiler is not None:
        compiler.shutdown_compile_workers()
