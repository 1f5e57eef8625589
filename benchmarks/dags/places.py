"""Where benchmarks may work: a virtual host and a database that they may write to."""

from __future__ import annotations

import os

AMQP_URL = os.environ.get("BENCH_AMQP_URL", "")  # noqa: TID251 -- where to measure
POSTGRES_URL = os.environ.get("BENCH_POSTGRES_URL", "")  # noqa: TID251 -- where to measure
PEERS_PYTHON = os.environ.get("BENCH_PEERS_PYTHON", "")  # noqa: TID251 -- a Python that has the other task queues


def child_environment(**changes: str) -> dict[str, str]:
    """What a contender's processes see: the places, and nothing of the user's settings."""
    kept = ("PATH", "HOME", "BENCH_AMQP_URL", "BENCH_POSTGRES_URL", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | changes  # noqa: TID251 -- a child's
