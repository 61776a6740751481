"""torchvision's models of other tasks than classification, as plain data: detection, segmentation, video. They get
fixed synthetic images or clips; ``worker.workloads.inputs`` has the objects that detection is trained with."""

from __future__ import annotations

from cvbench_tui.catalog.models import ModelEntry

SIDE = 320
"""Pixels a side, where torchvision evaluates detection at 800 and segmentation at 520: so that a CPU can run them.
SSD300 has its own."""
BATCH = 2  # images or clips per iteration; detection is trained with two a card


def _entry(
    task: str, name: str, parameters: int, image: int, gmacs: float, training_mb: float, frames: int | None = None
) -> ModelEntry:
    """One model, found by its bare name and by ``detection:`` and the name."""
    op = f"{task.casefold()}:{name}"
    return ModelEntry(name, op, task, parameters, image, gmacs, training_mb, BATCH, frames)


DETECTION = tuple(
    _entry("Detection", *numbers)
    for numbers in (
        ("fasterrcnn_resnet50_fpn", 41_808_406, SIDE, 21.500, 232.8),
        ("fasterrcnn_resnet50_fpn_v2", 43_712_278, SIDE, 153.147, 462.4),
        ("fasterrcnn_mobilenet_v3_large_fpn", 19_410_754, SIDE, 15.079, 122.4),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", 19_410_754, SIDE, 2.873, 122.4),
        ("maskrcnn_resnet50_fpn", 44_454_513, SIDE, 86.768, 286.3),
        ("maskrcnn_resnet50_fpn_v2", 46_359_409, SIDE, 206.353, 546.1),
        ("keypointrcnn_resnet50_fpn", 59_190_378, SIDE, 50.583, 322.3),
        ("retinanet_resnet50_fpn", 34_068_119, SIDE, 24.240, 253.3),
        ("retinanet_resnet50_fpn_v2", 38_198_935, SIDE, 24.343, 270.5),
        ("fcos_resnet50_fpn", 32_322_720, SIDE, 20.508, 222.2),
        ("ssd300_vgg16", 35_641_826, 300, 34.858, 147.3),
        ("ssdlite320_mobilenet_v3_large", 3_440_060, 320, 0.583, 98.0),
    )
)
SEGMENTATION = tuple(
    _entry("Segmentation", *numbers)
    for numbers in (
        ("fcn_resnet50", 35_322_218, SIDE, 57.833, 442.0),
        ("fcn_resnet101", 54_314_346, SIDE, 88.137, 776.2),
        ("deeplabv3_resnet50", 42_004_074, SIDE, 67.682, 460.0),
        ("deeplabv3_resnet101", 60_996_202, SIDE, 97.986, 794.2),
        ("deeplabv3_mobilenet_v3_large", 11_029_328, SIDE, 3.845, 156.7),
        ("lraspp_mobilenet_v3_large", 3_221_538, SIDE, 0.772, 132.7),
    )
)
VIDEO = tuple(
    _entry("Video", *numbers)
    for numbers in (
        ("r3d_18", 33_371_472, 112, 40.697, 168.8, 16),
        ("mc3_18", 11_695_440, 112, 43.343, 232.0, 16),
        ("r2plus1d_18", 31_505_325, 112, 40.519, 501.4, 16),
        ("s3d", 8_320_048, 224, 17.979, 489.8, 16),
        ("mvit_v1_b", 36_610_672, 224, 70.599, 1344.1, 16),
        ("mvit_v2_s", 34_537_744, 224, 64.224, 1535.2, 16),
        ("swin3d_t", 28_158_070, 224, 43.882, 1358.0, 16),
        ("swin3d_s", 49_816_678, 224, 82.841, 2174.8, 16),
        ("swin3d_b", 88_048_984, 224, 140.667, 2892.7, 16),
    )
)
