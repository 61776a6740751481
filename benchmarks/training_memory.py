"""The catalog's ``training_mb`` of every model and layer, or of those named; CONTRIBUTING.md says where it goes.

It is what a training iteration holds for one input: the tensors that autograd keeps, input, output and their gradients,
counted on PyTorch's ``meta`` device, where nothing is computed (detection on the CPU). Weights are not in it. Beside it
stands the value that the catalog has, with a ``*`` where it is off by more than 1%.

With ``--measure`` the worker's own memory pass runs as well, in a fresh process, on the card where there is one or else
on the CPU: its peak as a share of what ``catalog/memory.py`` expects of that batch.
"""

from __future__ import annotations

import argparse
import multiprocessing
from typing import TYPE_CHECKING

from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.memory import expected_bytes
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.errors import SelectionError

if TYPE_CHECKING:
    import torch

    from cvbench_tui.worker.workloads.inputs import Inputs

BATCHES = (2, 4)
"""Between them lies the figure of one input, without what is held whatever the batch is."""
FLOAT32_BYTES = 4
TOLERANCE = 0.01


def held_bytes(workload: Workload, batch: int) -> int:
    """Bytes that a training iteration of that batch holds."""
    import torch

    from cvbench_tui.worker.workloads.inputs import outputs_of
    from cvbench_tui.worker.workloads.meta import operators_of

    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage  # kept alive, so that its address is not given to another
        return tensor

    with operators_of("cpu"):
        module, inputs = without_data(workload, batch)
        module.train()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            outputs = outputs_of(module(*inputs.of(training=True)))
    for end in (*inputs.tensors, *outputs):
        keep(end)
    for weight in (*module.parameters(), *module.buffers()):
        kept.pop(weight.untyped_storage()._cdata, None)
    gradients = [*outputs, *(tensor for tensor in inputs.tensors if tensor.requires_grad)]
    return sum(storage.nbytes() for storage in kept.values()) + sum(end.numel() * FLOAT32_BYTES for end in gradients)


def without_data(workload: Workload, batch: int) -> tuple[torch.nn.Module, Inputs]:
    """Module and inputs on the ``meta`` device; with data where the work depends on them, as in detection."""
    import torch

    from cvbench_tui.worker.workloads.build import build_module
    from cvbench_tui.worker.workloads.inputs import make_inputs, on_meta

    if not workload.op.startswith("detection:"):
        return on_meta(workload, batch)
    torch.manual_seed(0)
    module = build_module(workload)
    return module, make_inputs(module, workload, batch, "rounds", torch.device("cpu"))


def training_mb(workload: Workload) -> float:
    """The column: megabytes (10**6 bytes) for one input."""
    small, large = (held_bytes(workload, batch) for batch in BATCHES)
    return (large - small) / (BATCHES[1] - BATCHES[0]) / 1e6


def measured(workload: Workload, batch: int) -> str:
    """The training peak that the worker's memory pass sees, as text. To be run in a process of its own."""
    import torch

    from cvbench_tui.worker.devices.select import backend_for
    from cvbench_tui.worker.extras.memory import largest_bytes, memory_peaks_for, phase_memory
    from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

    case = Case(workload, "cuda:0" if torch.cuda.is_available() else "cpu", batch)
    device = torch.device(case.device)
    peaks, backend = memory_peaks_for(device), backend_for(device)
    subject = ModuleUnderTest(case, PROTOCOLS["default"])
    subject.train()
    subject.prepare_gradients(subject.forward())
    peak, expected = largest_bytes(phase_memory(subject, backend.settle, peaks, ("training",))), expected_bytes(case)
    if not peak or not expected:
        return "not told"
    return f"{peak / 1e6:.4g} MB on {device}, {peak / expected:.2f} of the {expected / 1e6:.4g} MB expected"


def line(entry: ModelEntry | LayerEntry, batch: int | None) -> str:
    """What is printed of one; ``batch`` is that of the measured iteration, None without one."""
    value = training_mb(entry.workload)
    listed = entry.training_mb or 0.0  # 0: not counted
    off = "*" if abs(value - listed) > TOLERANCE * value else " "
    seen = "" if batch is None else f"  batch {batch}: {measured(entry.workload, batch)}"
    return f"{entry.name:24} {value:8.3g}  catalog {listed:<7g}{off}{seen}"


def named(name: str) -> ModelEntry | LayerEntry:
    """The model or layer of that name. Raises SelectionError when there is neither."""
    try:
        return find_model(name)
    except SelectionError:
        return find_layer(name)


def main() -> None:
    """Print a line for each, in the order given or the catalog's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="models and layers; all when none is named")
    parser.add_argument("--measure", action="store_true", help="run the worker's memory pass as well")
    parser.add_argument("--batch", type=int, default=8, help="inputs of the measured iteration")
    arguments = parser.parse_args()
    try:
        entries = [named(name) for name in arguments.names] or [*MODELS, *LAYERS]
    except SelectionError as error:
        parser.error(str(error))
    batch = arguments.batch if arguments.measure else None
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1 if arguments.measure else None) as pool:
        for text in pool.starmap(line, ((entry, batch) for entry in entries), chunksize=1):
            print(text, flush=True)


if __name__ == "__main__":
    main()
