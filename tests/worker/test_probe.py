"""What the worker tells of itself, of PyTorch and of the devices."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest
import torch

from cvbench_tui.core.environment import known
from cvbench_tui.core.facts import FACTS, kind_name
from cvbench_tui.worker.devices import probe_devices, probe_process, probe_torch
from cvbench_tui.worker.devices.probe import probe


@pytest.fixture(autouse=True)
def described_anew():
    probe_torch._build.cache_clear()


def facts() -> dict[str, object]:
    return dict(probe().facts)


def test_every_fact_is_in_the_table_and_told_once():
    names = [name for name, _ in probe().facts]
    assert len(set(names)) == len(names)
    assert {kind_name(name) for name in names} <= set(FACTS)
    assert len(names) >= 45


def test_pytorchs_settings_are_read_as_they_are():
    found = facts()
    assert found["threads"] >= 1
    assert found["torch_git"] == torch.version.git_version
    assert found["default_dtype"] == "float32"
    assert found["onednn_version"] in torch.__config__.show()
    assert found["matmul_precision"] == torch.get_float32_matmul_precision()


def test_a_setting_that_changes_is_told(monkeypatch):
    before = facts()
    torch.use_deterministic_algorithms(True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    try:
        after = facts()
    finally:
        torch.use_deterministic_algorithms(False)
    changed = {name for name in after if before[name] != after[name]} - {"numa_node"}
    assert changed == {"deterministic", "cudnn_benchmark"}


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor cannot")
def test_flushing_is_seen_by_what_it_does():
    assert facts()["flush_denormal"] is False
    torch.set_flush_denormal(True)
    try:
        assert facts()["flush_denormal"] is True
    finally:
        torch.set_flush_denormal(False)


def test_an_older_pytorch_has_fewer_facts(monkeypatch):
    monkeypatch.delattr(torch.backends.cuda, "cudnn_sdp_enabled")
    monkeypatch.setattr(torch.__config__, "show", lambda: "PyTorch built with: nothing")
    found = facts()
    assert not {"sdp_cudnn", "mkl_version", "onednn_version"} & set(found)
    assert "sdp_math" in found


def test_only_listed_variables_are_told(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("A_SECRET_TOKEN", "hidden")
    found = facts()
    assert found["env.OMP_NUM_THREADS"] == "3"
    assert "hidden" not in found.values()


def test_libraries_loaded_before_all_others_lose_their_folders(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "/home/me/lib/libjemalloc.so.2:/opt/libx.so")
    assert facts()["preload"] == "libjemalloc.so.2, libx.so"


def test_the_allocator_is_the_library_that_is_loaded(tmp_path):
    maps = tmp_path / "maps"
    maps.write_text(
        "7f00-7f01 r-xp 00000000 08:01 123    /usr/lib/x/libtcmalloc_minimal.so.4\n"
        "7f01-7f02 r-xp 00000000 08:01 124    /venv/torch/lib/libgomp-a34b3233.so.1\n"
        "7f02-7f03 rw-p 00000000 00:00 0 \n"
    )
    assert probe_process._loaded(probe_process.ALLOCATORS, str(maps)) == "libtcmalloc_minimal.so.4"
    assert probe_process._loaded(probe_process.OPENMP, str(maps)) == "libgomp-a34b3233.so.1"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux pins processes")
def test_affinity_is_told_as_the_process_has_it():
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert facts()["affinity"] == str(min(cores))
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.parametrize(
    ("numbers", "text"), [({0, 1, 2, 3}, "0-3"), ({8, 0, 1}, "0-1,8"), ({5}, "5"), (set(), ""), ({1, 3, 5}, "1,3,5")]
)
def test_cores_are_listed_as_linux_does(numbers, text):
    assert probe_process.ranges(numbers) == text


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")
def test_the_memory_node_is_the_running_cores(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    words = " ".join(["S"] + ["0"] * 35 + ["5"] + ["0"] * 10)
    (tmp_path / "proc/self/stat").write_text(f"12 (a (name) here) {words}\n")
    (tmp_path / "sys/devices/system/cpu/cpu5/node1").mkdir(parents=True)
    assert probe_process._numa_node(str(tmp_path)) == 1
    assert "numa_node" in dict(known(probe_process.PROCESS_FACTS))


def test_every_card_has_facts_of_its_own(monkeypatch):
    cards = [
        SimpleNamespace(major=9, minor=0, multi_processor_count=132, L2_cache_size=5, pci_domain_id=0, pci_bus_id=59,
                        pci_device_id=0),
        SimpleNamespace(major=8, minor=6, multi_processor_count=84),
    ]  # fmt: skip
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_device_properties", cards.__getitem__)
    found = dict(probe_devices.card_facts())
    assert (found["cuda:0.capability"], found["cuda:1.capability"]) == ("9.0", "8.6")
    assert (found["cuda:0.compute_units"], found["cuda:1.compute_units"]) == (132, 84)
    assert found["cuda:0.pci_id"] == "00000000:3B:00.0"
    assert "cuda:1.pci_id" not in found
    assert "cuda:0.architecture" not in found or torch.version.hip


def test_absent_devices_say_why():
    for device in probe().devices:
        assert device.available or device.reason.endswith(".")


def test_the_processor_has_a_name(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Some   CPU  @ 2 GHz\n")
    assert probe_process.cpu_name(str(file)) == "Some CPU @ 2 GHz"
    assert probe_process.cpu_name(str(tmp_path / "none"))
