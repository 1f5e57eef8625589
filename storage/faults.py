"""What a database error means for whoever asked: run again, give up, or call the operator."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from domain.errors import Misconfigured, StoreDown, XingshuError

SETTING = "DATABASE_URL"
UNPREPARED = "the database has no schema of this version yet; run `xingshu setup`"
NOT_A_DATABASE = "the file is not a SQLite database"
DAMAGED = "the file is damaged; stop everything, keep a copy of it, and put a backup in its place"

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout
_FULL = frozenset({"53100", "SQLITE_FULL"})
_UNDEFINED = frozenset({"42P01", "42703"})  # table, column
_NO_SUCH = ("no such table", "no such column", "has no column")  # SQLite has no code of its own for these


class Conflict(Exception):
    """Somebody else changed the same rows meanwhile: nothing was saved, run the work again."""


class Unsure(Exception):
    """The connection broke during the commit: whether it happened is not known, so it is not repeated."""


class Fault(Enum):
    """The kinds of failure that are the database's rather than ours."""

    CONFLICT = auto()  # rolled back; the same work may succeed now
    LOST = auto()  # the connection broke before the commit; a new one may work
    DOWN = auto()
    FULL = auto()  # down, until somebody makes room
    UNPREPARED = auto()
    NOT_A_DATABASE = auto()
    DAMAGED = auto()


def fault_of(error: BaseException | None) -> Fault | None:
    """Classify an error; None for one that is none of the database's doing."""
    if isinstance(error, Conflict):
        return Fault.CONFLICT
    if isinstance(error, Unsure):
        return Fault.DOWN
    if not isinstance(error, DBAPIError):
        return None
    if error.connection_invalidated:
        return Fault.LOST
    return _fault_of_code(_code(error.orig), error)


def told(error: BaseException) -> XingshuError | None:
    """The error a stage understands; None when it is none of the database's doing."""
    match fault_of(error):
        case None:
            return None
        case Fault.UNPREPARED:
            return unusable(UNPREPARED)
        case Fault.NOT_A_DATABASE:
            return unusable(NOT_A_DATABASE)
        case Fault.DAMAGED:
            return unusable(DAMAGED)
        case Fault.FULL:
            return StoreDown("error.store_full")
        case Fault.CONFLICT | Fault.LOST | Fault.DOWN:
            return StoreDown("error.store_down")


def unusable(detail: str) -> XingshuError:
    """The error that names DATABASE_URL; never its value, which may hold a password."""
    return Misconfigured("error.setting", name=SETTING, detail=detail)


def _code(orig: Any) -> str:
    return getattr(orig, "sqlstate", None) or getattr(orig, "sqlite_errorname", None) or ""


_OF_CODE = {"SQLITE_NOTADB": Fault.NOT_A_DATABASE, **dict.fromkeys(_FULL, Fault.FULL)}


def _fault_of_code(code: str, error: DBAPIError) -> Fault | None:
    if code in _CONFLICTS or code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Fault.CONFLICT
    if code in _UNDEFINED or any(words in str(error.orig) for words in _NO_SUCH):
        return Fault.UNPREPARED
    if code in _OF_CODE:
        return _OF_CODE[code]
    if code.startswith("SQLITE_CORRUPT"):
        return Fault.DAMAGED
    return Fault.DOWN if isinstance(error, OperationalError | InterfaceError) else None
