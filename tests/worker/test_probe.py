"""What the worker tells of itself, of PyTorch and of the devices."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
import torch

from cvbench_tui.core.facts import FACTS, kind_name
from cvbench_tui.worker.devices import accelerators
from cvbench_tui.worker.devices import probe as probing
from cvbench_tui.worker.devices.probe import probe


def facts() -> dict[str, object]:
    return dict(probe().facts)


def test_every_fact_is_in_the_table_and_told_once():
    names = [name for name, _ in probe().facts]
    assert len(set(names)) == len(names)
    assert {kind_name(name) for name in names} <= set(FACTS)
    assert len(names) >= 17


def test_pytorchs_settings_are_read_as_they_are():
    found = facts()
    assert found["threads"] >= 1
    assert found["torch_flags"] == "default"
    assert (found["tf32_matmul"], found["tf32_conv"]) == (False, True)


def test_every_switch_is_there_and_at_its_default():
    """A default that a new PyTorch changes would stand in every environment."""
    read = {name: probing._read(path) for name, (path, _) in probing.FLAGS.items()}
    assert read == {name: default for name, (_, default) in probing.FLAGS.items()}


def test_a_switch_that_changes_is_named(monkeypatch):
    before = facts()
    torch.use_deterministic_algorithms(True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    try:
        after = facts()
    finally:
        torch.use_deterministic_algorithms(False)
    assert {name for name in after if before[name] != after[name]} == {"torch_flags"}
    assert after["torch_flags"] == "cudnn.benchmark=True, deterministic=True"


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor cannot")
def test_flushing_is_seen_by_what_it_does():
    torch.set_flush_denormal(True)
    try:
        assert facts()["torch_flags"] == "flush_denormal=True"
    finally:
        torch.set_flush_denormal(False)


def test_an_older_pytorch_has_fewer_facts(monkeypatch):
    monkeypatch.delattr(torch.backends.cuda, "cudnn_sdp_enabled")
    monkeypatch.delattr(torch.__config__, "parallel_info")
    found = facts()
    assert "torch_build_digest" not in found
    assert found["torch_flags"] == "default"


def test_only_listed_variables_are_told(monkeypatch):
    monkeypatch.setenv("KMP_BLOCKTIME", "3")
    monkeypatch.setenv("A_SECRET_TOKEN", "hidden")
    found = facts()
    assert found["env.KMP_BLOCKTIME"] == "3"
    assert "hidden" not in found.values()


def test_the_allocator_is_the_library_that_is_loaded(tmp_path):
    maps = tmp_path / "maps"
    maps.write_text(
        "7f00-7f01 r-xp 00000000 08:01 123    /usr/lib/x/libtcmalloc_minimal.so.4\n"
        "7f01-7f02 r-xp 00000000 08:01 124    /venv/torch/lib/libgomp-a34b3233.so.1\n"
        "7f02-7f03 rw-p 00000000 00:00 0 \n"
    )
    assert probing._loaded(probing.ALLOCATORS, maps) == "libtcmalloc_minimal.so.4"
    assert probing._loaded(probing.OPENMP, maps) == "libgomp-a34b3233.so.1"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux pins processes")
def test_affinity_is_told_as_the_process_has_it():
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert facts()["affinity"] == str(min(cores))
    finally:
        os.sched_setaffinity(0, cores)


def test_cores_are_listed_as_linux_does(tmp_path):
    file = tmp_path / "status"
    file.write_text("Name:\tpython\nCpus_allowed:\t10f\nCpus_allowed_list:\t0-3,8\n")
    assert probing._affinity(file) == "0-3,8"
    assert probing._affinity(tmp_path / "none") is None


def test_every_card_has_facts_of_its_own(monkeypatch):
    cards = [
        SimpleNamespace(name="a", multi_processor_count=132, pci_domain_id=0, pci_bus_id=59, pci_device_id=0),
        SimpleNamespace(name="b", multi_processor_count=84),
    ]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_device_properties", cards.__getitem__)
    found = dict(accelerators.cards("cuda").facts)
    assert (found["cuda:0.compute_units"], found["cuda:1.compute_units"]) == (132, 84)
    assert found["cuda:0.pci_id"] == "00000000:3B:00.0"
    assert "cuda:1.pci_id" not in found


def test_absent_devices_say_why():
    for device in probe().devices:
        assert device.available or device.reason.endswith(".")


def test_the_processor_has_a_name(tmp_path):
    file = tmp_path / "proc/cpuinfo"
    file.parent.mkdir()
    file.write_text("processor\t: 0\nmodel name\t: Some   CPU  @ 2 GHz\n")
    assert probing.cpu_name(tmp_path) == "Some CPU @ 2 GHz"
    assert probing.cpu_name(tmp_path / "none") not in ("", "Some CPU @ 2 GHz")
