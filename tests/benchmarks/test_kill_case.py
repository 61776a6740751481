"""What the program that kills a case looks at."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

USED = {"GPU-1": 100, "GPU-2": 7}


def test_only_the_card_that_is_measured_is_looked_at(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    kill_case = import_module("kill_case")
    monkeypatch.setattr(kill_case.pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(kill_case.pynvml, "nvmlDeviceGetHandleByUUID", USED.__getitem__)
    monkeypatch.setattr(kill_case.pynvml, "nvmlDeviceGetMemoryInfo", lambda used: SimpleNamespace(used=used))
    assert [kill_case.used(uuid) for uuid in ("GPU-2", "GPU-3", None)] == [7, 0, 0]
