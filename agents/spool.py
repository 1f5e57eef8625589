"""Results that the broker has not confirmed yet, so that finished work survives an outage or a restart.

It saves work and is not needed for safety: a lost result costs another attempt. So a spool that fails is logged
and passed over.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Protocol

import structlog

from domain.errors import Misconfigured
from domain.messages import ResultMessage

log = structlog.get_logger()

_SCHEMA = "CREATE TABLE IF NOT EXISTS result (exec_id TEXT PRIMARY KEY, agent TEXT NOT NULL, body TEXT NOT NULL)"


class Spool(Protocol):
    """Where results wait. Never raises."""

    def put(self, exec_id: str, result: ResultMessage) -> None:
        """Keep a result until `remove`."""
        ...

    def remove(self, exec_id: str) -> None:
        """The broker has it."""
        ...

    def waiting(self, agent: str) -> list[tuple[str, ResultMessage]]:
        """Results of this agent by the execution they belong to, oldest first."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


class MemorySpool:
    """For workers that live and die with the broker: the embedded case."""

    def __init__(self) -> None:
        self._results: dict[str, ResultMessage] = {}

    def put(self, exec_id: str, result: ResultMessage) -> None:
        """Keep a result until `remove`."""
        self._results[exec_id] = result

    def remove(self, exec_id: str) -> None:
        """The broker has it."""
        self._results.pop(exec_id, None)

    def waiting(self, agent: str) -> list[tuple[str, ResultMessage]]:
        """Results of this agent."""
        return [(exec_id, result) for exec_id, result in self._results.items() if result.source == agent]

    def close(self) -> None:
        """Nothing to release."""


class FileSpool:
    """A SQLite file; processes may share one. WAL without a sync per commit loses at most what a power cut takes.

    Args:
        path: the file; made, with its (then private) folder, when it is not there.

    Raises Misconfigured when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured("error.setting", name="XINGSHU_SPOOL", detail=f"{path}: {error}") from error
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
        except sqlite3.Error as error:
            self._db.close()
            raise Misconfigured("error.setting", name="XINGSHU_SPOOL", detail=f"{path}: {error}") from error

    def put(self, exec_id: str, result: ResultMessage) -> None:
        """Keep a result until `remove`."""
        body = result.model_dump_json(by_alias=True)
        self._do("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", exec_id, result.source, body)

    def remove(self, exec_id: str) -> None:
        """The broker has it."""
        self._do("DELETE FROM result WHERE exec_id = ?", exec_id)

    def waiting(self, agent: str) -> list[tuple[str, ResultMessage]]:
        """Results of this agent; what a newer version wrote and this one cannot read is left alone."""
        rows = self._do("SELECT exec_id, body FROM result WHERE agent = ? ORDER BY rowid", agent)
        return [(exec_id, result) for exec_id, body in rows if (result := _read(body)) is not None]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _do(self, statement: str, *values: str) -> list[tuple[str, str]]:
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            log.warning("spool_failed", error=str(error))
            return []


def _read(body: str) -> ResultMessage | None:
    try:
        return ResultMessage.model_validate_json(body)
    except ValueError as error:
        log.warning("spooled_result_unreadable", error=type(error).__name__)
        return None
