"""Environments that a user names as ``NAME=WHERE``: another Python, or a folder of code. What they run is his own word:
neither a preset nor a run file starts one."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cvbench_tui.base.escape import one_line
from cvbench_tui.base.nearest import quoted
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.own_code import own_model
from cvbench_tui.core.axes import ENV, NAME, axis
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import differing
from cvbench_tui.core.plan import Case, NamedEnvironment, Plan
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError

FORM = "Name a Python or a folder of code: --env old=../old --env new=. or --env torch2.1=/path/to/bin/python"
MAX_ENVIRONMENTS = 16  # each holds a worker that has imported torch


def named_environments(texts: Sequence[str]) -> tuple[NamedEnvironment, ...]:
    """The environments of these ``NAME=WHERE``, in order. ``own`` alone is the program's own Python. Raises
    SelectionError for a name that cannot be one or comes twice, and for what is neither a program nor a folder."""
    found = tuple(map(_named, texts))
    names = [each.name for each in found]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise SelectionError(f"The environment {quoted(twice)} is named twice.", "Give each a name of its own.")
    if len(found) > MAX_ENVIRONMENTS:
        raise SelectionError(f"{len(found)} environments are too many.", f"At most {MAX_ENVIRONMENTS}.")
    return found


def _own() -> str:
    known = axis(ENV)
    assert known is not None
    return known.default


def _named(text: str) -> NamedEnvironment:
    name, mark, where = (part.strip() for part in text.partition("="))
    if not mark and name == _own():
        return NamedEnvironment(name)
    if not mark or not where:
        raise SelectionError(f"--env {quoted(text)} names no environment.", FORM)
    if name == _own() or not NAME.fullmatch(name):
        rule = "A name has at most 40 letters, digits, -, _ and ., and begins with a letter or a digit."
        raise SelectionError(f"{quoted(name)} cannot be an environment's name.", f"{rule} {_own()} is ours.")
    path = Path(os.path.abspath(os.path.expanduser(where)))
    try:
        if path.is_dir():
            return NamedEnvironment(name, folder=str(path))
        if path.is_file() and os.access(path, os.X_OK):
            return NamedEnvironment(name, python=str(path))
        there = path.exists()
    except (OSError, ValueError):  # a zero byte, a name that is too long
        there = False
    what = "is neither a program nor a folder" if there else "is not there"
    raise SelectionError(f"{quoted(where)} of the environment {name} {what}.", FORM)


def own_model_in(text: str, environments: Sequence[NamedEnvironment], others: Collection[ModelEntry]) -> ModelEntry:
    """The model of that code as it is in the current folder; where it is there in folders of environments only, as it
    is in the first of them. Raises SelectionError."""
    try:
        return own_model(text, others)
    except SelectionError:
        for environment in environments:
            if environment.folder and (entry := _in_folder(text, environment)) is not None:
                return entry
        raise


def code_in(
    text: str, entry: ModelEntry, environments: Sequence[NamedEnvironment]
) -> tuple[tuple[str, ModelEntry], ...]:
    """The model of that code in each environment with a folder, under the name of ``entry``. It is looked for there
    first, by the path that the user wrote, and is the common one where no folder has it. Raises SelectionError where
    one folder has it and another does not: both would run the same code."""
    folders = [each for each in environments if each.folder]
    found = {each.name: _in_folder(text, each) for each in folders}
    missing = [each for each in folders if found[each.name] is None]
    if len(missing) == len(folders):
        return ()
    if missing:
        where = f"{one_line(missing[0].folder)}, the folder of the environment {missing[0].name}"
        raise SelectionError(f"{quoted(text)} is not in {where}.", "It has to be in the folder of each, or of none.")
    return tuple((name, replace(each, name=entry.name)) for name, each in found.items() if each is not None)


def _in_folder(text: str, environment: NamedEnvironment) -> ModelEntry | None:
    """None where that folder has no such code, or the user wrote a whole path. Raises SelectionError for what is there
    and is no code."""
    here = os.getcwd()
    written = text.strip()
    place = written.rpartition(":")[0] or written
    is_file = place.lower().endswith((".py", ".pyw"))
    beside = place if is_file else place.replace(".", os.sep)
    if os.path.isabs(os.path.expanduser(beside)):
        return None
    whole = os.path.normpath(os.path.join(environment.folder, beside))
    if is_file:
        return own_model(os.path.join(environment.folder, written)) if os.path.isfile(whole) else None
    if not (os.path.isfile(f"{whole}.py") or os.path.isdir(whole)):
        return None
    if os.path.samefile(here, environment.folder):
        return own_model(written)
    return own_model(written, folder=environment.folder)


def why_not_started(case: Case, named: Collection[NamedEnvironment]) -> str:
    """Why the environment of this case is not started, in one sentence; empty where the user has named it, or the case
    needs none. A run file may name any program."""
    value = case.setting(ENV)
    if value == _own() or any(each.name == value for each in named):
        return ""
    return (
        f"{quoted(case.workload.name)} is of the environment {quoted(value)}, which is started only where you name it"
        f" with --env {value}=WHERE, so it is not measured."
    )


def differing_places(ours: Collection[NamedEnvironment], of_run: Collection[NamedEnvironment]) -> str:
    """Where an environment of a run is elsewhere than the one that the user has named, in a sentence; else empty."""
    known = {each.name: each for each in of_run}
    for each in ours:
        before = known.get(each.name)
        if before is None:
            return f"The run has no environment {each.name}."
        if before != each:
            return f"The environment {each.name} of the run is {one_line(before.where) or 'its own Python'}."
    return ""


def check_devices(probed: Mapping[str, Environment], plan: Plan, run: Run | None = None) -> None:
    """Raise SelectionError where an environment cannot use a device of the plan, or is another than it was when ``run``
    was measured there."""
    for name, environment in probed.items():
        for device in sorted(plan.devices - {each.id for each in environment.usable}):
            absent = environment.device(device) or environment.device(device.split(":")[0])
            reason = absent.reason if absent is not None else ""
            raise SelectionError(f"The environment {name} has no usable device {device}. {reason}".strip())
        before = run.environments.get(name) if run is not None else None
        if before is not None and (facts := differing(before, environment, plan.devices)):
            raise SelectionError(f"The environment {name} has changed: {facts[0]}.", "Measure in a run of its own.")
