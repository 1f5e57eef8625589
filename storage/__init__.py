"""The database: the only package that speaks SQL. Implements `domain.ports.store`."""

from storage.schema import check, migrate
from storage.store import SqlStore, open_store

__all__ = ["SqlStore", "check", "migrate", "open_store"]
