"""Iterations cut into segments, by real modules: a cut before the backward, and after every so many operators of each
half."""

from __future__ import annotations

import pytest
import torch

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.timing.pacing import Pacing
from cvbench_tui.worker.timing.passes import PhasePass, TrainingPass
from cvbench_tui.worker.timing.sampler import Sampler
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

pytestmark = pytest.mark.torch


def module_of(entry, image=None) -> ModuleUnderTest:
    workload = entry.workload if image is None else entry.workload.with_image(image)
    made = ModuleUnderTest(Case(workload, "cpu", 2), PROTOCOLS["quick"])
    made.train()
    made.prepare_gradients(made.forward())
    return made


@pytest.fixture(scope="module")
def resnet() -> ModuleUnderTest:
    return module_of(find_model("resnet18"), 32)


@pytest.mark.parametrize("operators", [1, 7, 50, 10_000])
def test_both_halves_of_an_iteration_are_cut(resnet, operators):
    timed, cuts = TrainingPass(resnet, CpuBackend()), []
    timed.begin()
    forward, backward = timed.segmented(operators, lambda: cuts.append(1))
    assert forward + backward == len(cuts) + 1
    assert (forward > 1) == (backward > 1) == (operators < 10_000)


def test_a_cut_iteration_computes_what_a_whole_one_does(resnet):
    timed = TrainingPass(resnet, CpuBackend())
    gradients = []
    for operators in (5, 10_000):
        torch.manual_seed(0)
        resnet.train()
        for module in resnet.module.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
        timed.segmented(operators, lambda: None)
        gradients.append([parameter.grad.clone() for parameter in resnet.parameters])
    for cut, whole in zip(*gradients, strict=True):
        torch.testing.assert_close(cut, whole)


@pytest.mark.parametrize("name", ["Self-attention B", "ViT block", "Conv3x3/1"])
def test_inference_is_cut_too(name):
    module = module_of(find_layer(name))
    timed, cuts = PhasePass(module, CpuBackend(), "inference"), []
    timed.begin()
    (count,) = timed.segmented(1, lambda: cuts.append(1))
    assert count == len(cuts) + 1


def test_the_segments_of_a_phase_add_up_to_it(resnet):
    backend = CpuBackend()
    timed = TrainingPass(resnet, backend)
    timed.begin()
    sampler = Sampler(timed, backend)
    pacing = Pacing(1, 1, 1, 0, 1, operators=10)
    forward, backward, total = (values[0] for values in sampler.sample(1, pacing).values)
    assert total == pytest.approx(forward + backward)
    assert min(forward, backward) > 0
