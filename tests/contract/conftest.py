"""The databases that the store's contract is judged on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.stores import GROUNDS, POSTGRES, SHARED, Ground, ground_of


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
