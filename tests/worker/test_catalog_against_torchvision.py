"""The catalog is data written down once; this compares it with the torchvision that is installed."""

from __future__ import annotations

import pytest

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.names import find_model
from tests.every import every

pytestmark = pytest.mark.torch

TRAINED_WITH_MORE = {"googlenet"}
"""Its published weights leave out the two auxiliary classifiers that training has."""
BUILT = ["resnet18", "vgg16_bn", "googlenet", "inception_v3", "efficientnet_b1", "vit_b_32", "vit_h_14", "swin_v2_t"]
"""Every way in which an entry is special, and those whose newest weights have another image size."""
TOLERANCE = 0.002
"""torchvision prints GMACs with three decimals."""


@pytest.fixture(scope="module")
def models():
    from torchvision import models

    return models


def first_weights(models, op):
    """The weights that the entry's image size is of: V1, or those evaluated at the constructor's own size."""
    weights = list(models.get_model_weights(op))
    usual = [one for one in weights if one.name == "IMAGENET1K_V1"]
    return (usual or [one for one in weights if one.name == "IMAGENET1K_SWAG_LINEAR_V1"])[0]


def on_meta(workload):
    """The module and one input, without memory behind them."""
    import torch

    from cvbench_tui.worker.workloads.build import build_module

    with torch.device("meta"):
        return build_module(workload), torch.empty(2, *workload.input_shape)


def test_the_list_is_torchvisions(models):
    theirs, ours = set(models.list_models(module=models)), {model.op for model in MODELS}
    assert not theirs - ours, f"torchvision has models the catalog lacks: {sorted(theirs - ours)}"
    assert not ours - theirs, f"the catalog has models torchvision lacks: {sorted(ours - theirs)}"


def test_figures_are_those_of_the_weights(models):
    differing = {}
    for model in MODELS:
        weights = first_weights(models, model.op)
        theirs = (weights.meta["num_params"], weights.transforms.keywords["crop_size"], weights.meta["_ops"])
        parameters = theirs[0] if model.op in TRAINED_WITH_MORE else model.parameters
        ours = (parameters, model.image, model.gmacs)
        if ours != theirs:
            differing[model.op] = {"catalog": ours, "torchvision": theirs}
    assert not differing


@every("op", BUILT)
def test_figures_are_those_of_the_model_as_it_is_built(op):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    entry = find_model(op)
    module, images = on_meta(entry.workload)
    assert sum(parameter.numel() for parameter in module.parameters()) == entry.parameters
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        module.eval()(images[:1])
    assert counter.get_total_flops() / 2e9 == pytest.approx(entry.gmacs, rel=TOLERANCE)


@every("layer", LAYERS, ids=lambda layer: layer.name)
def test_every_layer_can_be_built_and_takes_its_input(layer):
    module, inputs = on_meta(layer.workload)
    assert module(inputs).shape[0] == 2
