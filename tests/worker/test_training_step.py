"""The phase ``step``: what it does is what a hand-written loop does, and what it leaves out is said."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.event import CaseFailed, CaseFinished
from cvbench_tui.core.measurement import PhaseMemory
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.extras.memory import phase_memory
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.timing.passes import pass_of
from cvbench_tui.worker.workloads import module_under_test, training_step
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from cvbench_tui.worker.workloads.training_step import TrainingStep

QUICK = replace(PROTOCOLS["quick"], budget_s=0.05, warmup_cap_s=0.05, round_s=0.01, extras=())
RATE = 0.1
MODEL = Case(find_model("resnet18").workload.with_image(8), "cpu", 4)
DENSE = Case(find_layer("Dense").workload, "cpu", 4)
OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=RATE, momentum=0.9),
    "sgd-fused": lambda weights: torch.optim.SGD(weights, lr=RATE, momentum=0.9, fused=True),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=RATE),
    "adamw-fused": lambda weights: torch.optim.AdamW(weights, lr=RATE, fused=True),
}


@pytest.fixture(autouse=True)
def _as_before():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small(_workload=None) -> nn.Module:
    """A model of ten classes."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))


@pytest.fixture
def visible(monkeypatch):
    """Steps that can be seen, of the small model."""
    monkeypatch.setattr(module_under_test, "build_module", small)
    monkeypatch.setattr(training_step, "LEARNING_RATE", RATE)


def subject(case: Case) -> ModuleUnderTest:
    made = ModuleUnderTest(case, QUICK)
    made.train()
    return made


def by_hand(made: ModuleUnderTest, optimizer, classes, *, steps: int, autocast=None) -> None:
    """The loop that a user would write."""
    scaler = torch.amp.GradScaler("cpu", enabled=autocast is torch.float16)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", autocast or torch.bfloat16, enabled=autocast is not None):
            loss = nn.functional.cross_entropy(made.module(*made.inputs.arguments), classes)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def classes_of(made: ModuleUnderTest):
    return torch.randint(10, (4,), generator=torch.Generator().manual_seed(QUICK.seed))


@pytest.mark.usefixtures("visible")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_three_steps_are_three_of_a_hand_written_loop(name):
    made, twin = subject(MODEL.varied(optimizer=name)), subject(MODEL)
    step = TrainingStep(made)
    for _ in range(3):
        step.run()
    by_hand(twin, OPTIMIZERS[name](twin.parameters), classes_of(twin), steps=3)
    assert all(torch.equal(mine, other) for mine, other in zip(made.parameters, twin.parameters, strict=True))
    assert not torch.equal(made.parameters[0], subject(MODEL).parameters[0])


@pytest.mark.usefixtures("visible")
@pytest.mark.parametrize(("precision", "dtype"), [("amp-bf16", torch.bfloat16), ("amp-fp16", torch.float16)])
def test_under_autocast_the_loss_is_within_and_float16_has_its_scaler(precision, dtype):
    made, twin = subject(MODEL.varied(precision=precision)), subject(MODEL)
    step = TrainingStep(made)
    step.run()
    step.run()
    by_hand(twin, OPTIMIZERS["sgd"](twin.parameters), classes_of(twin), steps=2, autocast=dtype)
    assert all(torch.equal(mine, other) for mine, other in zip(made.parameters, twin.parameters, strict=True))
    assert (step._scaler is not None) == (precision == "amp-fp16")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "SGD, momentum 0.9, one weight after the other"),
        ({"optimizer": "sgd-fused"}, "SGD, momentum 0.9, fused"),
        ({"optimizer": "adamw"}, "AdamW, one weight after the other"),
        ({"optimizer": "adamw-fused"}, "AdamW, fused"),
    ],
)
def test_what_takes_the_step_is_said(settings, words):
    assert TrainingStep(subject(DENSE.varied(**settings))).description == words


def test_foreach_is_said_where_pytorch_chooses_it(monkeypatch):
    module = sys.modules[torch.optim.Optimizer.__module__]
    monkeypatch.setattr(module, "_default_to_fused_or_foreach", lambda *_: (False, True))
    assert TrainingStep(subject(DENSE)).description == "SGD, momentum 0.9, foreach"


def test_a_layers_loss_has_a_fixed_gradient_and_its_input_begins_without_one():
    made = subject(DENSE)
    step = TrainingStep(made)
    step.run()
    (tensor,) = made.inputs.tensors
    first = tensor.grad.clone()
    step.run()
    assert torch.allclose(tensor.grad, first, atol=1e-4), "the second was not added to the first"
    weight = torch.randn(4, *made.module(tensor).shape[1:], generator=torch.Generator().manual_seed(QUICK.seed))
    assert torch.allclose(made.module.bias.grad, weight.sum(0), atol=1e-4)


@pytest.mark.parametrize("precision", ["default", "bf16", "fp16", "amp-fp16"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_weights_stay_numbers_and_nearly_the_same(optimizer, precision):
    made = subject(DENSE.varied(optimizer=optimizer, precision=precision))
    before = made.module.weight.detach().float().clone()
    step = TrainingStep(made)
    for _ in range(50):
        step.run()
    assert step.finite()
    assert (made.module.weight.float() - before).abs().max() < 1e-3


def test_weights_that_are_no_numbers_are_seen():
    made = subject(DENSE)
    step = TrainingStep(made)
    with torch.no_grad():
        made.module.weight[0, 0] = float("nan")
    assert not step.finite()


def test_a_device_without_a_fused_optimizer_is_unsupported(monkeypatch):
    def refuse(*_arguments, **_options):
        raise RuntimeError("`fused=True` requires all the params to be floating point Tensors of supported devices")

    monkeypatch.setattr(torch.optim, "SGD", refuse)
    with pytest.raises(UnsupportedError, match=r"has no fused SGD for torch\.float32 on cpu"):
        TrainingStep(subject(DENSE.varied(optimizer="sgd-fused")))


def test_a_region_has_its_group_of_steps_and_a_segmented_one_a_single_step():
    made = subject(DENSE)
    timed = pass_of("step", made, CpuBackend())
    timed.begin()
    calls = []
    timed.optimizer.optimizer.register_step_post_hook(lambda *_: calls.append(1))
    timed.regions(2, 3)
    assert len(calls) == 6
    assert timed.phases == ("step",)
    cuts = []
    (count,) = timed.segmented(3, lambda: cuts.append(1))
    assert len(calls) == 7
    assert count == len(cuts) + 1 > 2


class Sent(list):
    """A channel that keeps what is sent."""

    send = list.append


def outcome(case: Case, *passes: str, **changes):
    sent = Sent()
    job.Job(case, replace(QUICK, passes=passes, **changes), 0, sent).run()
    (found,) = (event for event in sent if isinstance(event, (CaseFinished, CaseFailed)))
    return found.measurement if isinstance(found, CaseFinished) else found.failure


def test_a_row_with_a_step_has_its_times_memory_and_optimizer():
    found = outcome(DENSE.varied(optimizer="adamw"), "training", "inference", "step")
    assert [each.phase for each in found.phases] == ["forward", "backward", "total", "inference", "step"]
    assert [record.name for record in found.passes] == ["training", "inference", "step"]
    assert found.optimizer.startswith("AdamW")
    assert {each.phase for each in found.memory} == {"forward", "backward", "total", "inference", "step"}
    assert found.work_of("step") is None, "what an optimizer computes is not counted"
    assert not found.notices


def test_a_step_alone_makes_the_first_call_of_training():
    found = outcome(DENSE, "step")
    assert [each.phase for each in found.phases] == ["step"]
    assert found.first_call_s > 0


def test_without_weights_the_step_is_left_out_with_a_notice():
    case = Case(find_layer("MaxPool").workload, "cpu", 1)
    found = outcome(case, "inference", "step")
    assert [each.phase for each in found.phases] == ["inference"]
    assert [notice.code for notice in found.notices] == ["no_step"]
    failure = outcome(case, "step")
    assert (failure.kind, failure.sentence) == ("unsupported", training_step.NO_WEIGHTS)


def test_the_published_loop_has_no_step():
    failure = outcome(DENSE, "training", "step", method="published")
    assert failure.kind == "unsupported"


def test_a_step_that_makes_weights_of_nan_has_no_times(monkeypatch):
    monkeypatch.setattr(training_step, "LEARNING_RATE", float("nan"))
    found = outcome(DENSE, "inference", "step")
    assert [each.phase for each in found.phases] == ["inference"]
    assert [notice.code for notice in found.notices] == ["step_failed"]
    assert found.optimizer == ""
    failure = outcome(DENSE, "step")
    assert (failure.kind, failure.sentence) == ("unsupported", job.NOT_FINITE)


def test_a_step_is_in_train_mode_after_inference():
    made, modes = subject(DENSE), []
    made.module.register_forward_hook(lambda module, *_: modes.append(module.training))
    pass_of("inference", made, CpuBackend()).begin()
    timed = pass_of("step", made, CpuBackend())
    timed.begin()
    timed.regions(1, 1)
    assert set(modes) == {True}


def test_the_steps_memory_is_of_train_mode():
    made, modes = subject(DENSE), []
    made.module.register_forward_hook(lambda module, *_: modes.append(module.training))
    peaks = SimpleNamespace(reset=lambda: True, read=lambda phase: PhaseMemory(phase, 1))
    phase_memory(made, lambda: None, peaks, ("inference", "step"))
    assert (modes[0], set(modes[1:])) == (False, {True})


class Heads(nn.Module):
    """Two outputs, each with weights of its own."""

    def __init__(self, _workload=None):
        super().__init__()
        self.one, self.two = nn.Linear(192, 10), nn.Linear(192, 10)

    def forward(self, images):
        return self.one(images.flatten(1)), self.two(images.flatten(1))


def test_every_output_is_in_the_loss(monkeypatch):
    monkeypatch.setattr(module_under_test, "build_module", Heads)
    made = subject(MODEL)
    TrainingStep(made).run()
    assert all(each.grad is not None and each.grad.any() for each in made.parameters)


def test_a_models_own_losses_are_summed():
    losses = {name: torch.tensor(value, requires_grad=True) for name, value in (("a", 1.0), ("b", 2.0))}
    fake = SimpleNamespace(inputs=SimpleNamespace(losses=True))
    assert training_step.loss_for(fake, losses)(losses) == 3.0
