"""Atomic writes, and a check beforehand whether a path can be written."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cvbench_tui.base.nearest import nearest
from cvbench_tui.errors import StoreError, os_reason


def check_destination(path: Path, suffixes: Sequence[str]) -> None:
    """Refuse a path with another suffix, or one that cannot be written, with a StoreError. Tries it with an empty file
    of another name beside the destination, which is removed again: permissions alone do not decide it for root or on a
    read-only mount."""
    if path.suffix.lower() not in suffixes:
        hint = nearest(path.suffix, suffixes, 1) or "The suffix sets the format."
        known = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise StoreError(f"{path} does not end in {known}.", hint)
    target = resolved_target(path)
    with _refusing(path):
        temporary, descriptor = _create_beside(target)
        os.close(descriptor)
        os.unlink(temporary)


def write_atomically(path: Path, text: str, *, parents: bool = False) -> None:
    """Put ``text`` (UTF-8) at ``path``: a temporary file in the same folder, then a rename over what was there. A file
    that was there keeps its mode; a new one gets that of a plain open; a link is followed. ``parents``: folders that
    are missing are created. Raises StoreError."""
    if parents:
        with _refusing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
    target = resolved_target(path)
    with _refusing(path):
        temporary, descriptor = _create_beside(target)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode(errors="replace"))
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def resolved_target(path: Path) -> Path:
    """Where a write to ``path`` ends, links followed. Raises StoreError when no file can be written there."""
    mode = None
    with _refusing(path):
        target = Path(os.path.realpath(path))  # of a relative path in a folder that was deleted there is none
        with suppress(FileNotFoundError):
            mode = target.stat().st_mode
    if mode is None:
        if not target.parent.is_dir():
            raise StoreError(f"Cannot write {path}: there is no folder {target.parent}.", "Create it first.")
    elif stat.S_ISDIR(mode):
        raise StoreError(f"Cannot write {path}: it is a folder.", "Name a file in it.")
    elif not stat.S_ISREG(mode):
        raise StoreError(f"Cannot write {path}: it is not a regular file.", "Name another file.")
    elif not os.access(target, os.W_OK):
        raise StoreError(f"Cannot write {path}: it is read-only.", "Name another file, or make it writable.")
    return target


def _create_beside(target: Path) -> tuple[str, int]:
    """A new empty file in the target's folder, with the mode of a plain open: its name and descriptor."""
    name = str(target.parent / f".cvbench-{secrets.token_hex(8)}")
    return name, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Errors of the system as StoreErrors about ``path``."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else str(error)
        raise StoreError(f"Cannot write {path}: {reason}.", "Choose another place.") from error
