"""The selftest's workloads do what they say; what the stopwatch makes of them is tested with the selftest."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import torch

from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.selftest import workloads as traps
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.processes import wait_until

pytestmark = pytest.mark.torch


def subject(op: str, **params: float) -> ModuleUnderTest:
    workload = Workload("layer", op, op, (8,), tuple(params.items()))
    made = ModuleUnderTest(Case(workload, "cpu", 2), Protocol("test"))
    made.train()
    made.prepare_gradients(made.forward())
    return made


def test_every_trap_is_built_and_sends_a_gradient_back():
    for op in traps.SELFTEST_BUILDERS:
        if op != "selftest_timer":  # that one slows this process's timers
            one = subject(op, **({} if op == "selftest_empty" else {"seconds": 1e-4}))
            one.clear()
            one.backward(one.forward())
            assert torch.equal(one.inputs.tensors[0].grad, one.gradients[0])


def test_a_spin_is_never_shorter_than_programmed():
    for seconds in (1e-4, 3e-3):
        start = time.perf_counter_ns()
        traps.spin(seconds)
        assert time.perf_counter_ns() - start >= seconds * 1e9


def test_forward_and_backward_spin_as_long_each():
    one = subject("selftest_spin", seconds=0.01)
    start = time.perf_counter()
    output = one.forward()
    between = time.perf_counter()
    one.backward(output)
    assert between - start >= 0.01
    assert time.perf_counter() - between >= 0.01


def test_inference_spins_without_a_graph():
    one = subject("selftest_spin", seconds=0.01)
    one.evaluate()
    start = time.perf_counter()
    with torch.inference_mode():
        assert one.forward() is one.inputs.tensors[0]
    assert time.perf_counter() - start >= 0.01


def test_hidden_work_goes_on_after_the_call_and_ends():
    one = subject("selftest_async", seconds=0.5)

    def hidden_s() -> float:
        """Processor time of every thread but this one, which only waits."""
        return time.process_time() - time.thread_time()

    def goes_on() -> bool:
        before_s = hidden_s()
        time.sleep(0.02)
        return hidden_s() - before_s > 0.005  # the two clocks are not read at once

    for _ in range(20):
        one.forward()
    returned_s = hidden_s()
    wait_until(lambda: hidden_s() - returned_s > 0.02)
    wait_until(lambda: not goes_on())


SLOWING = """
import subprocess
import sys
import time
from cvbench_tui.worker.selftest import workloads as traps
own = time.perf_counter_ns
traps.slow_timers()
start, told, told_ns, told_monotonic = own(), time.perf_counter(), time.perf_counter_ns(), time.monotonic()
traps.spin(0.05)
true = (own() - start) * 1e-9
lies = time.perf_counter() - told, (time.perf_counter_ns() - told_ns) * 1e-9, time.monotonic() - told_monotonic
assert all(0 < lie < 0.5 * true for lie in lies), (true, lies)
assert true >= 0.05
"""


def test_slowed_timers_tell_less_than_the_truth():
    subprocess.run([sys.executable, "-c", SLOWING], check=True)


def test_a_spin_on_a_device_is_told_in_cycles():
    class Cuda:
        """Spins at 1 GHz when it is waited for."""

        def __init__(self) -> None:
            self.queued: list[int] = []

        def synchronize(self, _device: object) -> None:
            traps.spin(sum(self.queued) * 1e-9)
            self.queued.clear()

        def _sleep(self, cycles: int) -> None:
            self.queued.append(cycles)

    cuda = Cuda()
    spinning = traps.device_spin(torch.device("cuda:0"), cuda)
    spinning(1e-3)
    assert 0 < cuda.queued[-1] <= 1_000_000  # never more than 1 GHz: a busy host can only make it seem slower
