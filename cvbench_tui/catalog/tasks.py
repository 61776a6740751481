"""torchvision's models of other tasks than classification, as plain data: detection, segmentation, video. They get
fixed synthetic images or clips; ``worker.workloads.inputs`` has the objects that detection is trained with."""

from __future__ import annotations

from cvbench_tui.catalog.models import ModelEntry

SIDE = 320
"""Pixels a side, where torchvision evaluates detection at 800 and segmentation at 520: so that a CPU can run them. SSD300
has its own."""
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
        ("fasterrcnn_resnet50_fpn", 1, SIDE, 1.0, 1.0),
        ("fasterrcnn_resnet50_fpn_v2", 1, SIDE, 1.0, 1.0),
        ("fasterrcnn_mobilenet_v3_large_fpn", 1, SIDE, 1.0, 1.0),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", 1, SIDE, 1.0, 1.0),
        ("maskrcnn_resnet50_fpn", 1, SIDE, 1.0, 1.0),
        ("maskrcnn_resnet50_fpn_v2", 1, SIDE, 1.0, 1.0),
        ("keypointrcnn_resnet50_fpn", 1, SIDE, 1.0, 1.0),
        ("retinanet_resnet50_fpn", 1, SIDE, 1.0, 1.0),
        ("retinanet_resnet50_fpn_v2", 1, SIDE, 1.0, 1.0),
        ("fcos_resnet50_fpn", 1, SIDE, 1.0, 1.0),
        ("ssd300_vgg16", 1, 300, 1.0, 1.0),
        ("ssdlite320_mobilenet_v3_large", 1, 320, 1.0, 1.0),
    )
)
SEGMENTATION = tuple(
    _entry("Segmentation", *numbers)
    for numbers in (
        ("fcn_resnet50", 1, SIDE, 1.0, 1.0),
        ("fcn_resnet101", 1, SIDE, 1.0, 1.0),
        ("deeplabv3_resnet50", 1, SIDE, 1.0, 1.0),
        ("deeplabv3_resnet101", 1, SIDE, 1.0, 1.0),
        ("deeplabv3_mobilenet_v3_large", 1, SIDE, 1.0, 1.0),
        ("lraspp_mobilenet_v3_large", 1, SIDE, 1.0, 1.0),
    )
)
VIDEO = tuple(
    _entry("Video", *numbers)
    for numbers in (
        ("r3d_18", 1, 112, 1.0, 1.0, 16),
        ("mc3_18", 1, 112, 1.0, 1.0, 16),
        ("r2plus1d_18", 1, 112, 1.0, 1.0, 16),
        ("s3d", 1, 224, 1.0, 1.0, 16),
        ("mvit_v1_b", 1, 224, 1.0, 1.0, 16),
        ("mvit_v2_s", 1, 224, 1.0, 1.0, 16),
        ("swin3d_t", 1, 224, 1.0, 1.0, 16),
        ("swin3d_s", 1, 224, 1.0, 1.0, 16),
        ("swin3d_b", 1, 224, 1.0, 1.0, 16),
    )
)
