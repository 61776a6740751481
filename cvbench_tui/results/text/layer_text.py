"""Description of a layer, in the words of the original page where it has them, else in the catalog's."""

from __future__ import annotations

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.core.workload import Workload

_WINDOWED = {"conv2d": "Conv2d", "max_pool2d": "MaxPool2d", "avg_pool2d": "AvgPool2d"}
_WINDOW = ("kernel_size", "padding", "stride")
_PLAIN = {*_WINDOW, "in_channels", "out_channels"}
"""With any other argument (groups, dilation, no bias) the page's words would not describe what was measured."""


def describe(workload: Workload) -> str:
    """One line about a layer, from what was measured and not from its name."""
    params = dict(workload.params)
    if workload.op in _WINDOWED and set(params) <= _PLAIN:
        name, defaults = _WINDOWED[workload.op], (1, 0, 1)
        kernel, padding, stride = (params.get(key, default) for key, default in zip(_WINDOW, defaults, strict=True))
        return f"{name}, {kernel}x{kernel} Kernel, {padding}x{padding} Padding, {stride}x{stride} Stride"
    if workload.op == "linear" and set(params) == {"in_features", "out_features"}:
        return f"{params['in_features']} => {params['out_features']}"
    if workload.op == "batch_norm2d" and set(params) == {"num_features"}:
        return "BatchNorm2d"
    for entry in LAYERS:
        if (entry.op, entry.params, entry.input_shape) == (workload.op, workload.params, workload.input_shape):
            return entry.description
    return f"{workload.op}({', '.join(f'{name}={value}' for name, value in workload.params)})"
