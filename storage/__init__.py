"""The database: the only package that speaks SQL. Implements `domain.ports.store`."""

from storage.answers import Room
from storage.schema import check, examine, migrate
from storage.store import SqlStore, open_store

__all__ = ["Room", "SqlStore", "check", "examine", "migrate", "open_store"]
