"""What doctor warns of: each hazard at its limit, none on a quiet machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.environment import Device, Environment, Fact
from cvbench_tui.core.facts import FACTS, kind_name
from cvbench_tui.results.machine_warnings import REMEDIES, machine_warnings, quota
from tests.every import every

GIB = 2**30
QUIET: dict[str, Fact] = {
    "cpu_cores": 16, "usable_cores": 16, "affinity": "0-15", "load_1min": 1.6, "pressure_cpu_share": 0.1,
    "pressure_memory_share": 0.0, "stolen_share": 0.01, "nice": 0, "on_battery": False, "platform_profile": "balanced",
    "governor": "performance", "turbo": False, "clocksource": "tsc", "virtual_machine": False, "torch_debug": False,
    "memory_total_bytes": 64 * GIB, "memory_available_bytes": 32 * GIB, "swap_used_bytes": GIB // 8,
    "cuda:0.foreign_processes": 0, "cuda:0.mps": False, "cuda:0.mig": False, "cuda:0.power_limit_w": 395.0,
    "cuda:0.power_limit_default_w": 400.0, "cuda:0.throttle": "power_cap, sync", "cuda:0.temperature_c": 80,
}  # fmt: skip
DEVICES = (
    Device("cpu", "a CPU"),
    Device("cuda:0", "a card"),
    Device("cuda:1", "another"),
    Device("mps", "-", available=False),
)
SPOILT: list[tuple[str, dict[str, Fact], str]] = [
    ("load", {"load_1min": 1.7}, "1.7 on 16"),
    ("pressure_cpu", {"pressure_cpu_share": 0.11}, "11%"),
    ("pressure_memory", {"pressure_memory_share": 0.5}, "50%"),
    ("stolen", {"stolen_share": 0.011}, "1.1%"),
    ("quota", {"quota_cores": 2.5}, "2.5 of 16"),
    ("quota", {"quota_cores": 2.5, "affinity": "0-2"}, "2.5 of 3"),
    ("priority", {"nice": 10}, "nice 10"),
    ("battery", {"on_battery": True}, "battery"),
    ("profile", {"platform_profile": "low-power"}, "low-power"),
    ("governor", {"governor": "performance, powersave"}, "powersave"),
    ("turbo", {"turbo": True}, "Turbo"),
    ("clocksource", {"clocksource": "hpet"}, "hpet"),
    ("hidden_clock", {"virtual_machine": True}, "virtual machine"),
    ("memory", {"memory_available_bytes": GIB}, "1.00 GiB"),
    ("memory", {"memory_limit_bytes": GIB}, "1.00 GiB"),
    ("swap", {"swap_used_bytes": GIB}, "1.00 GiB"),
    ("debug_build", {"torch_debug": True}, "debug"),
    ("blocking", {"env.CUDA_LAUNCH_BLOCKING": "1"}, "CUDA_LAUNCH_BLOCKING"),
    ("few_cores", {"usable_cores": 2}, "2 cores"),
    ("foreign", {"cuda:0.foreign_processes": 1}, "cuda:0: 1 other program "),
    ("foreign", {"cuda:1.foreign_processes": 2}, "cuda:1: 2 other programs"),
    ("mps", {"cuda:0.mps": True}, "MPS"),
    ("mig", {"cuda:1.mig": True}, "cuda:1"),
    ("power_cap", {"cuda:0.power_limit_w": 300.0}, "300.0 W, the factory's 400.0 W"),
    ("throttled", {"cuda:0.throttle": "power_cap, thermal"}, "thermal, 80 °C"),
]
NOTES = {"turbo", "hidden_clock", "swap", "few_cores"}


def environment(facts: dict[str, Fact]) -> Environment:
    return Environment((), DEVICES, tuple(facts.items()))


def test_a_quiet_machine_has_none():
    assert machine_warnings(environment(QUIET)) == ()


def test_nor_has_one_that_tells_nothing():
    assert machine_warnings(Environment((), DEVICES)) == ()
    assert machine_warnings(environment(dict.fromkeys(QUIET))) == ()


@every(("code", "facts", "figure"), SPOILT)
def test_each_is_told_alone_with_its_figure_and_a_remedy(code, facts, figure):
    (hazard,) = machine_warnings(environment(QUIET | facts))
    assert hazard.code == code
    assert figure in hazard.sentence
    assert hazard.sentence.endswith(".")
    assert hazard.remedy.endswith((".", ")"))
    assert hazard.note is (code in NOTES)


def test_notes_come_last():
    found = machine_warnings(environment(QUIET | {"turbo": True, "usable_cores": 1, "cuda:0.mps": True}))
    assert [hazard.code for hazard in found] == ["mps", "turbo", "few_cores"]


def test_a_quota_is_said_before_a_run_and_nothing_else_is():
    facts = {"quota_cores": 0.5, "cpu_cores": 2, "affinity": None, "nice": 10}
    beginning = "The container may use 0.5 of 2 cores, and is paused when it has used its share. Start it without"
    assert quota(environment(QUIET | facts)).startswith(beginning)
    assert quota(environment(QUIET | {"nice": 10})) == ""


def test_where_a_quota_pauses_us_waiting_is_nobody_elses_doing():
    paused = {"quota_cores": 0.5, "cpu_cores": 1, "affinity": None, "pressure_cpu_share": 0.5, "load_1min": 0.0}
    found = machine_warnings(environment(QUIET | paused))
    assert [each.code for each in found if not each.note] == ["quota"]
    assert "0.5 of 1 core," in found[0].sentence
    waiting = machine_warnings(environment(QUIET | {"pressure_cpu_share": 0.5}))
    assert [each.code for each in waiting if not each.note] == ["pressure_cpu"]


@pytest.mark.parametrize("limited", [{"quota_cores": 16.0}, {"quota_cores": 4.0, "affinity": "0,2,4,6"}])
def test_a_quota_of_all_that_may_be_used_is_none(limited):
    assert machine_warnings(environment(QUIET | limited)) == ()


def test_a_variable_that_says_no_is_none():
    assert machine_warnings(environment(QUIET | {"env.CUDA_LAUNCH_BLOCKING": "0"})) == ()


def test_facts_of_other_types_than_ours_are_no_error():
    for value in ("odd", True, -1, 0, 1e9):
        for name in QUIET:
            found = machine_warnings(environment(QUIET | {name: value}))
            assert all(hazard.sentence.endswith(".") for hazard in found), (name, value)


def test_the_names_are_those_of_the_table():
    names = {name for _, facts, _ in SPOILT for name in facts} | set(QUIET)
    assert {kind_name(name) for name in names} <= set(FACTS)


def test_every_hazard_is_tested_and_documented():
    page = (Path(__file__).parents[2] / "docs/environment.md").read_text()
    table = page[page.index("## What doctor warns of") :]
    assert [code for code, _, _ in SPOILT if f"`{code}`" not in table] == []
    assert {code for code, _, _ in SPOILT} | {"accelerators"} == set(REMEDIES)


def test_an_accelerator_that_is_expected_and_cannot_be_used_is_told_first():
    absent = Device("cuda", "-", available=False, reason="The driver crashed with SIGSEGV.", expected=True)
    alone = Environment((), (Device("cpu", "a CPU"), absent), tuple((QUIET | {"nice": 10}).items()))
    found = machine_warnings(alone)
    assert [hazard.code for hazard in found] == ["accelerators", "priority"]
    assert found[0].sentence == "No accelerator can be used: The driver crashed with SIGSEGV."
    assert machine_warnings(replace(alone, devices=(*DEVICES, absent), facts=())) == (), "another one can be used"
