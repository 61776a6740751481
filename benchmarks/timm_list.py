"""Writes ``catalog/timm.tsv``: timm's models with what its package does not say, counted from the models themselves.

A line has name, family (timm's module), parameters, side of the image, billions of multiply-accumulates of one
inference and megabytes that a training iteration holds for one image, the last two counted on PyTorch's ``meta``
device, where nothing is computed; ``-`` where that cannot be done. The first line names timm's version. Models whose
images are not square, or have not three channels, are left out. 1,371 models take 40 minutes of a core.

    python benchmarks/timm_list.py                  # all, into the catalog
    python benchmarks/timm_list.py resnet50 vit_*   # those, printed
"""

from __future__ import annotations

import argparse
import multiprocessing
import warnings
from pathlib import Path

from benchmarks.training_memory import training_mb
from cvbench_tui.catalog import models
from cvbench_tui.core.workload import IMAGE_CHANNELS, Workload

LIST = Path(models.__file__).with_name("timm.tsv")
LARGEST = 3_000_000_000  # parameters: beyond them the constructor's own tensors do not fit here


def line(name: str) -> str:
    """The line of that model; empty for one whose input is no square image."""
    from timm.models._registry import _model_to_module

    from cvbench_tui.worker.workloads.timm_models import timm

    warnings.simplefilter("ignore")
    shape = tuple(timm().get_pretrained_cfg(name).input_size)
    if len(shape) != 3 or shape[0] != IMAGE_CHANNELS or shape[1] != shape[2]:
        return ""
    workload = Workload("model", f"timm:{name}", f"timm:{name}", shape)
    parameters, gmacs = counted(workload)
    try:
        held = f"{training_mb(workload):.1f}"
    except Exception:  # the model's own code, on tensors without data
        held = "-"
    return "\t".join((name, _model_to_module[name], parameters, str(shape[1]), gmacs, held))


def counted(workload: Workload) -> tuple[str, str]:
    """Trainable parameters, and billions of multiply-accumulates of one inference."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from cvbench_tui.worker.extras.flop_formulas import FORMULAS
    from cvbench_tui.worker.extras.flops import on_meta, operators_of

    try:
        module, inputs = on_meta(workload, 1)
    except Exception:  # as above
        return "-", "-"
    parameters = str(sum(each.numel() for each in module.parameters() if each.requires_grad))
    counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)
    try:
        with operators_of("cpu"), torch.no_grad(), counter:
            module.eval()(*inputs.arguments)
    except Exception:  # as above
        return parameters, "-"
    return parameters, f"{matrix_gmacs(counter):.3f}"


def matrix_gmacs(counter: object) -> float:
    """Of products and convolutions alone, as torchvision's and timm's tables count."""
    from tests.worker.test_flops import products_of

    return products_of(counter) / 2e9


def main() -> None:
    """Count, one process for all, and write or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="timm's names, with * and ?; all, written to the catalog, without")
    arguments = parser.parse_args()
    from cvbench_tui.worker.workloads.timm_models import timm

    names = timm().list_models(arguments.names or "")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=50) as pool:
        lines = []
        for text in pool.imap(line, names, chunksize=1):
            if text:
                lines.append(text)
                print(text, flush=True)
    if not arguments.names:
        LIST.write_text("\n".join((f"timm {timm().__version__}", *lines)) + "\n")


if __name__ == "__main__":
    main()
