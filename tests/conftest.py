"""Fixtures shared by all tests: the real services where they answer, and nothing of the user's environment."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

OURS = ("XINGSHU_", "OPENAI_", "TELEGRAM_", "DISCORD_")
AMQP_URL = os.environ.get("TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")  # noqa: TID251 -- where tests find services
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")  # noqa: TID251 -- same
IS_REQUIRED = os.environ.get("XINGSHU_REQUIRE_SERVICES") == "1"  # noqa: TID251 -- same


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never see the developer's own settings."""
    for name in list(os.environ):  # noqa: TID251 -- this is where they are taken away
        if name.startswith(OURS) or name in {"DATABASE_URL", "AMQP_URL"}:
            monkeypatch.delenv(name)


def _answers(url: str, default_port: int) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or default_port), timeout=2):
            return True
    except OSError:
        return False


def _service(url: str, default_port: int, name: str, variable: str) -> str:
    if _answers(url, default_port):
        return url
    reason = f"{name} does not answer at {urlsplit(url).hostname}:{urlsplit(url).port or default_port} (set {variable})"
    if IS_REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """A RabbitMQ to talk to, or the test is skipped with the reason."""
    return _service(AMQP_URL, 5672, "RabbitMQ", "TEST_AMQP_URL")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL to talk to, or the test is skipped with the reason."""
    return _service(POSTGRES_URL, 5432, "PostgreSQL", "TEST_POSTGRES_URL")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for whole processes goes first, so that no core is idle at the end."""
    items.sort(key=lambda item: item.get_closest_marker("process") is None)
