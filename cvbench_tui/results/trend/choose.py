"""Which row of the kept runs is meant: by the workload's name, and by what else was said of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from cvbench_tui.base.escape import one_line
from cvbench_tui.base.nearest import name_key, nearest, quoted
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.axes import AXES, Axis, axis, id_parts
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.storage.history import History

_CASE_ID = re.compile(
    r"(?:model|layer):(?P<name>.*)\|(?P<framework>[^|]*)\|(?P<device>[^|]*)\|b(?P<batch>max|\d+)\|(?P<sizes>[\dx]*)"
    r"\|float32\|contiguous\|eager(?P<settings>(?:\|[^|]*)*)",
    re.DOTALL,
)
"""What ``core.plan.case_id_of`` writes."""
MAX_OTHERS = 6  # rows of that name that are told beside the one that is shown


@dataclass(frozen=True)
class Wish:
    """What the user says of the row; what is empty may be anything."""

    workload: str
    device: str = ""  # ``cpu``, ``cuda:0``
    batch: str = ""  # ``8``, ``max``
    settings: tuple[tuple[str, str], ...] = ()  # axes with a value each


@dataclass(frozen=True)
class KnownRow:
    """A row of the index: one case on one kind of device."""

    case_id: str
    device_name: str

    @cached_property
    def parts(self) -> Mapping[str, str]:
        """Name, framework, device, batch, sizes and settings of its id; empty for an id of another version."""
        found = _CASE_ID.fullmatch(self.case_id)
        return found.groupdict() if found else {}

    @property
    def text(self) -> str:
        """``-d cpu -b 8 |precision=amp-bf16``: what tells it from others of its name."""
        device, batch, settings = (self.parts[name] for name in ("device", "batch", "settings"))
        words = f"-d {device} -b {batch}" + "".join(map(_flag, settings.split("|")[1:]))
        return one_line(f"{words} on {self.device_name}")


def _flag(setting: str) -> str:
    """``precision=amp-bf16`` as ``--precision amp-bf16``."""
    marked = next((each for each in AXES if each.id_mark and setting.startswith(each.id_mark)), None)
    name, _, value = setting.partition("=")
    known = axis(name)
    if known is not None:
        return f" {known.flag} {value}"
    return f" {marked.flag} {setting.removeprefix(marked.id_mark)}" if marked else f" {setting}"


def choose(history: History, wish: Wish) -> tuple[KnownRow, tuple[str, ...]]:
    """The row of that wish which was measured last, and what the others of its wish are called.

    Raises SelectionError where nothing is kept, nothing of that name, or nothing of that name with the rest.
    """
    every = dict.fromkeys(KnownRow(row.case_id, row.device_name) for _, row in history.rows())
    known = [row for row in every if row.parts]
    if not known:
        hint = "Each run is kept: cvbench-tui run measures one."
        raise SelectionError(f"No run with numbers is kept in {one_line(str(history.folder))}.", hint)
    names = _names(wish.workload)
    of_name = [row for row in known if name_key(row.parts["name"]) in names]
    if not of_name:
        near = nearest(wish.workload, dict.fromkeys(one_line(row.parts["name"]) for row in known))
        raise SelectionError(
            f"No kept run has measured {quoted(wish.workload)}.", near or "cvbench-tui list runs names the runs."
        )
    fitting = [row for row in of_name if _fits(row, wish)]
    if not fitting:
        raise SelectionError(
            f"No kept run has measured {quoted(wish.workload)} like that.", f"Kept are: {_listed(of_name)}."
        )
    return fitting[0], tuple(row.text for row in fitting[1:])


def _listed(rows: Iterable[KnownRow]) -> str:
    texts = list(dict.fromkeys(row.text for row in rows))
    more = f" and {len(texts) - MAX_OTHERS} more" if len(texts) > MAX_OTHERS else ""
    return f"{'; '.join(texts[:MAX_OTHERS])}{more}"


def _names(text: str) -> set[str]:
    """Keys of the names that it may stand for: as it is written, and of the catalog's entry."""
    names = {name_key(text)}
    finders: tuple[Callable[[str], object], ...] = (find_model, find_layer)
    for find in finders:
        with suppress(SelectionError):
            names.add(name_key(getattr(find(text), "name")))  # noqa: B009 - two kinds of entry
    return names


def _fits(row: KnownRow, wish: Wish) -> bool:
    parts = row.parts
    if wish.device not in ("", parts["device"]) or wish.batch not in ("", parts["batch"]):
        return False
    return all(_has(f"{parts['settings']}|", axis(name), value) for name, value in wish.settings)


def _has(settings: str, known: Axis | None, value: str) -> bool:
    """Whether a row with these settings, as its id has them, has that value; a default leaves no trace."""
    if known is None:
        return False
    if value != known.default:
        return f"{id_parts(((known.name, value),))}|" in settings
    values = "|".join((*(re.escape(each.name) for each in known.values), "[0-9]+"))
    return re.search(rf"{re.escape(id_parts(((known.name, ''),)))}(?:{values})\|", settings) is None
