"""``cvbench-tui name``, ``delete``, ``undelete`` and ``import``: runs as files that one keeps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cvbench_tui.base.escape import one_line, visible
from cvbench_tui.base.nearest import quoted
from cvbench_tui.cli.run import find_run
from cvbench_tui.core.text import plural
from cvbench_tui.errors import CvbenchError, StoreError
from cvbench_tui.results.storage import labels, runs_folder
from cvbench_tui.results.storage.deleted import Moved, delete, deleted_folder, purge, undelete
from cvbench_tui.results.storage.imported import Imported, RunImport, run_files
from cvbench_tui.results.storage.run_summary import summary_of


def name_run(reference: str, name: str | None, tags: Sequence[str], untag: Sequence[str], runs_dir: str | None) -> None:
    """Name that run, and print what it is called then. Raises StoreError, SelectionError."""
    path = find_run(reference, runs_folder(runs_dir))
    if name is not None or tags or untag:
        labels.label_run(path, name=name, tags=tags, untag=untag)
    run = summary_of(path)
    if run.problem:
        raise StoreError(run.problem)
    called = quoted(run.label) if run.label else "without a name"
    _say(f"{run.name}: {called}, " + (f"tags {', '.join(run.tags)}" if run.tags else "no tags"))


def delete_runs(references: Sequence[str], runs_dir: str | None) -> None:
    """Move those runs to the deleted ones; none when one of them is not found. Raises StoreError."""
    runs = runs_folder(runs_dir)
    paths = dict.fromkeys(find_run(reference, runs) for reference in references)
    for moved in [delete(path, runs) for path in paths]:
        _say(f"Deleted {moved.before.stem}: it is in {moved.now}. Back: cvbench-tui undelete {moved.now.stem}")


def purge_runs(names: Sequence[str], runs_dir: str | None) -> None:
    """Remove those deleted runs for good. Raises StoreError."""
    for name in names:
        path = purge(name, runs_folder(runs_dir))
        _say(f"Removed {path}. It cannot come back.")


def undelete_runs(references: Sequence[str], runs_dir: str | None) -> None:
    """Move those deleted runs back. Raises StoreError."""
    runs = runs_folder(runs_dir)
    paths = dict.fromkeys(find_run(reference, deleted_folder(runs)) for reference in references)
    for moved in [undelete(path, runs) for path in paths]:
        _say(f"{moved.now.stem} is back: {moved.now}{_other_name(moved)}")


def _other_name(moved: Moved) -> str:
    return f", as {moved.before.stem} was taken" if moved.now.stem != moved.before.stem else ""


def import_runs(named: Sequence[str], runs_dir: str | None) -> int:
    """Take those files, and the run files of those folders. Returns the exit code: 2 when one of them is none, and the
    others are taken all the same."""
    taking = RunImport(runs_folder(runs_dir))
    bad = 0
    for each in named:
        files: list[Path] = []
        bad += _complained(lambda each=each, files=files: files.extend(run_files(Path(each))))  # type: ignore[misc]
        for file in files:
            bad += _complained(lambda file=file: _say(_taken(file, taking.take(file))))  # type: ignore[misc]
    return 2 if bad else 0


def _complained(work: Callable[[], object]) -> bool:
    """Do it; True when it could not be, which is said."""
    try:
        work()
    except CvbenchError as error:
        print(visible(f"cvbench-tui: {one_line(error.message)} {error.hint}".rstrip()), file=sys.stderr)  # noqa: T201
        return True
    return False


def _taken(source: Path, made: Imported) -> str:
    if made.already:
        return f"{source}: the run {made.run.id} is here already, {made.path}"
    rows = plural(len(made.run.plan.cases), "row")
    others = f". {plural(made.others, 'other file')} had the same id and another content" if made.others else ""
    return f"{source}: {rows}, now {made.path}{others}"


def _say(line: str) -> None:
    sys.stdout.write(visible(one_line(line)) + "\n")
