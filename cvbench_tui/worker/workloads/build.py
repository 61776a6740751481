"""A workload made into a torch module: a model by its source's constructor, or a layer by its op. Shapes of layers are
without the batch dimension: (C, H, W) for images, (tokens, dim) for sequences."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

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
from cvbench_tui.worker.workloads.timm_models import timm_model


def build_module(workload: Workload) -> nn.Module:
    """The module, on the current default device, with random weights. Raises UnsupportedError when it cannot be had."""
    if workload.op == LAYER_OF_MODEL:
        return build_layer(workload, build_module)
    if workload.kind == "model" and workload.code is not None:
        return build_own(workload)
    if workload.kind == "model":
        source, _, name = workload.op.rpartition(":")
        make = MODEL_BUILDERS.get(source)
        if make is None:
            raise UnsupportedError(f"This worker has no source of models '{source}'.")
        if workload.params:
            raise UnsupportedError("A model is built without weights and has no other arguments.")
        return make(name, workload)
    builder = LAYER_BUILDERS.get(workload.op) or SELFTEST_BUILDERS.get(workload.op)
    if builder is None:
        raise UnsupportedError(f"This worker has no layer '{workload.op}'.")
    return builder(**dict(workload.params))


def _classification(name: str, workload: Workload) -> nn.Module:
    """A torchvision classification model for 1000 classes."""
    arguments: dict[str, Any] = {}
    if name in _SLOW_INITIALISERS:
        arguments["init_weights"] = False
    if name.startswith("vit_"):  # built for an image size
        arguments["image_size"] = workload.image
    if name.startswith("maxvit"):
        arguments["input_size"] = (workload.image, workload.image)
    return _torchvision(models, "classification", name, arguments)


def _detection(name: str, workload: Workload) -> nn.Module:
    """For 91 classes; it resizes its images to those of the workload. By itself it would resize them to 800 pixels, and
    Keypoint R-CNN in training to a size drawn by chance, so that no two iterations would be alike."""
    module: Any = _torchvision(models.detection, "detection", name, {"weights_backbone": None})
    side = workload.image
    module.transform.min_size, module.transform.max_size, module.transform.fixed_size = (side,), side, (side, side)
    return cast(nn.Module, module)


def _segmentation(name: str, workload: Workload) -> nn.Module:
    """For 21 classes, with the auxiliary head that torchvision's own weights have, except LR-ASPP, which has none."""
    auxiliary = {} if name.startswith("lraspp") else {"aux_loss": True}
    return _torchvision(models.segmentation, "segmentation", name, {"weights_backbone": None, **auxiliary})


def _video(name: str, workload: Workload) -> nn.Module:
    """For 400 classes."""
    return _torchvision(models.video, "video", name, {})


def _torchvision(module: ModuleType, task: str, name: str, arguments: dict[str, Any]) -> nn.Module:
    """The model of that task without weights. Those of another task fetch a backbone's unless told not to."""
    if name not in models.list_models(module=module):
        raise UnsupportedError(f"torchvision {torchvision.__version__} has no model '{name}' of {task}.")
    made: nn.Module = models.get_model_builder(name)(weights=None, **arguments)
    return made


MODEL_BUILDERS: dict[str, Callable[[str, Workload], nn.Module]] = {
    "": _classification,
    "detection": _detection,
    "segmentation": _segmentation,
    "video": _video,
    "timm": timm_model,
}
"""By the source's name (``catalog.sources``); called with what follows it in ``op``, and the workload."""


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
