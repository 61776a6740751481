"""A user's own model by the name of its code: ``./net.py:make``, ``package.nets:make``. The code is read and parsed
here, and never run: what it makes is known to the worker alone."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import re
import shlex
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.sources import source_of
from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from cvbench_tui.errors import SelectionError, os_reason

FAMILY = "Own"
IMAGE = 224
MAX_BYTES = 4 << 20  # of a file of code
FORM = "Code is named by its file and function, ./net.py:make, or by a module, package.nets:make."
_FILE = re.compile(r"\.pyw?(:|\Z)", re.IGNORECASE)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def looks_like_code(text: str) -> bool:
    """True for what is written like a user's own code, whether or not it is there. Names of models and of their sources
    go before: ``timm:resnet50`` is written like a module."""
    if ":" in text and source_of(text.strip()):
        return False
    return bool(_FILE.search(text) or _MODULE.fullmatch(text.strip()))


def own_model(text: str, others: Iterable[ModelEntry] = (), *, folder: str = "") -> ModelEntry:
    """The model of that code, named apart from ``others``. ``folder``: in which a module is looked for, before the
    packages that are installed; empty: the current one, after them. Raises SelectionError where the file or the
    function is not there, it is no Python, or it cannot be called without arguments; naming the nearest function."""
    text = text.strip()
    if not looks_like_code(text):
        raise SelectionError(f"{quoted(text)} names no code.", FORM)
    if _FILE.search(text):
        op, params, label = _of_file(text)
    else:
        op, params, label = _of_module(text, folder)
    taken = {each.name: each.op for each in others if each.op != op}
    name = next(each for each in label if each not in taken)
    return ModelEntry(name, op, FAMILY, None, IMAGE, None, None, params=params)


def reference(workload: Workload) -> str:
    """What names that code on the command line, in any folder: a file's whole path."""
    return workload.op.partition(":")[2]


def why_not_named(case: Case, named: Collection[ModelEntry]) -> str:
    """Why a user's code is not run for this case, in one sentence; empty where he has named this very code, or the case
    runs none. A run file may name any code."""
    code = case.workload.code
    if code is None:
        return ""
    same = [each for each in named if each.op == code.op]  # several where environments have folders of their own
    if any(each.params == code.params for each in same):
        return ""
    known = next(iter(same), None)
    name = quoted(case.workload.name)
    if known is not None and dict(known.params).get("folder") == code.param("folder"):
        return f"{name} has changed since this row was made: name it in a run of its own, so it is not measured."
    where = quoted(reference(code))
    return f"{name} is code of {where}, which runs only where you name it with -m, so it is not measured."


def _of_file(text: str) -> tuple[str, tuple[tuple[str, str], ...], Iterator[str]]:
    """Op, params and possible names, the shortest first."""
    shown, _, function = text.rpartition(":") if not text.lower().endswith((".py", ".pyw")) else (text, "", "")
    path = Path(os.path.abspath(os.path.expanduser(shown)))
    what = quoted(shown)
    try:
        there = path.is_file()
        content = path.read_bytes() if there and path.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise SelectionError(f"{what} cannot be read: {os_reason(error)}.", FORM) from error
    except ValueError:  # a zero byte in its name
        raise SelectionError(f"{what} is no name of a file.", FORM) from None
    if not there:
        beside = nearest(path.name, _beside(path))
        raise SelectionError(f"There is no file {what}.", f"{beside} {FORM}".strip())
    if path.stat().st_size > MAX_BYTES:
        raise SelectionError(f"{what} is too large to be code.", f"At most {MAX_BYTES >> 20} MiB.")
    _check(content, what, function, f"{shown}:")
    parts = path.parts
    names = (f"{'/'.join(parts[start:])}:{function}" for start in range(len(parts) - 1, -1, -1))
    return f"file:{path}:{function}", (("sha256", hashlib.sha256(content).hexdigest()),), names


def _of_module(text: str, folder: str) -> tuple[str, tuple[tuple[str, str], ...], Iterator[str]]:
    """The same of a module, which is looked for and not imported."""
    dotted, _, function = text.rpartition(":")
    here = folder or os.getcwd()
    origin = _origin(dotted, here, first=bool(folder))
    if origin is None:
        hint = f"It is looked for where Python finds packages, and in {shlex.quote(here)}."
        raise SelectionError(f"There is no module {quoted(dotted)}.", f"{hint} {FORM}")
    params: tuple[tuple[str, str], ...] = ()
    try:
        content = origin.read_bytes()
    except OSError as error:
        raise SelectionError(f"{quoted(dotted)} cannot be read: {os_reason(error)}.") from error
    if origin.suffix == ".py":
        _check(content[:MAX_BYTES], quoted(dotted), function, f"{dotted}:")
    params = (("sha256", hashlib.sha256(content).hexdigest()),)
    if origin.is_relative_to(here):
        params = (("folder", here), *params)
    return f"module:{dotted}:{function}", params, (text if not n else f"{text} {n}" for n in range(2**16))


def _origin(dotted: str, here: str, *, first: bool) -> Path | None:
    """The file of that module, found without importing a package; None without one. ``first``: before what is
    installed."""
    parts = dotted.split(".")
    spec: ModuleSpec | None = None
    locations: Sequence[str] | None = None
    for count, part in enumerate(parts, 1):
        whole = ".".join(parts[:count])
        if count == 1:
            there = PathFinder.find_spec(part, [here])
            spec = there if first and there is not None else _installed(part) or there
        else:
            spec = PathFinder.find_spec(whole, locations)
        if spec is None:
            return None
        locations = None if spec.submodule_search_locations is None else list(spec.submodule_search_locations)
        if locations is None and count < len(parts):
            return None
    return Path(spec.origin) if spec is not None and spec.origin and os.path.isfile(spec.origin) else None


def _installed(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # ``__main__`` has no specification
        return None


def _check(content: bytes, what: str, function: str, prefix: str) -> None:
    """Raise SelectionError where the code cannot be parsed or has no such function to call. Runs nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = dict(_top_level(ast.parse(content).body))
    except SyntaxError as error:
        at = f" in line {error.lineno}" if error.lineno else ""
        raise SelectionError(f"{what} is not Python: {error.msg}{at}.", "Nothing of it was run.") from None
    except (ValueError, RecursionError, MemoryError):
        raise SelectionError(f"{what} is not Python.", "Nothing of it was run.") from None
    callable_ones = [name for name, wants in names.items() if not name.startswith("_") and wants == ""]
    has = f"It has {', '.join(prefix + name for name in callable_ones[:5])}." if callable_ones else ""
    if not function:
        raise SelectionError(f"{what} is named without a function that makes the model.", f"{has} {FORM}".strip())
    if function not in names and "*" not in names and "__getattr__" not in names:
        near = nearest(function, [name for name in names if not name.startswith("_")]) or has
        raise SelectionError(f"{what} has no {quoted(function)} at its top level.", near)
    if wants := names.get(function):
        hint = "The function that makes the model is called without arguments: give them defaults."
        raise SelectionError(f"{quoted(function)} of {what} wants arguments: {wants}.", hint)


def _top_level(body: Iterable[ast.stmt]) -> Iterator[tuple[str, str | None]]:
    """Names that the code binds, with the arguments that cannot be left out; None where that is not known."""
    for each in body:
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = each.args
            positional = [*arguments.posonlyargs, *arguments.args]
            needed = positional[: len(positional) - len(arguments.defaults)]
            pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            needed += [one for one, default in pairs if default is None]
            yield each.name, None if each.decorator_list else ", ".join(one.arg for one in needed)
        elif isinstance(each, ast.ClassDef):
            yield each.name, None
        elif isinstance(each, (ast.Import, ast.ImportFrom)):
            yield from (((one.asname or one.name).partition(".")[0], None) for one in each.names)
        else:
            yield from ((one.id, None) for one in ast.walk(each) if isinstance(one, ast.Name) and _bound(one))
            for part in ("body", "orelse", "finalbody"):
                yield from _top_level(getattr(each, part, ()))
            for handler in getattr(each, "handlers", ()):
                yield from _top_level(handler.body)


def _bound(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _beside(path: Path) -> list[str]:
    """Names of the code in that folder."""
    try:
        return [each.name for each in path.parent.iterdir() if each.suffix == path.suffix][:1000]
    except (OSError, ValueError):
        return []
