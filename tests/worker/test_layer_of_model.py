"""Layers of a model: what one forward without data finds, and the very module with the inputs that it gets there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from cvbench_tui.catalog.model_layers import LayersOf, layer_entry, layers_named, resolved
from cvbench_tui.catalog.names import find_model
from cvbench_tui.catalog.own_code import own_model
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.errors import SelectionError
from cvbench_tui.worker.extras.layer_list import list_layers
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.every import every

pytestmark = pytest.mark.torch

RESNET = find_model("resnet18")


def subject(name: str, side: int, batch: int = 2) -> ModuleUnderTest:
    """The layer of that name, by the way from its name to the worker's module."""
    wanted = layers_named(name, find_model)
    assert wanted is not None
    (entry,) = resolved([wanted], [side], list_layers)
    return ModuleUnderTest(Case(entry.workload, "cpu", batch), PROTOCOLS["quick"])


def test_equal_layers_are_one_with_how_often_and_their_share():
    listed = list_layers(RESNET.workload.with_image(64))
    layers = {layer.path: layer for layer in listed.layers}
    assert listed.problem == ""
    assert listed.distinct == len(layers) == 24
    first = layers["layer1.0.conv1"]
    assert (first.module, first.count, first.input_shape) == ("Conv2d", 4, (64, 16, 16))
    assert first.arguments.startswith("64, 64, kernel_size=(3, 3)")
    assert "layer1.0.conv2" not in layers
    assert sum(layer.count for layer in layers.values()) == 60  # 20 convolutions, 20 norms, 17 ReLU, 2 pools, 1 linear
    assert 0.99 < sum(layer.share for layer in layers.values()) <= 1
    # 2 x multiply-accumulates: 64 x 64 channels, 3x3 kernel, 16x16 places
    assert first.flops == 2 * 64 * 64 * 9 * 16 * 16


def test_listing_leaves_the_random_state_and_the_mode_of_gradients():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    list_layers(RESNET.workload.with_image(32))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()


def test_the_very_module_gets_what_it_gets_in_the_model():
    made = subject("resnet18:layer3.0.conv2", 64)
    assert repr(made.module) == repr(find_module("layer3.0.conv2"))
    assert [tuple(each.shape) for each in made.inputs.tensors] == [(2, 256, 4, 4)]
    assert all(each.requires_grad for each in made.inputs.tensors)
    made.train()
    outputs = made.forward()
    made.prepare_gradients(outputs)
    made.backward(outputs)
    assert made.inputs.tensors[0].grad is not None


def find_module(path: str) -> nn.Module:
    from torchvision.models import resnet18

    return resnet18(weights=None).get_submodule(path)


def test_an_activation_in_place_does_not_overwrite_its_input():
    made = subject("resnet18:relu", 32)
    made.train()
    before = made.inputs.tensors[0].clone()
    made.prepare_gradients(made.forward())
    assert torch.equal(made.inputs.tensors[0], before)


def test_self_attention_is_called_with_one_tensor_three_times():
    made = subject("vit_b_32:encoder.layers.encoder_layer_0.self_attention", 224, batch=1)
    first, second, third = made.inputs.arguments[:3]
    assert first is second is third
    assert tuple(first.shape) == (1, 50, 768)
    assert made.inputs.arguments[4] is False  # need_weights, which the model does not ask for


def test_a_block_is_measured_and_is_no_part_of_the_sum():
    wanted = layers_named("resnet18:layer1.0", find_model)
    (entry,) = resolved([wanted], [32], list_layers)
    assert dict(entry.params).keys() == {"model", "layer", "image"}
    assert type(subject("resnet18:layer1.0", 32).module).__name__ == "BasicBlock"


@every("path", ["layer3.0.conv7", "conv", "nowhere", "layer3", ""])
def test_a_layer_that_the_model_does_not_have_names_the_nearest(path):
    if path == "layer3":  # a part that is called has a shape like any other
        assert list_layers(RESNET.workload.with_image(32), [path]).problem == ""
        return
    listed = list_layers(RESNET.workload.with_image(32), [path])
    assert listed.layers == ()
    assert listed.problem.startswith("'Resnet18' has no layer")
    assert ("Nearest: " in listed.hint) is (path in ("layer3.0.conv7", "conv"))


def test_the_command_line_says_which_is_right():
    with pytest.raises(SelectionError, match=r"has no layer 'layer3\.0\.conv7'") as caught:
        subject("resnet18:layer3.0.conv7", 32)
    assert "layer3.0.conv2" in caught.value.hint
    assert "list layers resnet18" in caught.value.hint
    with pytest.raises(SelectionError, match="Unknown model 'resnet19'"):
        layers_named("resnet19:conv1", find_model)
    with pytest.raises(SelectionError, match="names no layer"):
        layers_named("resnet18:", find_model)
    assert layers_named("Conv3x3/1", find_model) is None


def test_all_is_every_distinct_one_at_each_size():
    entries = resolved([LayersOf(RESNET, "all")], [32, 224], list_layers)
    assert len(entries) == 48
    assert entries[0].name == "resnet18:conv1 @32"
    assert entries[24].name == "resnet18:conv1"
    assert len({entry.name for entry in entries}) == 48


def test_a_shape_out_of_a_run_file_is_not_believed():
    (entry,) = resolved([LayersOf(RESNET, "layer1.0.conv1")], [32], list_layers)
    huge = replace(entry.workload, input_shape=(64, 1 << 20, 1 << 20))
    with pytest.raises(UnsupportedError, match=r"has no layer 'layer1\.0\.conv1' of that shape"):
        ModuleUnderTest(Case(huge, "cpu", 1), PROTOCOLS["quick"])
    unknown = replace(entry.workload, params=(("image", 32), ("layer", "__class__"), ("model", "resnet18")))
    with pytest.raises(UnsupportedError, match="has no layer '__class__'"):
        ModuleUnderTest(Case(unknown, "cpu", 1), PROTOCOLS["quick"])


def test_layers_of_code_of_ones_own(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def make(): return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1))\n"
    )
    model = own_model(f"{tmp_path}/net.py:make")
    entries = resolved([LayersOf(model, "all")], [8], list_layers)
    assert [entry.name for entry in entries] == ["net.py:make:0 @8", "net.py:make:1 @8", "net.py:make:2 @8"]
    made = ModuleUnderTest(Case(entries[2].workload, "cpu", 3), PROTOCOLS["quick"])
    assert [tuple(each.shape) for each in made.inputs.tensors] == [(3, 4, 6, 6)]


def test_a_model_without_a_forward_on_shapes_is_one_sentence(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class make(nn.Module):\n"
        "    def forward(self, image): return image if image.sum().item() else None\n"
    )
    listed = list_layers(own_model(f"{tmp_path}/net.py:make").workload)
    assert listed.problem.startswith("The layers of 'net.py:make' cannot be listed, as it has no forward without data")
    assert listed.problem.endswith(".")
    no_such = list_layers(Workload("model", "x", "resnet19", (3, 32, 32)))
    assert "has no model 'resnet19'" in no_such.problem


def test_a_layer_without_a_count_has_none_in_its_params():
    listed = list_layers(RESNET.workload.with_image(32), ["layer1.0", "layer2.0.conv2"])
    block, layer = (layer_entry(RESNET, each, listed.distinct, 32) for each in listed.layers)
    assert "count" not in dict(block.params)
    assert dict(layer.params)["count"] == 3
    assert dict(layer.params)["like"] == "layer2.0.conv2"
