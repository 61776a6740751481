"""A test over many cases that is one test: all cases that fail are named, not the first alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from inspect import Signature, signature
from reprlib import repr as short
from typing import Any

import pytest


def every(
    names: str | Sequence[str], cases: Iterable[Any], ids: Callable[[Any], object] = short
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As ``pytest.mark.parametrize``; fixtures are made once for all cases. No case at all is a mistake."""
    arguments = [names] if isinstance(names, str) else list(names)
    table = [(ids(case), dict(zip(arguments, [case] if len(arguments) == 1 else case, strict=True))) for case in cases]
    assert table, f"no case of {arguments}"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def all_of_them(**fixtures: Any) -> None:
            failed = []
            for name, values in table:
                try:
                    test(**values, **fixtures)
                except (Exception, pytest.fail.Exception) as error:
                    failed.append((name, error))
            if failed:
                reasons = "\n".join(f"{name}: {type(error).__name__}: {error}" for name, error in failed)
                raise AssertionError(f"{len(failed)} of {len(table)} cases:\n{reasons}") from failed[0][1]

        fixtures = [each for each in signature(test).parameters.values() if each.name not in arguments]
        all_of_them.__signature__ = Signature(fixtures)  # type: ignore[attr-defined]
        return all_of_them

    return decorate
