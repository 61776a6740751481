from __future__ import annotations

from cvbench_tui.catalog.layers import LAYERS

EIGHT = ["Conv3x3/1", "Conv5x5/1", "Conv3x3/2", "Conv5x5/2", "Dense", "BatchNorm", "MaxPool", "AvgPool"]


def test_the_eight_of_the_original_tables_come_first():
    assert [layer.name for layer in LAYERS[:8]] == EIGHT


def test_the_original_convolutions_are_those_of_the_scripts():
    shown = {}
    for layer in LAYERS[:4]:
        params = dict(layer.params)
        assert (params["in_channels"], params["out_channels"], params.get("bias", True)) == (3, 64, True)
        assert layer.input_shape == (3, 224, 224)
        shown[layer.name] = (params["kernel_size"], params["stride"], params["padding"])
    assert shown == {"Conv3x3/1": (3, 1, 1), "Conv5x5/1": (5, 1, 2), "Conv3x3/2": (3, 2, 1), "Conv5x5/2": (5, 2, 2)}


def test_the_other_originals_are_those_of_the_scripts():
    dense, norm, *pools = LAYERS[4:8]
    assert (dense.input_shape, dict(dense.params)) == ((1024,), {"in_features": 1024, "out_features": 512})
    assert (norm.input_shape, dict(norm.params)) == ((3, 224, 224), {"num_features": 3})
    for pool in pools:
        assert pool.input_shape == (3, 224, 224)
        assert dict(pool.params) == {"kernel_size": 3, "stride": 2, "padding": 1}


def test_names_are_unique_and_can_be_given_in_a_comma_separated_list():
    assert len({layer.name.casefold() for layer in LAYERS}) == len(LAYERS)
    assert not [layer.name for layer in LAYERS if "," in layer.name or layer.name != layer.name.strip()]


def test_every_layer_says_where_it_comes_from_and_sorts_its_params():
    for layer in LAYERS:
        assert layer.description, layer.name
        assert list(layer.params) == sorted(layer.params), layer.name


def test_what_today_is_made_of_is_there():
    ops = {layer.op for layer in LAYERS}
    assert ops >= {
        "conv_transpose2d", "group_norm", "layer_norm", "relu", "gelu", "silu", "hardswish", "softmax", "dropout",
        "adaptive_avg_pool2d", "upsample", "multihead_attention", "sdpa", "squeeze_excitation", "basic_block",
        "bottleneck", "inverted_residual", "convnext_block", "swin_attention", "vit_block",
    }  # fmt: skip
    convolutions = [(layer.input_shape[0], dict(layer.params)) for layer in LAYERS if layer.op == "conv2d"]
    depthwise = {params["kernel_size"] for channels, params in convolutions if params.get("groups") == channels > 1}
    grouped = [params for channels, params in convolutions if 1 < int(params.get("groups", 1)) < channels]
    assert depthwise >= {3, 7}
    assert grouped
    assert [params for _, params in convolutions if params["kernel_size"] == 1]
    assert [params for _, params in convolutions if int(params.get("dilation", 1)) > 1]


def test_a_workload_is_the_entry_without_its_words():
    layer = LAYERS[0]
    assert layer.workload.kind == "layer"
    assert (layer.workload.name, layer.workload.op) == ("Conv3x3/1", "conv2d")
    assert (layer.workload.input_shape, layer.workload.params) == (layer.input_shape, layer.params)
