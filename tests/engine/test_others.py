"""Other programs on the cores and cards of a plan: when the machine is busy, what is said of it, how long is waited."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from cvbench_tui.base.nvml import NvmlCard
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.device_lock import DeviceLocks
from cvbench_tui.engine.host.others import BUSY_CORES, IDLE_WINDOWS, WINDOW_S, Others, ThisMachine, Watch
from tests.engine.test_host_nvml import Card, Library
from tests.every import every
from tests.fake_machine import FakeMachine
from tests.processes import wait_until
from tests.results.samples import DENSE

HERE = Environment((), ())


def watch(machine: FakeMachine, *devices: str) -> Watch:
    cases = tuple(Case(DENSE, device, 8) for device in devices or ("cpu",))
    return Watch(HERE, Plan("p", cases, PROTOCOLS["quick"]), machine)


@every(
    ("used", "cores", "usable", "device", "busy"),
    [
        (0.15, 2, 2, "cpu", False),  # a desktop at rest
        (0.25, 2, 2, "cpu", True),
        (1.1, 4, 4, "cpu", False),  # a large machine leaves one core
        (1.3, 4, 4, "cpu", True),
        (20.0, 64, 2, "cpu", False),  # a quota of two threads among 64 cores
        (62.5, 64, 2, "cpu", True),
        (0.9, 2, 2, "cuda:0", False),  # the host's thread has the other core
        (1.9, 2, 2, "cuda:0", True),
        (None, 2, 2, "cpu", False),  # the system does not tell
    ],
)
def test_a_machine_is_busy_where_others_use_cores_that_the_plan_needs(
    used: float | None, cores: int, usable: int, device: str, busy: bool
) -> None:
    found = watch(FakeMachine(used, cores=cores, usable=usable), device).look()
    assert found.busy is busy
    assert bool(found.sentence) is busy


def test_a_single_busy_moment_is_no_reason_and_an_idle_machine_is_looked_at_once() -> None:
    blip, idle = FakeMachine(2.0, 0.0), FakeMachine(0.0)
    assert not watch(blip).look().busy
    assert not watch(idle).look().busy
    assert (blip.windows, idle.windows) == (2, 1)


def test_the_sentence_names_the_figure_and_the_main_program() -> None:
    before = {(1, "a.out\x1b[2J"): 5.0, (2, "other"): 90.0}
    after = {(1, "a.out\x1b[2J"): 5.5, (2, "other"): 90.1, (3, "a.out\x1b[2J"): 0.3}
    found = watch(FakeMachine(1.8, programs=(before, after))).look()
    assert found.sentence == (
        "Other programs use 1.8 of the 2 cores, most of it a.out\\x1b[2J: the times would be theirs too."
    )
    many = {(number, f"p{number}"): 0.25 for number in range(4)}
    assert "most of it" not in watch(FakeMachine(1.8, programs=({}, many))).look().sentence


def test_a_card_that_others_compute_on_is_named() -> None:
    found = watch(FakeMachine(0.0, cards=(("cuda:0", "cuda:1"),)), "cuda:0", "cuda:1").look()
    assert found.sentence.startswith("Other programs compute on cuda:0 and cuda:1:")
    both = Others(0.9, 1, 1, cards=("cuda:0",))
    assert both.use == "Other programs use 0.9 of the 1 core, and compute on cuda:0"
    assert Others(BUSY_CORES, 1, 1).use == ""


def test_a_wait_ends_after_some_idle_windows_in_a_row() -> None:
    machine = FakeMachine(2.0, 0.0, 0.0, 2.0, 0.0)
    told: list[Others] = []
    assert watch(machine).wait(tell=told.append)
    assert machine.windows == 4 + IDLE_WINDOWS
    assert [each.busy for each in told[:4]] == [True, False, False, True]


def test_a_wait_ends_at_its_limit_on_a_machine_that_stays_busy() -> None:
    machine = FakeMachine(2.0)
    assert not watch(machine).wait(10 * WINDOW_S)
    assert machine.windows == 10


def test_a_wait_that_is_stopped_is_not_idle() -> None:
    machine = FakeMachine(2.0)
    here = watch(machine)
    assert not here.wait(tell=lambda others: here.stop())
    assert machine.windows == 1
    assert not here.wait()
    assert machine.windows == 1


def test_this_machine_counts_a_program_of_somebody_else_and_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is a child of ours, and counts as another's where it is not looked for."""
    here = ThisMachine({})
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        process = psutil.Process(loop.pid)
        wait_until(lambda: process.cpu_times().user > 0.5)
        mine = here.others_s()
        assert loop.pid not in {number for number, _ in here.programs_s()}
        monkeypatch.setattr("cvbench_tui.engine.host.others._ours", lambda: [psutil.Process(os.getpid())])
        theirs = here.others_s()
        assert mine is not None
        assert theirs is not None
        assert theirs - mine > 0.4
        (used,) = (used for (number, _), used in here.programs_s().items() if number == loop.pid)
        assert used >= 0.5
    finally:
        loop.kill()
        loop.wait()


def test_a_sandbox_that_shows_zeros_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    zero = psutil.cpu_times()._replace(**dict.fromkeys(psutil.cpu_times()._fields, 0.0))
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [zero] * 512)
    assert ThisMachine({}).others_s() is None
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [])
    assert ThisMachine({}).others_s() is None


class Sampled(Library):
    """With the processes that used the compute units."""

    active: tuple[int, ...] = ()
    share = 0

    def nvmlDeviceGetProcessUtilization(self, card: Any, since_us: int) -> list[Any]:
        return [SimpleNamespace(pid=pid, smUtil=50) for pid in self.active]

    def nvmlDeviceGetUtilizationRates(self, card: Any) -> Any:
        return SimpleNamespace(gpu=self.share)


def test_a_card_is_busy_while_somebody_computes_there() -> None:
    card = Card("GPU-1", "0", 300)
    library = Sampled(card)
    here = ThisMachine({"cuda:0": NvmlCard(library, card)})
    card.pids = (4242,)
    assert here.busy_cards(0.0) == (), "it has a context there, and does nothing"
    library.active = (os.getpid(),)
    assert here.busy_cards(0.0) == (), "that is us"
    library.active = (4242,)
    assert here.busy_cards(0.0) == ("cuda:0",)


def test_without_samples_of_its_processes_a_card_is_busy_by_its_own() -> None:
    card = Card("GPU-1", "0", 300)
    library = Sampled(card, broken=("nvmlDeviceGetProcessUtilization",))
    here = ThisMachine({"cuda:0": NvmlCard(library, card)})
    card.pids = (4242,)
    assert here.busy_cards(0.0) == ()
    library.share = 40
    assert here.busy_cards(0.0) == ("cuda:0",)
    card.pids = (os.getpid(),)
    assert here.busy_cards(0.0) == ()


def test_a_run_that_has_a_device_is_named_and_waited_for(tmp_path: Path) -> None:
    plan = Plan("p", (Case(DENSE, "cpu", 8),), PROTOCOLS["quick"])

    def locks(program: str = "") -> DeviceLocks:
        return DeviceLocks([Device("cpu", "a CPU")], program=program, folder=tmp_path)

    with locks("their program") as theirs:
        assert theirs.try_take() is None
        looking = Watch(HERE, plan, FakeMachine(0.0), locks())
        found = looking.look()
        assert found.busy
        assert found.sentence.startswith("cpu is in use by their program")
        seen: list[Others] = []

        def tell(others: Others) -> None:
            seen.append(others)
            if len(seen) == 2:
                theirs.release()

        assert looking.wait(tell=tell)
    assert [others.busy for others in seen] == [True, True] + [False] * IDLE_WINDOWS
    assert locks().try_take() is None, "a look keeps nothing"
