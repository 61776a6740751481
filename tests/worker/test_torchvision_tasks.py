"""torchvision's detection, segmentation and video models: built without weights, measured with fixed inputs, trained
with their own losses where they have them."""

from __future__ import annotations

import socket
import urllib.request
from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cvbench_tui.catalog import tasks
from cvbench_tui.core.event import CaseFailed, CaseFinished
from cvbench_tui.core.measurement import PHASES
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads.build import build_module
from cvbench_tui.worker.workloads.inputs import OBJECTS, make_inputs
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.every import every

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")
FASTER = "detection:fasterrcnn_mobilenet_v3_large_320_fpn"
SMALL = [
    (FASTER, (3, 64, 64)),
    ("detection:retinanet_resnet50_fpn", (3, 33, 33)),
    ("segmentation:lraspp_mobilenet_v3_large", (3, 33, 33)),
    ("video:r3d_18", (3, 4, 32, 32)),
]


def workload(op: str, shape: tuple[int, ...]) -> Workload:
    return Workload("model", op.partition(":")[2], op, shape)


def subject(op: str, shape: tuple[int, ...], batch: int = 1) -> ModuleUnderTest:
    return ModuleUnderTest(Case(workload(op, shape), "cpu", batch), PROTOCOLS["default"])


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Beside busy processes the threads of one operator wait for each other: 25 s in place of 1 s."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Whatever asks for a connection fails the test: no weights are fetched."""

    def refuse(*_arguments, **_options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)


class Operators(TorchDispatchMode):
    """Counts the operators, and products and convolutions by the sizes of what they give: the work of a call. From
    which level of the pyramid the drawn proposals are pooled differs, not how many."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[tuple[str, tuple[int, ...]]] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sized = any(name in str(func) for name in ("convolution", "mm", "loss"))
        shape = tuple(result.shape) if sized and isinstance(result, torch.Tensor) else ()
        self.seen[str(func), shape] += 1
        return result


@every(("op", "shape"), SMALL)
def test_it_trains_and_infers_and_every_weight_that_is_used_gets_a_gradient(op, shape):
    made = subject(op, shape)
    made.train()
    outputs = made.forward()
    made.prepare_gradients(outputs)
    made.backward(outputs)
    assert sum(each.grad is not None for each in made.parameters) > 0.9 * len(made.parameters)
    made.evaluate()
    assert all(each.grad is None for each in made.parameters)
    with torch.inference_mode():
        assert len(made.forward()) > 0


def test_detection_is_trained_with_the_sum_of_its_own_losses():
    made = subject(FASTER, (3, 64, 64))
    made.train()
    torch.manual_seed(1)  # which proposals are taken is drawn by chance
    losses = made.forward()
    assert set(losses) == {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"}
    made.prepare_gradients(losses)
    made.backward(losses)
    ours = [each.grad.clone() for each in made.parameters if each.grad is not None]
    made.clear()
    torch.manual_seed(1)
    sum(made.forward().values()).backward()
    theirs = [each.grad for each in made.parameters if each.grad is not None]
    assert len(ours) == len(theirs) > 50
    assert all(torch.allclose(one, other, rtol=1e-3, atol=1e-6) for one, other in zip(ours, theirs, strict=True))


def test_a_segmentation_model_sends_gradients_into_its_auxiliary_head():
    made = subject("segmentation:deeplabv3_mobilenet_v3_large", (3, 32, 32), batch=2)
    made.train()
    outputs = made.forward()
    assert {name: tuple(each.shape) for name, each in outputs.items()} == dict.fromkeys(("out", "aux"), (2, 21, 32, 32))
    made.prepare_gradients(outputs)
    made.backward(outputs)
    assert not [name for name, each in made.module.named_parameters() if each.grad is None]


@every(("op", "shape"), SMALL[:2])
def test_two_iterations_and_two_processes_do_the_same_work(op, shape):
    works = []
    for _ in range(2):
        made = subject(op, shape)
        made.train()
        made.forward()  # works out the levels' scales once
        for _ in range(2):
            with Operators() as operators:
                made.forward()
            works.append(operators.seen)
    assert works[0] == works[1] == works[2] == works[3]
    assert sum(works[0].values()) > 100


def test_images_are_those_of_the_workload_and_are_not_resized():
    made = subject("detection:keypointrcnn_resnet50_fpn", (3, 64, 64))
    transform = made.module.transform.train()
    images, targets = transform(*made.inputs.of(training=True))
    assert images.tensors.shape == (1, 3, 64, 64)
    assert torch.equal(targets[0]["boxes"], made.inputs.targets[0][0]["boxes"])


@every(
    ("name", "more"),
    [
        ("fasterrcnn_resnet50_fpn", set()),
        ("maskrcnn_resnet50_fpn", {"masks"}),
        ("keypointrcnn_resnet50_fpn", {"keypoints"}),
    ],
)
def test_objects_are_within_the_image_and_have_what_the_model_learns(name, more):
    torch.manual_seed(0)
    work = workload(f"detection:{name}", (3, 96, 96))
    made = make_inputs(torch.nn.Conv2d(3, 3, 1), work, 3, "rounds", CPU)
    (images,), (targets,) = made.arguments, made.targets
    assert [tuple(image.shape) for image in images] == [(3, 96, 96)] * 3
    assert len(targets) == 3
    for target in targets:
        assert set(target) == {"boxes", "labels"} | more
        left, top, right, bottom = target["boxes"].T
        assert len(left) == OBJECTS
        assert (left >= 0).all()
        assert (right <= 96).all()
        assert (right - left >= 12).all()
        assert (bottom - top <= 48).all()
        assert ((target["labels"] >= 1) & (target["labels"] < 91)).all()
    if "masks" in more:
        rows = target["masks"].any(2).sum(1)
        assert target["masks"].dtype == torch.uint8
        assert ((rows - (bottom - top)).abs() <= 1).all()
    if "keypoints" in more:
        across = target["keypoints"][:, :, 0]
        assert ((across >= left[:, None]) & (across <= right[:, None])).all()


def test_the_lists_are_torchvisions_and_so_are_the_figures():
    from torchvision import models

    differing = {}
    for entries, module in (
        (tasks.DETECTION, models.detection), (tasks.SEGMENTATION, models.segmentation), (tasks.VIDEO, models.video),
    ):  # fmt: skip
        assert {entry.name for entry in entries} == set(models.list_models(module=module))
        for entry in entries:
            meta = next(iter(models.get_model_weights(entry.name))).meta
            if module is models.detection and not entry.name.startswith("ssd"):
                continue  # at another size; their batch normalisations are frozen where there are weights
            ours, theirs = (entry.parameters, entry.gmacs), (meta["num_params"], meta["_ops"])
            if module is models.segmentation:  # at 520 pixels
                ours, theirs = ours[:1], theirs[:1]
            if ours != pytest.approx(theirs, rel=0.001):
                differing[entry.name] = ours, theirs
    assert differing == {}


@pytest.mark.slow  # 25 s of a core: every model is built, most of them without memory
@every("entry", [*tasks.DETECTION, *tasks.SEGMENTATION, *tasks.VIDEO], ids=lambda entry: entry.op)
def test_every_model_can_be_built_with_as_many_weights_as_the_list_says(entry):
    if entry.op.startswith("detection:"):  # their constructors need data
        module = build_module(entry.workload)
    else:
        with torch.device("meta"):
            module = build_module(entry.workload)
    assert sum(each.numel() for each in module.parameters() if each.requires_grad) == entry.parameters


@every("op", ["detection:resnet18", "video:fcn_resnet50", "segmentation:nothing", "hub:resnet18"])
def test_what_a_source_does_not_have_is_refused(op):
    with pytest.raises(UnsupportedError):
        build_module(workload(op, (3, 64, 64)))


def test_a_case_is_measured_with_every_phase_and_its_work(monkeypatch):
    sent = []
    channel = type("Channel", (), {"send": staticmethod(sent.append)})
    monkeypatch.setattr(job.Stops, "hear", lambda: None)
    case = Case(workload(FASTER, (3, 64, 64)), "cpu", 1, settings=(("threads", "1"),))
    assert job.Job(case, PROTOCOLS["quick"], 0, channel).run(), [each for each in sent if isinstance(each, CaseFailed)]
    (finished,) = (each.measurement for each in sent if isinstance(each, CaseFinished))
    assert [each.phase for each in finished.phases] == [each for each in PHASES if each != "step"]
    assert [each.phase for each in finished.work] == [each for each in PHASES if each != "step"]
    assert all(each.flops > 1e9 for each in finished.work)
    assert "nms" in finished.work[-1].uncounted
