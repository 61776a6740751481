"""Presets, settings and ceilings made odd: used, or refused with a sentence; nothing is raised that is not declared."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.presets import load_preset, preset_entries, shipped_folder
from cvbench_tui.catalog.selection import to_plan, why_not_offered
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.limits import impossible
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.storage.peak_cache import PeakCache
from cvbench_tui.settings import load
from tests.fuzz.mutate import mutants

FAST, SLOW = 1_000, 5_000
MAX_S = 5.0  # CPU seconds of one file
MACHINE = Environment((), (Device("cpu", "CPU"), Device("cuda:0", "Card")))
SETTINGS = b"""# mine
theme = "cvbench-dark"
ascii = "auto"
gauges = "off"
autosave = true
save_folder = "/tmp"
layout = "full"
columns = ["name", "total"]
sort = "total"
descending = false
group = "device"
[keys]
app.run = "r,f5"
"app.help" = "f1"
[last]
models = ["Resnet18", "VGG16"]
layers = ["Dense"]
devices = ["cpu"]
batch = 8
image = 224
protocol = "quick"
"""
PEAKS = (
    DevicePeak("cpu", "cpu|x", (("float32", 9.0e10),), 1.2e10, 32 << 20, at_s=5.0, most_bytes_per_s=2.5e10),
    DevicePeak("cuda:0", "cuda|y", (("float32", 5e13), ("tf32", 3e14)), 2e12, None, at_s=6.0, product_s=1e-4),
)


def fuzz(path: Path, seeds: list[bytes], check: Callable[[], bool], count: int, start: int) -> int:
    """How many of the odd files can be used."""
    path.parent.mkdir(parents=True, exist_ok=True)
    used, faults = 0, []
    for number, text in mutants(seeds, count, start):
        path.write_bytes(text)
        began_s = time.process_time()
        try:
            used += check()
        except Exception as error:
            faults.append(f"{number}: {type(error).__name__}: {error}"[:300])
        if time.process_time() - began_s > MAX_S:
            faults.append(f"{number}: too long")
    assert not faults, "\n".join(faults[:20])
    return used


def settings_used(path: Path) -> Callable[[], bool]:
    def check() -> bool:
        settings, sentences = load(path)
        hash(settings.last)
        assert dataclasses.asdict(settings.last)
        assert all(sentence == visible(sentence) for sentence in sentences)
        return not sentences

    return check


def preset_used(path: Path) -> Callable[[], bool]:
    def check() -> bool:
        assert any(entry.name == path.stem for entry in preset_entries())
        try:
            plan = to_plan(load_preset(str(path)), MACHINE)
        except CvbenchError as error:
            sentence = error.message + error.hint
        else:
            assert not any(map(why_not_offered, plan.cases))
            return True
        assert sentence == visible(sentence)
        return False

    return check


def peaks_used(path: Path) -> Callable[[], bool]:
    def check() -> bool:
        cache = PeakCache(path.parent)
        found = [peak for key in ("cpu|x", "cuda|y") if (peak := cache.get(key)) is not None]
        assert not any(map(impossible, found))
        cache.put(PEAKS[0])
        assert cache.get("cpu|x") == PEAKS[0]
        return bool(found)

    return check


def run_all(tmp_path: Path, monkeypatch, count: int, start: int) -> None:
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config.toml"))
    assert fuzz(tmp_path / "config.toml", [SETTINGS], settings_used(tmp_path / "config.toml"), count, start) > 0
    own = tmp_path / "presets" / "odd.toml"
    presets = [path.read_bytes() for path in sorted(shipped_folder().glob("*.toml"))]
    assert fuzz(own, presets, preset_used(own), count, start) > 0
    ceilings = tmp_path / "runs" / "ceilings.json"
    text = json.dumps([dataclasses.asdict(peak) for peak in PEAKS]).encode()
    assert fuzz(ceilings, [text], peaks_used(ceilings), count // 4, start) > 0


def test_a_thousand_of_each(tmp_path, monkeypatch):
    run_all(tmp_path, monkeypatch, FAST, 0)


@pytest.mark.slow
@pytest.mark.beside
@pytest.mark.timeout(1800)
def test_five_thousand_of_each(tmp_path, monkeypatch):
    run_all(tmp_path, monkeypatch, SLOW, FAST)
