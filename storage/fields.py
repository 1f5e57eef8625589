"""Which columns the fields of a value are written to, so that what did not change need not be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeVar

V = TypeVar("V")

Values = dict[str, Any]
Writer = Callable[[Any], Any]
"""Makes what is stored in a column out of the value of a field."""


def as_is(value: Any) -> Any:
    """A field that is stored as it is."""
    return value


class Fields(Generic[V]):
    """Fields of one class of values and their columns.

    Args:
        columns: for each field, its columns and how each is written; usually one, of the same name.
    """

    def __init__(self, columns: Mapping[str, Mapping[str, Writer]]) -> None:
        self._fields = tuple(columns)
        self._read = attrgetter(*columns)
        self._of_fields = {field: tuple(writers) for field, writers in columns.items()}
        self._writers = {
            name: (attrgetter(field), write) for field, writers in columns.items() for name, write in writers.items()
        }
        self.columns = tuple(self._writers)

    def changed(self, before: V, after: V) -> tuple[str, ...]:
        """The columns that are written differently, in the order of all."""
        pairs = zip(self._fields, self._read(before), self._read(after), strict=True)
        return tuple(
            name for field, old, new in pairs if old is not new and old != new for name in self._of_fields[field]
        )

    def values(self, value: V, columns: Iterable[str] | None = None) -> Values:
        """What is written, to all columns or to these."""
        chosen = ((name, *self._writers[name]) for name in (self.columns if columns is None else columns))
        return {name: write(read(value)) for name, read, write in chosen}
