"""A workload made into a torch module: a torchvision model by its constructor, or a layer by its op."""

from __future__ import annotations

from typing import Any

import torchvision
from torch import nn
from torchvision import models

from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.selftest.workloads import SELFTEST_BUILDERS
from cvbench_tui.worker.workloads.layers import LAYER_BUILDERS


def build_module(workload: Workload) -> nn.Module:
    """The module, on the current default device, with random weights. Raises UnsupportedError when it cannot be had."""
    if workload.kind == "model":
        return _model(workload)
    builder = LAYER_BUILDERS.get(workload.op) or SELFTEST_BUILDERS.get(workload.op)
    if builder is None:
        raise UnsupportedError(f"This worker has no layer '{workload.op}'.")
    return builder(**dict(workload.params))


def _model(workload: Workload) -> nn.Module:
    """A torchvision classification model for 1000 classes."""
    try:
        constructor = models.get_model_builder(workload.op)
    except ValueError:
        raise UnsupportedError(f"torchvision {torchvision.__version__} has no model '{workload.op}'.") from None
    arguments: dict[str, Any] = {"weights": None, **dict(workload.params)}
    if workload.op in _SLOW_INITIALISERS:
        arguments["init_weights"] = False
    arguments.update(_image_arguments(workload))
    module: nn.Module = constructor(**arguments)
    return module


_SLOW_INITIALISERS = ("googlenet", "inception_v3")
"""Their own initialiser draws truncated normals for tens of seconds and warns; the default one serves as well."""


def _image_arguments(workload: Workload) -> dict[str, Any]:
    """The image size, for models that are built for one."""
    if workload.op.startswith("vit_"):
        return {"image_size": workload.image}
    if workload.op.startswith("maxvit"):
        return {"input_size": (workload.image, workload.image)}
    return {}
