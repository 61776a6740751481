"""What only a card can show, with nobody else on it. Skipped, with the probe's reason, where there is none."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session

pytestmark = [pytest.mark.gpu, pytest.mark.slow, pytest.mark.torch]
QUICK = PROTOCOLS["quick"]
CARD = "cuda:0"
CONV = Case(find_layer("Conv3x3/1").workload, CARD, 8)
RESNET = Case(find_model("resnet18").workload, CARD, 8)


class Ignore:
    def append(self, event) -> None:
        pass


@pytest.fixture(scope="module")
def source():
    live = LiveSource()
    try:
        card = live.probe().device(CARD)
        if card is None:
            absent = next(device for device in live.probe().devices if device.id.startswith("cuda"))
            pytest.skip(f"no CUDA device: {absent.reason}")
        yield live
    finally:
        live.close()


def run_of(source, *cases, protocol=QUICK, each=lambda event: None):
    runs = []
    for event, run in Session(source, Plan("p", cases, protocol)).run(Ignore()):
        each(event)
        runs.append(run)
    return runs[-1]


def used_bytes() -> int:
    """Memory the driver says is taken on the card, by anybody."""
    import pynvml

    pynvml.nvmlInit()
    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0)).used)
    finally:
        pynvml.nvmlShutdown()


def test_the_card_is_named_with_its_memory_and_identity(source):
    card = source.probe().device(CARD)
    assert card.name
    assert card.memory_bytes > 1 << 30
    assert card.uuid
    assert source.probe().version("driver")


def test_layers_and_models_are_timed_by_events(source):
    run = run_of(source, CONV, RESNET)
    assert not run.failures
    for measurement in run.measured:
        assert {phase.clock for phase in measurement.phases} == {"cuda_event"}
        assert measurement.memory_peak_bytes > 0
        total, inference = (measurement.phase(name).rounds[0][0] for name in ("total", "inference"))
        assert total > inference


def test_a_long_operation_is_not_free(source):
    """Sixteen times the work takes at least eight times as long: a launch time would not grow."""
    large = Case(find_model("vgg16").workload, CARD, 128)
    run = run_of(source, replace(large, batch=8), large)
    small_s, large_s = (measurement.phase("inference").rounds[0][0] for measurement in run.measured)
    assert large_s > 8 * small_s


def test_out_of_memory_is_a_row_and_gives_everything_back(source):
    before = used_bytes()
    run = run_of(source, replace(RESNET, batch=65536), CONV)
    assert [failure.kind for failure in run.failures] == ["out_of_memory"]
    assert len(run.measured) == 1
    assert used_bytes() <= before * 1.01 + (16 << 20)


def test_a_killed_case_gives_its_memory_back(source):
    before = used_bytes()

    def kill(event):
        if isinstance(event, CaseStarted) and event.case_id == RESNET.case_id:
            os.kill(event.pid, signal.SIGKILL)

    run = run_of(source, RESNET, CONV, each=kill)
    assert [failure.kind for failure in run.failures] == ["crashed"]
    assert len(run.measured) == 1
    assert used_bytes() <= before * 1.01 + (16 << 20)
