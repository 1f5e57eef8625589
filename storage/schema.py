"""The schema: bring a database to this version, and say where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from storage.engines import file_of, is_in_memory, is_postgres, open_engine, read_url
from storage.faults import UNPREPARED, told, unusable

MIGRATIONS = Path(__file__).parent / "migrations"

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7205759403792794)")  # any number, the same in all our processes


def migrate(url: str) -> None:
    """Bring the database to the schema of this version; does nothing when it is there already.

    Several processes may do so at once: one works, the others wait. Raises StoreDown, Misconfigured.
    """
    with _connected(read_url(url)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(_ONE_AT_A_TIME)
        command.upgrade(alembic_config(connection), "head")
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
    with _connected(target) as connection:
        product = "PostgreSQL" if is_postgres(target) else "SQLite"
        number = ".".join(str(part) for part in connection.dialect.server_version_info or ())
        return f"{product} {number}, {'in memory' if is_in_memory(target) else _schema(connection)}"


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection; there is no alembic.ini."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _schema(connection: Connection) -> str:
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if MigrationContext.configure(connection).get_current_revision() != head:
        raise unusable(UNPREPARED)
    return f"schema {head}"


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
