"""Models of timm, where it is installed: built without weights, and listed. timm is imported when one is asked for; it
may fetch nothing."""

from __future__ import annotations

import importlib
import os
from typing import Any

from torch import nn

from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.process.failure import UnsupportedError, first_line

OFFLINE = "HF_HUB_OFFLINE"  # without it the hub's client may ask the network about a name
INSTALL = "pip install 'cvbench-tui[timm]'"


def timm() -> Any:
    """The package. Raises UnsupportedError where it is missing, broken or too old."""
    os.environ[OFFLINE] = "1"
    try:
        package = importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise UnsupportedError(f"timm is not installed here ({error}): {INSTALL}.") from error
    except Exception as error:  # one that does not fit the installed torch raises anything
        reason = first_line(error)
        raise UnsupportedError(f"timm cannot be imported ({type(error).__name__}: {reason}).") from error
    missing = [name for name in ("create_model", "is_model", "get_pretrained_cfg") if not hasattr(package, name)]
    if missing:
        version = getattr(package, "__version__", "of an unknown version")
        raise UnsupportedError(f"timm {version} is too old, it has no {missing[0]}: {INSTALL}.")
    return package


def timm_model(name: str, workload: Workload) -> nn.Module:
    """timm's model with random weights, for the workload's image size. Raises UnsupportedError."""
    package = timm()
    if not package.is_model(name):
        raise UnsupportedError(f"timm {package.__version__} has no model '{name}'.")
    own = package.get_pretrained_cfg(name)
    sized = {}
    if own is not None and own.fixed_input_size and tuple(own.input_size) != workload.input_shape:
        sized["img_size"] = workload.image  # built for an image size
    made: nn.Module = package.create_model(name, pretrained=False, **sized)
    return made
