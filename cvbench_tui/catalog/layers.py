"""The single layers and blocks that can be ticked, as plain data: an op of the worker with its arguments.

The eight of the original tables come first. The others stand at the shapes they have in a published network,
which the description names.
"""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.workload import Parameter, Workload

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerEntry:
    """One layer of the checklist. One line in ``LAYERS`` adds one more."""

    name: str  # display name, unique in the list
    op: str  # key of the worker's layer builders
    family: str
    input_shape: Shape
    """Without the batch: (channels, height, width), (tokens, dim), (features,), in windows (height, width, dim)."""
    params: tuple[tuple[str, Parameter], ...]  # arguments of ``op``, as pairs sorted by name
    description: str  # what it computes, and the network that has it at this shape
    training_mb: float
    """Megabytes (10**6 bytes) that a training iteration in float32 holds for one input: the input, what autograd keeps
    for the backward, the output, and the gradients of input and output. Weights and theirs are not in it."""
    batch: int = 8  # inputs per iteration when nothing else is asked for

    @property
    def workload(self) -> Workload:
        """The layer, as the worker is asked for it."""
        return Workload("layer", self.name, self.op, self.input_shape, self.params)


def _layer(
    name: str, op: str, family: str, input_shape: Shape, training_mb: float, description: str, **params: Parameter
) -> LayerEntry:
    """One entry with its params sorted, so that equal layers have equal workloads."""
    return LayerEntry(name, op, family, input_shape, tuple(sorted(params.items())), description, training_mb)


def _conv(
    name: str, family: str, channels: Shape, side: int, kernel: int, training_mb: float, text: str, **params: Parameter
) -> LayerEntry:
    """A convolution of ``channels`` (in, out) on ``side`` x ``side``."""
    sizes = {"in_channels": channels[0], "out_channels": channels[1], "kernel_size": kernel}
    return _layer(name, "conv2d", family, (channels[0], side, side), training_mb, text, **sizes, **params)


ORIGINAL = "Original tables"  # the family of the published tables; every other layer is in the preset ``modern-layers``
_CONV, _NORM, _ACTIVATION = "Convolution", "Normalisation", "Activation"
_LINEAR, _ATTENTION, _POOL, _BLOCK = "Linear and dropout", "Attention", "Pooling and resizing", "Block"
_IMAGE = (3, 224, 224)
_TOKENS = (197, 768)

LAYERS: tuple[LayerEntry, ...] = (
    _conv("Conv3x3/1", ORIGINAL, (3, 64), 224, 3, 26.9, "3 to 64 channels, padding 1, stride 1", padding=1, stride=1),
    _conv("Conv5x5/1", ORIGINAL, (3, 64), 224, 5, 26.9, "3 to 64 channels, padding 2, stride 1", padding=2, stride=1),
    _conv("Conv3x3/2", ORIGINAL, (3, 64), 224, 3, 7.63, "3 to 64 channels, padding 1, stride 2", padding=1, stride=2),
    _conv("Conv5x5/2", ORIGINAL, (3, 64), 224, 5, 7.63, "3 to 64 channels, padding 2, stride 2", padding=2, stride=2),
    _layer("Dense", "linear", ORIGINAL, (1024,), 0.0123, "1024 to 512 features", in_features=1024, out_features=512),
    _layer("BatchNorm", "batch_norm2d", ORIGINAL, _IMAGE, 2.41, "3 channels", num_features=3),
    _layer("MaxPool", "max_pool2d", ORIGINAL, _IMAGE, 1.81, "3x3, stride 2, padding 1", kernel_size=3, stride=2,
           padding=1),
    _layer("AvgPool", "avg_pool2d", ORIGINAL, _IMAGE, 1.50, "3x3, stride 2, padding 1", kernel_size=3, stride=2,
           padding=1),
    _conv("Conv1x1", _CONV, (256, 64), 56, 1, 8.03, "pointwise, 256 to 64: ResNet-50, stage 1", bias=False),
    _conv("Conv3x3 middle", _CONV, (128, 128), 28, 3, 1.61, "128 to 128: ResNet-18, stage 2", padding=1, bias=False),
    _conv("Conv7x7/2 stem", _CONV, (3, 64), 224, 7, 7.63, "ResNet's first layer", stride=2, padding=3, bias=False),
    _conv("Patch embedding", _CONV, (3, 768), 224, 16, 2.41, "16x16, stride 16: ViT-B/16's first layer", stride=16),
    _conv("Depthwise 3x3", _CONV, (144, 144), 56, 3, 7.22, "MobileNetV2, stage 2", padding=1, groups=144, bias=False),
    _conv("Depthwise 7x7", _CONV, (96, 96), 56, 7, 4.82, "ConvNeXt-T, stage 1", padding=3, groups=96),
    _conv("Grouped 3x3", _CONV, (128, 128), 56, 3, 6.42, "32 groups: ResNeXt-50 32x4d", padding=1, groups=32,
          bias=False),
    _conv("Dilated 3x3", _CONV, (512, 512), 28, 3, 6.42, "dilation 2: DeepLabV3", padding=2, dilation=2, bias=False),
    _layer("Transposed 2x2/2", "conv_transpose2d", _CONV, (256, 14, 14), 2.01, "256 to 256: Mask R-CNN's mask head",
           in_channels=256, out_channels=256, kernel_size=2, stride=2, padding=0),
    _layer("BatchNorm 64", "batch_norm2d", _NORM, (64, 112, 112), 12.8, "64 channels: ResNet's stem", num_features=64),
    _layer("GroupNorm", "group_norm", _NORM, (256, 56, 56), 12.8, "32 groups: ResNet-50 with GroupNorm, stage 1",
           num_groups=32, num_channels=256),
    _layer("LayerNorm", "layer_norm", _NORM, _TOKENS, 2.42, "768 features: ViT-B/16", normalized_shape=768),
    _layer("ReLU", "relu", _ACTIVATION, (64, 112, 112), 12.8, "ResNet's stem"),
    _layer("GELU", "gelu", _ACTIVATION, (197, 3072), 9.68, "ViT-B/16's feed-forward"),
    _layer("SiLU", "silu", _ACTIVATION, (96, 112, 112), 19.3, "EfficientNet-B0, stage 2"),
    _layer("Hardswish", "hardswish", _ACTIVATION, (16, 112, 112), 3.21, "MobileNetV3-L's stem"),
    _layer("Softmax", "softmax", _ACTIVATION, (12, 197, 197), 7.45, "ViT-B/16's attention weights", dim=-1),
    _layer("Linear up", "linear", _LINEAR, _TOKENS, 6.05, "768 to 3072: ViT-B/16", in_features=768, out_features=3072),
    _layer("Linear down", "linear", _LINEAR, (197, 3072), 6.05, "3072 to 768: ViT-B/16", in_features=3072,
           out_features=768),
    _layer("Linear QKV", "linear", _LINEAR, _TOKENS, 4.84, "768 to 2304: ViT-B/16", in_features=768, out_features=2304),
    _layer("Dropout", "dropout", _LINEAR, (4096,), 0.082, "p 0.5: VGG's classifier", p=0.5),
    _layer("Self-attention B", "multihead_attention", _ATTENTION, _TOKENS, 5.46, "12 heads, with projections: ViT-B/16",
           embed_dim=768, num_heads=12),
    _layer("Self-attention L", "multihead_attention", _ATTENTION, (197, 1024), 7.28,
           "16 heads, with projections: ViT-L/16", embed_dim=1024, num_heads=16),
    _layer("SDPA B", "sdpa", _ATTENTION, _TOKENS, 2.43, "12 heads, the kernel alone: ViT-B/16", num_heads=12),
    _layer("SDPA L", "sdpa", _ATTENTION, (197, 1024), 3.24, "16 heads, the kernel alone: ViT-L/16", num_heads=16),
    _layer("Swin window attention", "swin_attention", _ATTENTION, (56, 56, 96), 12.7,
           "3 heads, 7x7 windows: Swin-T, stage 1", embed_dim=96, num_heads=3, window=7),
    _layer("MaxPool 64", "max_pool2d", _POOL, (64, 112, 112), 9.63, "ResNet's stem", kernel_size=3, stride=2,
           padding=1),
    _layer("AdaptiveAvgPool", "adaptive_avg_pool2d", _POOL, (2048, 7, 7), 0.819, "to 1x1: ResNet-50's end",
           output_size=1),
    _layer("Upsample nearest", "upsample", _POOL, (256, 28, 28), 8.03, "2x: feature pyramid of Mask R-CNN",
           scale_factor=2, mode="nearest"),
    _layer("Upsample bilinear", "upsample", _POOL, (21, 65, 65), 46.1, "8x, 21 classes: DeepLabV3's end",
           scale_factor=8, mode="bilinear"),
    _layer("Squeeze-excitation", "squeeze_excitation", _BLOCK, (120, 28, 28), 1.51,
           "120 channels, squeeze 32: MobileNetV3-L", channels=120, squeeze=32),
    _layer("Basic block", "basic_block", _BLOCK, (64, 56, 56), 5.62, "ResNet-18, stage 1", channels=64),
    _layer("Bottleneck", "bottleneck", _BLOCK, (256, 56, 56), 19.3, "ResNet-50, stage 1", channels=256, width=64),
    _layer("Inverted residual", "inverted_residual", _BLOCK, (32, 28, 28), 4.11, "MobileNetV2", channels=32, expand=6),
    _layer("ConvNeXt block", "convnext_block", _BLOCK, (96, 56, 56), 18.1, "ConvNeXt-T, stage 1", channels=96),
    _layer("ViT block", "vit_block", _BLOCK, _TOKENS, 11.5, "encoder block of ViT-B/16", embed_dim=768, num_heads=12,
           mlp_dim=3072),
)  # fmt: skip
