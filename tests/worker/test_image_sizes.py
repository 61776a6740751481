"""What the catalog's rules say of image sizes and of batch 1, against PyTorch, which is asked without data."""

from __future__ import annotations

import random
import warnings
from dataclasses import replace

import pytest

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.image_sizes import MAX_IMAGE, cannot_take, cannot_train, sizes_of
from cvbench_tui.core.plan import Case

pytestmark = pytest.mark.torch

BUILT_FOR_A_SIZE = ("vit_", "maxvit")
USUAL = (1, 32, 33, 96, 224, 225)  # beside the edges of each; every size costs 0.3 s with the largest models
REAL = {"alexnet": 63, "squeezenet1_1": 17, "swin_t": 4, "googlenet": 15, "shufflenet_v2_x0_5": 1, "mnasnet0_5": 1}
"""The smallest image of some quick models, for which kernels have no data to spare either."""


@pytest.fixture(scope="module")
def built():
    """Builds a module without memory behind it; of models that take any size only the newest is kept."""
    import torch
    from torchvision.models import regnet

    from cvbench_tui.worker.workloads.build import build_module

    kept = {}
    usual = regnet._regnet

    def on_meta(*arguments, **named):  # its constructor computes widths with tensors, which must have data
        with torch.device("meta"):
            return usual(*arguments, **named)

    def build(workload):
        key = (workload.op, workload.params, workload.image if workload.op.startswith(BUILT_FOR_A_SIZE) else None)
        if key not in kept:
            kept.clear()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if workload.op.startswith("regnet"):
                    kept[key] = build_module(workload)
                else:
                    with torch.device("meta"):
                        kept[key] = build_module(workload)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regnet, "_regnet", on_meta)
        yield build


def taken(built, case, *, training):
    """Whether PyTorch takes it."""
    import torch

    try:
        module = built(case.workload).train(training)
        with torch.no_grad():
            module(torch.empty(case.batch, *case.workload.input_shape, device="meta"))
    except (RuntimeError, ValueError, AssertionError):
        return False
    return True


def edges(workload):
    """Sizes at which something may change, and the pixels beside them."""
    sizes = sizes_of(workload)
    near = {sizes.least, sizes.training, sizes.alone, sizes.step, 2 * sizes.step, sizes.step - sizes.short}
    return sorted({side + beside for side in near for beside in (-1, 0, 1) if side + beside > 0})


def differences(built, workload, sides):
    """Where the rules and PyTorch disagree."""
    found = []
    for side in sides:
        each = workload.with_image(side)
        if taken(built, Case(each, "cpu", 1), training=False) != (not cannot_take(each)):
            found.append((each.name, side, "inference"))
        for batch in (1, 2):
            case = Case(each, "cpu", batch)
            if taken(built, case, training=True) != (not cannot_take(each) and not cannot_train(case)):
                found.append((each.name, side, batch))
    return found


def of_images():
    """Every workload of the catalog whose input is an image."""
    return [entry.workload for entry in (*MODELS, *LAYERS) if entry.workload.image]


@pytest.mark.parametrize("name", ["alexnet", "squeezenet1_0", "squeezenet1_1"])
def test_the_rules_are_pytorchs_at_every_size_of_a_quick_model(built, name):
    assert differences(built, find_model(name).workload, range(1, 100)) == []


def test_the_rules_of_single_layers_are_pytorchs_at_every_size(built):
    layers = [entry.workload for entry in LAYERS if entry.workload.image]
    assert [each for layer in layers for each in differences(built, layer, range(1, 40))] == []
    assert len(layers) == 9


@pytest.mark.slow
@pytest.mark.beside
@pytest.mark.parametrize("workload", of_images(), ids=lambda each: each.name)
def test_the_rules_are_pytorchs_where_they_change_and_elsewhere(built, workload):
    some = random.Random(workload.name).sample(range(1, 400), 1)
    assert differences(built, workload, [*edges(workload), *USUAL, *some]) == []


@pytest.mark.parametrize("name", REAL)
def test_the_smallest_image_is_taken_with_data_too(name):
    import torch

    from cvbench_tui.worker.workloads.build import build_module

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = build_module(find_model(name).workload)
    assert sizes_of(find_model(name).workload).least == REAL[name]
    outputs = module.train()(torch.randn(2, 3, REAL[name], REAL[name]))
    total = outputs if isinstance(outputs, torch.Tensor) else sum(outputs)
    total.sum().backward()
    assert module.eval()(torch.randn(1, 3, REAL[name], REAL[name])).shape == (1, 1000)


def test_every_entry_can_be_had_as_it_stands_in_the_list():
    entries = (*MODELS, *LAYERS)
    assert [entry.name for entry in entries if cannot_take(entry.workload)] == []
    assert [entry.name for entry in entries if cannot_train(Case(entry.workload, "cpu", 2))] == []
    alone = [entry.name for entry in entries if cannot_train(Case(entry.workload, "cpu", 1))]
    assert alone == ["inception_v3"], "which at its own size has an auxiliary head of one pixel"


@pytest.mark.parametrize(
    ("workload", "side", "sentence"),
    [
        (
            find_model("vit_b_32"),
            225,
            "whose side is a multiple of 32 px, not 225: 224 and 256 are nearest.",
        ),
        (find_model("vit_h_14"), 1, "takes images whose side is a multiple of 14 px, not 1: 14 is nearest."),
        (find_model("maxvit_t"), MAX_IMAGE, "is a multiple of 224 px, not 4096: 4032 is nearest."),
        (find_model("maxvit_t"), 220, "is a multiple of 224 px, not 220: 224 is nearest."),
        (find_model("alexnet"), 32, "takes images of 63 px or more, not 32."),
        (find_layer("Patch embedding"), 1, "takes images of 16 px or more, not 1."),
    ],
)
def test_the_sentence_names_sizes_that_can_be_had(workload, side, sentence):
    asked = workload.workload.with_image(side)
    assert cannot_take(asked).endswith(sentence)
    assert cannot_take(asked).startswith(workload.name)


def test_what_training_needs_is_named():
    resnet = Case(find_model("resnet18").workload.with_image(32), "cpu", 1)
    assert cannot_train(resnet).startswith("Training needs batch 2 or more at 32 px, or images of 33 px or more: ")
    assert cannot_train(replace(resnet, batch=2)) == ""
    inception = Case(find_model("inception_v3").workload.with_image(90), "cpu", 64)
    assert cannot_train(inception).startswith("Training needs images of 299 px or more, not 90")


def test_of_what_the_catalog_does_not_have_nothing_is_claimed():
    unknown = replace(find_model("resnet18").workload, op="resnot18")
    assert cannot_take(unknown.with_image(1)) == ""
    conv = find_layer("Conv3x3/1").workload
    assert cannot_take(replace(conv, params=(("kernel_size", "3"), ("padding", 1e300)))) == ""
