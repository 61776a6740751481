"""What only a card can show, with nobody else on it. Skipped, with the probe's reason, where there is none."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import median

import pynvml
import pytest

from cvbench_tui.base.nvml import find_card
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.results.stats.phase_stats import Terms, phase_results
from cvbench_tui.selftest.context import SHORT

pytestmark = [pytest.mark.gpu, pytest.mark.slow, pytest.mark.torch]
TRUTH = Path(__file__).parents[2] / "benchmarks" / "gpu_truth.py"
WHOLE = ("total", "inference")
CARD = "cuda:0"
CONV = Case(find_layer("Conv3x3/1").workload, CARD, 8)
RESNET = Case(find_model("resnet18").workload, CARD, 8)
DENSE = Case(find_layer("Dense").workload, CARD, 1)  # one small kernel: the host cannot keep the card busy
SMALL = Case(find_model("resnet18").workload, CARD, 1)
DEEP = Case(find_model("densenet201").workload, CARD, 2)  # 3,700 launches an iteration: three times what fits the queue
VGG = Case(find_model("vgg16").workload, CARD, 128)
HIDDEN = Case(
    Workload("layer", "selftest_async", "selftest_async", (8,), (("seconds", 5e-4),)),
    CARD,
    1,
    settings=(("threads", "1"),),
)


class Ignore:
    def append(self, event, run) -> None:
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


@pytest.fixture(scope="module")
def measured(source):
    """Every case of which nothing but its numbers is asked, measured once."""
    run = run_of(source, CONV, RESNET, DENSE, SMALL, DEEP)
    assert not run.failures
    return {measurement.case_id: measurement for measurement in run.measured}


@pytest.fixture(scope="module")
def truth(source, tmp_path_factory):
    """The two models whose launches decide, by plain torch in a process of its own."""
    path = tmp_path_factory.mktemp("truth") / "truth.json"
    models = [f"{case.workload.op}:{case.batch}" for case in (SMALL, DEEP)]
    command = [sys.executable, str(TRUTH), CARD, "--only-models", "--models", *models, "-o", str(path)]
    subprocess.run(command, check=True)
    found = {(each["name"], each["batch"]): each["phases"] for each in json.loads(path.read_text())["models"]}
    return {case.case_id: found[case.workload.op, case.batch] for case in (SMALL, DEEP)}


def run_of(source, *cases, protocol=SHORT, each=lambda event: None):
    runs = []
    for event, run in Session(source, Plan("p", cases, protocol)).run(Ignore()):
        each(event)
        runs.append(run)
    return runs[-1]


def centre(samples) -> float:
    """Seconds of an iteration."""
    return median(chain(*samples.rounds))


def memory(source) -> int:
    """Bytes that the driver says are taken on the card, by anybody. By UUID: PyTorch and the driver count in
    different orders."""
    pynvml.nvmlInit()
    try:
        return int(find_card(pynvml, source.probe().device(CARD).uuid, whole=True).memory().used)
    finally:
        pynvml.nvmlShutdown()


def assert_given_back(source, before: int) -> None:
    """The driver needs a moment after the end of a process."""
    limit, end = before * 1.01 + (16 << 20), time.monotonic() + 10
    while memory(source) > limit and time.monotonic() < end:
        time.sleep(0.1)
    assert memory(source) <= limit


def test_the_card_is_named_with_its_memory_and_identity(source):
    card = source.probe().device(CARD)
    assert card.name
    assert card.memory_bytes > 1 << 30
    assert card.uuid
    assert source.probe().version("driver")


def test_the_driver_knows_the_card_by_the_same_identity(source):
    """A whole card is GPU-, a slice MIG-, with the prefix once; and it is the same one: its memory says so."""
    card = source.probe().device(CARD)
    assert card.uuid.count("-") == 5
    assert card.uuid.startswith("MIG-" if source.probe().fact(f"{CARD}.mig") else "GPU-")
    pynvml.nvmlInit()
    try:
        found = find_card(pynvml, card.uuid)
        assert found is not None
        # PyTorch's is without what the driver keeps for itself
        assert 0.9 < card.memory_bytes / found.memory().total <= 1
    finally:
        pynvml.nvmlShutdown()


def test_layers_and_models_are_timed_by_events(measured):
    for case in (CONV, RESNET):
        measurement = measured[case.case_id]
        assert measurement.memory_peak_bytes > 0
        devices = {phase: measurement.device(phase) for phase in WHOLE}
        assert {samples.clock for samples in devices.values()} == {"cuda_event"}
        assert centre(devices["total"]) > centre(devices["inference"])


def test_every_row_has_two_times(measured):
    """The device never needs longer than the wall says; but for 5%, since they are of different iterations."""
    for measurement in measured.values():
        for phase in WHOLE:
            wall = measurement.wall_of(phase)
            assert wall is not None, (measurement.case_id, phase)
            device = measurement.device(phase)
            if measurement.case_id != DEEP.case_id:
                assert device is not None, (measurement.case_id, phase)
            if device is not None:
                assert centre(device) <= 1.05 * centre(wall), (measurement.case_id, phase)


def test_a_row_that_the_host_holds_back_says_so(measured):
    for case in (DENSE, SMALL):
        measurement = measured[case.case_id]
        assert measurement.host_bound("total"), case.case_id
        assert centre(measurement.device("total")) < centre(measurement.wall_of("total")), case.case_id


@pytest.mark.parametrize("case", [SMALL, DEEP], ids=["small", "deep"])
@pytest.mark.parametrize("phase", WHOLE)
def test_a_wall_time_is_that_of_a_plain_loop(measured, truth, case, phase):
    wall_s = centre(measured[case.case_id].wall_of(phase))
    assert wall_s == pytest.approx(truth[case.case_id][phase]["wall_s"], rel=0.1)


@pytest.mark.parametrize("phase", WHOLE)
def test_a_number_of_a_deep_model_is_never_a_mixture(measured, truth, phase):
    """More launches than the queue holds: the headline is the device's time or the wall's, and nothing in between."""
    measurement, known = measured[DEEP.case_id], truth[DEEP.case_id][phase]
    assert known["launches"] > (1000 if phase == "total" else 500)
    shown_s, device = centre(measurement.phase(phase)), measurement.device(phase)
    if measurement.host_bound(phase):
        assert shown_s == pytest.approx(known["wall_s"], rel=0.1)
    else:
        assert device is not None
        assert shown_s == pytest.approx(centre(device))
    # A graph has shorter gaps: kernels of 2 to 5 us feel them. A mixture was three times as long.
    if device is not None:
        assert 0.9 * known["graph_s"] < centre(device) < 1.3 * known["graph_s"]


def test_a_long_operation_is_not_free(source):
    """Sixteen times the work takes at least four times as long: a launch time would not grow. Not eight times, since
    VGG16 at batch 8 does not fill 132 multiprocessors."""
    run = run_of(source, replace(VGG, batch=8), VGG)
    small_s, large_s = (centre(measurement.device("inference")) for measurement in run.measured)
    assert large_s > 4 * small_s


def test_work_on_another_stream_is_found(source):
    """Half a millisecond that the current stream's events do not see: invalid, however slow the host is."""
    (measurement,) = run_of(source, HIDDEN).measured
    results = phase_results(measurement, Terms(SHORT))
    assert {phase: results[phase].grade for phase in WHOLE} == dict.fromkeys(WHOLE, "X")


def test_the_driver_stays_loaded_while_a_run_lasts(source):
    """This process has the card open, so that no case starts it anew. NVML alone would open /dev/nvidiactl."""
    held = []

    def look(event):
        if isinstance(event, CaseStarted):
            paths = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
            held.append(any(re.match(r"/dev/nvidia\d", path) for path in paths))

    run_of(source, DENSE, each=look)
    assert held == [True]


def test_out_of_memory_is_a_row_and_gives_everything_back(source):
    before = memory(source)
    run = run_of(source, replace(RESNET, batch=65536), CONV)
    assert [failure.kind for failure in run.failures] == ["out_of_memory"]
    assert len(run.measured) == 1
    assert_given_back(source, before)


def test_a_killed_case_gives_its_memory_back(source):
    before = memory(source)

    def kill(event):
        if isinstance(event, CaseStarted) and event.case_id == RESNET.case_id:
            os.kill(event.pid, signal.SIGKILL)

    run = run_of(source, RESNET, CONV, each=kill)
    assert [failure.kind for failure in run.failures] == ["crashed"]
    assert len(run.measured) == 1
    assert_given_back(source, before)
