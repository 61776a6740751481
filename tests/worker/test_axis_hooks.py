"""What each axis' value does to a workload, on the CPU with the real torch; cards' switches without a card."""

import contextlib

import pytest
import torch
from torch import nn

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.axes import AXES
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.process.failure import UnsupportedError, failure_from
from cvbench_tui.worker.workloads import axis_hooks
from cvbench_tui.worker.workloads.axis_hooks import HOOKS, reset_process, set_process
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

QUICK = PROTOCOLS["quick"]
MATMUL, CUDNN = torch.backends.cuda.matmul, torch.backends.cudnn


def resnet(device="cpu", **settings) -> Case:
    return Case(find_model("resnet18").workload.with_image(32), device, 2).varied(**settings)


def built(case: Case) -> ModuleUnderTest:
    made = ModuleUnderTest(case, QUICK)
    made.train()
    return made


def trained(made: ModuleUnderTest):
    """One iteration's output."""
    output = made.forward()
    made.prepare_gradients(output)
    made.backward(output)
    return output


@pytest.fixture(autouse=True)
def own_switches():
    """The process's switches as they were."""
    yield
    reset_process(torch.device("cpu"))


@pytest.fixture
def ampere(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (8, 0))


def switches() -> tuple[bool, ...]:
    return MATMUL.allow_tf32, CUDNN.allow_tf32, CUDNN.benchmark, CUDNN.deterministic


def test_every_axis_with_a_hook_is_in_the_registry():
    assert set(HOOKS) <= {axis.name for axis in AXES}


def test_a_row_without_settings_calls_the_module_itself():
    made = built(resnet())
    assert made.call is made.module
    assert made._forward is made.module


@pytest.mark.parametrize(("value", "dtype"), [("amp-bf16", torch.bfloat16), ("amp-fp16", torch.float16)])
def test_autocast_computes_in_its_type_and_keeps_weights_and_their_gradients(value, dtype):
    made = built(resnet(precision=value))
    seen = []
    made.module.layer1.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    output = trained(made)
    assert output.dtype == seen[0] == dtype
    assert {each.dtype for each in made.parameters} == {torch.float32}
    assert {each.grad.dtype for each in made.parameters} == {torch.float32}
    made.evaluate()
    with torch.inference_mode():
        assert made.forward().dtype == dtype


def test_autocast_is_entered_once_for_each_forward_and_not_for_the_backward(monkeypatch):
    entered = []

    class Counted(torch.autocast):
        def __enter__(self):
            entered.append("in")
            return super().__enter__()

    case = resnet(precision="amp-bf16")
    monkeypatch.setattr(torch, "autocast", Counted)
    made = built(case)
    entered.clear()
    output = made.forward()
    made.prepare_gradients(output)
    made.backward(output)
    made.forward()
    assert entered == ["in", "in"]


@pytest.mark.parametrize(("value", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_converted_are_weights_buffers_inputs_and_gradients(value, dtype):
    made = built(resnet(precision=value))
    output = trained(made)
    tensors = [
        output,
        *made.inputs.tensors,
        *made.parameters,
        *(each.grad for each in made.parameters),
        *made.module.buffers(),
    ]
    assert {each.dtype for each in tensors if each.is_floating_point()} == {dtype}
    assert torch.isfinite(output).all()


def test_a_converted_input_of_a_layer_still_wants_its_gradient():
    case = Case(find_layer("Conv3x3/1").workload, "cpu", 2).varied(precision="bf16", memory_format="channels_last")
    made = built(case)
    trained(made)
    assert made.inputs.tensors[0].grad.dtype == torch.bfloat16
    assert made.inputs.tensors[0].is_leaf


def test_weights_and_inputs_of_a_value_are_those_of_the_default_converted():
    plain, half, last = (
        built(resnet(**each)) for each in ({}, {"precision": "bf16"}, {"memory_format": "channels_last"})
    )
    assert torch.equal(plain.inputs.tensors[0].to(torch.bfloat16), half.inputs.tensors[0])
    assert torch.equal(plain.inputs.tensors[0], last.inputs.tensors[0])
    assert torch.equal(plain.module.fc.weight.to(torch.bfloat16), half.module.fc.weight)
    assert torch.equal(plain.module.conv1.weight, last.module.conv1.weight)


def test_channels_last_reaches_input_weights_and_what_is_between():
    made = built(resnet(memory_format="channels_last"))
    assert made.inputs.tensors[0].stride() == (3 * 32 * 32, 1, 3 * 32, 3)
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in made.parameters if each.dim() == 4)
    seen = []
    made.module.layer4.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].stride()))
    made.forward()
    assert seen == [(256 * 2 * 2, 1, 2 * 256, 256)]


def test_a_module_that_does_not_become_channels_last_is_unsupported(monkeypatch):
    class Stubborn(nn.Conv2d):
        def _apply(self, fn, recurse=True):
            return self

    monkeypatch.setattr(
        "cvbench_tui.worker.workloads.module_under_test.build_module", lambda workload: Stubborn(3, 4, 3)
    )
    with pytest.raises(UnsupportedError, match="weight did not become channels_last"):
        ModuleUnderTest(resnet(memory_format="channels_last"), QUICK)


def test_an_input_of_other_dimensions_is_unsupported():
    hook = HOOKS["memory_format"]
    assert "no batch of images" in hook.check(nn.Linear(2, 2), [torch.ones(2, 3, 2)], "channels_last")


def test_a_module_that_keeps_another_type_is_unsupported():
    wrong = HOOKS["precision"].check(nn.Linear(2, 2), [torch.ones(2, 2, dtype=torch.float16)], "fp16")
    assert wrong == "It keeps float32 where float16 was asked for."


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, (False, True, False, False)),
        ({"precision": "fp32"}, (False, False, False, False)),
        ({"precision": "tf32"}, (True, True, False, False)),
        ({"precision": "bf16"}, (False, True, False, False)),
        ({"cudnn": "benchmark"}, (False, True, True, False)),
        ({"cudnn": "deterministic"}, (False, True, False, True)),
    ],
)
def test_the_switches_of_a_row_and_of_the_next_one_in_the_process(settings, wanted, ampere):
    set_process(resnet("cuda:0", **settings))
    assert switches() == wanted
    set_process(resnet("cuda:0"))
    assert switches() == (False, True, False, False)


@pytest.mark.parametrize(("value", "what"), [("tf32", "TF32"), ("bf16", "bfloat16"), ("amp-bf16", "bfloat16")])
def test_an_old_card_does_not_have_it(value, what, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (7, 5))
    with pytest.raises(UnsupportedError) as caught:
        set_process(resnet("cuda:1", precision=value))
    assert str(caught.value) == f"{what} needs a card of compute capability 8.0 or later; cuda:1 has 7.5."


def test_tf32_of_another_vendor_is_unsupported(monkeypatch):
    monkeypatch.setattr(torch.version, "hip", "6.2")
    with pytest.raises(UnsupportedError, match="NVIDIA"):
        set_process(resnet("cuda:0", precision="tf32"))


def test_autocast_that_does_not_cast_is_unsupported(monkeypatch):
    monkeypatch.setattr(axis_hooks.torch, "autocast", lambda *_: contextlib.nullcontext())
    with pytest.raises(UnsupportedError, match="no autocast to float16 on cpu"):
        ModuleUnderTest(resnet(precision="amp-fp16"), QUICK)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "\"slow_conv2d_cpu\" not implemented for 'Half'",
            f"PyTorch {torch.__version__} has no slow_conv2d_cpu in float16 on cpu.",
        ),
        (
            "mat1 and mat2 must have the same dtype, but got Float and Half",
            "Resnet18 computes in float32 in between, so it cannot be fp16 as a whole: use amp-fp16.",
        ),
        (
            "Input type (c10::Half) and bias type (float) should be the same",
            "Resnet18 computes in float32 in between, so it cannot be fp16 as a whole: use amp-fp16.",
        ),
    ],
)
def test_what_an_operator_refuses_is_a_plain_sentence(text, sentence):
    failure = failure_from(resnet(precision="fp16"), RuntimeError(text))
    assert (failure.kind, failure.sentence) == ("unsupported", sentence)
    if "not implemented" not in text:
        assert failure_from(resnet(), RuntimeError(text)).kind == "error", "no precision was asked for"


def test_a_real_module_that_mixes_types_is_unsupported(monkeypatch):
    class Mixed(nn.Linear):
        def forward(self, images):
            return super().forward(images.float())

    monkeypatch.setattr("cvbench_tui.worker.workloads.module_under_test.build_module", lambda workload: Mixed(32, 2))
    case = resnet(precision="bf16")
    with pytest.raises(RuntimeError) as caught:
        built(case).forward()
    assert failure_from(case, caught.value).kind == "unsupported"
