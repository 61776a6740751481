"""NVML through a stand-in for pynvml: no card, no driver, calls that are not there, a card that is lost."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from cvbench_tui.base.nvml import POWER_INSTANT_FIELD
from cvbench_tui.worker.devices.nvml import MeasuredCard, open_card
from cvbench_tui.worker.timing.counters import DeviceReading
from tests.every import every

UUID = "GPU-5f2d"
BUS = "00000000:65:00.0"


class NVMLError(Exception):
    pass


class FakeNvml:
    """One card that answers what it is told to answer."""

    NVMLError = NVMLError

    def __init__(self) -> None:
        self.handles = {UUID: "card", BUS: "card"}
        self.lost = False
        self.pids: list[int] = []
        self.working: dict[int, int] | None = None
        self.bits = 0
        self.instant_mw: int | None = 301_000

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        return self._find(uuid)

    def nvmlDeviceGetHandleByPciBusId(self, bus: str) -> str:
        return self._find(bus)

    def nvmlDeviceGetClockInfo(self, handle: str, kind: int) -> int:
        return self._tell({1: 1410}[kind])

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:
        return self._tell(55)

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:
        return self._tell(250_500)

    def nvmlDeviceGetFieldValues(self, handle: str, fields: list) -> list:
        assert fields == [POWER_INSTANT_FIELD]
        bad = self.instant_mw is None
        value = SimpleNamespace(uiVal=self.instant_mw or 0)
        return [SimpleNamespace(nvmlReturn=3 if bad else 0, value=value)]

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:
        return self._tell(5_000)

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: str) -> int:
        return self._tell(self.bits)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list:
        return self._tell([SimpleNamespace(pid=pid, usedGpuMemory=None) for pid in self.pids])

    def nvmlDeviceGetProcessUtilization(self, handle: str, since_us: int) -> list:
        if self.working is None:
            raise NVMLError("not supported")
        if not self.working:
            error = NVMLError("not found")
            error.value = 6
            raise error
        return [SimpleNamespace(pid=pid, smUtil=share) for pid, share in self.working.items()]

    def _find(self, name: str) -> str:
        if name not in self.handles:
            raise NVMLError("not found")
        return self._tell(self.handles[name])

    def _tell(self, value):
        if self.lost:
            raise NVMLError("GPU is lost")
        return value


@pytest.fixture
def nvml():
    return FakeNvml()


def test_the_card_tells_how_it_stands(nvml):
    card = open_card(UUID, library=nvml)
    nvml.pids = [os.getpid()]
    assert card.read() == DeviceReading(1.41e9, 55.0, 301.0, (), 0)
    assert card.energy_j() == 5.0


def test_power_of_the_moment_is_not_told_by_every_card(nvml):
    card = open_card(UUID, library=nvml)
    nvml.instant_mw = None
    assert card.power_w() == 250.5
    nvml.nvmlDeviceGetFieldValues = None
    assert card.power_w() == 250.5


@every(
    ("uuid", "bus", "found"),
    [
        (UUID, None, True),
        (UUID.removeprefix("GPU-"), None, True),
        ("GPU-other", BUS, True),
        (None, BUS, True),
        ("GPU-other", None, False),
        ("GPU-other", "00000000:66:00.0", False),
        (None, None, False),
    ],
)
def test_a_card_is_found_by_identity_then_by_address(nvml, uuid, bus, found):
    assert (open_card(uuid, bus, nvml) is not None) == found


def test_a_slice_of_a_card_is_found(nvml):
    nvml.handles = {"MIG-77": "slice"}
    assert open_card("77", library=nvml) is not None
    assert open_card("MIG-77", library=nvml) is not None


def test_without_nvml_there_is_no_card(nvml):
    def refuse() -> None:
        raise NVMLError("driver not loaded")

    assert open_card(UUID, library=None) is None
    nvml.nvmlInit = refuse
    assert open_card(UUID, library=nvml) is None


def test_a_card_that_vanishes_tells_nothing_and_breaks_nothing(nvml):
    card = open_card(UUID, library=nvml)
    nvml.lost = True
    nvml.instant_mw = None
    assert card.read() == DeviceReading()
    assert (card.energy_j(), card.processes()) == (None, None)


def test_a_library_of_another_age_lacks_calls(nvml):
    bare = SimpleNamespace(NVMLError=NVMLError, nvmlInit=lambda: None, nvmlDeviceGetHandleByUUID=lambda uuid: "card")
    card = open_card(UUID, library=bare)
    assert isinstance(card, MeasuredCard)
    assert card.read() == DeviceReading()


@every(
    ("bits", "words"),
    [
        (0x0, ()),
        (0x1, ()),
        (0x2 | 0x100, ()),
        (0x4, ("power_cap",)),
        (0x8 | 0x40, ("hardware", "thermal")),
        (0x20 | 0x40, ("thermal",)),
        (0x80, ("power_brake",)),
        (0x10, ("sync",)),
    ],
)
def test_reasons_for_a_lower_clock_have_words(nvml, bits, words):
    card = open_card(UUID, library=nvml)
    nvml.bits = bits
    assert card.throttle() == words


def test_the_older_name_of_the_reasons(nvml):
    card = open_card(UUID, library=nvml)
    nvml.nvmlDeviceGetCurrentClocksThrottleReasons = lambda handle: 0x4
    nvml.nvmlDeviceGetCurrentClocksEventReasons = None
    assert card.throttle() == ("power_cap",)


def foreign(nvml, before: list[int], after: list[int], working: dict[int, int] | None = None) -> int | None:
    nvml.pids = before
    card = open_card(UUID, library=nvml)
    nvml.pids, nvml.working = after, working
    return card.foreign_processes()


@every(
    ("before", "after", "count"),
    [
        ([], [], 0),
        ([], [os.getpid()], 0),
        ([7], [7, os.getpid()], 1),
        ([], [os.getpid(), 8], 1),
        ([], [90210], 0),
        ([7], [7, 90210], 1),
        ([7, 8], [90210], 0),
        ([], [90210, 90211], 1),
        ([7], [7, 90210, 90211], 2),
        ([7], [7], 1),
        ([os.getpid()], [os.getpid(), 90210], 1),
    ],
)
def test_others_are_told_from_us_in_any_numbering(nvml, before, after, count):
    assert foreign(nvml, before, after) == count


def test_what_only_holds_the_card_is_not_work_on_it(nvml):
    me = os.getpid()
    assert foreign(nvml, [7, 8], [7, 8, me], {7: 0, 8: 40, me: 60}) == 1
    assert foreign(nvml, [7], [7, me], {me: 99}) == 0
    assert foreign(nvml, [7], [7, me], {}) == 0, "nobody was sampled: a notebook that only holds its memory"
    assert foreign(nvml, [7], [7, me, 8], {me: 99}) == 1, "8 came meanwhile, and cannot be sampled yet"
    assert foreign(nvml, [7], [7, me], {me: 99, 5: 99}) == 0, "what has no context on this card is another card's"


def test_ours_stays_ours_when_others_come(nvml):
    card = open_card(UUID, library=nvml)
    nvml.pids = [90210]
    assert card.foreign_processes() == 0
    nvml.pids = [90210, 90300]
    assert card.foreign_processes() == 1


def test_unlisted_processes_are_not_known(nvml):
    nvml.nvmlDeviceGetComputeRunningProcesses = None
    assert open_card(UUID, library=nvml).foreign_processes() is None
