"""How steady the machine was during a run, by the sentinel of every visit."""

from __future__ import annotations

from collections.abc import Iterator

from cvbench_tui.core.facts import differing
from cvbench_tui.core.grading.system import SLOW_MACHINE, best_product_s
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.together import own_part
from cvbench_tui.results.text.units import part_text

MAX_FACTS = 3  # that differ between two machines, in a sentence


def steadiness(run: Run) -> str:
    """One sentence about each device that was measured on; empty without sentinels. Before them one about a run whose
    rows are of several machines."""
    return " ".join(_sentences(own_part(run)))


def _sentences(run: Run) -> Iterator[str]:
    if run.other_machines and run.environment is not None:
        facts = differing(run.other_machines[-1], run.environment, run.plan.devices)
        named = "; ".join(facts[:MAX_FACTS])
        yield f"Its rows are of different machines or software, and must not be compared: {named}."
    by_device: dict[str, list[float]] = {}
    for measurement in run.measured:
        device = run.plan.case(measurement.case_id).device
        speeds = by_device.setdefault(device, [])
        speeds += [visit.product_s for visit in measurement.visit_records if visit.product_s]
    for device, speeds in by_device.items():
        if not speeds:
            continue
        best = best_product_s(speeds, run.ceilings.get(device))
        slow = [seconds / best - 1 for seconds in speeds]
        many, name = sum(each > SLOW_MACHINE for each in slow) / len(slow), f" ({device})" * (len(by_device) > 1)
        if many <= 0.05:
            yield f"The machine{name} was steady, within {part_text(_most(slow))} of its best speed."
        else:
            yield f"The machine{name} was slow in {part_text(many)} of the visits, by up to {part_text(_most(slow))}."


def _most(slow: list[float]) -> float:
    """The 95% quantile: a single visit may meet anything."""
    return sorted(slow)[int(0.95 * (len(slow) - 1))]
