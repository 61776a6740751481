"""Which runs of a list are wanted: by device, workload, name, tag, date, and by words in anything that is known of
them."""

from __future__ import annotations

import re
from calendar import monthrange, timegm
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cvbench_tui.base.nearest import name_key, quoted
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.storage.run_index import RunSummary

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")
DAY_S = 86_400.0
MINUTE_S = 60.0


@dataclass(frozen=True)
class RunFilter:
    """Of several texts of one kind one is enough; every kind, and every word, must be met."""

    devices: Sequence[str] = ()  # parts of product names
    workloads: Sequence[str] = ()  # parts of names
    labels: Sequence[str] = ()  # parts of the user's name
    tags: Sequence[str] = ()  # whole tags
    since_s: float | None = None  # begun then or later, seconds since the epoch
    until_s: float | None = None  # begun before
    words: Sequence[str] = ()

    def passes(self, run: RunSummary, shown: str = "") -> bool:
        """True for a run that is wanted. ``shown``: what its line has beside what is known of it, as its date."""
        of, at_s = run.contents, run.started_at_s
        if (self.since_s is not None or self.until_s is not None) and at_s is None:
            return False
        return (
            (self.since_s is None or (at_s or 0.0) >= self.since_s)
            and (self.until_s is None or (at_s or 0.0) < self.until_s)
            and _any_in(self.devices, of.devices)
            and _any_in(self.workloads, of.workloads)
            and _any_in(self.labels, [of.label])
            and (not self.tags or not {*map(name_key, self.tags)}.isdisjoint(map(name_key, of.tags)))
            and (not self.words or has_words(searched(run, shown), self.words))
        )


def searched(run: RunSummary, shown: str) -> str:
    """All that words are looked for in, without capitals."""
    of = run.contents
    texts = (shown, run.name, run.plan_name, of.label, *of.tags, *of.workloads, *of.devices, *of.settings, run.problem)
    return "\n".join(texts).casefold()


def has_words(text: str, words: Iterable[str]) -> bool:
    """True when every word is in a text that ``searched`` made."""
    return all(word.casefold() in text for word in words)


def _any_in(parts: Iterable[str], names: Sequence[str]) -> bool:
    keys = [name_key(part) for part in parts]
    return not keys or any(key in name_key(name) for name in names for key in keys)


def moment_of(text: str, option: str, *, end: bool = False) -> float:
    """Seconds since the epoch of ``2026-11-01`` or ``2026-11-01 18:00`` in UTC; ``end``: of the end of that day, or of
    that minute. Raises SelectionError."""
    found = _DATE.fullmatch(text.strip())
    year, month, day, hour, minute = (int(each or 0) for each in found.groups()) if found else (0, 0, 0, 0, 0)
    sound = (
        1970 <= year <= 2999
        and 1 <= month <= 12
        and 1 <= day <= monthrange(year, month)[1]
        and hour < 24
        and minute < 60
    )
    if found is None or not sound:
        raise SelectionError(f"{option} {quoted(text)} is not a date.", f"As 2026-11-01: {option} '2026-11-01 18:00'")
    at_s = float(timegm((year, month, day, hour, minute, 0)))
    return at_s + (DAY_S if found[4] is None else MINUTE_S) * end
