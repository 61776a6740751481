import pytest

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.errors import SelectionError

ORIGINALS = ["VGG16", "VGG16 BN", "VGG19", "VGG19 BN", "Resnet18", "Resnet34", "Resnet50", "Resnet101", "Resnet152"]
ORIGINAL_LAYERS = ["Conv3x3/1", "Conv5x5/1", "Conv3x3/2", "Conv5x5/2", "Dense", "BatchNorm", "MaxPool", "AvgPool"]


def test_the_originals_come_first_under_their_own_names():
    assert [model.name for model in MODELS[:9]] == ORIGINALS
    assert [layer.name for layer in LAYERS[:8]] == ORIGINAL_LAYERS


def test_names_are_unique_however_they_are_spelt():
    assert len({find_model(model.op) for model in MODELS}) == len(MODELS)
    assert len({find_layer(layer.name.upper()).name for layer in LAYERS}) == len(LAYERS)


@pytest.mark.parametrize("text", ["VGG16 BN", "vgg16_bn", "vgg16-bn", " Vgg16  Bn ", "VGG16_BN"])
def test_a_model_is_found_under_either_name_in_any_spelling(text):
    assert find_model(text).op == "vgg16_bn"


def test_a_layer_is_found_in_any_case():
    assert find_layer("conv3X3/1").name == "Conv3x3/1"
    assert find_layer("se-block").name == "SE block"


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(SelectionError, match="resnet19") as caught:
        find_model("resnet19")
    assert "resnet18" in caught.value.hint
    assert "list models" in caught.value.hint
    with pytest.raises(SelectionError) as caught:
        find_layer("conv3x3")
    assert "Conv3x3/1" in caught.value.hint


def test_batches_are_those_of_the_page():
    assert {model.name for model in MODELS if model.batch != 8} == {"Resnet101", "Resnet152"}
    assert find_model("resnet152").batch == 4


def test_image_sizes_that_differ():
    assert find_model("inception_v3").image == 299
    assert find_model("swin_v2_t").image == 256
    assert find_model("resnet50").workload.input_shape == (3, 224, 224)
