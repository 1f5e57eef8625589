"""A deployment of the test's own on the real RabbitMQ and PostgreSQL: its own virtual host, its own schema."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from tests.conftest import IS_REQUIRED


@contextmanager
def own_vhost(amqp_url: str) -> Iterator[str]:
    """A virtual host that nobody else uses. Skips with the reason where none can be made."""
    if shutil.which("rabbitmqctl") is None:
        (pytest.fail if IS_REQUIRED else pytest.skip)("rabbitmqctl is not here to make a virtual host for the test")
    name = f"xingshu-test-{secrets.token_hex(4)}"
    parts = urlsplit(amqp_url)
    _rabbitmqctl("add_vhost", name)
    try:
        _rabbitmqctl("set_permissions", "-p", name, parts.username or "guest", ".*", ".*", ".*")
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        _rabbitmqctl("delete_vhost", name)


def _rabbitmqctl(*args: str) -> None:
    subprocess.run(["rabbitmqctl", "-q", *args], check=True, capture_output=True, timeout=60)


@contextmanager
def own_schema(postgres_url: str) -> Iterator[str]:
    """A schema that nobody else uses, as a URL whose connections see only it."""
    name = f"xingshu_test_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    separator = "&" if urlsplit(postgres_url).query else "?"
    try:
        yield f"{postgres_url}{separator}options={quote(f'-csearch_path={name}')}"
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")
