"""A DuckDB connection of one call: bounded from the start, cut off from the world once the data is in.

Source of the settings: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from domain.errors import Refused

_BOUNDS: dict[str, str | bool | int] = {
    "memory_limit": "256MB",
    "threads": 1,
    "max_temp_directory_size": "1GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}


@contextmanager
def opened(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory that spills into `scratch`. What DuckDB cannot hold is refused."""
    places = {"temp_directory": str(scratch / "spill"), "home_directory": str(scratch)}
    connection = duckdb.connect(":memory:", config={**_BOUNDS, **places})
    try:
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise Refused("data.memory") from error
    finally:
        connection.close()


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """From here on no file, no network, no extension, and no way back."""
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


@contextmanager
def time_limit(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Refuse what takes longer than `seconds`."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise Refused("data.too_slow", seconds=seconds) from error
    finally:
        timer.cancel()


def quoted(name: str) -> str:
    """A column or table name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"
