"""Every layer that can be ticked, as plain data; one line adds one more. No torch.

``op`` and its params name a builder in the worker's ``layers`` module. Shapes leave out the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.workload import Parameter, Workload


@dataclass(frozen=True)
class LayerEntry:
    """One layer of the list."""

    name: str
    op: str
    """Key of the worker's builders."""
    family: str
    input_shape: tuple[int, ...]
    """Without batch: (C, H, W), (H, W, C) for Swin, (tokens, dim) or (features,)."""
    params: tuple[tuple[str, Parameter], ...]
    """Arguments of the builder, sorted by name."""
    description: str
    """What it is, for lists and for the page's layer descriptions."""
    batch: int = 8
    """Inputs per iteration unless the user says otherwise."""

    @property
    def workload(self) -> Workload:
        """The workload at its own shape."""
        return Workload("layer", self.name, self.op, self.input_shape, self.params)


def _layer(
    name: str, family: str, shape: tuple[int, ...], description: str, op: str, **params: Parameter
) -> LayerEntry:
    """One line of the list."""
    return LayerEntry(name, op, family, shape, tuple(sorted(params.items())), description)


def _conv(
    name: str, shape: tuple[int, ...], description: str, out: int, kernel: int, **params: Parameter
) -> LayerEntry:
    """A Conv2d of ``out`` channels; padding keeps the size unless a stride divides it."""
    shared = {"in_channels": shape[0], "out_channels": out, "kernel_size": kernel, "padding": kernel // 2}
    return _layer(name, "convolution", shape, description, "conv2d", **{**shared, **params})


_IMAGE = (3, 224, 224)
_TOKENS = (197, 768)

# Shapes, padding and bias of the original eight are those of the scripts behind the published tables.
ORIGINAL_LAYERS: tuple[LayerEntry, ...] = (
    _conv("Conv3x3/1", _IMAGE, "Conv2d, 3x3 Kernel, 1x1 Padding, 1x1 Stride", 64, 3, stride=1),
    _conv("Conv5x5/1", _IMAGE, "Conv2d, 5x5 Kernel, 2x2 Padding, 1x1 Stride", 64, 5, stride=1),
    _conv("Conv3x3/2", _IMAGE, "Conv2d, 3x3 Kernel, 1x1 Padding, 2x2 Stride", 64, 3, stride=2),
    _conv("Conv5x5/2", _IMAGE, "Conv2d, 5x5 Kernel, 2x2 Padding, 2x2 Stride", 64, 5, stride=2),
    _layer("Dense", "linear", (1024,), "1024 => 512", "linear", in_features=1024, out_features=512),
    _layer("BatchNorm", "normalisation", _IMAGE, "BatchNorm2d", "batch_norm2d", num_features=3),
    _layer(
        "MaxPool",
        "pooling",
        _IMAGE,
        "MaxPool2d, 3x3 Kernel, 1x1 Padding, 2x2 Stride",
        "max_pool2d",
        kernel_size=3,
        stride=2,
        padding=1,
    ),
    _layer(
        "AvgPool",
        "pooling",
        _IMAGE,
        "AvgPool2d, 3x3 Kernel, 1x1 Padding, 2x2 Stride",
        "avg_pool2d",
        kernel_size=3,
        stride=2,
        padding=1,
    ),
)
"""The eight of the original scripts, in the order of the page."""

MODERN_LAYERS: tuple[LayerEntry, ...] = (
    _conv("Conv1x1 256", (256, 56, 56), "ResNet-50's 1x1 reduction, 256 to 64 channels", 64, 1, bias=False),
    _conv("Conv3x3 64", (64, 56, 56), "ResNet's first stage, 64 to 64 channels", 64, 3, bias=False),
    _conv("Conv3x3 512", (512, 7, 7), "ResNet's last stage, 512 to 512 channels", 512, 3, bias=False),
    _conv(
        "Conv depthwise 3x3", (144, 56, 56), "MobileNetV2, 144 groups of one channel", 144, 3, groups=144, bias=False
    ),
    _conv("Conv depthwise 7x7", (96, 56, 56), "ConvNeXt-T, 96 groups of one channel", 96, 7, groups=96),
    _conv("Conv grouped 3x3", (128, 56, 56), "ResNeXt-50, 32 groups of four channels", 128, 3, groups=32, bias=False),
    _conv("Conv dilated 3x3", (256, 28, 28), "DeepLab, dilation 2", 256, 3, dilation=2, padding=2, bias=False),
    _layer(
        "Conv transposed 2x2",
        "convolution",
        (256, 28, 28),
        "U-Net's upsampling, 256 to 128 channels, stride 2",
        "conv_transpose2d",
        in_channels=256,
        out_channels=128,
        kernel_size=2,
        stride=2,
        padding=0,
    ),
    _layer("BatchNorm 64", "normalisation", (64, 112, 112), "ResNet's stem", "batch_norm2d", num_features=64),
    _layer(
        "GroupNorm",
        "normalisation",
        (256, 56, 56),
        "32 groups of 256 channels",
        "group_norm",
        num_groups=32,
        num_channels=256,
    ),
    _layer("LayerNorm", "normalisation", _TOKENS, "ViT-B/16 tokens", "layer_norm", normalized_shape=768),
    _layer("ReLU", "activation", (64, 112, 112), "ResNet's stem", "relu"),
    _layer("GELU", "activation", (197, 3072), "inside ViT-B/16's MLP", "gelu"),
    _layer("SiLU", "activation", (144, 112, 112), "EfficientNet", "silu"),
    _layer("Hardswish", "activation", (120, 28, 28), "MobileNetV3", "hardswish"),
    _layer("Softmax", "activation", (12, 197, 197), "attention weights of ViT-B/16", "softmax", dim=-1),
    _layer(
        "Linear 768-3072", "linear", _TOKENS, "first of ViT-B/16's MLP", "linear", in_features=768, out_features=3072
    ),
    _layer(
        "Linear 3072-768",
        "linear",
        (197, 3072),
        "second of ViT-B/16's MLP",
        "linear",
        in_features=3072,
        out_features=768,
    ),
    _layer(
        "Linear 4096-4096",
        "linear",
        (4096,),
        "VGG's second classifier layer",
        "linear",
        in_features=4096,
        out_features=4096,
    ),
    _layer(
        "Multi-head attention",
        "attention",
        _TOKENS,
        "ViT-B/16, 12 heads, with projections",
        "multihead_attention",
        embed_dim=768,
        num_heads=12,
    ),
    _layer("Scaled dot product", "attention", _TOKENS, "ViT-B/16, 12 heads, the kernel alone", "sdpa", num_heads=12),
    _layer(
        "Swin window attention",
        "attention",
        (56, 56, 96),
        "Swin-T's first stage, 7x7 windows, 3 heads",
        "swin_attention",
        embed_dim=96,
        num_heads=3,
        window=7,
    ),
    _layer("Dropout", "regularisation", (4096,), "VGG's classifier, p 0.5", "dropout", p=0.5),
    _layer(
        "AdaptiveAvgPool", "pooling", (2048, 7, 7), "ResNet-50's head, to 1x1", "adaptive_avg_pool2d", output_size=1
    ),
    _layer(
        "Upsample", "pooling", (256, 28, 28), "bilinear, twice the size", "upsample", scale_factor=2, mode="bilinear"
    ),
    _layer(
        "SE block",
        "block",
        (96, 28, 28),
        "squeeze and excitation, 96 to 24 and back",
        "squeeze_excitation",
        channels=96,
        squeeze=24,
    ),
    _layer("Basic block", "block", (64, 56, 56), "ResNet-18's residual block", "basic_block", channels=64),
    _layer(
        "Bottleneck block",
        "block",
        (256, 56, 56),
        "ResNet-50's residual block, width 64",
        "bottleneck",
        channels=256,
        width=64,
    ),
    _layer(
        "Inverted residual",
        "block",
        (24, 56, 56),
        "MobileNetV2, expansion 6",
        "inverted_residual",
        channels=24,
        expand=6,
    ),
    _layer("ConvNeXt block", "block", (96, 56, 56), "ConvNeXt-T's first stage", "convnext_block", channels=96),
    _layer("ViT encoder block", "block", _TOKENS, "ViT-B/16", "vit_block", embed_dim=768, num_heads=12, mlp_dim=3072),
)
"""What today's networks are made of, at the shapes of real ones."""

LAYERS = ORIGINAL_LAYERS + MODERN_LAYERS
"""The whole list, the original eight first."""
