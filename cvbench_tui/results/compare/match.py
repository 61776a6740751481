"""Which row of one side does the work of which row of the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_names import settings_of
from cvbench_tui.results.compare.model import Side
from cvbench_tui.results.stats.equal_work import order

RUN = "run"  # what two runs are compared along
Pair = tuple[Case, Case]
_Key = Callable[[Case], Hashable]


def value_of(case: Case, along: str) -> str:
    """The value of that axis, as the sides are named: ``bf16``, ``8``, ``max``, ``cuda:0``; empty along runs."""
    if along == "device":
        return case.device
    if along == "batch":
        return "max" if case.finds_batch else str(case.batch)
    if along == "image":
        return "" if case.image is None else str(case.image)
    return "" if along == RUN else case.setting(along)


def cases_of(side: Side, along: str) -> list[Case]:
    """The rows of that side, in the plan's order."""
    cases = side.run.plan.cases
    return [case for case in cases if value_of(case, along) == side.value] if side.value else list(cases)


def matched(a: Sequence[Case], b: Sequence[Case], along: str) -> list[Pair]:
    """The pairs of rows that do the same work, in A's order. Rows that are alike in everything come first; of what is
    left, rows that differ in the device alone, whose number differs from machine to machine, in the framework, or in
    settings, are a pair where there is one of them on each side."""
    found: dict[str, Case] = {}
    left_a, left_b = list(a), list(b)
    for number, key in enumerate(_keys(along)):
        groups = _grouped(left_b, key)
        for each, mine in _grouped(left_a, key).items():
            theirs = groups.get(each, [])
            if number == 0 or len(mine) == len(theirs) == 1:
                found.update((one.case_id, other) for one, other in zip(mine, theirs, strict=False))
        taken = {case.case_id for case in found.values()}
        left_a = [case for case in left_a if case.case_id not in found]
        left_b = [case for case in left_b if case.case_id not in taken]
        if not left_a or not left_b:
            break
    return [(case, found[case.case_id]) for case in a if case.case_id in found]


def _keys(along: str) -> tuple[_Key, ...]:
    """What rows have to be alike in, the strictest first."""

    def work(case: Case) -> Hashable:
        """Workload, input and batch, without what is compared along."""
        workload = case.workload.with_image(1) if along == "image" else case.workload
        batch = None if along == "batch" else value_of(case, "batch")
        return workload.kind, workload.name, workload.input_shape, batch

    def settings(case: Case) -> Hashable:
        return tuple(each for each in settings_of(case) if each[0] != along)

    def on(case: Case) -> Hashable:
        return None if along == "device" else case.device

    def on_cpu(case: Case) -> bool:
        return along != "device" and case.device == "cpu"

    keys: tuple[_Key, ...] = (
        lambda case: (work(case), settings(case), case.framework, on(case)),
        lambda case: (work(case), settings(case), on(case)),
        lambda case: (work(case), settings(case), case.framework, on_cpu(case)),
        lambda case: (work(case), settings(case), on_cpu(case)),
        lambda case: (work(case), settings(case)),
    )
    if along != RUN:
        return keys
    return (*keys, lambda case: (work(case), case.framework, on(case)), lambda case: (work(case), on_cpu(case)), work)


def _grouped(cases: Iterable[Case], key: _Key) -> dict[Hashable, list[Case]]:
    groups: dict[Hashable, list[Case]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return groups


def values(cases: Iterable[Case], along: str) -> list[str]:
    """The values of that axis, the baseline first: the axis' default, or the smallest; devices as the plan has them."""
    ordered: dict[str, Case] = {}
    for case in cases:
        ordered.setdefault(value_of(case, along), case)
    ordered.pop("", None)
    if along == "device":
        return list(ordered)
    return sorted(ordered, key=lambda value: (value == "max", order(ordered[value], along)))


def batches(a: Case, b: Case) -> str:
    """``8``; ``8 and 16`` where they differ."""
    return str(a.batch) if a.batch == b.batch else f"{a.batch} and {b.batch}"


def differing_settings(a: Case, b: Case, along: str) -> tuple[tuple[str, str, str], ...]:
    """Axes in which two rows differ besides ``along``, each with both values."""
    names = dict.fromkeys(name for name, _ in (*settings_of(a), *settings_of(b)) if name != along)
    both = ((name, a.setting(name), b.setting(name)) for name in names)
    return tuple(each for each in both if each[1] != each[2])
