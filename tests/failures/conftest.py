"""Deployments to break, shared by the tests of a file: one on SQLite with the broker in the process, one on servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.failures.ground import Ground, ground
from tests.failures.nursery import Nursery
from tests.failures.nursery import nursery as started
from tests.failures.proxies import proxied
from tests.failures.sides import Side

Grounds = Callable[[Side], Ground]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with started() as nursery:
        yield nursery


@pytest.fixture(scope="module")
def grounds(
    nursery: Nursery, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Grounds]:
    """The deployment on each side, begun when first asked for."""
    begun: dict[Side, Ground] = {}
    with ExitStack() as stack:

        def on(side: Side) -> Ground:
            if side not in begun or begun[side].is_spoiled:
                proxies = None
                if side is Side.SERVERS:
                    urls = (request.getfixturevalue("amqp_url"), request.getfixturevalue("postgres_url"))
                    proxies = stack.enter_context(proxied(*urls))
                folder = tmp_path_factory.mktemp(side.value)
                begun[side] = stack.enter_context(ground(folder, nursery, proxies))
            return begun[side]

        yield on
        for here in begun.values():
            if not here.is_spoiled:
                here.stop()


@pytest.fixture
def here(grounds: Grounds, side: Side) -> Iterator[Ground]:
    """The deployment of this side, whole again afterwards, whatever a test did to it; or the next gets another."""
    ground = grounds(side)
    try:
        yield ground
    finally:
        ground.leave() if ground.is_spoiled else ground.mend()
