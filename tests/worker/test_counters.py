"""What the system did meanwhile, from folders that stand for the kernel's and from this very system."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from cvbench_tui.base.system_files import cpu_seconds
from cvbench_tui.worker.timing import counters
from cvbench_tui.worker.timing.counters import DeviceReading, Processor, RunDelay, Snapshot, SystemCounters, evidence

QUIET = DeviceReading()


def between(before: Snapshot, after: Snapshot, device: DeviceReading = QUIET):
    return evidence(before, after, device, wall_s=2.0, timed_s=1.5)


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "self/task").mkdir(parents=True)
    return tmp_path


def thread(proc, name: str, waited_ns: int, slices: int = 5) -> None:
    (proc / "self/task" / name).mkdir(exist_ok=True)
    (proc / "self/task" / name / "schedstat").write_text(f"1000 {waited_ns} {slices}\n")


def test_a_system_that_tells_nothing(tmp_path):
    counters = SystemCounters(proc=str(tmp_path))
    found = between(counters.read(), counters.read())
    assert (found.waited_s, found.others_s, found.stolen_s, found.swapped_pages) == (None, None, None, None)
    assert (found.allocations, found.retries, found.clock_hz, found.throttle) == (None, None, None, ())
    assert (found.wall_s, found.timed_s) == (2.0, 1.5)
    assert found.cpu_s is not None


def test_waiting_is_summed_over_threads_that_come_and_go(proc):
    delays = RunDelay(str(proc / "self/task"))
    thread(proc, "10", 1_000_000_000)
    thread(proc, "11", 500_000_000)
    assert delays.read_s() == pytest.approx(1.5)
    (proc / "self/task/11/schedstat").unlink()
    thread(proc, "10", 1_200_000_000)
    assert delays.read_s() == pytest.approx(1.7), "what an ended thread had waited stays"
    thread(proc, "12", 300_000_000)
    assert delays.read_s() == pytest.approx(2.0), "a new thread's waiting is all new"
    thread(proc, "12", 100_000_000)
    assert delays.read_s() == pytest.approx(2.1), "a number given anew begins at 0"


def test_a_kernel_that_does_not_count_waiting(proc):
    thread(proc, "10", 0, slices=0)
    assert RunDelay(str(proc / "self/task")).read_s() is None
    (proc / "self/task/10/schedstat").write_text("what\n")
    assert RunDelay(str(proc / "self/task")).read_s() is None


def test_the_machine_without_us_is_the_others(proc):
    ticks = os.sysconf("SC_CLK_TCK")
    (proc / "stat").write_text(f"cpu  {ticks} {ticks} {ticks} 900 5 {ticks} {ticks} {3 * ticks} 7 7\ncpu0 1 2\n")
    assert cpu_seconds(str(proc / "stat")) == (5.0, 3.0)
    before = Snapshot(cpu_s=1.0, busy_s=10.0, stolen_s=1.0)
    after = Snapshot(cpu_s=2.5, busy_s=15.0, stolen_s=1.25)
    assert between(before, after).others_s == 3.5
    assert between(before, after).stolen_s == 0.25
    assert between(before, Snapshot(cpu_s=20.0, busy_s=15.0)).others_s == 0.0, "the kernel counts in steps"


@pytest.mark.parametrize("text", ["", "cpu  1 2 3\n", "cpu  0 0 0 0 0 0 0 0 0 0\n", "intr 5\n"])
def test_a_machine_line_that_tells_nothing(proc, text):
    (proc / "stat").write_text(text)
    assert cpu_seconds(str(proc / "stat")) == (None, None)


def test_pages_from_swap(proc):
    counters = SystemCounters(proc=str(proc))
    (proc / "vmstat").write_text("nr_free_pages 5\npswpin 7\npswpout 9\n")
    before = counters.read()
    (proc / "vmstat").write_text("nr_free_pages 5\npswpin 10\npswpout 9\n")
    assert between(before, counters.read()).swapped_pages == 3
    (proc / "vmstat").write_text("nr_free_pages 5\n")
    assert counters.read().swapped_pages is None


def test_a_counter_that_ends_or_steps_back_is_no_number_below_zero():
    assert between(Snapshot(waited_s=1.0), Snapshot()).waited_s is None
    assert between(Snapshot(), Snapshot(waited_s=1.0)).waited_s is None
    assert between(Snapshot(waited_s=2.0, switches=4), Snapshot(waited_s=1.0, switches=3)).waited_s == 0.0


def test_the_device_is_asked_through_what_was_given(proc):
    told = iter([3, 8])
    counters = SystemCounters(lambda: next(told), lambda: None, str(proc))
    found = between(counters.read(), counters.read())
    assert (found.allocations, found.retries) == (5, None)


def test_the_devices_reading_is_handed_on():
    device = DeviceReading(1.5e9, 60.0, 250.0, ("thermal",), 2)
    found = between(Snapshot(), Snapshot(), device)
    told = (found.clock_hz, found.temperature_c, found.power_w, found.throttle, found.foreign)
    assert told == (1.5e9, 60.0, 250.0, ("thermal",), 2)


def test_graphs_compiled_are_counted_once_something_has_loaded_the_compiler(monkeypatch, proc):
    counters = SystemCounters(proc=str(proc))
    monkeypatch.delitem(sys.modules, "torch._dynamo.utils", raising=False)
    assert counters.read().recompiles is None
    dynamo = SimpleNamespace(counters={"stats": {"unique_graphs": 4}})
    monkeypatch.setitem(sys.modules, "torch._dynamo.utils", dynamo)
    before = counters.read()
    dynamo.counters["stats"]["unique_graphs"] = 6
    assert between(before, counters.read()).recompiles == 2


def test_collections_and_processor_time_of_this_very_process():
    counters = SystemCounters()
    before = counters.read()
    gc.collect()
    worker = threading.Thread(target=lambda: sum(range(2_000_000)))
    worker.start()
    worker.join()
    found = between(before, counters.read())
    assert found.collections == 1
    assert found.cpu_s > found.thread_s > 0, "another thread's work is the process's and not this thread's"


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this system does not count waiting")
def test_programs_on_one_core_wait_for_each_other():
    before_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before_cores)})
    busy = [sys.executable, "-Sc", "print(flush=True)\nwhile 1: pass"]
    others = [subprocess.Popen(busy, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for other in others:
            other.stdout.readline()
        counters = SystemCounters()
        before = counters.read()
        spin(0.3)
        found = between(before, counters.read())
    finally:
        os.sched_setaffinity(0, before_cores)
        for other in others:
            other.kill()
            other.communicate()
    assert found.waited_s > 0.05
    assert found.switches > 0


def spin(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_the_clock_is_that_of_the_threads_own_core(tmp_path):
    (tmp_path / "proc/thread-self").mkdir(parents=True)
    stat = " ".join(["7 (a) name) R", *(str(number) for number in range(4, 39)), "3", "40"])
    (tmp_path / "proc/thread-self/stat").write_text(stat)
    for core, khz in ((0, 800_000), (3, 3_600_000)):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{khz}\n")
    assert Processor(tmp_path).read().clock_hz == 3.6e9


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [("thermal/thermal_zone1", "x86_pkg_temp", "temp"), ("hwmon/hwmon2", "k10temp", "temp1_input")],
)
def test_the_temperature_is_the_processors(tmp_path, kind, name, value):
    for folder, text, heat in ((kind, name, 61_500), (kind[:-1] + "0", "acpitz", 20_000)):
        path = tmp_path / "sys/class" / folder
        path.mkdir(parents=True)
        (path / ("type" if "thermal" in kind else "name")).write_text(text + "\n")
        (path / value).write_text(f"{heat}\n")
    assert Processor(tmp_path).read().temperature_c == 61.5


def test_a_processor_that_tells_nothing(tmp_path):
    assert Processor(tmp_path).read() == DeviceReading()


STOPPED = """
import os, signal, subprocess
from cvbench_tui.worker.timing.counters import Stops, SystemCounters
counters = SystemCounters()
assert counters.read().stops is None
Stops.hear()
before = counters.read().stops
pid = os.getpid()
subprocess.Popen(["sh", "-c", f"until grep -q '^State:.T' /proc/{pid}/status; do sleep 0.01; done; kill -CONT {pid}"])
os.kill(pid, signal.SIGSTOP)
print(before, counters.read().stops)
"""


def test_a_process_that_was_stopped_knows_it():
    told = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, check=True)
    assert told.stdout == "0 1\n"


def test_a_machine_that_slept_is_known_by_the_clock_that_goes_on(monkeypatch):
    asleep_s = 100.0
    monkeypatch.setattr(counters, "_asleep_s", lambda: asleep_s)
    monkeypatch.setattr(counters.Stops, "_continued", 0)
    stops = counters.Stops()
    assert stops.read() == 0
    asleep_s = 3700.0
    assert (stops.read(), stops.read()) == (1, 1)
