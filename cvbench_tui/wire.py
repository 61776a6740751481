"""Events as JSON lines, validated by pydantic against the core dataclasses: the worker's stdout and the run files.

pydantic is imported with the first line, not with this module: neither the app's first frame nor ``--help`` needs it.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from cvbench_tui.base.escape import one_line, paired
from cvbench_tui.core.event import SCHEMA, Event
from cvbench_tui.core.limits import MAX_LINE_BYTES, MAX_VALUES, impossible
from cvbench_tui.core.plan import Case

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

MAX_SENTENCE = 300  # characters of what pydantic says: it repeats the line's own words


class WireError(ValueError):
    """A line that is not an event of this schema."""


class FigureError(WireError):
    """An event with an impossible number, or with more of something than there can be."""


def decode(line: str | bytes) -> Event:
    """The event in one JSON line. Raises WireError with the first error, FigureError for an impossible number, and
    nothing else, whatever the line is."""
    event = _validated(checked_line(line))
    wrong = impossible(event)
    if wrong:
        raise FigureError(f"{event.kind}: {wrong}")
    return event


def parse(line: str | bytes) -> Any:
    """The value in one line of JSON, not checked further. Raises WireError, and nothing else."""
    from pydantic_core import from_json

    try:
        return from_json(checked_line(line))
    except ValueError as error:
        if whole := _repaired(line):
            return parse(whole)
        raise WireError(_no_json(str(error))) from None
    except MemoryError:
        raise WireError("it does not fit into memory") from None


def encode(event: Any) -> str:
    """One JSON line in ASCII, without the newline, of an event or another core dataclass."""
    return paired(json.dumps(dataclasses.asdict(event), separators=(",", ":"), allow_nan=False))


def checked_line(line: str | bytes) -> str | bytes:
    """The line itself. Raises WireError for one that would take too much time and memory to parse."""
    if len(line) > MAX_LINE_BYTES:
        raise WireError(f"a line of more than {MAX_LINE_BYTES >> 20} MiB")
    commas = 0 if len(line) <= MAX_VALUES else line.count(",") if isinstance(line, str) else line.count(b",")
    if commas > MAX_VALUES:
        raise WireError(f"a line of more than {MAX_VALUES:,} values")
    return line


def _validated(line: str | bytes) -> Event:
    """The event, its figures unchecked. Raises WireError."""
    from pydantic import ValidationError

    try:
        event: Event = _validator().validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid" and (whole := _repaired(line)):
            return _validated(whole)
        raise WireError(_sentence(first, line)) from None
    except MemoryError:
        raise WireError("it does not fit into memory") from None
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:  # of a dataclass, not of pydantic
        raise WireError(f"no event: {type(error).__name__}") from None
    return event


def _repaired(line: str | bytes) -> str:
    """The line without halves of surrogate pairs, which version 0.1 wrote; empty where there are none."""
    text = line if isinstance(line, str) else line.decode(errors="replace")
    whole = paired(text)
    return whole if whole != text else ""


@cache
def _validator() -> SchemaValidator:
    """By the core dataclasses. The first wrong item of an array ends it: pydantic would collect an error of 1 kB for
    each, 2.7 GB and 12 s for a line of 4 MB."""
    from pydantic import Field, TypeAdapter
    from pydantic_core import SchemaValidator

    return SchemaValidator(_failing_fast(TypeAdapter(Annotated[Event, Field(discriminator="kind")]).core_schema))


def _failing_fast(schema: Any) -> Any:
    """A copy of the schema whose arrays end at their first error, and whose cases may be of an older version."""
    if isinstance(schema, dict):
        changed = {key: _failing_fast(value) for key, value in schema.items()}
        if schema.get("type") == "dataclass" and schema.get("cls") is Case:
            function = {"type": "no-info", "function": _as_settings}
            reference = {"ref": changed.pop("ref")} if "ref" in changed else {}
            return {"type": "function-before", "function": function, "schema": changed, **reference}
        return changed | {"fail_fast": True} if schema.get("type") == "tuple" else changed
    return [*map(_failing_fast, schema)] if isinstance(schema, list) else schema


def _as_settings(case: Any) -> Any:
    """A case of a schema before 5, which had a field for each axis. Raises ValueError for a value that none had."""
    if not isinstance(case, dict) or "settings" in case:
        return case
    for name, only in (("precision", "float32"), ("memory_format", "contiguous"), ("compile_mode", "eager")):
        if case.get(name, only) != only:
            raise ValueError(f"{name} was always {only}")
    threads = case.get("threads")
    return {**case, "settings": (("threads", str(threads)),)} if type(threads) is int else case


def _sentence(first: Any, line: str | bytes) -> str:
    """The first of pydantic's errors as one sentence; a newer schema is named as such."""
    if first["type"] == "json_invalid":
        return _no_json(first["msg"])
    schema = _schema_of(line)
    if schema is None:
        return "not a JSON object"
    if schema > SCHEMA:
        return newer(schema)
    if first["type"].startswith("union_tag_"):
        return "an event of no kind that is known"
    where = ".".join(str(part) for part in first["loc"])
    return one_line(f"{where}: {first['msg']}"[:MAX_SENTENCE])


def newer(schema: int) -> str:
    """That a version still to come has written it."""
    number = schema if schema < 10**6 else "of many digits"
    return f"written by a newer version (schema {number}, this one reads up to {SCHEMA})"


def _schema_of(line: str | bytes) -> int | None:
    """The schema that the line names, ours where it names none; None when the line is no JSON object."""
    try:
        event = parse(line)
    except WireError:
        return None
    schema = event.get("schema") if isinstance(event, dict) else None
    return (schema if type(schema) is int else SCHEMA) if isinstance(event, dict) else None


def _no_json(reason: str) -> str:
    """Why a line is no JSON, by the words of the parser."""
    if "recursion" in reason:
        return "nested too deeply"
    if "number out of range" in reason:
        return "a number of too many digits"
    return "not a JSON object"
