"""Image sizes that a workload can take, and when a training pass needs more than one input. Known without building it.

The rules follow from the constructors: what is left of an image after its strides and kernels. They were found by
trying sizes from 1 px on PyTorch's ``meta`` device; ``tests/worker/test_image_sizes.py`` tries them again, for the
whole catalog. The parent says so when it plans, the worker instead of PyTorch's error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload

MAX_IMAGE = 4096  # pixels a side: the largest that may be asked for


@dataclass(frozen=True)
class Sizes:
    """Sides of a square image, in pixels."""

    least: int = 1  # smallest that inference takes
    most: int = MAX_IMAGE  # largest that it takes
    step: int = 1  # takes multiples only
    short: int = 0  # pixels by which a side may be less than a multiple, since strides round up
    training: int = 1  # smallest that training takes, whatever the batch: an auxiliary head needs more of the image
    alone: int = 1
    """Smallest that training takes at batch 1. Below it a batch normalisation gets one value for each channel, of which
    there is no variance, and PyTorch refuses."""


NEVER = MAX_IMAGE + 1  # as ``alone``: at no size

_MODELS: tuple[tuple[str, Sizes], ...] = (
    ("alexnet", Sizes(63)),
    ("vgg", Sizes(32)),
    ("convnext", Sizes(32)),
    ("densenet", Sizes(29, alone=61)),
    ("googlenet", Sizes(15, alone=47)),
    ("inception_v3", Sizes(75, training=299, alone=347)),
    ("maxvit_t", Sizes(step=224, short=3)),  # windows of 7 in four stages, after strides of 4 to 32
    ("squeezenet1_0", Sizes(21)),
    ("squeezenet1_1", Sizes(17)),
    ("swin", Sizes(4)),
    ("vit_._14", Sizes(step=14)),
    ("vit_._16", Sizes(step=16)),
    ("vit_._32", Sizes(step=32)),
    # strides of 32 in all, and a batch normalisation behind the last
    ("segmentation:fcn", Sizes(alone=9)),
    ("segmentation:lraspp", Sizes(alone=17)),
    ("segmentation:deeplabv3", Sizes(alone=NEVER)),  # pools the whole image to one pixel
    ("detection:ssd300", Sizes(268)),
    ("detection:ssdlite320", Sizes(alone=513)),  # strides of 512 in all
    ("detection", Sizes(alone=33)),
    ("video:s3d", Sizes(209)),
    ("video:mvit", Sizes(221, 224)),  # built for 224, of which strides of 4 leave as much
    ("resnet|resnext|wide_resnet|efficientnet|mnasnet|mobilenet|regnet|shufflenet", Sizes(alone=33)),
)
"""By the beginning of ``op``. Of any other model, as of timm's, nothing is known."""


def sizes_of(workload: Workload) -> Sizes:
    """What that workload takes. A layer's side is the shorter one of its (channels, height, width)."""
    if workload.kind == "model":
        return _sizes_of_model(workload.op)
    if workload.op == "batch_norm2d":
        return Sizes(alone=2)
    if workload.op not in ("conv2d", "max_pool2d", "avg_pool2d"):
        return Sizes()
    given = {name: value for name, value in workload.params if isinstance(value, int)}
    reach = given.get("dilation", 1) * (given.get("kernel_size", 1) - 1) + 1
    return Sizes(max(1, reach - 2 * given.get("padding", 0)))


@cache
def _sizes_of_model(op: str) -> Sizes:
    # Cached: it was 80% of what is said of a plan of 2,000 rows, after each tick in the app.
    return next((sizes for begin, sizes in _MODELS if re.match(begin, op)), Sizes())


def cannot_take(workload: Workload) -> str:
    """Why that workload cannot take its input, in one sentence with the sizes that it can; empty when it can."""
    side, sizes = _side(workload), sizes_of(workload)
    if side is None or (sizes.least <= side <= sizes.most and -side % sizes.step <= sizes.short):
        return ""
    if sizes.most < MAX_IMAGE:
        return f"{workload.name} takes images of {sizes.least} to {sizes.most} px, not {side}."
    if sizes.step == 1:
        return f"{workload.name} takes images of {sizes.least} px or more, not {side}."
    below = side // sizes.step * sizes.step
    near = [f"{size}" for size in (below, below + sizes.step) if 0 < size <= MAX_IMAGE]
    which = f"{near[0]} and {near[1]} are nearest" if len(near) > 1 else f"{near[0]} is nearest"
    return f"{workload.name} takes images whose side is a multiple of {sizes.step} px, not {side}: {which}."


def cannot_train(case: Case) -> str:
    """Why that case has no training pass, in one sentence with what it needs; empty when it has one."""
    side, sizes = _side(case.workload), sizes_of(case.workload)
    if side is None or cannot_take(case.workload):
        return ""
    if side < sizes.training:
        return f"Training needs images of {sizes.training} px or more, not {side}, for the model's auxiliary head."
    alone = case.batch == 1 and not case.finds_batch
    if alone and sizes.alone == NEVER:
        return "Training needs batch 2 or more: a batch normalisation gets one value for each channel."
    if alone and side < sizes.alone:
        return (
            f"Training needs batch 2 or more at {side} px, or images of {sizes.alone} px or more: "
            "a batch normalisation gets one value for each channel."
        )
    return ""


def _side(workload: Workload) -> int | None:
    """The shorter side in pixels; None when the input is no image, clip or feature map."""
    return min(workload.input_shape[-2:]) if len(workload.input_shape) in (3, 4) else None
