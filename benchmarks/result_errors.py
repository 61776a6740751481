"""How far the settings' results are from float32's, and what the bound of the check says to that: every model of the
catalog with small images, batch 2, on this CPU. The table of docs/methodology.md.

python benchmarks/result_errors.py [model ...]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import torch

from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.core.image_sizes import cannot_take, cannot_train
from cvbench_tui.core.measurement import ResultCheck
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.extras import result_check
from cvbench_tui.worker.extras.result_check import check_result

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "channels_last": {"memory_format": "channels_last"},
    "amp-bf16": {"precision": "amp-bf16"},
    "bf16": {"precision": "bf16"},
    "amp-fp16": {"precision": "amp-fp16"},
}
SIDES = (64, 96, 128, 224)


def small(entry: ModelEntry) -> Case:
    """The model with the smallest of the sides that it takes."""
    cases = (Case(entry.workload.with_image(side), "cpu", 2) for side in SIDES)
    return next(case for case in cases if not cannot_take(case.workload) and not cannot_train(case))


def measured(entries: list[ModelEntry]) -> Iterator[tuple[str, str, ResultCheck]]:
    """The check of each setting of each model, printed as it is made."""
    for entry in entries:
        for name, settings in SETTINGS.items():
            found = check_result(small(entry).varied(**settings), PROTOCOLS["quick"])
            assert found is not None, "these settings are checked"
            errors = f"output {found.output_error:.2g} of {found.output_bound:.2g}"
            print(
                f"{entry.name:20} {name:14} {errors}, gradient {found.gradient_error:.2g} of {found.gradient_bound:.2g}"
            )
            yield name, entry.name, found


def main() -> None:
    """Print each check, then the table."""
    torch.set_num_threads(1)
    names = sys.argv[1:]
    found = list(measured([entry for entry in MODELS if not names or entry.name in names]))
    titles = "setting", "models", "output, median", "largest", "of its bound", "gradient", "not the same"
    print(f"\nMARGIN {result_check.MARGIN:g}\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for name in SETTINGS:
        checks = [each for setting, _, each in found if setting == name]
        outputs = sorted(each.output_error for each in checks)
        share = max(each.output_error / each.output_bound for each in checks)
        gradient = max(each.gradient_error or 0.0 for each in checks)
        cells = f"{outputs[len(outputs) // 2]:.2g} | {outputs[-1]:.2g} | {share:.0%} | {gradient:.2g}"
        print(f"| `{name}` | {len(checks)} | {cells} | {sum(not each.same for each in checks)} |")


if __name__ == "__main__":
    main()
