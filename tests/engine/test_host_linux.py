"""Linux's facts, from a file system made for the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvbench_tui.engine.host.linux import CPU, FREQUENCY, LINUX_FACTS, linux_facts
from cvbench_tui.engine.host.system import SYSTEM_FACTS, system_facts
from tests.engine.fake_linux import FILES, make


def facts(root: Path) -> dict[str, object]:
    return {**dict(system_facts(root)), **dict(linux_facts(root))}


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def test_a_machine_that_tells_everything(tmp_path):
    found = facts(make(tmp_path))
    assert set(found) == {*LINUX_FACTS, *SYSTEM_FACTS} - {"hypervisor"}
    expected = {
        "distribution": "Linux of a test 1", "machine_product": "Maker Box 9", "virtual_machine": False,
        "container": "none", "mitigations": "spectre_v1, spectre_v2", "unmitigated": "mds",
        "cpu_family": "6", "cpu_model_number": "143", "microcode": "0x2b", "sockets": 2, "smt": True,
        "l1d_cache_bytes": 48 * 2**10, "l2_cache_bytes": 2 * 2**20, "l3_cache_bytes": 36 * 2**20, "l3_cores": 8,
        "numa_nodes": 2, "governor": "performance, powersave", "turbo": True, "pstate_mode": "active",
        "frequency_min_hz": 800_000_000, "frequency_hz": 3_100_000_000, "memory_limit_bytes": 2**32,
        "thp": "always", "thp_defrag": "madvise", "load_15min": 0.25, "running_tasks": 3,
        "pressure_cpu_share": 0.125, "pressure_io_share": 0.0, "stolen_share": 0.05, "cpu_temperature_c": 45.5,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_a_machine_that_tells_nothing(tmp_path):
    assert facts(tmp_path) == {"container": "none"}


@pytest.mark.parametrize("path", sorted(FILES))
def test_no_single_file_is_needed_and_nonsense_in_it_is_no_error(tmp_path, path):
    whole = facts(make(tmp_path / "whole"))
    without = facts(make(tmp_path / "without", **{path: None}))
    assert len(without) >= len(whole) - 8  # cpuinfo has most
    broken = facts(make(tmp_path / "broken", **{path: "what is this?\n"}))
    assert len(broken) >= len(whole) - 8


def test_the_digest_of_the_flags_knows_no_order(tmp_path):
    one = facts(make(tmp_path / "a"))
    other = facts(make(tmp_path / "b", **{"proc/cpuinfo": "flags\t\t: avx2 sse2 fpu\n"}))
    less = facts(make(tmp_path / "c", **{"proc/cpuinfo": "flags\t\t: sse2 fpu\n"}))
    assert one["cpu_flags_digest"] == other["cpu_flags_digest"] != less["cpu_flags_digest"]


def test_other_drivers_say_boost(tmp_path):
    changed = {f"{CPU}/intel_pstate/no_turbo": None, f"{CPU}/cpufreq/boost": "0\n"}
    assert facts(make(tmp_path, **changed))["turbo"] is False


def test_a_virtual_machines_made_up_clock_is_not_told(tmp_path):
    changed = {f"{FREQUENCY}/scaling_cur_freq": None}
    assert facts(make(tmp_path / "real", **changed))["frequency_hz"] == 2_000_500_000
    changed["proc/cpuinfo"] = "cpu MHz\t\t: 2000.5\nflags\t\t: fpu hypervisor\n"
    assert "frequency_hz" not in facts(make(tmp_path / "virtual", **changed))


@pytest.mark.parametrize(
    ("changed", "hypervisor"),
    [
        ({"sys/hypervisor/type": "xen\n"}, "xen"),
        ({"sys/class/dmi/id/sys_vendor": "QEMU\n"}, "QEMU Box 9"),
        ({"proc/cpuinfo": "flags\t\t: hypervisor\n"}, "Maker Box 9"),
        ({"proc/sys/kernel/osrelease": "5.15-microsoft-standard-WSL2\n"}, "WSL"),
    ],
)
def test_virtual_machines_are_told_by_one_sign_or_another(tmp_path, changed, hypervisor):
    found = facts(make(tmp_path, **changed))
    assert (found["virtual_machine"], found["hypervisor"]) == (True, hypervisor)


def test_without_a_flag_for_it_a_real_machine_cannot_be_told(tmp_path):
    assert "virtual_machine" not in facts(make(tmp_path, **{"proc/cpuinfo": "Features\t: asimd\n"}))


@pytest.mark.parametrize(
    ("changed", "container"),
    [
        ({".dockerenv": ""}, "docker"),
        ({"run/.containerenv": ""}, "podman"),
        ({"run/systemd/container": "lxc\n"}, "lxc"),
        ({"proc/self/cgroup": "0::/kubepods/pod1\n"}, "kubernetes"),
        ({"proc/self/mountinfo": "1 2 0:1 / / rw - overlay overlay lowerdir=/var/lib/docker/x\n"}, "docker"),
        ({"proc/self/mountinfo": "1 2 0:1 / /mnt rw - overlay overlay lowerdir=/var/lib/docker/x\n"}, "none"),
    ],
)
def test_containers_are_told_by_what_they_leave(tmp_path, changed, container):
    assert facts(make(tmp_path, **changed))["container"] == container
