"""Linux's facts, from a file system made for the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvbench_tui.core.environment import known
from cvbench_tui.engine.host.linux import CPU, FIXED_FACTS, FREQUENCY, PRESENT_FACTS
from tests.engine.fake_linux import FILES, make
from tests.every import every

LINUX_FACTS = FIXED_FACTS | PRESENT_FACTS


def facts(root: Path) -> dict[str, object]:
    return dict(known(LINUX_FACTS, root))


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def test_a_machine_that_tells_everything(tmp_path):
    found = facts(make(tmp_path))
    assert set(found) == {*LINUX_FACTS}
    expected = {
        "distribution": "Linux of a test 1", "machine_product": "Maker Box 9", "virtual_machine": False,
        "container": "lxc", "clocksource": "tsc", "microcode": "0x2b", "numa_nodes": 2,
        "governor": "performance, powersave", "energy_preference": "balance_performance", "turbo": True,
        "platform_profile": "balanced", "frequency_max_hz": 4_800_000_000, "frequency_hz": 3_100_000_000,
        "memory_limit_bytes": 2**32, "thp": "always", "load_1min": 1.5, "pressure_cpu_share": 0.125,
        "pressure_memory_share": 0.001, "stolen_share": 0.05, "cpu_temperature_c": 41.0,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_a_machine_that_tells_nothing(tmp_path):
    assert facts(tmp_path) == {}


@pytest.fixture
def whole(tmp_path):
    return make(tmp_path)


@every("path", sorted(FILES))
def test_no_single_file_is_needed_and_nonsense_in_it_is_no_error(whole, path):
    all_of_them, file = len(facts(whole)), whole / path
    file.unlink()
    try:
        assert len(facts(whole)) >= all_of_them - 2  # cpuinfo has two
        file.write_text("what is this?\n")
        assert len(facts(whole)) >= all_of_them - 2
    finally:
        file.write_text(FILES[path])


def test_other_drivers_say_boost(tmp_path):
    changed = {f"{CPU}/intel_pstate/no_turbo": None, f"{CPU}/cpufreq/boost": "0\n"}
    assert facts(make(tmp_path, **changed))["turbo"] is False


def test_a_virtual_machines_made_up_clock_is_not_told(tmp_path):
    changed = {f"{FREQUENCY}/scaling_cur_freq": None}
    assert facts(make(tmp_path / "real", **changed))["frequency_hz"] == 2_000_500_000
    changed["proc/cpuinfo"] = "cpu MHz\t\t: 2000.5\nflags\t\t: fpu hypervisor\n"
    assert "frequency_hz" not in facts(make(tmp_path / "virtual", **changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"sys/hypervisor/type": "xen\n"},
        {"sys/class/dmi/id/sys_vendor": "QEMU\n"},
        {"proc/cpuinfo": "flags\t\t: hypervisor\n"},
        {"proc/cpuinfo": None, "proc/device-tree/model": "linux,dummy-virt QEMU\0", "sys/class/dmi/id/sys_vendor": None,
         "sys/class/dmi/id/product_name": None},
    ],
)  # fmt: skip
def test_virtual_machines_are_told_by_one_sign_or_another(tmp_path, changed):
    assert facts(make(tmp_path, **changed))["virtual_machine"] is True


def test_without_a_flag_for_it_a_real_machine_cannot_be_told(tmp_path):
    assert "virtual_machine" not in facts(make(tmp_path, **{"proc/cpuinfo": "Features\t: asimd\n"}))


@pytest.mark.parametrize(
    ("changed", "container"),
    [
        ({".dockerenv": ""}, "docker"),
        ({"run/.containerenv": ""}, "podman"),
        ({"run/systemd/container": "lxc\n"}, "lxc"),
        ({}, None),
    ],
)
def test_containers_are_told_by_what_they_leave(tmp_path, changed, container):
    changed = {"run/systemd/container": None, **changed}
    assert facts(make(tmp_path, **changed)).get("container") == container


def test_a_pod_is_told_by_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert facts(make(tmp_path))["container"] == "kubernetes"
