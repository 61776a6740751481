"""A workload made into a torch module: a torchvision model by its constructor, or a layer by its op. Shapes of layers
are without the batch dimension: (C, H, W) for images, (tokens, dim) for sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torchvision
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.convnext import CNBlock
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.swin_transformer import ShiftedWindowAttention
from torchvision.models.vision_transformer import EncoderBlock
from torchvision.ops import SqueezeExcitation

from cvbench_tui.core.workload import LAYER_OF_MODEL, Workload
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.selftest.workloads import SELFTEST_BUILDERS
from cvbench_tui.worker.workloads.layer_of_model import build_layer
from cvbench_tui.worker.workloads.own_code import build_own


def build_module(workload: Workload) -> nn.Module:
    """The module, on the current default device, with random weights. Raises UnsupportedError when it cannot be had."""
    if workload.op == LAYER_OF_MODEL:
        return build_layer(workload)
    if workload.kind == "model" and workload.code is not None:
        return build_own(workload)
    if workload.kind == "model":
        return _model(workload)
    builder = LAYER_BUILDERS.get(workload.op) or SELFTEST_BUILDERS.get(workload.op)
    if builder is None:
        raise UnsupportedError(f"This worker has no layer '{workload.op}'.")
    return builder(**dict(workload.params))


def _model(workload: Workload) -> nn.Module:
    """A torchvision classification model for 1000 classes."""
    if workload.op not in models.list_models(module=models):  # those of detection or video fetch a backbone's weights
        raise UnsupportedError(f"torchvision {torchvision.__version__} has no model '{workload.op}' of classification.")
    if workload.params:
        raise UnsupportedError("A model is built without weights and has no other arguments.")
    constructor = models.get_model_builder(workload.op)
    arguments: dict[str, Any] = {"weights": None}
    if workload.op in _SLOW_INITIALISERS:
        arguments["init_weights"] = False
    if workload.op.startswith("vit_"):  # built for an image size
        arguments["image_size"] = workload.image
    if workload.op.startswith("maxvit"):
        arguments["input_size"] = (workload.image, workload.image)
    module: nn.Module = constructor(**arguments)
    return module


_SLOW_INITIALISERS = ("googlenet", "inception_v3")
"""Their own initialiser draws truncated normals for tens of seconds and warns; the default one serves as well."""


class SelfAttention(nn.Module):
    """Multi-head self-attention with its projections: (tokens, dim) to (tokens, dim)."""

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Attention weights are not asked for, as in torchvision's ViT."""
        attended, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return attended


class ScaledDotProductAttention(nn.Module):
    """The attention kernel alone: the input split into heads is query, key and value."""

    def __init__(self, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads

    def forward(self, tokens: Tensor) -> Tensor:
        """(tokens, dim) to (heads, tokens, dim / heads)."""
        batch, count, dim = tokens.shape
        heads = tokens.view(batch, count, self.num_heads, dim // self.num_heads).transpose(1, 2)
        return F.scaled_dot_product_attention(heads, heads, heads)


LAYER_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "conv2d": nn.Conv2d,
    "conv_transpose2d": nn.ConvTranspose2d,
    "linear": nn.Linear,
    "batch_norm2d": nn.BatchNorm2d,
    "group_norm": nn.GroupNorm,
    "layer_norm": nn.LayerNorm,
    "max_pool2d": nn.MaxPool2d,
    "avg_pool2d": nn.AvgPool2d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "softmax": nn.Softmax,
    "dropout": nn.Dropout,
    "upsample": nn.Upsample,
    "multihead_attention": SelfAttention,
    "sdpa": ScaledDotProductAttention,
    "squeeze_excitation": lambda channels, squeeze: SqueezeExcitation(channels, squeeze),
    "basic_block": lambda channels: BasicBlock(channels, channels),
    "bottleneck": lambda channels, width: Bottleneck(channels, width),
    "inverted_residual": lambda channels, expand: InvertedResidual(channels, channels, stride=1, expand_ratio=expand),
    "convnext_block": lambda channels: CNBlock(channels, layer_scale=1e-6, stochastic_depth_prob=0.0),
    "swin_attention": lambda embed_dim, num_heads, window: ShiftedWindowAttention(
        embed_dim, [window, window], [0, 0], num_heads
    ),
    "vit_block": lambda embed_dim, num_heads, mlp_dim: EncoderBlock(num_heads, embed_dim, mlp_dim, 0.0, 0.0),
}
"""By the catalog's ``op``; arguments are the entry's params. Dropout is off in blocks, as in the published models."""
