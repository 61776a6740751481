from __future__ import annotations

from itertools import groupby

from cvbench_tui.catalog.models import MODELS

NINE = ["VGG16", "VGG16 BN", "VGG19", "VGG19 BN", "Resnet18", "Resnet34", "Resnet50", "Resnet101", "Resnet152"]


def test_the_nine_of_the_original_tables_come_first_under_their_names():
    assert [model.name for model in MODELS[:9]] == NINE
    assert all(model.name == model.op for model in MODELS[9:])


def test_only_the_deepest_two_have_batch_four():
    assert {model.name: model.batch for model in MODELS if model.batch != 8} == {"Resnet101": 4, "Resnet152": 4}


def test_every_name_and_constructor_is_there_once():
    assert len({model.op for model in MODELS}) == len(MODELS)
    assert len({model.name.casefold() for model in MODELS}) == len(MODELS)


def test_after_the_nine_every_family_stands_together():
    families = [family for family, _ in groupby(model.family for model in MODELS[9:])]
    assert len(families) == len(set(families))


def test_a_workload_carries_the_models_own_image_size():
    inception = next(model for model in MODELS if model.op == "inception_v3")
    assert inception.workload.kind == "model"
    assert inception.workload.op == "inception_v3"
    assert inception.workload.input_shape == (3, 299, 299)


def test_image_sizes_that_differ_from_the_usual():
    odd = {model.op: model.image for model in MODELS if model.image != 224}
    assert odd == {
        "inception_v3": 299,
        **{f"efficientnet_b{number}": side for number, side in enumerate((240, 288, 300, 380, 456, 528, 600), 1)},
        "efficientnet_v2_s": 384,
        "efficientnet_v2_m": 480,
        "efficientnet_v2_l": 480,
        **{f"swin_v2_{size}": 256 for size in "tsb"},
    }
