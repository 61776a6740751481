"""The models that can be ticked: every classification model of torchvision, as plain data. The nine of the original
tables come first, under the names of those tables; the others by family, as in torchvision."""

from __future__ import annotations

from dataclasses import dataclass

from cvbench_tui.core.workload import IMAGE_CHANNELS, Parameter, Workload


@dataclass(frozen=True)
class ModelEntry:
    """One model of the checklist. One line in ``MODELS`` adds one more of torchvision's classification models; other
    sources have lists of their own (``catalog.sources``)."""

    name: str  # display name: that of the original tables, or the source's
    op: str  # the source's name, a colon, and its constructor; torchvision's classification models have no colon
    family: str
    parameters: int | None  # trainable parameters as built for training, auxiliary heads included; None: not counted
    image: int  # side of the input image in pixels that the source's first weights were evaluated at
    gmacs: float | None  # billions of multiply-accumulates of one inference at ``image``, batch 1; None: not counted
    training_mb: float | None
    """Megabytes (10**6 bytes) that a training iteration in float32 holds for one image at ``image``: the image, what
    autograd keeps for the backward, the output and its gradient. Weights and their gradients are not in it. None: not
    counted."""
    batch: int = 8  # images per iteration when nothing else is asked for
    frames: int | None = None  # of a clip; None for an image
    params: tuple[tuple[str, Parameter], ...] = ()  # of the workload, where a user's code makes it

    @property
    def workload(self) -> Workload:
        """The model at its own image size, as the worker is asked for it."""
        frames = () if self.frames is None else (self.frames,)
        return Workload("model", self.name, self.op, (IMAGE_CHANNELS, *frames, self.image, self.image), self.params)


MODELS: tuple[ModelEntry, ...] = (
    ModelEntry("VGG16", "vgg16", "VGG", 138_357_544, 224, 15.47, 73.4),
    ModelEntry("VGG16 BN", "vgg16_bn", "VGG", 138_365_992, 224, 15.47, 127.6),
    ModelEntry("VGG19", "vgg19", "VGG", 143_667_240, 224, 19.632, 78.6),
    ModelEntry("VGG19 BN", "vgg19_bn", "VGG", 143_678_248, 224, 19.632, 138.0),
    ModelEntry("Resnet18", "resnet18", "ResNet", 11_689_512, 224, 1.814, 22.2),
    ModelEntry("Resnet34", "resnet34", "ResNet", 21_797_672, 224, 3.664, 32.2),
    ModelEntry("Resnet50", "resnet50", "ResNet", 25_557_032, 224, 4.089, 85.9),
    ModelEntry("Resnet101", "resnet101", "ResNet", 44_549_160, 224, 7.801, 126.9, batch=4),
    ModelEntry("Resnet152", "resnet152", "ResNet", 60_192_808, 224, 11.514, 177.4, batch=4),
    ModelEntry("resnext50_32x4d", "resnext50_32x4d", "ResNeXt", 25_028_904, 224, 4.23, 112.2),
    ModelEntry("resnext101_32x8d", "resnext101_32x8d", "ResNeXt", 88_791_336, 224, 16.414, 246.7),
    ModelEntry("resnext101_64x4d", "resnext101_64x4d", "ResNeXt", 83_455_272, 224, 15.46, 246.7),
    ModelEntry("wide_resnet50_2", "wide_resnet50_2", "Wide ResNet", 68_883_240, 224, 11.398, 112.2),
    ModelEntry("wide_resnet101_2", "wide_resnet101_2", "Wide ResNet", 126_886_696, 224, 22.753, 166.8),
    ModelEntry("vgg11", "vgg11", "VGG", 132_863_336, 224, 7.609, 48.9),
    ModelEntry("vgg11_bn", "vgg11_bn", "VGG", 132_868_840, 224, 7.609, 78.6),
    ModelEntry("vgg13", "vgg13", "VGG", 133_047_848, 224, 11.308, 68.1),
    ModelEntry("vgg13_bn", "vgg13_bn", "VGG", 133_053_736, 224, 11.308, 117.1),
    ModelEntry("alexnet", "alexnet", "AlexNet", 61_100_840, 224, 0.714, 3.7),
    ModelEntry("convnext_tiny", "convnext_tiny", "ConvNeXt", 28_589_128, 224, 4.456, 109.2),
    ModelEntry("convnext_small", "convnext_small", "ConvNeXt", 50_223_688, 224, 8.684, 174.2),
    ModelEntry("convnext_base", "convnext_base", "ConvNeXt", 88_591_464, 224, 15.355, 232.0),
    ModelEntry("convnext_large", "convnext_large", "ConvNeXt", 197_767_336, 224, 34.361, 347.6),
    ModelEntry("densenet121", "densenet121", "DenseNet", 7_978_856, 224, 2.834, 130.4),
    ModelEntry("densenet161", "densenet161", "DenseNet", 28_681_000, 224, 7.728, 242.8),
    ModelEntry("densenet169", "densenet169", "DenseNet", 14_149_480, 224, 3.36, 157.3),
    ModelEntry("densenet201", "densenet201", "DenseNet", 20_013_928, 224, 4.291, 203.0),
    ModelEntry("efficientnet_b0", "efficientnet_b0", "EfficientNet", 5_288_548, 224, 0.386, 88.2),
    ModelEntry("efficientnet_b1", "efficientnet_b1", "EfficientNet", 7_794_184, 240, 0.687, 142.9),
    ModelEntry("efficientnet_b2", "efficientnet_b2", "EfficientNet", 9_109_994, 288, 1.088, 212.9),
    ModelEntry("efficientnet_b3", "efficientnet_b3", "EfficientNet", 12_233_232, 300, 1.827, 312.5),
    ModelEntry("efficientnet_b4", "efficientnet_b4", "EfficientNet", 19_341_616, 380, 4.394, 653.5),
    ModelEntry("efficientnet_b5", "efficientnet_b5", "EfficientNet", 30_389_784, 456, 10.266, 1308.6),
    ModelEntry("efficientnet_b6", "efficientnet_b6", "EfficientNet", 43_040_704, 528, 19.068, 2216.3),
    ModelEntry("efficientnet_b7", "efficientnet_b7", "EfficientNet", 66_347_960, 600, 37.746, 3849.2),
    ModelEntry("efficientnet_v2_s", "efficientnet_v2_s", "EfficientNetV2", 21_458_488, 384, 8.366, 452.3),
    ModelEntry("efficientnet_v2_m", "efficientnet_v2_m", "EfficientNetV2", 54_139_356, 480, 24.582, 1149.1),
    ModelEntry("efficientnet_v2_l", "efficientnet_v2_l", "EfficientNetV2", 118_515_272, 480, 56.08, 2017.9),
    ModelEntry("googlenet", "googlenet", "GoogLeNet", 13_004_888, 224, 1.498, 48.3),
    ModelEntry("inception_v3", "inception_v3", "Inception", 27_161_264, 299, 5.713, 98.3),
    ModelEntry("maxvit_t", "maxvit_t", "MaxViT", 30_919_624, 224, 5.558, 307.2),
    ModelEntry("mnasnet0_5", "mnasnet0_5", "MNASNet", 2_218_512, 224, 0.104, 25.1),
    ModelEntry("mnasnet0_75", "mnasnet0_75", "MNASNet", 3_170_208, 224, 0.215, 38.7),
    ModelEntry("mnasnet1_0", "mnasnet1_0", "MNASNet", 4_383_312, 224, 0.314, 44.3),
    ModelEntry("mnasnet1_3", "mnasnet1_3", "MNASNet", 6_282_256, 224, 0.526, 59.4),
    ModelEntry("mobilenet_v2", "mobilenet_v2", "MobileNet", 3_504_872, 224, 0.301, 78.2),
    ModelEntry("mobilenet_v3_small", "mobilenet_v3_small", "MobileNet", 2_542_856, 224, 0.057, 16.2),
    ModelEntry("mobilenet_v3_large", "mobilenet_v3_large", "MobileNet", 5_483_032, 224, 0.217, 44.1),
    ModelEntry("regnet_x_400mf", "regnet_x_400mf", "RegNet", 5_495_976, 224, 0.414, 25.2),
    ModelEntry("regnet_x_800mf", "regnet_x_800mf", "RegNet", 7_259_656, 224, 0.8, 40.2),
    ModelEntry("regnet_x_1_6gf", "regnet_x_1_6gf", "RegNet", 9_190_136, 224, 1.603, 62.1),
    ModelEntry("regnet_x_3_2gf", "regnet_x_3_2gf", "RegNet", 15_296_552, 224, 3.177, 89.2),
    ModelEntry("regnet_x_8gf", "regnet_x_8gf", "RegNet", 39_572_648, 224, 7.995, 110.4),
    ModelEntry("regnet_x_16gf", "regnet_x_16gf", "RegNet", 54_278_536, 224, 15.941, 198.8),
    ModelEntry("regnet_x_32gf", "regnet_x_32gf", "RegNet", 107_811_560, 224, 31.736, 283.2),
    ModelEntry("regnet_y_400mf", "regnet_y_400mf", "RegNet", 4_344_144, 224, 0.402, 33.6),
    ModelEntry("regnet_y_800mf", "regnet_y_800mf", "RegNet", 6_432_512, 224, 0.834, 46.8),
    ModelEntry("regnet_y_1_6gf", "regnet_y_1_6gf", "RegNet", 11_202_430, 224, 1.612, 71.8),
    ModelEntry("regnet_y_3_2gf", "regnet_y_3_2gf", "RegNet", 19_436_338, 224, 3.176, 99.7),
    ModelEntry("regnet_y_8gf", "regnet_y_8gf", "RegNet", 39_381_472, 224, 8.473, 171.7),
    ModelEntry("regnet_y_16gf", "regnet_y_16gf", "RegNet", 83_590_140, 224, 15.912, 201.6),
    ModelEntry("regnet_y_32gf", "regnet_y_32gf", "RegNet", 145_046_770, 224, 32.28, 266.3),
    ModelEntry("regnet_y_128gf", "regnet_y_128gf", "RegNet", 644_812_894, 224, 127.518, 636.1),
    ModelEntry("shufflenet_v2_x0_5", "shufflenet_v2_x0_5", "ShuffleNetV2", 1_366_792, 224, 0.04, 11.1),
    ModelEntry("shufflenet_v2_x1_0", "shufflenet_v2_x1_0", "ShuffleNetV2", 2_278_604, 224, 0.145, 20.4),
    ModelEntry("shufflenet_v2_x1_5", "shufflenet_v2_x1_5", "ShuffleNetV2", 3_503_624, 224, 0.296, 28.6),
    ModelEntry("shufflenet_v2_x2_0", "shufflenet_v2_x2_0", "ShuffleNetV2", 7_393_996, 224, 0.583, 38.4),
    ModelEntry("squeezenet1_0", "squeezenet1_0", "SqueezeNet", 1_248_424, 224, 0.819, 35.8),
    ModelEntry("squeezenet1_1", "squeezenet1_1", "SqueezeNet", 1_235_496, 224, 0.349, 21.1),
    ModelEntry("swin_t", "swin_t", "Swin", 28_288_354, 224, 4.491, 106.6),
    ModelEntry("swin_s", "swin_s", "Swin", 49_606_258, 224, 8.741, 170.0),
    ModelEntry("swin_b", "swin_b", "Swin", 87_768_224, 224, 15.431, 226.4),
    ModelEntry("swin_v2_t", "swin_v2_t", "Swin V2", 28_351_570, 256, 5.94, 179.7),
    ModelEntry("swin_v2_s", "swin_v2_s", "Swin V2", 49_737_442, 256, 11.546, 288.9),
    ModelEntry("swin_v2_b", "swin_v2_b", "Swin V2", 87_930_848, 256, 20.325, 384.8),
    ModelEntry("vit_b_16", "vit_b_16", "ViT", 86_567_656, 224, 17.564, 118.2),
    ModelEntry("vit_b_32", "vit_b_32", "ViT", 88_224_232, 224, 4.409, 30.4),
    ModelEntry("vit_l_16", "vit_l_16", "ViT", 304_326_632, 224, 61.555, 312.5),
    ModelEntry("vit_l_32", "vit_l_32", "ViT", 306_535_400, 224, 15.378, 79.8),
    ModelEntry("vit_h_14", "vit_h_14", "ViT", 632_045_800, 224, 167.295, 677.6),
)
"""Every model, in the order of the checklist. Batch 4 where the original tables have it."""
