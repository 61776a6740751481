"""The numbers of ``catalog/tasks.py``: of torchvision's detection, segmentation and video models.

Trainable parameters; billions of multiply-accumulates of products and convolutions of one inference; megabytes that a
training iteration holds for one input (``benchmarks/training_memory.py``). Counted without data, detection with data on
the CPU, since its work depends on them. What the catalog has stands in brackets where it differs by more than 1%.

    python benchmarks/torchvision_tasks.py [name ...]
"""

from __future__ import annotations

import sys
import warnings

from training_memory import training_mb, without_data

from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.names import find_model
from cvbench_tui.catalog.tasks import DETECTION, SEGMENTATION, VIDEO
from cvbench_tui.core.workload import Workload

TOLERANCE = 0.01


def parameters_and_gmacs(workload: Workload) -> tuple[int, float]:
    """Trainable parameters, and billions of multiply-accumulates of one inference at batch 1."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, flop_registry

    from cvbench_tui.worker.extras.flop_formulas import FORMULAS
    from cvbench_tui.worker.workloads.meta import operators_of

    module, inputs = without_data(workload, 1)
    counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)
    with operators_of("cpu"), torch.no_grad(), counter:
        module.eval()(*inputs.arguments)
    counts = counter.get_flop_counts().get("Global", {})
    products = sum(count for op, count in counts.items() if op in flop_registry or "attention" in op.__name__)
    return sum(each.numel() for each in module.parameters() if each.requires_grad), products / 2e9


def line(entry: ModelEntry) -> str:
    """What is printed of one."""
    parameters, gmacs = parameters_and_gmacs(entry.workload)
    values = parameters, gmacs, training_mb(entry.workload)
    known = entry.parameters, entry.gmacs, entry.training_mb
    pairs = zip((f"{parameters:_}", f"{gmacs:.3f}", f"{values[2]:.1f}"), values, known, strict=True)
    return "  ".join(
        [
            f"{entry.name:40}",
            *(
                text if abs(value - (old or 0)) <= TOLERANCE * value else f"{text} ({old})"
                for text, value, old in pairs
            ),
        ]
    )


def main() -> None:
    """Print a line for each."""
    warnings.simplefilter("ignore")
    for entry in [find_model(name) for name in sys.argv[1:]] or [*DETECTION, *SEGMENTATION, *VIDEO]:
        print(line(entry), flush=True)


if __name__ == "__main__":
    main()
