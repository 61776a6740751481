"""What differs between two sides besides what is compared: machine and software, protocol, settings of rows, code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace

from cvbench_tui.base.escape import one_line
from cvbench_tui.core import axes
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import differing
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import environment_of
from cvbench_tui.core.text import first_names, plural
from cvbench_tui.results.compare.match import Pair, differing_settings
from cvbench_tui.results.compare.model import Side

NO_MATTER = ("name", "silence_s", "timeout_s", "extras", "clean")
"""Of a protocol, what changes no time: its name, limits of patience, and what is measured after the rounds."""
MAX_NAMED = 3  # fields of a protocol that are named
FIRST = ("cuda:0", "cpu", "driver", "power_limit_w", "torch", "cuda", "cudnn", "threads", "usable_cores", "governor")
"""Ends of the names that stand before the others: devices by their product, versions and facts."""


def differences(a: Side, b: Side, pairs: Sequence[Pair], along: str) -> tuple[str, ...]:
    """What else differs, each in a few words, B's first: ``torch 2.14.1, was 2.11.0``. Empty where only ``along``
    does."""
    published = bool(a.run.figures or b.run.figures)
    machines = _published(a, b, pairs) if published else _machines(a, b, pairs, along)
    found = [*machines, *_protocols(a, b), *_settings(pairs, along)]
    return tuple(dict.fromkeys(map(one_line, (*found, *(() if along == axes.ENV else _code(pairs)), *_counts(pairs)))))


def _published(a: Side, b: Side, pairs: Sequence[Pair]) -> Iterator[str]:
    """Published figures are of a product; nothing else is known of the machine."""
    for mine, theirs in pairs:
        names = [device and device.name for device in (a.run.device_of(mine), b.run.device_of(theirs))]
        if names[0] != names[1]:
            yield f"device {names[1]}, was {names[0]}"
    yield "software and settings of the machine, which published figures do not tell"


def _machines(a: Side, b: Side, pairs: Sequence[Pair], along: str) -> list[str]:
    """Devices, versions and facts, those first that matter most often."""
    environments = sorted(_environments(a, b, pairs, along), key=_rank)
    return [*_devices(pairs, along), *environments]


def _rank(difference: str) -> int:
    name = difference.split(" ", 1)[0]
    return next((place for place, word in enumerate(FIRST) if name.endswith(word)), len(FIRST))


def _devices(pairs: Sequence[Pair], along: str) -> Iterator[str]:
    if along == "device":
        return
    for mine, theirs in dict.fromkeys((a.device, b.device) for a, b in pairs):
        if mine != theirs:
            yield f"device {theirs}, was {mine}"


def _environments(a: Side, b: Side, pairs: Sequence[Pair], along: str) -> Iterator[str]:
    """Of environments it is what is compared."""
    if along == axes.ENV or a.run is b.run or a.run.id == b.run.id:
        return
    first = {_place(*pair): pair for pair in reversed(pairs)}
    for mine, theirs in reversed(first.values()):
        before, now = environment_of(a.run, mine), environment_of(b.run, theirs)
        if before is None or now is None:
            yield "the run does not say on what it was measured"
            return
        there = now if mine.device == theirs.device else _renamed(now, theirs.device, mine.device)
        yield from differing(before, there, (mine.device,))


def _place(mine: Case, theirs: Case) -> tuple[str, str, str, str]:
    return mine.device, theirs.device, mine.setting(axes.ENV), theirs.setting(axes.ENV)


def _renamed(environment: Environment, device: str, name: str) -> Environment:
    """The environment with that device under the other's name, so that its facts can be laid beside the other's."""
    facts = [(fact, value) for fact, value in environment.facts if not fact.startswith(f"{name}.")]
    devices = [each for each in environment.devices if each.id != name]
    return replace(
        environment,
        devices=tuple(replace(each, id=name) if each.id == device else each for each in devices),
        facts=tuple(
            (f"{name}.{fact[len(device) + 1 :]}" if fact.startswith(f"{device}.") else fact, value)
            for fact, value in facts
        ),
    )


def _protocols(a: Side, b: Side) -> Iterator[str]:
    mine, theirs = a.run.plan.protocol, b.run.plan.protocol
    if mine.name != theirs.name:
        yield f"protocol {theirs.name}, was {mine.name}"
        return
    changed = [each.name for each in fields(Protocol) if each.name not in NO_MATTER]
    changed = [name for name in changed if getattr(mine, name) != getattr(theirs, name)]
    for name in changed[:MAX_NAMED]:
        yield f"protocol's {name} {getattr(theirs, name)}, was {getattr(mine, name)}"
    if len(changed) > MAX_NAMED:
        yield f"{len(changed) - MAX_NAMED} more numbers of the protocol"


def _settings(pairs: Sequence[Pair], along: str) -> Iterator[str]:
    """Settings, each once with the number of rows that it differs in unless it does in all."""
    seen: dict[tuple[str, str, str], int] = {}
    for mine, theirs in pairs:
        for each in differing_settings(mine, theirs, along):
            seen[each] = seen.get(each, 0) + 1
        if mine.framework != theirs.framework:
            each = ("framework", mine.framework, theirs.framework)
            seen[each] = seen.get(each, 0) + 1
    for (name, was, now), count in seen.items():
        known = axes.axis(name)
        title = known.title.lower() if known is not None else name
        yield f"{title} {now}, was {was}{_of(count, len(pairs))}"


def _code(pairs: Sequence[Pair]) -> Iterator[str]:
    """Code of one's own that has changed, and layers whose arguments have."""
    changed = [mine.workload.name for mine, theirs in pairs if _made_of(mine) != _made_of(theirs)]
    names = list(dict.fromkeys(changed))
    if names:
        yield f"the code of {plural(len(names), 'workload')}: {first_names(names, MAX_NAMED)}"


def _made_of(case: Case) -> tuple[object, ...]:
    return case.workload.op, case.workload.params


def _counts(pairs: Iterable[Pair]) -> Iterator[str]:
    """Largest batches that were found: another one on each side is other work."""
    found = sum(mine.finds_batch and mine.batch != theirs.batch for mine, theirs in pairs)
    if found:
        yield f"the largest batch of {plural(found, 'row')}"


def _of(count: int, rows: int) -> str:
    return "" if count == rows else f" in {plural(count, 'row')} of {rows}"
