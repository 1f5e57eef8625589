"""A deployment of the test's own on the real RabbitMQ and PostgreSQL: its own virtual host, its own schema, a process
for every role."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from tests.acceptance.command import Command
from tests.conftest import IS_REQUIRED

ROLES = ("bot", "planner", "dispatcher", "aggregator", "agents")


class Deployment:
    """Five processes, and a command line beside them."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.processes = {role: self._start(role) for role in ROLES}

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        return self.command.start_serving("serve", "--role", role)

    def kill(self, role: str) -> None:
        """As the machine's power would: no farewell."""
        self.processes[role].kill()
        self.processes[role].wait()

    def restart(self, role: str) -> None:
        self.processes[role] = self._start(role)

    def stop(self) -> dict[str, int]:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        try:
            return {role: process.wait(90) for role, process in self.processes.items()}
        finally:
            for process in self.processes.values():
                process.kill()
                process.wait()


def ready(deployment: Deployment) -> None:
    """Every role is alive, so that the command line starts none itself."""
    while True:
        alive = deployment.command("agents", "--json").json
        if {"echo", "files", "data", "code", "writer", "general"} <= {row["agent"] for row in alive}:
            return


@contextmanager
def services_of_its_own(amqp_url: str, postgres_url: str) -> Iterator[dict[str, str]]:
    """Settings for broker and database, with times short enough to see recovery within a test."""
    with own_vhost(amqp_url) as amqp, own_schema(postgres_url) as database:
        yield {
            "AMQP_URL": amqp,
            "DATABASE_URL": database,
            "XINGSHU_LOG_FORMAT": "json",
            "XINGSHU_LOG_LEVEL": "debug",
            "XINGSHU_LEASE_S": "6",
            "XINGSHU_SWEEP_S": "1",
            "XINGSHU_DISPATCH_TTL_S": "5",
        }


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
