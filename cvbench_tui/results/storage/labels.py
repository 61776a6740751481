"""What the user calls a run: a name and tags, written into its file, at its start or long after its end."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.core.event import RunLabelled
from cvbench_tui.core.limits import MAX_LABEL, MAX_TAGS
from cvbench_tui.errors import SelectionError, StoreError
from cvbench_tui.results.storage import NEWEST, PUBLISHED, SUFFIX, run_index
from cvbench_tui.results.storage.run_index import SeenFile, seen
from cvbench_tui.results.storage.run_log import reopen_log
from cvbench_tui.results.storage.run_summary import summary_of

_REFERENCE = re.compile(rf"{NEWEST}(~.*)?|{PUBLISHED}.*|.*{re.escape(SUFFIX)}|[-~.].*|.*[/\\].*", re.IGNORECASE)
"""What names a run in another way already: a count from the last, a published run, a path, an option."""
NAME_HINT = f"A name or a tag has at most {MAX_LABEL} letters and no comma, and is no path and not '{NEWEST}'."


def checked(text: str, folder: Path, what: str = "name") -> str:
    """The name or tag without blanks around it. Raises SelectionError for one that a run cannot have."""
    text = text.strip()
    sound = text.isprintable() and len(text) <= MAX_LABEL and "," not in text and not _REFERENCE.fullmatch(text)
    if not sound or not text:
        raise SelectionError(f"{quoted(text)} cannot be a run's {what}.", NAME_HINT)
    if os.path.lexists(folder / f"{text}{SUFFIX}"):
        raise SelectionError(f"{quoted(text)} cannot be a run's {what}: it is the id of a run.", NAME_HINT)
    return text


def checked_tags(texts: Iterable[str], folder: Path) -> tuple[str, ...]:
    """Tags, each once, also of texts with commas between them. Raises SelectionError."""
    tags = tuple(dict.fromkeys(checked(tag, folder, "tag") for text in texts for tag in text.split(",")))
    if len(tags) > MAX_TAGS:
        raise SelectionError(f"A run cannot have {len(tags)} tags.", f"It has at most {MAX_TAGS}.")
    return tags


def label_run(
    path: Path, *, name: str | None = None, tags: Iterable[str] = (), untag: Collection[str] = ()
) -> RunLabelled:
    """Call that run so from now on: with that name (empty: none any more; None: as before), and with and without those
    tags. Returns what was written into its file; the time of the file stays, so that ``last`` is what was measured
    last.

    Raises StoreError for a file that cannot be read or written, or that another process is writing, and SelectionError
    for a name or a tag that cannot be, or for a tag to be taken away that it has not.
    """
    folder, opened, before = path.parent, seen(path), summary_of(path)
    if before.problem:
        raise StoreError(before.problem)
    new_name = before.label if name is None else checked(name, folder) if name.strip() else ""
    for tag in untag:
        if tag not in before.tags:
            has = f"Its tags are {', '.join(before.tags)}." if before.tags else "It has no tags."
            raise SelectionError(f"The run has no tag {quoted(tag)}.", nearest(tag, before.tags, 1) or has)
    kept = [tag for tag in before.tags if tag not in untag]
    event = RunLabelled(new_name, tuple(dict.fromkeys((*kept, *checked_tags(tags, folder)))), time.time())
    if len(event.tags) > MAX_TAGS:
        raise SelectionError(f"A run cannot have {len(event.tags)} tags.", f"It has at most {MAX_TAGS}.")
    if (event.name, event.tags) != (before.label, before.tags):
        _write(opened, event)
    return event


def _write(opened: SeenFile, event: RunLabelled) -> None:
    """Append that line to a run file as it was when it was looked at. Raises StoreError."""
    changed_ns = opened.stamp.changed_ns if opened.stamp is not None else time.time_ns()
    with reopen_log(opened) as log:
        log.extend((event,))
        with suppress(OSError):  # of another user's file, which may be written and not dated
            os.utime(opened.path, ns=(changed_ns, changed_ns))
    _keep_in_index(opened, event)


def _keep_in_index(opened: SeenFile, event: RunLabelled) -> None:
    """Let the index know the file as it is now: its times, which take a hundred times as long to read, stay."""
    path, stamp = opened.path, run_index.stamp_of(opened.path)
    known = run_index.load(path.parent, times=[path.name]).get(path.name)
    if stamp is None or known is None or known.stamp != opened.stamp:
        return
    contents = replace(known.summary.contents, label=event.name, tags=event.tags)
    known = replace(known, stamp=stamp, summary=replace(known.summary, contents=contents))
    run_index.save(path.parent, {path.name: known}, [path.name])
