"""What the parent adds to the worker's environment."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import EnvironmentProbed
from cvbench_tui.core.facts import FACTS, identity_hash, kind_name
from cvbench_tui.engine.host import metadata as host
from cvbench_tui.wire import decode, encode

WORKERS = Environment((("torch", "2"),), (), (("threads", 4), ("env.OMP_NUM_THREADS", "4")))


def test_the_workers_own_words_are_kept_and_ours_added():
    found = host.with_host_facts(WORKERS)
    assert found.version("torch") == "2"
    assert found.version("cvbench-tui")
    assert found.fact("threads") == 4
    assert found.fact("physical_cores") == psutil.cpu_count(logical=False)
    assert found.fact("memory_available_bytes") > 0


def test_the_worker_is_right_where_both_say_something():
    told = Environment((), (), (("page_size_bytes", 1),))
    assert host.with_host_facts(told).fact("page_size_bytes") == 1


def test_the_identity_is_stored_and_stays_the_same():
    first, second = host.with_host_facts(WORKERS), host.with_host_facts(WORKERS)
    assert first.identity_hash == second.identity_hash == identity_hash(first)


def test_facts_are_known_unique_and_in_the_order_of_the_table():
    names = [kind_name(name) for name, _ in host.with_host_facts(WORKERS).facts]
    places = [list(FACTS).index(name) for name in names]
    assert places == sorted(places)
    assert len(set(names)) == len(names)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere fewer facts are told")
def test_linux_tells_much():
    assert len(dict(host.host_facts())) >= 12


def test_it_takes_little_of_a_runs_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)  # a driver that sleeps takes a second to wake up
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)

    def seconds() -> float:
        started = time.perf_counter()
        host.with_host_facts(WORKERS)
        return time.perf_counter() - started

    def nothing() -> float:
        """As much as reading 1500 small files, which slows down alike on a busy machine."""
        started = time.perf_counter()
        for _ in range(1500):
            Path(__file__).read_bytes()
        return time.perf_counter() - started

    assert min(seconds() / nothing() for _ in range(5)) < 5, "in no pair, however little disturbed"
    assert slept == []


@pytest.mark.parametrize("broken", [OSError("hidden"), RuntimeError("odd sensor")])
def test_a_sensor_that_fails_gives_fewer_facts_and_no_error(monkeypatch, broken):
    def fails():
        raise broken

    monkeypatch.setattr(psutil, "sensors_battery", fails, raising=False)
    names = [name for name, _ in host.host_facts()]
    assert "load_1min" in names
    assert "on_battery" not in names


def test_a_battery_is_told_and_no_battery_is_not(monkeypatch):
    battery = type("Battery", (), {"percent": 80, "power_plugged": False})
    monkeypatch.setattr(psutil, "sensors_battery", battery, raising=False)
    assert dict(host.host_facts())["on_battery"] is True
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    assert "on_battery" not in dict(host.host_facts())


def test_systems_that_are_not_linux_have_facts_too(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(host, "fixed_facts", host.fixed_facts.__wrapped__)
    found = dict(host.host_facts())
    assert {"load_1min", "physical_cores", "memory_total_bytes"} <= set(found)
    assert set(found) <= {*host.FIXED_FACTS, *host.PORTABLE_FACTS, *host.ELSEWHERE_FACTS}


def test_what_cannot_change_is_read_once_and_the_load_at_each_run(monkeypatch):
    host.fixed_facts.cache_clear()
    asked: list[str] = []
    for table, name in ((host.FIXED_FACTS, "page_size_bytes"), (host.PORTABLE_FACTS, "swap_used_bytes")):
        monkeypatch.setitem(table, name, lambda name=name: asked.append(name))
    for _ in range(2):
        host.with_host_facts(WORKERS)
    host.fixed_facts.cache_clear()
    assert sorted(asked) == ["page_size_bytes", "swap_used_bytes", "swap_used_bytes"]


def test_no_library_for_cards_is_no_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert host.with_host_facts(WORKERS).version("driver") is None


def test_the_identity_of_a_run_that_was_read_again_is_the_same():
    whole = host.with_host_facts(WORKERS)
    again = decode(encode(EnvironmentProbed(whole)))
    assert isinstance(again, EnvironmentProbed)
    assert again.environment == whole
    assert identity_hash(again.environment) == whole.identity_hash
