"""A RabbitMQ and a PostgreSQL that may be killed: started from the installed programs, in a folder and on ports of
their own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

START_S = 90.0
LOOK_S = 0.05
_RABBIT_BIN = Path("/usr/lib/rabbitmq/bin")  # Debian's command of that name changes to another user first


class NotHere(Exception):
    """A program is missing; the text says which."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Service(ABC):
    """A program that listens on `port`, can be killed and started again, and keeps what it has in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    @abstractmethod
    def command(self) -> Sequence[str]:
        """How it is started."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What it is started with."""
        shell = os.environ  # noqa: TID251 -- what a shell hands down
        return {name: shell[name] for name in ("PATH", "LANG") if name in shell}

    @property
    def user(self) -> str | None:
        """As whom it runs, when not as whoever runs the test."""
        return None

    async def start(self) -> None:
        """Start it, unless it runs; returns once it answers."""
        if self._process is None or self._process.poll() is not None:
            self._process = self._begun()
        async with asyncio.timeout(START_S):
            while not await self.answers():
                assert self._process.poll() is None, (self.folder / "output.log").read_text(errors="replace")[-4000:]
                await asyncio.sleep(LOOK_S)

    def _begun(self) -> subprocess.Popen[bytes]:
        with (self.folder / "output.log").open("ab") as log:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
            )

    @abstractmethod
    async def answers(self) -> bool:
        """Whether it can be used."""

    async def end(self, number: signal.Signals) -> None:
        """Send a signal to everything it runs, and wait for the end."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)
            await asyncio.to_thread(self._process.wait)

    async def crash(self) -> None:
        """As the machine's power would: no farewell."""
        await self.end(signal.SIGKILL)


class Rabbit(Service):
    """A RabbitMQ node.

    Args:
        folder: where everything of it is.
        consumer_timeout_s: how long a message may stay unacknowledged; None for RabbitMQ's half an hour.
    """

    def __init__(self, folder: Path, consumer_timeout_s: float | None = None) -> None:
        super().__init__(folder)
        self._bin = _RABBIT_BIN if _RABBIT_BIN.is_dir() else Path(shutil.which("rabbitmq-server") or "").parent
        if not (self._bin / "rabbitmq-server").exists():
            raise NotHere("rabbitmq-server is not installed")
        self._distribution_port = free_port()
        self._node = f"xingshu-chaos-{self.port}@localhost"
        lines = [f"listeners.tcp.1 = 127.0.0.1:{self.port}", "disk_free_limit.absolute = 1MB"]
        if consumer_timeout_s is not None:
            lines.append(f"consumer_timeout = {int(consumer_timeout_s * 1000)}")
        (folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (folder / "advanced.config").write_text("[{rabbit, [{channel_tick_interval, 1000}]}].\n")
        (folder / "plugins").write_text("[].\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def command(self) -> Sequence[str]:
        return [str(self._bin / "rabbitmq-server")]

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            **super().environment,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 2:2",  # spinning schedulers starve the others
        }

    async def answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"AMQP\x00\x00\x09\x01")
            async with asyncio.timeout(2):
                return bool(await reader.read(1))
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()

    async def delete_vhost(self) -> None:
        """Everything in it is gone: exchanges, queues, messages, connections. An empty one takes its place."""
        await self._evaluate(
            'rabbit_vhost:delete(<<"/">>, <<"chaos">>), rabbit_vhost:add(<<"/">>, <<"chaos">>), '
            'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"/">>, <<".*">>, <<".*">>, <<".*">>, <<"c">>).'
        )

    async def delete_queues(self) -> None:
        """All queues and what lies in them."""
        await self._evaluate(
            '[rabbit_amqqueue:delete(Q, false, false, <<"chaos">>) || Q <- rabbit_amqqueue:list(<<"/">>)].'
        )

    async def alarm(self, share: float) -> None:
        """Take this share of the machine's memory for all there is; a tiny one blocks every publisher."""
        await self._evaluate(f"vm_memory_monitor:set_vm_memory_high_watermark({share:.5f}).")

    async def _evaluate(self, erlang: str) -> None:
        command = [str(self._bin / "rabbitmqctl"), "-q", "-n", self._node, "eval", erlang]
        done = await asyncio.create_subprocess_exec(
            *command, env=dict(self.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        out, _ = await done.communicate()
        assert done.returncode == 0, out.decode(errors="replace")


class Postgres(Service):
    """A PostgreSQL cluster. Processes die here, not the machine: nothing is lost for want of a disk's flush."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._bin = _postgres_programs()
        self._data = folder / "data"
        self._databases = 0
        if self.user:
            shutil.chown(folder, self.user, self.user)

    @property
    def user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None  # it refuses to run as root

    @property
    def command(self) -> Sequence[str]:
        settings = ("fsync=off", "max_connections=150", "shared_buffers=64MB", "timezone=UTC")
        options = [word for setting in settings for word in ("-c", setting)]
        return [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port), "-k", "", *options]

    async def start(self) -> None:
        if not self._data.exists():
            await self._make()
        await super().start()

    async def _make(self) -> None:
        command = [self._bin / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = await asyncio.to_thread(
            subprocess.run,
            [*command, "--locale=C.UTF-8"],
            env=self.environment,
            cwd=self.folder,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr.decode(errors="replace")

    async def answers(self) -> bool:
        try:
            (await self._connected("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    async def crash(self) -> None:
        """An immediate shutdown: connections break, what is committed is replayed from the log at the next start."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            await asyncio.to_thread(self._process.wait)

    async def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"chaos{self._databases}"
        connection = await self._connected("postgres")
        await asyncio.to_thread(connection.execute, f"CREATE DATABASE {name}")
        connection.close()
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    async def _connected(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        url = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return await asyncio.to_thread(psycopg.connect, url, autocommit=True, connect_timeout=2)


def _postgres_programs() -> Path:
    """Where initdb and postgres are. Raises NotHere."""
    found = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found and not versions:
        raise NotHere("initdb of PostgreSQL is not installed")
    return versions[-1].parent if versions else Path(found or "").parent
