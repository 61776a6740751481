"""What is said about the rows of a run: each reason, notice and failure once, with the rows that have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cvbench_tui.core.grading.reasons import GRADES, REASONS
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.row_data import RowNote, row_data

MAX_NAMED = 4  # rows of a sentence that are named; of more it has the number
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
_LESS_IS_WORSE = re.compile(r"\bonly\b|^All\b", re.IGNORECASE)


@dataclass(frozen=True)
class SharedNote:
    """One sentence, and whom it concerns."""

    title: str  # ``C drift``, ``OOM``; empty for a notice, and for a reason that lowers no grade
    costs: bool  # False for a reason that lowers no grade
    rows: tuple[Case, ...]
    where: str  # ``C drift in Resnet18, Dense (total): ``, ``Resnet101: OOM. ``
    sentence: str  # of several that differ in a number only, the worst one's
    remedy: str = ""

    @property
    def alone(self) -> str:
        """``C drift: What was seen.``"""
        return f"{self.title}: {self.sentence}" if self.title else self.sentence

    @property
    def text(self) -> str:
        """``C drift in Resnet18, Dense (total): What was seen. What to do.``"""
        return f"{self.where}{self.sentence}" + f" {self.remedy}" * bool(self.remedy)


def shared_notes(run: Run, cases: Sequence[Case]) -> tuple[SharedNote, ...]:
    """The reasons of these rows, worst first, then their notices; those that differ in a number only are one."""
    groups: dict[tuple[object, ...], list[tuple[Case, RowNote]]] = {}
    for case in cases:
        for note in row_data(run, case).row_notes:
            key = (note.grade, note.clean, note.code, _pattern(note.sentence))
            groups.setdefault(key, []).append((case, note))
    names, codes = _names(run), list(REASONS)

    def weight(notes: Sequence[tuple[Case, RowNote]]) -> tuple[int, int]:
        note = notes[0][1]
        return (-GRADES.index(note.grade), codes.index(note.code)) if note.grade is not None else (1, 0)

    return tuple(_shared(names, group) for group in sorted(groups.values(), key=weight))


def _shared(names: Callable[[Sequence[Case]], str], group: Sequence[tuple[Case, RowNote]]) -> SharedNote:
    rows, first = tuple(dict.fromkeys(case for case, _ in group)), group[0][1]
    phases: list[Phase] = [phase for phase in PHASES if any(phase in note.phases for _, note in group)]
    seen = ["clean"] * first.clean + phases * (not all(note.everywhere for _, note in group))
    inside = f" ({', '.join(seen)})" if seen else ""
    title = first.title.removesuffix(" in") if first.grade not in ("A", None) else ""
    sentence = _worst([note.sentence for _, note in group], counted=first.grade is not None)
    return SharedNote(title, first.grade != "A", rows, f"{first.title} {names(rows)}{inside}: ", sentence, first.remedy)


def shared_failures(run: Run, cases: Sequence[Case]) -> tuple[SharedNote, ...]:
    """Why rows have no numbers, as far as they failed."""
    failed = {failure.case_id: failure for failure in run.failures}
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in (case for case in cases if case.case_id in failed):
        failure = failed[case.case_id]
        groups.setdefault((failure.kind, _pattern(failure.sentence)), []).append(case)
    names, made = _names(run), []
    for group in groups.values():
        word = row_data(run, group[0]).quality.word
        sentence = _worst([failed[case.case_id].sentence for case in group], counted=False)
        made.append(SharedNote(word, True, tuple(group), f"{names(group)}: {word}. ", sentence))
    return tuple(made)


def _pattern(sentence: str) -> str:
    """The sentence without its numbers, and without what one or several make of a noun."""
    return re.sub(r"(# \w+?)s\b", r"\1", _NUMBER.sub("#", sentence))


def _worst(sentences: Sequence[str], *, counted: bool) -> str:
    """The worst of them. ``counted``: they are ours, and ``up to 12%`` makes it that of all."""
    if len(set(sentences)) == 1 or not counted:
        return sentences[0]
    less = _LESS_IS_WORSE.search(sentences[0])
    sizes = {each: [float(number.replace(",", "")) for number in _NUMBER.findall(each)] for each in sentences}
    worst = (min if less else max)(sentences, key=sizes.__getitem__)
    if less or len({tuple(each[:1]) for each in sizes.values()}) == 1:
        return worst
    worst = _NUMBER.sub(r"up to \g<0>", worst, count=1)
    return worst[0].upper() + worst[1:]


def _names(run: Run) -> Callable[[Sequence[Case]], str]:
    """What rows are called in a sentence: by name, with device, batch, image and settings where rows of that name
    differ."""

    def named(cases: Sequence[Case]) -> str:
        return ", ".join(map(run.plan.label, cases)) if len(cases) <= MAX_NAMED else f"{len(cases)} rows"

    return named
