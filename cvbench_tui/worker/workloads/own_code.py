"""A user's own model: a function without arguments, in a file or a module, that makes it; and beside it, if the user
likes, ``inputs(batch, image, device)``. The only module that runs a user's code, in a process that measures."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.process.failure import OwnCodeError, UnsupportedError

INPUTS = "inputs"  # name of the function that makes them
MAX_WORDS = 160  # characters of what the code itself says

Made = TypeVar("Made")
_loaded: dict[tuple[str, str], ModuleType] = {}  # by op and digest: a process that is kept does not run it twice


def build_own(workload: Workload) -> nn.Module:
    """The model that the factory makes. Raises OwnCodeError, whatever the code does."""
    module, factory = _load(workload), _factory_name(workload)
    where = _where(workload)
    found = getattr(module, factory, None)
    if found is None:
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise OwnCodeError(f"There is no {quoted(factory)} in {where}. {nearest(factory, names)}".strip())
    if isinstance(found, nn.Module) or not callable(found):
        raise OwnCodeError(f"{quoted(factory)} in {where} is no function that makes a model, but {_a(found)}.")
    if missing := _required(found):
        raise OwnCodeError(f"{quoted(factory)} in {where} cannot be called without arguments: it wants {missing}.")
    made = _run(f"{quoted(factory)} in {where}", found)
    if not isinstance(made, nn.Module):
        raise OwnCodeError(f"{quoted(factory)} in {where} returned {_a(made)}, and no torch.nn.Module.")
    return made


def own_inputs(module: nn.Module, workload: Workload, batch: int, device: torch.device) -> tuple[Any, ...] | None:
    """Arguments of the model by the code's ``inputs(batch, image, device)``, tensors on the device; None where it
    has no such function. Raises OwnCodeError."""
    make = getattr(_load(workload), INPUTS, None)
    if make is None:
        return None
    what = f"{quoted(INPUTS)} in {_where(workload)}"
    made = _run(what, lambda: make(batch, workload.image, device))
    if isinstance(made, Tensor):
        return (made.to(device),)
    if isinstance(made, (tuple, list)) and made:
        return tuple(_moved(each, device) for each in made)
    if isinstance(made, dict) and made and all(isinstance(name, str) for name in made):
        named = {name: _moved(each, device) for name, each in made.items()}
        try:
            return in_order(module, (), named)
        except TypeError as error:
            raise OwnCodeError(f"{what} does not fit the model's forward: {error}.") from None
    raise OwnCodeError(f"{what} returned {_a(made)}, and no tensor, tuple or dict of them.")


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


def in_order(module: nn.Module, args: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arguments of a call without names: calling with names takes longer. Raises TypeError where they do not fit,
    or a name cannot be left out."""
    if not named:
        return args
    bound = inspect.signature(module.forward).bind(*args, **named)
    if bound.kwargs and set(bound.kwargs) - set(bound.signature.parameters):
        raise TypeError(f"{', '.join(bound.kwargs)} can only be given by name")
    bound.apply_defaults()
    by_name = (each for each in bound.signature.parameters.values() if each.kind is inspect.Parameter.KEYWORD_ONLY)
    if only := [each.name for each in by_name if each.name in named]:
        raise TypeError(f"{', '.join(only)} can only be given by name")
    return bound.args


def _load(workload: Workload) -> ModuleType:
    """The code, run once in this process, if it is still the code that was named. Raises OwnCodeError."""
    kind, _, rest = workload.op.partition(":")
    place = rest.rpartition(":")[0]
    digest, where = str(workload.param("sha256") or ""), _where(workload)
    loaded = _loaded.get((workload.op, digest))
    if loaded is not None and _is(loaded.__file__, digest):
        return loaded
    changed = f"{where} has changed since it was named; name it again to measure it as it is now."
    if kind == "file" and os.path.exists(place) and not _is(place, digest):
        raise OwnCodeError(changed)
    load = _from_file if kind == "file" else _from_module
    with torch.random.fork_rng(devices=[]):  # it happens once in a process, and every model is to have the same weights
        module = _run(where, lambda: load(place, str(workload.param("folder") or "")))
    if not _is(module.__file__, digest):
        raise OwnCodeError(changed)
    _loaded[workload.op, digest] = module
    return module


def _from_file(place: str, _folder: str) -> ModuleType:
    """The file as a module; modules beside it can be imported, after all that are installed."""
    path = Path(place)
    _find_in(str(path.parent))
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.modules else "own_model"
    spec = importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise OwnCodeError(f"{quoted(path.name)} is no file of Python code.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look there
    spec.loader.exec_module(module)
    return module


def _from_module(place: str, folder: str) -> ModuleType:
    if folder:
        _find_in(folder)
    return importlib.import_module(place)


def _find_in(folder: str) -> None:
    """Let modules of that folder be imported. It comes last: a ``random.py`` there is not Python's."""
    if folder not in sys.path:
        sys.path.append(folder)


def _is(path: str | None, digest: str) -> bool:
    """Whether the file has that content; true where there is no digest, as for code in a compiled module."""
    if not digest or path is None:
        return True
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _run(what: str, code: Callable[[], Made]) -> Made:
    """What the user's code returns. Raises OwnCodeError for whatever it raises; OutOfMemoryError and MemoryError as
    they are. A process that the code has forked, and that comes here too, ends."""
    process, arguments = os.getpid(), sys.argv
    sys.argv = arguments[:1]  # ours are nothing to a parser of its own
    try:
        made = code()
    except (OwnCodeError, UnsupportedError, MemoryError, torch.cuda.OutOfMemoryError):
        _end_copy(process)
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they are the code's, not ours
        _end_copy(process)
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        words = f"{type(error).__name__}: {first}"[:MAX_WORDS].rstrip(": .")
        raise OwnCodeError(f"{what} raised {words}.") from error
    finally:
        sys.argv = arguments
    _end_copy(process)
    return made


def _end_copy(process: int) -> None:
    """End this process where it is not the one that ran the code: its copy would measure as well."""
    if os.getpid() != process:
        os._exit(0)


def _required(factory: Callable[..., Any]) -> str:
    """Names of the arguments without which it cannot be called; empty where that is not known."""
    try:
        parameters: Sequence[inspect.Parameter] = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return ""
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return ", ".join(
        each.name for each in parameters if each.default is inspect.Parameter.empty and each.kind not in open_ended
    )


def _factory_name(workload: Workload) -> str:
    return workload.op.rpartition(":")[2]


def _where(workload: Workload) -> str:
    """``'net.py'`` or ``'package.nets'``, for a sentence."""
    kind, _, rest = workload.op.partition(":")
    place = rest.rpartition(":")[0]
    return quoted(os.path.basename(place) if kind == "file" else place)


def _a(value: Any) -> str:
    """``a list``, ``None``, for a sentence."""
    name = type(value).__name__
    return "None" if value is None else f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
