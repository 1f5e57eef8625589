"""The database that turns and loops are tested with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import SqlStore, migrate, open_store
from tests.fakes import FakeClock


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path}/t.db"
    migrate(url)
    opened = open_store(url, FakeClock())
    yield opened
    await opened.close()
