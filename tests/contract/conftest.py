"""The databases that the store's contract is judged on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.beyond_twin import BEYOND_TWIN, FILES
from tests.contract.stores import GROUNDS, POSTGRES, SHARED, Ground, ground_of


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The twin is not asked for what it cannot do."""
    spared = [item for item in items if _is_beyond_twin(item)]
    items[:] = [item for item in items if item not in spared]
    config.hook.pytest_deselected(items=spared)


def _is_beyond_twin(item: pytest.Item) -> bool:
    name, _, ground = item.name.partition("[twin")
    return bool(ground) and (name in BEYOND_TWIN or item.path.stem in FILES)


@pytest.fixture(params=GROUNDS)
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


@pytest.fixture(params=SHARED)
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground


@pytest.fixture(params=[POSTGRES])
async def postgres(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_of(request) as ground:
        yield ground
