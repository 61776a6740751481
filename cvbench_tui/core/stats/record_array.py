"""Records of one kind in columns: as objects the evidence of a row's rounds is two thirds of its memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from functools import cache, lru_cache
from itertools import accumulate, chain, islice, repeat
from operator import attrgetter
from typing import Any, Callable, Generic, TypeVar, Union, overload

from cvbench_tui.core.stats.sample_array import SampleArray

Record = TypeVar("Record")
MOST_KEPT = 2  # arrays whose records are kept: passes and visits of one row


class Same:
    """A column of one value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __iter__(self) -> Iterator[Any]:
        """The value without end."""
        return repeat(self.value)


class Groups:
    """A column of tuples of records."""

    __slots__ = ("ends", "records")

    def __init__(self, groups: Sequence[tuple[Any, ...]]) -> None:
        self.ends = _shared(tuple(accumulate(map(len, groups), initial=0)))
        self.records = RecordArray(tuple(chain.from_iterable(groups)))

    @property
    def lengths(self) -> list[int]:
        """Number of records in each."""
        return [end - begin for begin, end in zip(self.ends, self.ends[1:])]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The records of each."""
        records = self.records.made()
        return iter([records[begin:end] for begin, end in zip(self.ends, self.ends[1:])])


Column = Union[Same, Groups, SampleArray, "array[float]", "array[int]", tuple[Any, ...]]
_same = lru_cache(maxsize=1024, typed=True)(Same)


class RecordArray(Sequence[Record], Generic[Record]):
    """Equal to a tuple of those dataclass records, of which there is at least one. Immutable. The records are made at
    an access; those of the newest two arrays are kept, since whoever reads a row reads it several times."""

    __slots__ = ("_count", "columns", "kind")

    def __init__(self, records: Sequence[Record]) -> None:
        kind: Any = type(records[0])
        self.kind = kind
        self._count = len(records)
        self.columns: tuple[Column, ...] = tuple(map(_packed, zip(*map(reader(kind), records))))

    @property
    def _records(self) -> tuple[Record, ...]:
        for known, records in tuple(_NEWEST):
            if known is self:
                return records
        made = self.made()
        _NEWEST[:] = [(self, made), *_NEWEST[: MOST_KEPT - 1]]
        return made

    def made(self) -> tuple[Record, ...]:
        """The records, made anew."""
        return tuple([self.kind(*values) for values in islice(zip(*self.columns), self._count)])

    def column(self, name: str) -> Column:
        """The values of that field. Raises KeyError."""
        return self.columns[_places(self.kind)[name]]

    def values(self, name: str) -> list[Any]:
        """The same, one of each record."""
        return list(islice(self.column(name), self._count))

    def most(self, name: str) -> float:
        """The largest number in that field; 0 where none is known."""
        column = self.column(name)
        if isinstance(column, Same):
            return column.value or 0.0
        return (
            max(column) if isinstance(column, array) else max((each or 0.0 for each in self.values(name)), default=0.0)
        )

    def least(self, name: str) -> float:
        """The smallest number in that field, which each record has."""
        column = self.column(name)
        return float(column.value) if isinstance(column, Same) else min(self.values(name))

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, place: int | slice) -> Record | tuple[Record, ...]:
        """That record, or a tuple of those. Raises IndexError."""
        return self._records[place]

    def __iter__(self) -> Iterator[Record]:
        """The records in order."""
        return iter(self._records)

    def __len__(self) -> int:
        """Number of records."""
        return self._count

    def __eq__(self, other: object) -> bool:
        """Equal records."""
        if not isinstance(other, (tuple, RecordArray)):
            return NotImplemented
        return len(other) == self._count and self._records == tuple(other)

    def __hash__(self) -> int:
        """Hash of the equal tuple."""
        return hash(self._records)

    def __deepcopy__(self, memo: object) -> tuple[dict[str, Any], ...]:
        """As ``dataclasses.asdict`` has records, which deep-copies what it does not know."""
        records: tuple[Any, ...] = self._records
        return tuple(map(asdict, records))

    def __repr__(self) -> str:
        """Repr of the equal tuple."""
        return repr(self._records)


_NEWEST: list[tuple[RecordArray[Any], tuple[Any, ...]]] = []


@lru_cache(maxsize=1024)
def _known(values: tuple[Any, ...], _kinds: tuple[type, ...]) -> tuple[Any, ...]:
    return values


def _shared(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """One object for equal columns, since most rows are alike; 0 and 0.0, which are equal, are two values in a file."""
    return _known(values, tuple(map(type, values)))


def packed(records: Sequence[Record]) -> Sequence[Record]:
    """The records in columns; what is in columns already, or is none, as it is."""
    return records if not records or isinstance(records, RecordArray) else RecordArray(records)


@cache
def reader(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    """What reads all the fields of such a record."""
    names = [field.name for field in fields(kind)]
    return attrgetter(*names) if len(names) > 1 else lambda record: (getattr(record, names[0]),)


@cache
def _places(kind: Any) -> dict[str, int]:
    return {field.name: place for place, field in enumerate(fields(kind))}


def _packed(values: tuple[Any, ...]) -> Column:
    """Those of one field, as small as they can be read quickly."""
    kinds = set(map(type, values))
    if len(kinds) > 1:
        return _shared(values)
    kind, first = kinds.pop(), values[0]
    if kind is tuple and any(values):
        inner = set(map(type, chain.from_iterable(values)))
        if inner == {float}:
            return SampleArray(values)
        if len(inner) == 1 and hasattr(inner.pop(), "__dataclass_fields__"):
            return Groups(values)
    if values.count(first) == len(values):
        return _same(first)
    if kind is float:
        return array("d", values)
    return _shared(values)
