"""Every workload of the catalog becomes a module that goes forward and backward; small ones are run."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import get_args

import pytest
import torch

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Kind
from cvbench_tui.worker.devices.backend import ClockError
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.process.failure import UnsupportedError, failure_from
from cvbench_tui.worker.timing import published
from cvbench_tui.worker.timing.passes import PhasePass, TrainingPass
from cvbench_tui.worker.workloads.inputs import outputs_of
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.every import every

pytestmark = pytest.mark.torch
DEFAULT = PROTOCOLS["default"]
ORIGINAL = PROTOCOLS["original"]


def subject(entry, *, image=None, batch=2, protocol=DEFAULT) -> ModuleUnderTest:
    workload = entry.workload.with_image(image) if image else entry.workload
    return ModuleUnderTest(Case(workload, "cpu", batch), protocol)


@every("entry", LAYERS, ids=lambda entry: entry.name)
def test_every_layer_goes_forward_and_backward(entry):
    made = subject(entry, image=32, batch=1)
    made.train()
    made.prepare_gradients(made.forward())
    TrainingPass(made, CpuBackend()).regions(1, 1)
    assert made.inputs.tensors[0].grad is not None
    assert all(parameter.grad is not None for parameter in made.parameters)
    assert PhasePass(made, CpuBackend(), "inference").regions(1, 1)


@pytest.mark.parametrize(("name", "heads", "image"), [("googlenet", 3, 64), ("inception_v3", 2, 299)])
def test_models_with_more_outputs_send_gradients_into_all_of_them(name, heads, image):
    made = subject(find_model(name), image=image)
    made.train()
    outputs = made.forward()
    assert len(outputs_of(outputs)) == heads
    made.prepare_gradients(outputs)
    made.backward(outputs)
    without = [name for name, parameter in made.module.named_parameters() if parameter.grad is None]
    assert without == []


def test_a_models_input_wants_no_gradient_a_layers_does_and_the_originals_did_not():
    assert not subject(find_model("resnet18"), image=32).inputs.tensors[0].requires_grad
    assert subject(find_layer("Dense")).inputs.tensors[0].requires_grad
    assert not subject(find_layer("Dense"), protocol=ORIGINAL).inputs.tensors[0].requires_grad
    # Without parameters there is nothing else to differentiate; the original script stopped there.
    assert subject(find_layer("MaxPool"), image=32, protocol=ORIGINAL).inputs.tensors[0].requires_grad


def test_a_backward_writes_gradients_and_does_not_add_to_them():
    made = subject(find_layer("Dense"))
    made.train()
    made.prepare_gradients(made.forward())
    timed = TrainingPass(made, CpuBackend())
    timed.regions(1, 1)
    once = made.parameters[0].grad.clone()
    timed.regions(3, 1)
    assert torch.equal(made.parameters[0].grad, once)


def test_inputs_and_weights_are_the_same_every_time():
    first, second = subject(find_layer("Dense")), subject(find_layer("Dense"))
    assert torch.equal(first.inputs.tensors[0], second.inputs.tensors[0])
    assert torch.equal(first.parameters[0], second.parameters[0])
    other = subject(find_layer("Dense"), protocol=replace(DEFAULT, seed=1))
    assert not torch.equal(first.inputs.tensors[0], other.inputs.tensors[0])


def test_the_modes_are_what_they_say():
    made = subject(find_layer("Dense"))
    seen = []
    made.module.register_forward_hook(
        lambda module, _inputs, output: seen.append((module.training, output.requires_grad, output.is_inference()))
    )
    training, inference = TrainingPass(made, CpuBackend()), PhasePass(made, CpuBackend(), "inference")
    training.begin()
    made.prepare_gradients(made.forward())
    training.regions(1, 1)
    inference.begin()
    inference.regions(1, 1)
    assert seen == [(True, True, False), (True, True, False), (False, False, True)]


class Logged(CpuBackend):
    """Writes down its marks between what the subject does."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    def mark(self) -> int:
        self.log.append("mark")
        return super().mark()


def test_between_two_marks_stands_the_call_and_nothing_else():
    log: list[str] = []
    made = subject(find_layer("Dense"))
    made.prepare_gradients(made.forward())
    clear, forward, backward = made.clear, made.forward, made.backward

    class Output:
        def __init__(self, tensor):
            self.tensor = tensor

        def __del__(self):
            log.append("released")

    made.clear = lambda: (log.append("clear"), clear())[1]
    made.forward = lambda: (log.append("forward"), Output(forward()))[1]
    made.backward = lambda output: (log.append("backward"), backward(output.tensor))[1]
    TrainingPass(made, Logged(log)).regions(2, 1)
    once = ["clear", "mark", "forward", "mark", "backward", "mark", "released"]
    assert log == once * 2
    log.clear()
    PhasePass(made, Logged(log), "inference").regions(2, 1)
    assert log == ["mark", "forward", "mark", "released"] * 2


def test_output_gradients_are_real_tensors_of_the_outputs_shape():
    made = subject(find_layer("Dense"))
    made.prepare_gradients(made.forward())
    (gradient,) = made.gradients
    assert gradient.shape == (2, 512)
    assert gradient.is_contiguous()
    assert gradient.unique().numel() > 500


def test_the_published_method_has_uniform_inputs_for_layers_and_normal_ones_for_models():
    layer, model = subject(find_layer("Dense"), protocol=ORIGINAL), subject(find_model("resnet18"), protocol=ORIGINAL)
    assert 0 <= layer.inputs.tensors[0].min() < 0.05 < 0.95 < layer.inputs.tensors[0].max() < 1
    assert model.inputs.tensors[0].min() < -2
    assert subject(find_layer("Dense")).inputs.tensors[0].min() < -2


def test_the_published_methods_output_gradients_are_ones_in_memory_of_their_own():
    made = subject(find_layer("Dense"), protocol=ORIGINAL)
    made.prepare_gradients(made.forward())
    (gradient,) = made.gradients
    assert torch.equal(gradient, torch.ones(2, 512))
    assert gradient.is_contiguous()


def test_the_scripts_had_fewer_iterations_for_models_on_the_cpu_only():
    counts = {
        (kind, device): ORIGINAL.published_iterations(kind, device)
        for kind in get_args(Kind)
        for device in ("cpu", "cuda:0")
    }
    assert counts == {("model", "cpu"): 51, ("model", "cuda:0"): 101, ("layer", "cpu"): 101, ("layer", "cuda:0"): 101}


class Scripted(CpuBackend):
    """A clock that moves by these seconds with every synchronise, and stands still otherwise."""

    def __init__(self, seconds) -> None:
        super().__init__()
        self.time_s, self.settled, self.seconds = 0.0, 0, iter(seconds)

    def settle(self) -> None:
        self.settled += 1
        self.time_s += next(self.seconds)

    def now_s(self) -> float:
        return self.time_s

    def wait(self, seconds: float) -> None:
        self.time_s += seconds


def counted(phase) -> list[float]:
    return [sample for taken in phase.rounds for sample in taken]


def test_the_published_loop_counts_the_cold_iteration_and_leaves_out_the_second():
    """Synchronised before the loop, after the first forward, the gradient and the backward, then twice an iteration."""
    made = subject(find_layer("Dense"), protocol=ORIGINAL)
    modes = []
    made.module.register_forward_hook(
        lambda module, _inputs, output: modes.append((module.training, output.is_inference(), output.requires_grad))
    )
    backend = Scripted([7.0, 100.0, 7.0, 50.0, 9.0, 9.0, *([1.0] * 200)])
    result = published.published_pass(made, backend, 21, training=True, on_progress=lambda _: None)
    assert [phase.phase for phase in result.phases] == ["forward", "backward", "total"]
    assert counted(result.phases[0]) == [100.0, *([1.0] * 19)]
    assert counted(result.phases[1]) == [50.0, *([1.0] * 19)]
    assert counted(result.phases[2]) == [150.0, *([2.0] * 19)]
    assert [len(taken) for taken in result.phases[0].rounds] == [2] * 10
    assert modes == [(True, False, True)] * 21
    assert backend.settled == 45  # the last: to see whether anything goes on by itself
    assert (result.timed_s, result.record.busy_s) == (188.0, 206.0)
    assert result.record.warmup_s == 0
    assert torch.allclose(made.module.bias.grad, torch.full((512,), 21.0 * 2)), "21 times ones, for a batch of two"


def test_published_inference_is_in_eval_mode_and_autograd_records_it():
    made = subject(find_layer("Dense"), protocol=ORIGINAL)
    modes = []
    made.module.register_forward_hook(
        lambda module, _inputs, output: modes.append((module.training, output.is_inference(), output.requires_grad))
    )
    backend = Scripted([7.0, 100.0, 9.0, *([1.0] * 200)])
    result = published.published_pass(made, backend, 21, training=False, on_progress=lambda _: None)
    assert counted(result.phases[0]) == [100.0, *([1.0] * 19)]
    assert modes == [(False, False, True)] * 21


def test_an_output_of_the_published_loop_lives_until_the_next_one_replaces_it():
    alive = []
    for training in (True, False):
        made = subject(find_layer("Dense"), protocol=ORIGINAL)
        outputs = []
        made.module.register_forward_pre_hook(
            lambda *_, outputs=outputs: alive.append(sum(each() is not None for each in outputs))
        )
        made.module.register_forward_hook(
            lambda _module, _in, output, outputs=outputs: outputs.append(weakref.ref(output))
        )
        published.published_pass(made, CpuBackend(), 4, training=training, on_progress=lambda _: None)
    assert alive == [0, 1, 1, 1] * 2


def test_the_published_loop_with_fewer_iterations_than_rounds_files_no_empty_round():
    made = subject(find_layer("Dense"), protocol=ORIGINAL)
    calls = []
    made.module.register_forward_hook(lambda *_: calls.append(1))
    result = published.published_pass(made, CpuBackend(), 5, training=False, on_progress=lambda _: None)
    assert [len(taken) for taken in result.phases[0].rounds] == [1] * 4
    assert len(result.record.evidence) == 4
    assert len(calls) == 5


def test_grouped_regions_do_all_their_iterations():
    made = subject(find_layer("Dense"))
    made.prepare_gradients(made.forward())
    calls = []
    made.module.register_forward_hook(lambda *_: calls.append("f"))
    made.module.register_full_backward_hook(lambda *_: calls.append("b"))
    TrainingPass(made, CpuBackend()).regions(2, 3)
    assert "".join(calls) == "fffbbbfffbbb"


def test_vision_transformers_take_other_image_sizes():
    made = subject(find_model("vit_b_32"), image=64, batch=1)
    assert made.forward().shape == (1, 1000)


@pytest.mark.parametrize(
    "setting", [{"settings": (("precision", "bfloat16"),)}, {"settings": (("odd", "max"),)}, {"framework": "flux"}]
)
def test_a_setting_that_cannot_be_had_is_refused_not_ignored(setting):
    case = replace(Case(find_layer("Dense").workload, "cpu", 1), **setting)
    with pytest.raises(UnsupportedError):
        ModuleUnderTest(case, DEFAULT)


def test_a_model_this_torchvision_lacks_is_unsupported():
    case = Case(replace(find_model("resnet18").workload, op="resnet9000"), "cpu", 1)
    with pytest.raises(UnsupportedError) as caught:
        ModuleUnderTest(case, DEFAULT)
    failure = failure_from(case, caught.value)
    assert failure.kind == "unsupported"
    assert "has no model 'resnet9000'" in failure.sentence


@every(
    "changes",
    [
        {"params": (("weights", "DEFAULT"),)},
        {"params": (("weights", None),)},
        {"op": "deeplabv3_resnet50"},  # whose builder fetches the weights of its backbone by itself
        {"op": "fasterrcnn_resnet50_fpn"},
        {"op": "quantized_resnet18"},
    ],
)
def test_no_weights_are_fetched_whatever_is_asked_for(changes, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    case = Case(replace(find_model("resnet18").workload, **changes), "cpu", 1)
    with pytest.raises(UnsupportedError):
        ModuleUnderTest(case, DEFAULT)
    assert not [*tmp_path.iterdir()], "fetching begins with a folder for it"


MORE = "CUDA kernel errors might be asynchronously reported at some other API call."  # PyTorch's second line


@every(
    ("error", "kind", "words"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "out_of_memory", "batch 4"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "out_of_memory", "smaller batch"),
        (MemoryError(), "out_of_memory", "cpu"),
        (NotImplementedError("not implemented for 'Half'"), "unsupported", "Half"),
        (RuntimeError('"conv" not implemented for BFloat16'), "unsupported", "BFloat16"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied\nmore"), "error", "shapes cannot be multiplied"),
        (ValueError(""), "error", "ValueError: no message"),
        (RuntimeError(f"CUDA error: CUDA-capable device(s) is/are busy or unavailable\n{MORE}"), "error", "end it"),
        (RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable"), "error", "another process"),
        (RuntimeError(f"CUDA error: unspecified launch failure\n{MORE}"), "error", "unspecified launch failure; a ke"),
        (RuntimeError("CUDA error: device-side assert triggered"), "error", "a kernel failed"),
        (
            RuntimeError("HIP error: an illegal memory access was encountered"),
            "error",
            "memory access was encountered; ",
        ),
        (RuntimeError("CUDA error: GPU is lost"), "error", "cpu: GPU is lost; the driver has lost the card"),
        (RuntimeError("CUDA error: GPU has fallen off the bus"), "error", "restart the machine."),
        (RuntimeError("CUDA error: unknown error"), "error", "the driver has lost the card"),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), "error", "the driver has lost the card"),
        (RuntimeError(f"CUDA error: no kernel image is available\n{MORE}"), "unsupported", "no code for this card"),
        (RuntimeError(f"CUDA error: operation not supported\n{MORE}"), "error", "cpu: operation not supported."),
        (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `f(a)`"), "error", "calling `f(a)`."),
        (RuntimeError("CUDA error: MPS client failed to connect to the server"), "error", "connect to the server."),
        (RuntimeError("CUDA error: device kernel image is invalid"), "error", "cpu: device kernel image is invalid."),
        (RuntimeError("CUDA error: invalid device ordinal"), "error", "cpu: invalid device ordinal."),
        (
            RuntimeError("Unexpected error from cudaGetDeviceCount(). Did you? Error 802: system not yet initialized"),
            "error",
            "cpu cannot be used (any more): Error 802: system not yet initialized.",
        ),
        (RuntimeError("No CUDA GPUs are available"), "error", "(any more): No CUDA GPUs are available."),
        (ClockError("The clock went backwards between two marks."), "error", "The clock went backwards between"),
    ],
)
def test_what_went_wrong_is_one_sentence(error, kind, words):
    case = Case(find_layer("Dense").workload, "cpu", 4)
    failure = failure_from(case, error)
    assert failure.kind == kind
    assert words in failure.sentence
    assert "\n" not in failure.sentence
    assert type(error).__name__ in failure.detail
