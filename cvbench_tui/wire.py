"""Events as JSON lines, validated by pydantic against the core dataclasses: the worker's stdout and the run files.

pydantic is imported with the first line, not with this module: neither the app's first frame nor ``--help`` needs it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from cvbench_tui.core.event import SCHEMA, CaseFinished, Event

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError


class WireError(ValueError):
    """A line that is not an event of this schema."""


class FigureError(WireError):
    """An event with an impossible number."""


@cache
def _adapter() -> TypeAdapter[Event]:
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def decode(line: str | bytes) -> Event:
    """The event in one JSON line. Raises WireError with the first error, FigureError for an impossible number."""
    from pydantic import ValidationError

    try:
        event = _adapter().validate_json(line)
    except ValidationError as error:
        raise WireError(_first_error(error, line)) from error
    if isinstance(event, CaseFinished):
        _refuse_impossible(event)
    if not all(math.isfinite(value) for value in _numbers(event)):
        raise FigureError(f"{event.kind}: a number is not finite")
    return event


def encode(event: Any) -> str:
    """One JSON line in ASCII, without the newline, of an event or another core dataclass."""
    return json.dumps(dataclasses.asdict(event), separators=(",", ":"), allow_nan=False)


def _refuse_impossible(event: CaseFinished) -> None:
    """Raise FigureError for numbers that no clock or counter gives, before a statistic fails on them."""
    measurement = event.measurement
    for phase in (*measurement.phases, *measurement.wall, *(variant.samples for variant in measurement.variants)):
        if not all(0 < sample < math.inf for samples in phase.rounds for sample in samples):
            raise FigureError(f"{phase.phase}: a sample is not a positive number of seconds")
        if phase.iterations_per_sample < 1:
            raise FigureError(f"{phase.phase}: a sample of no iteration")
    for record in (*measurement.passes, *measurement.memory, *measurement.energy, *measurement.work):
        if not all(value >= 0 for value in _numbers(record)):
            raise FigureError(f"{type(record).__name__}: a number is negative")
    if not all(record.group >= 1 for record in measurement.passes):
        raise FigureError("PassRecord: a region of no iteration")


def _numbers(value: Any) -> Iterator[float]:
    """Every number in a record and in the records inside it."""
    if isinstance(value, (int, float)):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _numbers(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _numbers(getattr(value, field.name))


def _first_error(error: ValidationError, line: str | bytes) -> str:
    """The first of pydantic's errors as one sentence; a newer schema is named as such."""
    try:
        schema = json.loads(line).get("schema", SCHEMA)
    except (ValueError, AttributeError):
        return "not a JSON object"
    if isinstance(schema, int) and schema > SCHEMA:
        return f"written by a newer version (schema {schema}, this one reads up to {SCHEMA})"
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"
