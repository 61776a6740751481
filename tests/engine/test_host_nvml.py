"""NVML's facts, from a library made for the test: cards in another order than PyTorch's, calls that fail."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.engine.host.metadata import NVML_FACTS, with_host_facts
from tests.every import every


class NVMLError(Exception):
    """What the library raises."""


class Card(SimpleNamespace):
    """One card of the library, with numbers of its own."""

    def __init__(self, uuid: str, pci: str, watts: int, **answers: Any) -> None:
        super().__init__(uuid=uuid, pci=pci, watts=watts, pids=(), slices=(), reasons=0x05, answers=answers)


class Library:
    """As much of pynvml as is asked; whatever is in ``broken`` raises."""

    NVMLError = NVMLError

    def __init__(self, *cards: Card, broken: tuple[str, ...] = ()) -> None:
        self.cards = cards
        self.broken = broken
        self.started = 0
        self.attached: set[str] = set()  # cards that a handle keeps initialised, until the library is shut down

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in self.broken:
            return self._fails
        return super().__getattribute__(name)

    def _fails(self, *_: object) -> Any:
        raise NVMLError("as the test wants it")

    def _find(self, **wanted: str) -> Card:
        (key, value) = next(iter(wanted.items()))
        for card in self.cards:
            if getattr(card, key) == value:
                self.attached.add(card.uuid)
                return card
        raise NVMLError("not found")

    def nvmlInit(self) -> None:
        self.started += 1

    def nvmlShutdown(self) -> None:
        self.started -= 1
        if not self.started:
            self.attached.clear()

    def nvmlSystemGetDriverVersion(self) -> str:
        return "550.1"

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> Any:
        for card in self.cards:
            if uuid in card.slices:
                return SimpleNamespace(slice_of=card)
        return self._find(uuid=uuid)

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle: Any) -> Card:
        return handle.slice_of

    def nvmlDeviceGetHandleByPciBusId(self, pci: str) -> Card:
        return self._find(pci=pci)

    def nvmlDeviceGetComputeRunningProcesses(self, card: Card) -> list[Any]:
        return [SimpleNamespace(pid=pid) for pid in card.pids]

    def nvmlDeviceGetCurrentClocksEventReasons(self, card: Card) -> int:
        return card.reasons

    nvmlDeviceGetCurrentClocksThrottleReasons = nvmlDeviceGetCurrentClocksEventReasons

    def nvmlDeviceGetPciInfo(self, card: Card) -> Any:
        return SimpleNamespace(busId=card.pci)

    def nvmlDeviceGetEnforcedPowerLimit(self, card: Card) -> int:
        return card.watts * 1000

    def nvmlDeviceGetUtilizationRates(self, _: Card) -> Any:
        return SimpleNamespace(gpu=25)

    def nvmlDeviceGetMemoryInfo(self, _: Card) -> Any:
        return SimpleNamespace(free=2**30)

    def nvmlDeviceGetMigMode(self, card: Card) -> list[int]:
        return [int(bool(card.slices)), 0]

    def nvmlDeviceGetEccMode(self, _: Card) -> list[int]:
        return [1, 1]

    def nvmlDeviceGetMPSComputeRunningProcesses(self, _: Card) -> list[Any]:
        return []


def _answers(value: int) -> Any:
    return lambda _self, _card, *_more: value


for _name, _value in {
    "PowerManagementDefaultLimit": 400_000, "PowerUsage": 61_500, "ApplicationsClock": 1500, "ClockInfo": 210,
    "Temperature": 35,
}.items():  # fmt: skip
    setattr(Library, f"nvmlDeviceGet{_name}", _answers(_value))

FIRST = Card("GPU-aa", "00000000:01:00.0", 300)
SECOND = Card("GPU-bb", "00000000:02:00.0", 350)
BY_UUID = Device("cuda:0", "a card", uuid="GPU-bb")
BY_PCI = Device("cuda:1", "a card")


def found(library: Library, monkeypatch: Any, *devices: Device, facts: tuple[Any, ...] = ()) -> Environment:
    monkeypatch.setitem(sys.modules, "pynvml", library)
    environment = with_host_facts(Environment((("torch", "2"),), devices, facts))
    assert library.started == 0
    return environment


def test_every_fact_in_the_units_of_its_name(monkeypatch):
    environment = found(Library(FIRST, SECOND), monkeypatch, BY_UUID)
    names = {name.removeprefix("cuda:0.") for name, _ in environment.facts if name.startswith("cuda:0.")}
    assert names == {*NVML_FACTS}
    expected = {
        "power_limit_w": 350.0, "power_limit_default_w": 400.0, "power_w": 61.5, "clock_hz": 210_000_000,
        "clock_application_hz": 1_500_000_000, "temperature_c": 35, "throttle": "power_cap", "mig": False, "ecc": True,
        "mps": False, "utilisation": 0.25, "foreign_processes": 0, "memory_free_bytes": 2**30,
        "pci_id": "00000000:02:00.0",
    }  # fmt: skip
    assert {name: environment.fact(f"cuda:0.{name}") for name in expected} == expected
    assert environment.version("driver") == "550.1"


def test_cards_are_found_by_identity_or_address_never_by_number(monkeypatch):
    facts = (("cuda:1.pci_id", "00000000:01:00.0"),)
    environment = found(Library(FIRST, SECOND), monkeypatch, BY_UUID, BY_PCI, facts=facts)
    assert environment.fact("cuda:0.power_limit_w") == 350.0
    assert environment.fact("cuda:1.power_limit_w") == 300.0


def test_a_card_that_cannot_be_told_has_no_facts(monkeypatch):
    environment = found(Library(FIRST), monkeypatch, Device("cuda:0", "a card"), Device("mps", "another"))
    assert not [name for name, _ in environment.facts if "." in name]


def test_a_slice_gives_the_whole_cards_facts(monkeypatch):
    card = Card("GPU-aa", "00000000:01:00.0", 300)
    card.slices = ("MIG-cc",)
    environment = found(Library(card), monkeypatch, Device("cuda:0", "a slice", uuid="GPU-cc"))
    assert environment.fact("cuda:0.mig") is True
    assert environment.fact("cuda:0.power_limit_w") == 300.0


@every("name", [name for name in dir(Library) if name.startswith("nvmlDeviceGet")])
def test_a_call_that_fails_costs_its_own_facts_only(monkeypatch, name):
    environment = found(Library(FIRST, SECOND, broken=(name,)), monkeypatch, BY_UUID)
    told = [fact for fact, _ in environment.facts if fact.startswith("cuda:0.")]
    assert len(told) >= len(NVML_FACTS) - 1 or name.startswith("nvmlDeviceGetHandleBy")


def test_an_old_library_without_a_function_is_no_error(monkeypatch):
    monkeypatch.delattr(Library, "nvmlDeviceGetHandleByUUID")
    monkeypatch.delattr(Library, "nvmlDeviceGetMigMode")
    facts = (("cuda:0.pci_id", "00000000:02:00.0"),)
    environment = found(Library(FIRST, SECOND), monkeypatch, BY_UUID, facts=facts)
    assert environment.fact("cuda:0.power_limit_w") == 350.0
    assert environment.fact("cuda:0.mig") is None


def test_an_old_driver_tells_under_an_older_name_why_the_clock_is_low(monkeypatch):
    library = Library(SECOND, broken=("nvmlDeviceGetCurrentClocksEventReasons",))
    assert found(library, monkeypatch, BY_UUID).fact("cuda:0.throttle") == "power_cap"


@pytest.mark.parametrize("name", ["nvmlInit", "nvmlSystemGetDriverVersion"])
def test_a_library_that_does_not_start_is_no_error(monkeypatch, name):
    environment = found(Library(FIRST, broken=(name,)), monkeypatch, BY_UUID)
    assert environment.version("driver") is None


def test_without_a_usable_card_the_library_is_not_started(monkeypatch):
    """A driver that PyTorch cannot use may hang here as well."""
    library = Library(FIRST)
    monkeypatch.setattr(library, "nvmlInit", lambda: pytest.fail("it was started"))
    absent = Device("cuda", "NVIDIA or AMD GPU", available=False, reason="The driver did not answer within 30 s.")
    assert found(library, monkeypatch, Device("cpu", "a CPU"), absent).version("driver") is None


def test_an_error_of_another_kind_costs_its_own_fact_only(monkeypatch):
    """pynvml's own NVMLLibraryMismatchError is no NVMLError."""

    def raises(*_: object) -> None:
        raise Exception("unversioned function called")

    library = Library(SECOND)
    for name in ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetTemperature"):
        monkeypatch.setattr(library, name, raises)
    environment = found(library, monkeypatch, BY_UUID)
    names = ("foreign_processes", "memory_free_bytes", "temperature_c")
    assert [environment.fact(f"cuda:0.{name}") for name in names] == [None] * 3
    assert environment.fact("cuda:0.power_limit_w") == 350.0


def test_our_own_processes_are_not_foreign(monkeypatch):
    card = Card("GPU-bb", "00000000:02:00.0", 350)
    card.pids = (os.getpid(), 2**22 + 7, 2**22 + 8)
    assert found(Library(card), monkeypatch, BY_UUID).fact("cuda:0.foreign_processes") == 2


def test_each_reason_for_a_lower_clock_is_told_once(monkeypatch):
    card = Card("GPU-bb", "00000000:02:00.0", 350)
    card.reasons = 0x60 | 0x80 | 0x01
    assert found(Library(card), monkeypatch, BY_UUID).fact("cuda:0.throttle") == "thermal, power_brake"
    card.reasons = 0x01
    assert found(Library(card), monkeypatch, BY_UUID).fact("cuda:0.throttle") is None
