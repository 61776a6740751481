from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.errors import SelectionError
from tests.every import every


@every("text", ["VGG16 BN", "vgg16_bn", "Vgg16-BN", "  vgg16 bn ", "VGG16  bn"])
def test_a_model_is_found_by_either_name_in_any_writing(text):
    assert find_model(text).name == "VGG16 BN"


def test_every_entry_is_found_by_its_own_names():
    for model in MODELS:
        assert find_model(model.name) is model
        assert find_model(model.op.upper()) is model
    for layer in LAYERS:
        assert find_layer(layer.name) is layer
        assert find_layer(layer.name.lower()) is layer


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(SelectionError, match=r"^Unknown model 'resnet19'\.$") as caught:
        find_model("resnet19")
    assert caught.value.hint.startswith("Nearest: resnet")
    assert "resnet18" in caught.value.hint
    assert caught.value.hint.endswith("`cvbench-tui list models` shows all.")


def test_an_unknown_layer_names_the_nearest():
    with pytest.raises(SelectionError, match="Unknown layer 'conv3x3'") as caught:
        find_layer("conv3x3")
    assert "Conv3x3/1" in caught.value.hint


def test_nothing_near_leaves_only_where_to_look():
    with pytest.raises(SelectionError) as caught:
        find_model("%%%%%%%%")
    assert caught.value.hint == "`cvbench-tui list models` shows all."


@given(st.text(max_size=200))
def test_any_unknown_text_is_refused_in_one_line(text):
    with pytest.raises(SelectionError) as caught:
        find_model(text + "?")
    assert caught.value.message.isprintable()
