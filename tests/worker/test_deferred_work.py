from __future__ import annotations

import pytest

from cvbench_tui.worker.timing import deferred_work as rest
from cvbench_tui.worker.timing.counters import Snapshot
from tests.every import every
from tests.worker.machine import Machine


class Resting(Machine):
    """Uses the processor for a while after each call: ``deferred_s`` of work, and its threads' spinning beside it."""

    def __init__(self, deferred_s: float, spin_s: float = 0.0, *, exercises: bool = True) -> None:
        super().__init__(lambda _: 0.001)
        self.deferred_s, self.spin_s = deferred_s, spin_s
        self.exercises = exercises
        self.until_s = [0.0, 0.0]

    def call(self) -> None:
        self.until_s = [self.now + self.deferred_s, self.now + self.spin_s]

    def exercise(self) -> bool:
        self.until_s[1] = self.now + self.spin_s
        return self.exercises

    def wait(self, seconds: float) -> None:
        self.cpu_s += sum(max(0.0, min(self.now + seconds, until_s) - self.now) for until_s in self.until_s)
        self.now += seconds


@every(
    ("deferred_s", "spin_s", "share"),
    [
        (0.0, 0.0, 0.0),
        (0.002, 0.0, 0.1),  # below what counts, but told
        (9.0, 0.0, 1.0),
        (0.045, 0.0, 1.0),
        (0.0, 0.015, 0.0),  # GNU's pool
        (0.005, 0.015, 0.25),
        (9.0, 0.015, 1.0),
        (0.0, 0.2, 0.0),  # Intel's and LLVM's
        (9.0, 0.2, 1.0),
        (0.4, 0.0, 1.0),
        (0.0, 0.4, 0.0),  # spins longer than was thought: so it does after an operator of PyTorch's own
        (0.3, 0.4, 1.0),
    ],
)
def test_what_goes_on_after_a_call_is_told_without_the_threads_spinning(deferred_s, spin_s, share):
    machine = Resting(deferred_s, spin_s)
    assert rest.deferred_share(machine, machine.call) == pytest.approx(share)


@pytest.mark.parametrize(("deferred_s", "share"), [(0.02, 0.0), (0.19, 0.0), (0.3, 1.0), (9.0, 1.0)])
def test_where_no_operator_can_be_compared_what_ends_soon_is_taken_for_spinning(deferred_s, share):
    machine = Resting(deferred_s, exercises=False)
    assert rest.deferred_share(machine, machine.call) == pytest.approx(share)


@every(
    ("name", "value", "endless"),
    [
        ("OMP_WAIT_POLICY", "ACTIVE", True),
        ("OMP_WAIT_POLICY", "passive", False),
        ("KMP_BLOCKTIME", "infinite", True),
        ("KMP_BLOCKTIME", "200", False),
        ("KMP_BLOCKTIME", "200ms", False),
        ("KMP_BLOCKTIME", "0", False),
        ("KMP_BLOCKTIME", "201", True),
        ("KMP_BLOCKTIME", "5s", True),
        ("KMP_LIBRARY", "turnaround", True),
        ("GOMP_SPINCOUNT", "INFINITY", True),
        ("GOMP_SPINCOUNT", "300000", False),
        ("GOMP_SPINCOUNT", "30g", True),
        ("GOMP_SPINCOUNT", "", False),
    ],
)
def test_where_threads_spin_for_ever_nothing_is_told(monkeypatch, name, value, endless):
    for variable in ("OMP_WAIT_POLICY", "KMP_BLOCKTIME", "KMP_LIBRARY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, value)
    machine = Resting(0.0)
    assert (rest.deferred_share(machine, machine.call) is None) == endless


def test_without_a_counter_nothing_is_told():
    machine = Machine(lambda _: 0.001)
    machine.read = Snapshot
    assert rest.deferred_share(machine, lambda: None) is None
