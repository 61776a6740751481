"""A user's own model, measured by a real worker: what it may do, and what becomes of the row when it does worse."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
import torch

from cvbench_tui.catalog.own_code import own_model
from cvbench_tui.core.event import CaseStarted, Progress
from cvbench_tui.core.measurement import Failure, Measurement
from cvbench_tui.core.plan import Case, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.engine.test_live import Kept
from tests.every import every
from tests.processes import wait_until_gone

pytestmark = pytest.mark.torch

ONCE = replace(
    PROTOCOLS["quick"], visits=1, max_visits=1, span_s=0.0, budget_s=0.04, round_s=0.005, warmup_cap_s=0.02, extras=()
)
MODELS = """
import dataclasses, sys, os
import torch
from torch import nn

print("a library prints", flush=True)
sys.stdout.write('{"kind":"case_failed"}\\n')
os.write(1, b"on the descriptor itself\\n")


class Net(nn.Module):
    def __init__(self, out="tensor"):
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 4, 3, 2), out

    def forward(self, image, *, scale=1.0):
        out = self.conv(image) * scale
        if self.out == "dict":
            return {"out": out, "name": "a text", "none": None, "number": 3}
        if self.out == "dataclass":
            return Output(out, [out.mean()], "a text")
        return (out, out.detach(), None) if self.out == "tuple" else out


@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    others: list
    name: str


def plain(): return Net()
def a_dict(): return Net("dict")
def a_tuple(): return Net("tuple")
def a_dataclass(): return Net("dataclass")
def without_weights(): return nn.ReLU()
def naïve(): return Net()
def prints():
    print("\\x1b]0;title\\x07", flush=True)
    return Net()
def forks():
    if os.fork() == 0:
        return Net()
    return Net()
def forks_and_raises():
    if os.fork() == 0:
        raise ValueError("in the copy")
    return Net()
"""
INDICES = """
import torch
from torch import nn

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 4), nn.Linear(4, 2)
    def forward(self, tokens, mask=None, scale=2.0):
        return self.head(self.embed(tokens) * mask[..., None]) * scale

def make(): return Text()
def inputs(batch, image, device):
    assert device.type in ("cpu", "meta")
    return {"mask": torch.ones(batch, image), "tokens": torch.zeros(batch, image, dtype=torch.long)}
"""


@pytest.fixture(scope="module")
def source():
    made = LiveSource()
    yield made
    made.close()


def outcome_of(source, text: str, **limits: float) -> Measurement | Failure:
    """What one visit to that code gives, at batch 2 and images of 32 pixels."""
    cases = expand([(own_model(text).workload.with_image(32), 2)], ["cpu"])
    run = list(Session(source, Plan("own", cases, replace(ONCE, **limits))).run(Kept()))[-1][1]
    (outcome,) = run.outcomes.values()
    return outcome


@every(
    "factory",
    [
        "plain", "Net", "a_dict", "a_tuple", "a_dataclass", "without_weights", "naïve", "prints", "forks",
        "forks_and_raises",
    ],
)  # fmt: skip
def test_a_file_is_measured_whatever_it_prints_and_gives_back(source, tmp_path, factory):
    (tmp_path / "a net: ü.py").write_text(MODELS, encoding="utf-8")
    outcome = outcome_of(source, f"{tmp_path}/a net: ü.py:{factory}")
    assert isinstance(outcome, Measurement), outcome
    assert [each.phase for each in outcome.phases] == ["forward", "backward", "total", "inference"]
    assert outcome.parameters == (0 if factory == "without_weights" else 4 * 3 * 9 + 4)
    assert next(work.flops for work in outcome.work if work.phase == "inference") > 0 or factory == "without_weights"
    assert not [each for each in outcome.notices if each.code.startswith("no_")]


def test_its_own_inputs_are_given_by_name_and_need_be_no_images(source, tmp_path):
    (tmp_path / "text.py").write_text(INDICES)
    outcome = outcome_of(source, f"{tmp_path}/text.py:make")
    assert isinstance(outcome, Measurement), outcome
    assert outcome.parameters == 10 * 4 + 4 * 2 + 2


def test_a_module_is_found_in_the_folder_where_it_was_named_and_imports_what_is_beside_it(
    source, tmp_path, monkeypatch
):
    package = tmp_path / "ownpackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("from torch import nn\ndef conv(): return nn.Conv2d(3, 4, 3)\n")
    (package / "nets.py").write_text("from .parts import conv\ndef make(): return conv()\n")
    monkeypatch.chdir(tmp_path)
    entry = own_model("ownpackage.nets:make")
    assert dict(entry.params)["folder"] == str(tmp_path)
    monkeypatch.chdir("/")
    case = expand([(entry.workload.with_image(32), 1)], ["cpu"])
    run = list(Session(source, Plan("own", case, ONCE)).run(Kept()))[-1][1]
    assert isinstance(run.outcomes[case[0].case_id], Measurement), run.failures


BAD = {
    "raises": ("def make(): raise ValueError('no\\x1b[2J weights')", "'net.py' raised ValueError: no"),
    "exits": ("import sys\ndef make(): sys.exit(3)", "raised SystemExit: 3"),
    "exits_wholly": ("import os\ndef make(): os._exit(0)", "ended with exit code 0"),
    "crashes": ("import os, signal\ndef make(): os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    "interrupts": ("def make(): raise KeyboardInterrupt", "raised KeyboardInterrupt"),
    "at_import": ("import nowhere_to_be_found\ndef make(): pass", "raised ModuleNotFoundError: No module named"),
    "no_module": ("def make(): return [1]", "returned a list, and no torch.nn.Module"),
    "nothing": ("def make(): pass", "returned None, and no torch.nn.Module"),
    "not_callable": ("make = 3", "is no function that makes a model, but an int"),
    "a_model": ("from torch import nn\nmake = nn.ReLU()", "is no function that makes a model, but a ReLU"),
    "class_with_arguments": (
        "from torch import nn\nclass make(nn.Module):\n def __init__(self, depth): super().__init__()",
        "cannot be called without arguments: it wants depth",
    ),
    "other_shape": ("from torch import nn\ndef make(): return nn.Linear(7, 2)", "inputs(batch, image, device)"),
    "inputs_raise": (
        "from torch import nn\ndef make(): return nn.ReLU()\ndef inputs(batch, image, device): return 1 / 0",
        "'inputs' in 'net.py' raised ZeroDivisionError",
    ),
    "inputs_of_nothing": (
        "from torch import nn\ndef make(): return nn.ReLU()\ndef inputs(batch, image, device): return {}",
        "returned a dict, and no tensor",
    ),
    "inputs_of_other_names": (
        "from torch import nn\ndef make(): return nn.ReLU()\n"
        "def inputs(batch, image, device):\n import torch\n return {'x': torch.zeros(1)}",
        "does not fit the model's forward",
    ),
    "output": (
        "from torch import nn\nclass make(nn.Module):\n def forward(self, image): return 'a text'",
        "no output to start a backward pass from",
    ),
    "exits_in_forward": (
        "import sys\nfrom torch import nn\nclass make(nn.Module):\n def forward(self, image): sys.exit()",
        "ended with exit code 1",
    ),
}


@every("name", BAD)
def test_what_it_does_wrong_is_one_sentence_in_its_row(source, tmp_path, name):
    code, words = BAD[name]
    (tmp_path / "net.py").write_text(code)
    outcome = outcome_of(source, f"{tmp_path}/net.py:make")
    assert isinstance(outcome, Failure)
    assert words in outcome.sentence
    assert outcome.sentence.endswith(".")
    assert "\n" not in outcome.sentence


def test_code_that_changes_after_it_was_named_is_not_run(source, tmp_path):
    path = tmp_path / "net.py"
    path.write_text("from torch import nn\ndef make(): return nn.ReLU()")
    entry = own_model(f"{path}:make")
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n" + path.read_text())
    case = expand([(entry.workload.with_image(32), 1)], ["cpu"])
    run = list(Session(source, Plan("own", case, ONCE)).run(Kept()))[-1][1]
    assert "has changed since it was named" in run.failures[0].sentence
    assert not (tmp_path / "ran").exists()


def test_one_that_takes_for_ever_is_seen_to_be_built_and_can_be_cancelled(source, tmp_path):
    (tmp_path / "net.py").write_text("import time\ndef make(): time.sleep(3600)")
    case = expand([(own_model(f"{tmp_path}/net.py:make").workload, 1)], ["cpu"])
    session = Session(source, Plan("own", case, ONCE))
    child, stages, runs = 0, [], []
    for event, run in session.run(Kept()):
        runs.append(run)
        if isinstance(event, CaseStarted):
            child = event.pid
        if isinstance(event, Progress):
            stages.append(event.stage)
            threading.Thread(target=session.cancel).start()
    assert stages == ["building"]
    assert [each.kind for each in runs[-1].failures] == ["cancelled"]
    wait_until_gone(child)


@pytest.mark.slow
def test_one_that_is_slower_than_its_limit_is_timed_out(tmp_path):
    (tmp_path / "net.py").write_text("import time\ndef make(): time.sleep(3600)")
    slow = LiveSource()
    try:
        outcome = outcome_of(slow, f"{tmp_path}/net.py:make", timeout_s=1.0)
    finally:
        slow.close()
    assert isinstance(outcome, Failure)
    assert outcome.kind == "timed_out"


def test_the_digest_is_in_the_row(tmp_path):
    (tmp_path / "net.py").write_text("def make(): pass")
    first = own_model(f"{tmp_path}/net.py:make").workload
    (tmp_path / "net.py").write_text("def make(): return 1")
    second = own_model(f"{tmp_path}/net.py:make").workload
    assert first.name == second.name == "net.py:make"
    assert first.params != second.params
    assert len(json.dumps(first.params)) < 100


@every("settings", [{"precision": "bf16"}, {"precision": "amp-bf16"}])
def test_axes_leave_whole_numbers_and_arguments_alone_and_the_weights_are_the_same(tmp_path, settings):
    (tmp_path / "text.py").write_text("import torch\ntorch.rand(5)\n" + INDICES)
    case = Case(own_model(f"{tmp_path}/text.py:make").workload.with_image(8), "cpu", 2)
    plain = ModuleUnderTest(case, ONCE)
    varied = ModuleUnderTest(case.varied(**settings), ONCE)
    tokens, mask, scale = varied.inputs.arguments
    assert (tokens.dtype, mask.dtype.is_floating_point, scale) == (torch.int64, True, 2.0)
    first, second = (each.module.head.weight.detach().float() for each in (plain, varied))
    assert torch.allclose(first, second, atol=0.01)
    outputs = varied.forward()
    varied.prepare_gradients(outputs)
    varied.backward(outputs)
