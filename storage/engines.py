"""From DATABASE_URL to an engine whose transactions behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from storage.faults import unusable

POSTGRES_THREADS = 4  # transactions of one process at once
BUSY_TIMEOUT_S = 30

# Values stay out of errors and logs; an INSERT says how many rows it made.
_COMMON: dict[str, Any] = {"hide_parameters": True, "execution_options": {"preserve_rowcount": True}}

_SHAPES = "give sqlite:///path or postgresql://user@host/name"
_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})

# libpq gives up on a dead peer within seconds; https://www.postgresql.org/docs/current/libpq-connect.html
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# A frozen process must not hold its rows for ever, nor anybody wait for ever.
_SESSION = (
    "SET TIME ZONE 'UTC'",
    "SET lock_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '30s'",
)


def read_url(text: str) -> URL:
    """A database URL as SQLAlchemy wants it. Raises Misconfigured, without quoting it: it may hold a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise unusable(f"it is not a database URL; {_SHAPES}") from None
    if url.drivername in _POSTGRES:
        return _checked(url.set(drivername="postgresql+psycopg"))
    if url.drivername in _SQLITE:
        return url
    raise unusable(f"it names a kind of database that is not supported; {_SHAPES}")


def open_engine(url: URL) -> Engine:
    """An engine for a URL that was read; does not connect yet. Raises Misconfigured when its folder cannot be made."""
    return _postgres(url) if is_postgres(url) else _sqlite(url)


def is_postgres(url: URL) -> bool:
    """Whether it is a PostgreSQL server, else it is SQLite."""
    return url.get_backend_name() == "postgresql"


def is_in_memory(url: URL) -> bool:
    """Whether the database lives and dies with its engine."""
    return not is_postgres(url) and url.database in {None, "", ":memory:"}


def file_of(url: URL) -> Path | None:
    """The file a SQLite database is kept in."""
    return None if is_postgres(url) or is_in_memory(url) else Path(url.database or "")


def _checked(url: URL) -> URL:
    try:
        make_conninfo(**_connect_arguments(url))
    except ProgrammingError:
        raise unusable("libpq does not know one of its options") from None
    return url


def _connect_arguments(url: URL) -> dict[str, Any]:
    return {**url.translate_connect_args(username="user", database="dbname"), **url.query}


def _postgres(url: URL) -> Engine:
    patience = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    engine = create_engine(
        url, pool_size=POSTGRES_THREADS, max_overflow=0, connect_args=patience, use_native_hstore=False, **_COMMON
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        for setting in _SESSION:
            connection.execute(setting)
        connection.autocommit = False

    return engine


def _sqlite(url: URL) -> Engine:
    file = file_of(url)
    if file:
        _make_room(file)
    pool: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if file else {"poolclass": StaticPool}
    arguments = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, **pool, **_COMMON)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins, not the driver: "begin" below
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when somebody wrote in between, without
        # waiting (https://www.sqlite.org/lang_transaction.html); taking the lock at the start waits its turn.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(f"the folder {path.parent} cannot be made") from error
