"""Every classification model of torchvision that can be ticked, as plain data. No torch.

Parameters, multiply-accumulates and image size are those of torchvision's first ImageNet weights (of the
linear SWAG ones where there are no others); a worker test compares them with the installed torchvision.
GoogLeNet counts its auxiliary heads, which it has in train mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.workload import IMAGE_CHANNELS, Workload


@dataclass(frozen=True)
class ModelEntry:
    """One model of the list."""

    name: str
    """Display name: the original tables' for their nine, torchvision's for the others."""
    op: str
    """torchvision's constructor."""
    family: str
    parameters: int
    """Trainable parameters."""
    gmacs: float
    """Billions of multiply-accumulates per image in one forward, at ``image`` pixels; a FLOP count is twice that."""
    image: int
    """Side of the input image in pixels."""
    batch: int = 8
    """Images per iteration unless the user says otherwise."""

    @property
    def workload(self) -> Workload:
        """The workload at the default image size."""
        return Workload("model", self.name, self.op, (IMAGE_CHANNELS, self.image, self.image))


def _model(
    op: str, family: str, parameters: int, gmacs: float, *, image: int = 224, batch: int = 8, name: str = ""
) -> ModelEntry:
    """One line of the list."""
    return ModelEntry(name or op, op, family, parameters, gmacs, image, batch)


MODELS: tuple[ModelEntry, ...] = (
    # The nine of the original tables, in their order; the page ran the two largest at batch 4.
    _model("vgg16", "VGG", 138_357_544, 15.47, name="VGG16"),
    _model("vgg16_bn", "VGG", 138_365_992, 15.47, name="VGG16 BN"),
    _model("vgg19", "VGG", 143_667_240, 19.632, name="VGG19"),
    _model("vgg19_bn", "VGG", 143_678_248, 19.632, name="VGG19 BN"),
    _model("resnet18", "ResNet", 11_689_512, 1.814, name="Resnet18"),
    _model("resnet34", "ResNet", 21_797_672, 3.664, name="Resnet34"),
    _model("resnet50", "ResNet", 25_557_032, 4.089, name="Resnet50"),
    _model("resnet101", "ResNet", 44_549_160, 7.801, batch=4, name="Resnet101"),
    _model("resnet152", "ResNet", 60_192_808, 11.514, batch=4, name="Resnet152"),
    # Every other one, by family, smallest first.
    _model("vgg11", "VGG", 132_863_336, 7.609),
    _model("vgg11_bn", "VGG", 132_868_840, 7.609),
    _model("vgg13", "VGG", 133_047_848, 11.308),
    _model("vgg13_bn", "VGG", 133_053_736, 11.308),
    _model("alexnet", "AlexNet", 61_100_840, 0.714),
    _model("convnext_tiny", "ConvNeXt", 28_589_128, 4.456),
    _model("convnext_small", "ConvNeXt", 50_223_688, 8.684),
    _model("convnext_base", "ConvNeXt", 88_591_464, 15.355),
    _model("convnext_large", "ConvNeXt", 197_767_336, 34.361),
    _model("densenet121", "DenseNet", 7_978_856, 2.834),
    _model("densenet169", "DenseNet", 14_149_480, 3.36),
    _model("densenet201", "DenseNet", 20_013_928, 4.291),
    _model("densenet161", "DenseNet", 28_681_000, 7.728),
    _model("efficientnet_b0", "EfficientNet", 5_288_548, 0.386),
    _model("efficientnet_b1", "EfficientNet", 7_794_184, 0.687, image=240),
    _model("efficientnet_b2", "EfficientNet", 9_109_994, 1.088, image=288),
    _model("efficientnet_b3", "EfficientNet", 12_233_232, 1.827, image=300),
    _model("efficientnet_b4", "EfficientNet", 19_341_616, 4.394, image=380),
    _model("efficientnet_b5", "EfficientNet", 30_389_784, 10.266, image=456),
    _model("efficientnet_b6", "EfficientNet", 43_040_704, 19.068, image=528),
    _model("efficientnet_b7", "EfficientNet", 66_347_960, 37.746, image=600),
    _model("efficientnet_v2_s", "EfficientNetV2", 21_458_488, 8.366, image=384),
    _model("efficientnet_v2_m", "EfficientNetV2", 54_139_356, 24.582, image=480),
    _model("efficientnet_v2_l", "EfficientNetV2", 118_515_272, 56.08, image=480),
    _model("googlenet", "GoogLeNet", 13_004_888, 1.498),
    _model("inception_v3", "Inception", 27_161_264, 5.713, image=299),
    _model("maxvit_t", "MaxViT", 30_919_624, 5.558),
    _model("mnasnet0_5", "MNASNet", 2_218_512, 0.104),
    _model("mnasnet0_75", "MNASNet", 3_170_208, 0.215),
    _model("mnasnet1_0", "MNASNet", 4_383_312, 0.314),
    _model("mnasnet1_3", "MNASNet", 6_282_256, 0.526),
    _model("mobilenet_v3_small", "MobileNet", 2_542_856, 0.057),
    _model("mobilenet_v2", "MobileNet", 3_504_872, 0.301),
    _model("mobilenet_v3_large", "MobileNet", 5_483_032, 0.217),
    _model("regnet_x_400mf", "RegNet X", 5_495_976, 0.414),
    _model("regnet_x_800mf", "RegNet X", 7_259_656, 0.8),
    _model("regnet_x_1_6gf", "RegNet X", 9_190_136, 1.603),
    _model("regnet_x_3_2gf", "RegNet X", 15_296_552, 3.177),
    _model("regnet_x_8gf", "RegNet X", 39_572_648, 7.995),
    _model("regnet_x_16gf", "RegNet X", 54_278_536, 15.941),
    _model("regnet_x_32gf", "RegNet X", 107_811_560, 31.736),
    _model("regnet_y_400mf", "RegNet Y", 4_344_144, 0.402),
    _model("regnet_y_800mf", "RegNet Y", 6_432_512, 0.834),
    _model("regnet_y_1_6gf", "RegNet Y", 11_202_430, 1.612),
    _model("regnet_y_3_2gf", "RegNet Y", 19_436_338, 3.176),
    _model("regnet_y_8gf", "RegNet Y", 39_381_472, 8.473),
    _model("regnet_y_16gf", "RegNet Y", 83_590_140, 15.912),
    _model("regnet_y_32gf", "RegNet Y", 145_046_770, 32.28),
    _model("regnet_y_128gf", "RegNet Y", 644_812_894, 127.518),
    _model("resnext50_32x4d", "ResNeXt", 25_028_904, 4.23),
    _model("resnext101_64x4d", "ResNeXt", 83_455_272, 15.46),
    _model("resnext101_32x8d", "ResNeXt", 88_791_336, 16.414),
    _model("shufflenet_v2_x0_5", "ShuffleNetV2", 1_366_792, 0.04),
    _model("shufflenet_v2_x1_0", "ShuffleNetV2", 2_278_604, 0.145),
    _model("shufflenet_v2_x1_5", "ShuffleNetV2", 3_503_624, 0.296),
    _model("shufflenet_v2_x2_0", "ShuffleNetV2", 7_393_996, 0.583),
    _model("squeezenet1_1", "SqueezeNet", 1_235_496, 0.349),
    _model("squeezenet1_0", "SqueezeNet", 1_248_424, 0.819),
    _model("swin_t", "Swin", 28_288_354, 4.491),
    _model("swin_s", "Swin", 49_606_258, 8.741),
    _model("swin_b", "Swin", 87_768_224, 15.431),
    _model("swin_v2_t", "Swin V2", 28_351_570, 5.94, image=256),
    _model("swin_v2_s", "Swin V2", 49_737_442, 11.546, image=256),
    _model("swin_v2_b", "Swin V2", 87_930_848, 20.325, image=256),
    _model("vit_b_16", "ViT", 86_567_656, 17.564),
    _model("vit_b_32", "ViT", 88_224_232, 4.409),
    _model("vit_l_16", "ViT", 304_326_632, 61.555),
    _model("vit_l_32", "ViT", 306_535_400, 15.378),
    _model("vit_h_14", "ViT", 632_045_800, 167.295),
    _model("wide_resnet50_2", "Wide ResNet", 68_883_240, 11.398),
    _model("wide_resnet101_2", "Wide ResNet", 126_886_696, 22.753),
)
