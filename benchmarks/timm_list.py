"""Writes ``catalog/timm.tsv``: timm's models with what its package does not say, counted from the models themselves.

A line has name, family (timm's module), parameters, side of the image, billions of multiply-accumulates of one
inference and megabytes that a training iteration holds for one image, the last two counted on PyTorch's ``meta``
device, where nothing is computed; ``-`` where that cannot be done. The first line names timm's version. Models whose
images are not square, or have not three channels, are left out. 1,366 models take a quarter of an hour of a core.

    python benchmarks/timm_list.py                  # all, into the catalog
    python benchmarks/timm_list.py resnet50 vit_*   # those, printed
"""

from __future__ import annotations

import argparse
import multiprocessing
import warnings
from pathlib import Path

from cvbench_tui.catalog import models
from cvbench_tui.core.workload import IMAGE_CHANNELS, Workload

LIST = Path(models.__file__).with_name("timm.tsv")
BATCH = 2  # a batch normalisation behind the last stride refuses one


def line(name: str) -> str:
    """The line of that model; empty for one whose input is no square image."""
    from timm.models._registry import _model_to_module

    from cvbench_tui.worker.workloads.timm_models import timm

    warnings.simplefilter("ignore")
    shape = tuple(timm().get_pretrained_cfg(name).input_size)
    if len(shape) != 3 or shape[0] != IMAGE_CHANNELS or shape[1] != shape[2]:
        return ""
    workload = Workload("model", f"timm:{name}", f"timm:{name}", shape)
    parameters, gmacs, held = counted(workload)
    return "\t".join((name, _model_to_module[name], parameters, str(shape[1]), gmacs, held))


def counted(workload: Workload) -> tuple[str, str, str]:
    """Trainable parameters; billions of multiply-accumulates of products and convolutions, megabytes held: both of one
    forward in train mode, for one image."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, flop_registry

    from cvbench_tui.worker.extras.flop_formulas import FORMULAS
    from cvbench_tui.worker.workloads.inputs import on_meta, outputs_of
    from cvbench_tui.worker.workloads.meta import operators_of

    try:
        module, inputs = on_meta(workload, BATCH)
    except Exception:  # the model's own code, on tensors without data
        return "-", "-", "-"
    parameters = str(sum(each.numel() for each in module.parameters() if each.requires_grad))
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage
        return tensor

    counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)
    try:
        with operators_of("cpu"), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), counter:
            outputs = outputs_of(module.train()(*inputs.arguments))
    except Exception:  # as above
        return parameters, "-", "-"
    for end in (*inputs.tensors, *outputs):
        keep(end)
    for weight in (*module.parameters(), *module.buffers()):
        kept.pop(weight.untyped_storage()._cdata, None)
    held = sum(each.nbytes() for each in kept.values()) + sum(each.numel() * each.element_size() for each in outputs)
    counts = counter.get_flop_counts().get("Global", {})
    products = sum(count for op, count in counts.items() if op in flop_registry or "attention" in op.__name__)
    return parameters, f"{products / 2e9 / BATCH:.3f}", f"{held / BATCH / 1e6:.1f}"


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
        by_family = sorted(lines, key=lambda text: text.split("\t")[1::-1])
        LIST.write_text("\n".join((f"timm {timm().__version__}", *by_family)) + "\n")


if __name__ == "__main__":
    main()
