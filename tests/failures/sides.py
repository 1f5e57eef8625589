"""The two deployments every promise is kept on, and on which of them a row of the failure model is tried."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import pytest

IS_WHOLE = os.environ.get("TEST_FAILURES") == "all"  # noqa: TID251 -- which tests to run is not the program's to know


class Side(Enum):
    """Where the program stands."""

    SQLITE = "sqlite"  # everything in one process, on a file
    SERVERS = "servers"  # the control plane and the agents in processes of their own, on PostgreSQL and RabbitMQ


BOTH = (Side.SQLITE, Side.SERVERS)


def on_sides(cases: Iterable[Any], *sides: Side) -> list[Any]:
    """(side, case) for every case: on both sides with TEST_FAILURES=all, else on one of them, in turn."""
    tried = sides or BOTH
    return [
        pytest.param(side, case, id=f"{case}-{side.value}", marks=_marks(side))
        for number, case in enumerate(cases)
        for side in (tried if IS_WHOLE else (tried[number % len(tried)],))
    ]


def on(*sides: Side, usual: Side | None = None) -> list[Any]:
    """The sides of a single case; only the usual one (by default the first) unless TEST_FAILURES=all."""
    tried: Sequence[Side] = sides or BOTH
    chosen = tried if IS_WHOLE else (usual or tried[0],)
    return [pytest.param(side, id=side.value, marks=_marks(side)) for side in chosen]


def _marks(side: Side) -> list[pytest.MarkDecorator]:
    return [pytest.mark.rabbitmq, pytest.mark.postgres] if side is Side.SERVERS else []
