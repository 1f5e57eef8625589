"""What a database error means."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from domain.errors import Misconfigured, StoreDown
from storage.faults import Conflict, Fault, Unsure, fault_of, told


class Driver(Exception):
    """An error as a driver raises it."""

    def __init__(self, message: str = "", *, sqlstate: str | None = None, sqlite: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.sqlite_errorname = sqlite


def wrapped(kind: type[DBAPIError], orig: Driver, *, lost: bool = False) -> DBAPIError:
    return kind("SELECT 1", {}, orig, connection_invalidated=lost)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (Conflict(), Fault.CONFLICT),
        (wrapped(OperationalError, Driver(sqlstate="40001")), Fault.CONFLICT),
        (wrapped(OperationalError, Driver(sqlstate="40P01")), Fault.CONFLICT),
        (wrapped(OperationalError, Driver(sqlstate="55P03")), Fault.CONFLICT),
        (wrapped(OperationalError, Driver(sqlite="SQLITE_BUSY_SNAPSHOT")), Fault.CONFLICT),
        (wrapped(OperationalError, Driver(sqlite="SQLITE_LOCKED")), Fault.CONFLICT),
        (wrapped(OperationalError, Driver(sqlstate="57P01"), lost=True), Fault.LOST),
        (Unsure(), Fault.DOWN),
        (wrapped(OperationalError, Driver(sqlite="SQLITE_FULL")), Fault.FULL),
        (wrapped(OperationalError, Driver(sqlstate="53100")), Fault.FULL),
        (wrapped(OperationalError, Driver(sqlite="SQLITE_IOERR_READ")), Fault.DOWN),
        (wrapped(DBAPIError, Driver(sqlite="SQLITE_CORRUPT_INDEX")), Fault.DAMAGED),
        (wrapped(InterfaceError, Driver()), Fault.DOWN),
        (wrapped(ProgrammingError, Driver(sqlstate="42P01")), Fault.UNPREPARED),
        (wrapped(OperationalError, Driver("no such table: task", sqlite="SQLITE_ERROR")), Fault.UNPREPARED),
        (wrapped(DBAPIError, Driver(sqlite="SQLITE_NOTADB")), Fault.NOT_A_DATABASE),
        (wrapped(IntegrityError, Driver(sqlstate="23505")), None),
        (LookupError(), None),
        (None, None),
    ],
    ids=repr,
)
def test_errors_are_told_apart(error: Exception | None, fault: Fault | None) -> None:
    assert fault_of(error) is fault


def test_each_fault_is_told_as_the_caller_needs_it() -> None:
    assert isinstance(told(Conflict()), StoreDown)
    assert isinstance(told(wrapped(OperationalError, Driver(), lost=True)), StoreDown)
    assert isinstance(told(wrapped(ProgrammingError, Driver(sqlstate="42703"))), Misconfigured)
    assert isinstance(told(wrapped(DBAPIError, Driver(sqlite="SQLITE_NOTADB"))), Misconfigured)
    assert isinstance(told(wrapped(DBAPIError, Driver(sqlite="SQLITE_CORRUPT"))), Misconfigured)
    full = told(wrapped(OperationalError, Driver(sqlite="SQLITE_FULL")))
    assert isinstance(full, StoreDown)
    assert full.key == "error.store_full"
    assert told(LookupError()) is None
