"""Drivers that are there and cannot be used, through a libcuda.so.1 made for the test: what is said, and that the CPU
is measured all the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cvbench_tui.catalog.names import find_layer
from cvbench_tui.core.environment import CPU_INSTEAD, NO_ANSWER
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.workers.environments import PROBE_S
from cvbench_tui.worker.devices import accelerators
from tests.every import every

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform != "linux", reason="the driver's library is Linux's"),
    pytest.mark.skipif(not torch.version.cuda, reason="this PyTorch was built without CUDA"),
]
SOURCE = Path(__file__).with_name("fake_driver.c")
DENSE = Case(find_layer("Dense").workload, "cpu", 1)
SHORT = replace(PROTOCOLS["quick"], budget_s=0.2, round_s=0.01, warmup_cap_s=0.02, warmup_window_s=0.01)

ASK = """
import json, multiprocessing, os, sys
from pathlib import Path
from cvbench_tui.worker.devices import accelerators
for variables, root in json.loads(sys.argv[1]):
    before = dict(os.environ)
    os.environ.update(variables)
    accelerators.START_S = float(os.environ.get("START_S", 20))
    found = accelerators.accelerators(Path(root)).devices
    device = next(each for each in found if each.id.startswith("cuda"))
    print(json.dumps([device.available, device.reason, device.expected, len(multiprocessing.active_children())]))
    for name in set(os.environ) - set(before):
        del os.environ[name]
"""
"""Each question in a process forked from one that has asked no driver, as in the worker."""

CANNOT = "The driver is there, but PyTorch cannot use it: "
NO_CARD = "names no card that the driver has."
SAID = {
    # variables, whether the kernel has the driver: the reason, and whether a card is expected
    "unsupported": ({"FAKE_CODE": "803"}, False, f"{CANNOT}Error 803: system has unsupported", True),
    "unknown error": ({"FAKE_CODE": "999"}, False, f"{CANNOT}CUDA unknown error.", True),
    "forward compatibility": ({"FAKE_CODE": "804"}, False, f"{CANNOT}Error 804: forward compatibility", True),
    "exclusive": ({"FAKE_CODE": "46"}, False, f"{CANNOT}Error 46: CUDA-capable device(s) is/are busy", True),
    "too old": ({"FAKE_VERSION": "11000"}, False, f"{CANNOT}The NVIDIA driver on your system is too old", True),
    "no card": ({}, False, "PyTorch says: No CUDA GPUs are available.", False),
    "no card, but a driver": ({}, True, "PyTorch says: No CUDA GPUs are available.", True),
    "out of range": ({"CUDA_VISIBLE_DEVICES": "7"}, False, f"CUDA_VISIBLE_DEVICES='7' {NO_CARD}", True),
    "uuid": ({"CUDA_VISIBLE_DEVICES": "GPU-12"}, False, f"CUDA_VISIBLE_DEVICES='GPU-12' {NO_CARD}", True),
    "slice": ({"CUDA_VISIBLE_DEVICES": "MIG-12"}, False, f"CUDA_VISIBLE_DEVICES='MIG-12' {NO_CARD}", True),
    "crash": ({"FAKE_ACT": "crash"}, False, "The driver crashed with SIGABRT.", True),
    "exit": ({"FAKE_ACT": "exit"}, False, "The driver ended the process with exit code 7: NVRM: fatal.", True),
    "hang": ({"FAKE_ACT": "hang", "START_S": "-9.5"}, False, "The driver did not answer within 0 s.", True),
    # from here on a driver that was asked would crash
    "scheduler's": ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, False, "CUDA_VISIBLE_DEVICES='NoDevFiles' hides", True),
    "nonsense": ({"CUDA_VISIBLE_DEVICES": "cuda:0"}, False, "CUDA_VISIBLE_DEVICES='cuda:0' hides every card.", True),
    "empty": ({"CUDA_VISIBLE_DEVICES": ""}, True, "CUDA_VISIBLE_DEVICES='' hides every card.", False),
    "blank": ({"CUDA_VISIBLE_DEVICES": " "}, True, "CUDA_VISIBLE_DEVICES=' ' hides every card.", False),
    "none": ({"CUDA_VISIBLE_DEVICES": "-1"}, True, "CUDA_VISIBLE_DEVICES='-1' hides every card.", False),
}
UNASKED = ("scheduler's", "nonsense", "empty", "blank", "none")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """The folder of the driver's library."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("driver")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(folder / "libcuda.so.1"), str(SOURCE)], check=True)
    return folder


@pytest.fixture(scope="module")
def answers(driver, tmp_path_factory):
    """What is said in each of the situations, all asked of one process."""
    here, nowhere = tmp_path_factory.mktemp("with_driver"), tmp_path_factory.mktemp("without")
    (here / "proc/driver/nvidia").mkdir(parents=True)
    questions = [
        (variables | ({"FAKE_ACT": "crash"} if name in UNASKED else {}), str(here if there else nowhere))
        for name, (variables, there, _, _) in SAID.items()
    ]
    environment = {name: value for name, value in os.environ.items() if name != accelerators.CUDA_VARIABLE}
    environment["LD_LIBRARY_PATH"] = str(driver)
    command = [sys.executable, "-c", ASK, json.dumps(questions)]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return dict(zip(SAID, map(json.loads, told.splitlines()), strict=True))


@pytest.mark.parametrize("situation", SAID)
def test_each_is_one_device_with_its_reason_in_one_sentence(answers, situation):
    available, reason, expected, children = answers[situation]
    _, _, wanted, wanted_expected = SAID[situation]
    assert not available
    assert reason.startswith(wanted)
    assert reason.endswith(".")
    assert "Triggered internally" not in reason
    assert expected is wanted_expected
    assert reason.startswith(NO_ANSWER) is (situation in ("crash", "exit", "hang"))
    assert children == 0


def measured(source: LiveSource, protocol: Protocol = SHORT) -> tuple[Measurement, ...]:
    """The rows of a run that were measured, the training pass included."""

    class Nowhere:
        def append(self, event, run) -> None:
            pass

    *_, (_, run) = Session(source, Plan("p", (DENSE,), protocol)).run(Nowhere())
    assert not run.failures, run.failures
    return run.measured


@pytest.mark.parametrize("situation", ["cpu_only", "hidden", "crashed"])
def test_the_cpu_is_measured_whatever_the_driver_does(driver, monkeypatch, situation):
    """A first backward counts the cards: it would crash."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(driver))
    monkeypatch.setenv("FAKE_ACT", "crash")
    monkeypatch.delenv(accelerators.CUDA_VARIABLE, raising=False)
    if situation == "hidden":
        monkeypatch.setenv(accelerators.CUDA_VARIABLE, "-1")
    source = LiveSource(cpu_only=situation == "cpu_only")
    try:
        devices = source.probe().devices
        assert [each.case_id for each in measured(source)] == [DENSE.case_id]
    finally:
        source.close()
    assert ([device.id for device in devices] == ["cpu"]) is (situation == "cpu_only")


def test_a_drivers_start_is_in_no_number_of_the_cpu(driver, monkeypatch):
    """A first backward counts the cards: 1 s with this driver."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(driver))
    monkeypatch.setenv("FAKE_ACT", "wait")
    monkeypatch.delenv(accelerators.CUDA_VARIABLE, raising=False)
    source = LiveSource()
    try:
        (row,) = measured(source, replace(PROTOCOLS["original"], iterations_cpu=21, clean=None))
    finally:
        source.close()
    assert row.first_call_s < 1


def command(driver: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != accelerators.CUDA_VARIABLE}
    environment |= {"LD_LIBRARY_PATH": str(driver), **variables}
    words = [sys.executable, "-m", "cvbench_tui", *arguments]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line_says_once_why_the_cpu_is_taken(driver):
    told = command(driver, "run", "original-models", "--dry-run", "-q", FAKE_CODE="803")
    assert told.returncode == 0
    assert told.stderr.count(f"{CPU_INSTEAD}: {CANNOT}Error 803") == 1
    told = command(driver, "run", "original-models", "--dry-run", "-d", "cpu", FAKE_CODE="803")
    assert CPU_INSTEAD not in told.stderr


def test_an_accelerator_that_was_named_is_refused_with_the_reason(driver):
    told = command(driver, "run", "-l", "Dense", "-d", "cuda", "--dry-run", FAKE_CODE="803")
    assert told.returncode == 2
    assert f"{CANNOT}Error 803" in told.stderr


def test_doctor_warns_of_it(driver):
    told = command(driver, "doctor", CUDA_VISIBLE_DEVICES="NoDevFiles")
    assert "No accelerator can be used: CUDA_VISIBLE_DEVICES='NoDevFiles'" in " ".join(told.stdout.split())


@every(
    ("text", "words"),
    [
        (
            "CUDA initialization: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before "
            "calling NumCudaDevices() that might have already set an error? Error 803: system has unsupported display "
            "driver / cuda driver combination (Triggered internally at /pytorch/c10/cuda/CUDAFunctions.cpp:119.)",
            "Error 803: system has unsupported display driver / cuda driver combination",
        ),
        ("HIP initialization: no luck, e.g. today. Setting it to zero.", "no luck, e.g. today"),
        ("CUDA unknown error - this may be due to an environment, e.g. that. Setting.", "CUDA unknown error"),
        ("", "no message"),
    ],
)
def test_pytorchs_own_words_are_kept_without_its_guesses(text, words):
    assert accelerators.own_words(text) == words


def offered(monkeypatch, *cards) -> list:
    def properties(index: int) -> SimpleNamespace:
        if isinstance(cards[index], Exception):
            raise cards[index]
        return cards[index]

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: False)
    return accelerators.cards("cuda").devices


def test_one_broken_card_leaves_the_others(monkeypatch):
    whole = SimpleNamespace(name="NVIDIA H100", major=9, minor=0, total_memory=80, uuid="12")
    lost, found = offered(monkeypatch, RuntimeError("CUDA error: GPU is lost. More."), whole)
    assert (lost.id, lost.available, lost.reason) == (
        "cuda:0",
        False,
        "PyTorch cannot use it: CUDA error: GPU is lost.",
    )
    assert (found.id, found.available, found.uuid, found.memory_bytes) == ("cuda:1", True, "GPU-12", 80)


def test_a_slice_has_the_identity_that_the_driver_calls_it_by(monkeypatch):
    (found,) = offered(monkeypatch, SimpleNamespace(name="NVIDIA A100-SXM4-40GB MIG 1g.5gb", uuid="34"))
    assert found.uuid == "MIG-34"
    assert found.memory_bytes is None
    assert found.detail == ""


@pytest.fixture
def with_driver(tmp_path):
    """The root of a system whose kernel has NVIDIA's driver."""
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    return tmp_path


def test_a_pytorch_without_cuda_on_a_machine_with_a_driver_is_told(monkeypatch, with_driver):
    monkeypatch.setattr(torch.version, "cuda", None)
    device = accelerators.accelerators(with_driver).devices[0]
    assert (device.reason, device.expected) == ("This PyTorch was built without CUDA and ROCm.", True)
    assert not accelerators.accelerators(with_driver / "proc").devices[0].expected


def test_a_container_without_its_cards_is_told(monkeypatch, with_driver):
    def no_driver() -> None:
        raise RuntimeError("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", no_driver)
    (device,) = accelerators.cards("cuda", with_driver).devices
    assert device.reason.startswith("The kernel has a driver, but PyTorch says: Found no NVIDIA driver on your system")
    assert "--gpus all" in device.reason
    assert device.expected
    elsewhere = with_driver / "proc"
    for file in (None, "dev/kfd"):  # AMD's driver is of no use to this PyTorch
        if file:
            (elsewhere / file).mkdir(parents=True)
        (device,) = accelerators.cards("cuda", elsewhere).devices
        assert (device.reason, device.expected) == ("No usable card or driver was found.", False)
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert accelerators.cards("cuda", elsewhere).devices[0].expected


@pytest.mark.parametrize("variable", accelerators.ROCM_VARIABLES)
def test_rocm_has_variables_of_its_own(monkeypatch, tmp_path, variable):
    for name in accelerators.ROCM_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.version, "hip", "6.4")
    monkeypatch.setattr(accelerators, "isolated", lambda *_: pytest.fail("the driver was asked"))
    monkeypatch.setenv(variable, "none")
    assert accelerators.accelerators(tmp_path).devices[0].reason == f"{variable}='none' hides every card."


def test_hip_looks_at_its_own_variable_first(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.version, "hip", "6.4")
    monkeypatch.setattr(accelerators, "isolated", lambda *_: (None, "was asked"))
    monkeypatch.delenv("ROCR_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0")
    monkeypatch.setenv(accelerators.CUDA_VARIABLE, "-1")
    assert accelerators.accelerators(tmp_path).devices[0].reason == "The driver was asked."


def test_a_large_machine_has_more_time_and_never_more_than_the_parent_waits(monkeypatch, tmp_path):
    limits = []
    monkeypatch.setattr(torch, "xpu", None, raising=False)
    monkeypatch.setattr(torch._C, "_has_xpu", True, raising=False)
    monkeypatch.setattr(accelerators, "isolated", lambda _ask, limit_s: limits.append(limit_s) or (None, "is new"))
    monkeypatch.delenv(accelerators.CUDA_VARIABLE, raising=False)
    for count in (0, 1, 4, 16):
        for number in range(count):
            (tmp_path / f"proc/driver/nvidia/gpus/{number}").mkdir(parents=True, exist_ok=True)
        assert accelerators.accelerators(tmp_path).devices[0].reason == "The driver is new."
    assert limits == [30, 30, 30, 30, 60, 30, 100, 30]  # NVIDIA's cards take no time of Intel's driver
    assert sum(limits[-2:]) < PROBE_S
