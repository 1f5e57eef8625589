"""The schema: bring a database to this version, and say where it stands.

Alembic is loaded for a database that is not there yet: it takes 5 MB and a quarter of a second, once per upgrade and
not in every process for ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from storage.engines import file_of, is_in_memory, is_postgres, open_engine, read_url
from storage.faults import DAMAGED, UNPREPARED, told, unusable

if TYPE_CHECKING:
    from alembic.config import Config

log = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"
STEPS = sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
HEAD = STEPS[-1]

_REVISION = text("SELECT version_num FROM alembic_version")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7205759403792794)")  # any number, the same in all our processes


def migrate(url: str, after_step: Callable[[], None] | None = None) -> None:
    """Bring the database to the schema of this version; does nothing when it is there already.

    Several processes may do so at once: one works, the others wait. All steps are one transaction; `after_step` is
    called in it, after each. A database of a newer version stays as it is: steps only add to what this version knows
    (docs/how-to/upgrade.md). Raises StoreDown, Misconfigured.
    """
    with _connected(read_url(url)) as connection:
        if _revision(connection) == HEAD:
            return
        from alembic import command

        if connection.dialect.name == "postgresql":
            connection.execute(_ONE_AT_A_TIME)
        if not _is_newer(connection):
            command.upgrade(alembic_config(connection, after_step), "head")
            connection.commit()


def check(url: str) -> str:
    """Which database answers at `url`, and the version of its schema, for an operator.

    Raises StoreDown when it does not answer; Misconfigured when it cannot be used or its schema is not the one this
    version needs. Creates nothing.
    """
    target = read_url(url)
    file = file_of(target)
    if file and not file.exists():
        raise unusable(UNPREPARED)
    examine(url)
    with _connected(target) as connection:
        product = "PostgreSQL" if is_postgres(target) else "SQLite"
        number = ".".join(str(part) for part in connection.dialect.server_version_info or ())
        return f"{product} {number}, {'in memory' if is_in_memory(target) else _schema(connection)}"


def examine(url: str) -> None:
    """Look through a SQLite file for damage, as long as that takes; a server looks after itself.

    Changes nothing, and does not hold up whoever writes. Raises StoreDown, Misconfigured.
    """
    target = read_url(url)
    file = file_of(target)
    if file is None or not file.exists():
        return
    with _connected(target) as connection:
        raw = connection.connection.driver_connection  # no transaction of ours, which would lock the file
        assert raw is not None  # noqa: S101 -- it is connected
        try:
            found = raw.execute("PRAGMA integrity_check(1)").fetchall()
        except sqlite3.DatabaseError as error:
            raise unusable(DAMAGED) from error
    if found != [("ok",)]:
        raise unusable(DAMAGED)


def alembic_config(connection: Connection, after_step: Callable[[], None] | None = None) -> Config:
    """Alembic's configuration for an open connection; there is no alembic.ini."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "after_step": after_step})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _is_newer(connection: Connection) -> bool:
    """Whether a step was taken that this version does not know."""
    found = _revision(connection)
    is_known = found is None or found in STEPS
    if not is_known:
        log.warning("schema_is_newer", schema=found)
    return not is_known


def _schema(connection: Connection) -> str:
    if _revision(connection) != HEAD:
        raise unusable(UNPREPARED)
    return f"schema {HEAD}"


def _revision(connection: Connection) -> str | None:
    """Which step a database has taken last; None when it has taken none."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    revision: str | None = connection.execute(_REVISION).scalar()
    return revision


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        ours = told(error)
        if ours is None:
            raise
        raise ours from error
    finally:
        engine.dispose()
