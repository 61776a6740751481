from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from cvbench_tui.engine.host.gauges import GaugeReader, GaugeReading
from tests.every import every

HOST = ("cpu_share", "load", "memory_used_bytes", "memory_total_bytes")
CARD = {
    "gpu_share": 0.87,
    "gpu_hz": 1.98e9,
    "gpu_celsius": 61.0,
    "gpu_watts": 412.0,
    "gpu_memory_used_bytes": 12.0 * 2**30,
    "gpu_memory_total_bytes": 80.0 * 2**30,
}


class NVMLError(Exception):
    """What the library raises."""


class Library:
    """As much of pynvml as the gauges ask; cards are (identity, name), in the driver's order."""

    NVMLError = NVMLError

    def __init__(self, *cards: tuple[str, str], broken: tuple[str, ...] = ()) -> None:
        self.cards, self.broken, self.started = cards, broken, 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in self.broken:
            raise NVMLError("as the test wants it")
        return super().__getattribute__(name)

    def nvmlInit(self) -> None:
        self.started += 1

    def nvmlShutdown(self) -> None:
        self.started -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> tuple[str, str]:
        for card in self.cards:
            if card[0] == uuid:
                return card
        raise NVMLError("not found")

    def nvmlDeviceGetHandleByPciBusId(self, pci_id: str) -> tuple[str, str]:
        return self.cards[int(pci_id, 16)]

    def nvmlDeviceGetUtilizationRates(self, _: object) -> Any:
        return SimpleNamespace(gpu=87)

    def nvmlDeviceGetClockInfo(self, _: object, kind: int) -> int:
        return {1: 1980}[kind]

    def nvmlDeviceGetTemperature(self, _: object, kind: int) -> int:
        return {0: 61}[kind]

    def nvmlDeviceGetPowerUsage(self, card: tuple[str, str]) -> int:
        return 412_000 if card[0] != "GPU-bb" else 70_000

    def nvmlDeviceGetMemoryInfo(self, _: object) -> Any:
        return SimpleNamespace(used=12 * 2**30, total=80 * 2**30, free=68 * 2**30)


ONE = ("GPU-aa", "a card")
OTHER = ("GPU-bb", "another card")


def watts(library: Library, device: str, **identity: str) -> float | None:
    return GaugeReader(device, library, **identity).read().gpu_watts


def test_the_machine_without_a_card() -> None:
    gauges = GaugeReader("cpu")
    first, second = gauges.read(), gauges.read()
    assert first.cpu_share is None
    for name in HOST[1:]:
        assert getattr(first, name) >= 0
    assert 0 < first.memory_used_bytes < first.memory_total_bytes  # type: ignore[operator]
    assert second.cpu_share is None or 0 <= second.cpu_share <= 1
    assert {getattr(second, name) for name in CARD} == {None}


def test_the_share_counts_from_the_reading_before(monkeypatch: pytest.MonkeyPatch) -> None:
    scputimes = psutil.cpu_times()._replace
    blank = dict.fromkeys(psutil.cpu_times()._fields, 0.0)
    told = iter(
        [
            scputimes(**blank),
            scputimes(**{**blank, "user": 3.0, "idle": 9.0}),
            scputimes(**{**blank, "user": 3.0, "idle": 9.0}),
        ]
    )
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(told))
    gauges = GaugeReader("cpu")
    assert [gauges.read().cpu_share for _ in range(3)] == [None, 0.25, None]


def test_the_card_in_the_units_of_the_names() -> None:
    library = Library(ONE)
    gauges = GaugeReader("cuda:0", library, uuid="aa")
    found = gauges.read()
    assert {name: getattr(found, name) for name in CARD} == CARD
    assert library.started == 1
    gauges.close()
    gauges.close()
    assert library.started == 0
    assert gauges.read().gpu_watts is None


def test_memory_that_the_driver_does_not_know_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(ONE)
    unknown = SimpleNamespace(used=2**64 - 1, total=80 * 2**30, free=2**64 - 1)
    monkeypatch.setattr(library, "nvmlDeviceGetMemoryInfo", lambda _: unknown)
    monkeypatch.setattr(library, "nvmlDeviceGetTemperature", lambda *_: "hot")
    found = GaugeReader("cuda:0", library, uuid="aa").read()
    assert (found.gpu_memory_used_bytes, found.gpu_memory_total_bytes, found.gpu_celsius) == (None, None, None)
    assert found.gpu_watts == 412


def test_a_card_is_found_by_identity_or_address() -> None:
    library = Library(ONE, OTHER)
    assert watts(library, "cuda:0", uuid="bb") == 70
    assert watts(library, "cuda:0", uuid="GPU-bb") == 70
    assert watts(library, "cuda:0", pci_id="00000001") == 70


@every(
    ("cards", "device", "identity"),
    [
        ((ONE,), "cuda:0", {}),  # PyTorch counts in another order than the driver: a number says nothing
        ((ONE, OTHER), "cuda:0", {"uuid": "cc"}),
        ((ONE,), "mps", {"uuid": "aa"}),
    ],
)
def test_never_by_its_number(cards: Any, device: str, identity: dict[str, str]) -> None:
    library = Library(*cards)
    assert watts(library, device, **identity) is None
    assert library.started == 0


@every("name", [name for name in dir(Library) if name.startswith("nvml")])
def test_a_call_that_fails_costs_its_own_reading_only(name: str) -> None:
    gauges = GaugeReader("cuda:0", Library(ONE, broken=(name,)), uuid="aa")
    found = gauges.read()
    gauges.close()
    missing = [field for field in CARD if getattr(found, field) is None]
    assert found.memory_total_bytes
    if name in ("nvmlInit", "nvmlDeviceGetHandleByUUID"):
        assert missing == [*CARD]
    elif name == "nvmlDeviceGetMemoryInfo":
        assert missing == ["gpu_memory_used_bytes", "gpu_memory_total_bytes"]
    else:
        assert len(missing) <= 1


def test_nothing_at_all_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Any:
        raise PermissionError

    for name in ("cpu_times", "virtual_memory"):
        monkeypatch.setattr(psutil, name, fails)
    monkeypatch.setattr("os.getloadavg", fails)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    found = GaugeReader("cuda:0").read()
    assert {getattr(found, field.name) for field in fields(GaugeReading) if field.name != "cpu_hz"} == {None}


def test_the_libraries_are_imported_by_the_first_reading_only() -> None:
    probe = (
        "import sys; from cvbench_tui.engine.host.gauges import GaugeReader; GaugeReader('cuda:0'); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"psutil", "pynvml", "torch", "pydantic"} & {*done.stdout.split()}
