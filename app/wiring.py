"""The composition root: one process's share of a deployment, built from the settings.

Nothing else knows which database, broker or model there is. A test is just another wiring.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.clock import SystemClock, SystemEntropy
from app.failpoints import Failpoints
from app.settings import Settings
from domain.errors import Misconfigured
from domain.plan_check import Limits
from domain.ports import AgentBus, ControlBus, Model, Store
from domain.task import Scope

if TYPE_CHECKING:
    from agents.spool import Spool
    from app.blame import Running
    from domain.skill import SkillSpec
    from llm import ModelSettings, ResponseCache
    from messaging import Transport


def process_id() -> str:
    """A name for this process that no other has."""
    return f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(3)}"


class House:
    """The walls of one process: opened when first asked for, closed together.

    An agent machine never asks for the store, so it needs the broker and nothing else.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.entropy = SystemEntropy()
        self.process_id = process_id()
        self._stack = stack
        self.points = Failpoints(settings.fail) if settings.fail else None

    @property
    def is_embedded(self) -> bool:
        """Whether the broker runs inside this process, so that all roles must too."""
        return self.settings.amqp_url is None

    @cached_property
    def store(self) -> Store:
        """The database, migrated."""
        from storage import migrate, open_store

        _make_folder_of(self.settings.database_url)
        points = self.points
        migrate(self.settings.database_url, partial(points.reached, "migration.step.after") if points else None)
        if points:
            points.reached("migration.commit.after")
        store = open_store(self.settings.database_url, self.clock)
        self._stack.push_async_callback(store.close)
        return store

    def examine_store(self) -> None:
        """Look through the database for damage before anything is written to it. Raises StoreDown, Misconfigured."""
        from storage import examine

        examine(self.settings.database_url)

    @cached_property
    def _transport(self) -> Transport:
        from messaging import memory_transport, rabbit_transport

        if self.settings.amqp_url is None:
            return memory_transport(self.clock)
        return rabbit_transport(self.settings.amqp_url.get_secret_value(), self.process_id, self.clock)

    @cached_property
    def control_bus(self) -> ControlBus:
        """The broker as the control plane sees it."""
        from messaging import TransportControlBus

        bus = TransportControlBus(self._transport)
        self._stack.push_async_callback(bus.close)
        return bus

    @cached_property
    def agent_bus(self) -> AgentBus:
        """The broker as a worker sees it."""
        from messaging import TransportAgentBus

        bus = TransportAgentBus(self._transport)
        self._stack.push_async_callback(bus.close)
        return bus

    @cached_property
    def spool(self) -> Spool:
        """Where results wait for the broker: a file where the broker is another process, else memory."""
        from agents.spool import FileSpool, MemorySpool

        if self.is_embedded:
            return MemorySpool()
        spool = FileSpool(self.settings.spool)
        self._stack.callback(spool.close)
        return spool

    def worker_name(self, agent: str) -> str:
        """A name for a worker of this agent that it has again after a restart, and nobody else who lives. Where no seat
        is to be had, one that is new with every process: what it leaves behind then ends by time."""
        from agents.worker import worker_name
        from app.seats import seat

        place = self._stack.enter_context(seat(self.settings.spool.parent / "workers", agent))
        return worker_name(os.uname().nodename, agent, place) if place else worker_name(self.process_id, agent, "1")

    @cached_property
    def running(self) -> Running | None:
        """What is being worked on, for the next process to know should this one die; None where the broker knows."""
        from app.blame import Running

        if not self.is_embedded:
            return None
        running = Running(self.settings.spool.parent / "running")
        self._stack.callback(running.close)
        return running

    @cached_property
    def _model_settings(self) -> ModelSettings:
        from llm import ModelSettings

        settings = self.settings
        return ModelSettings(
            models=settings.models,
            first_s=settings.model_first_s,
            idle_s=settings.model_idle_s,
            total_s=settings.model_timeout_s,
            slots=settings.model_concurrency,
        )

    @cached_property
    def model(self) -> Model | None:
        """The language model, if one is configured."""
        if not self.settings.has_model:
            return None
        from llm import OpenAIModel

        model = OpenAIModel(self._model_settings, self.clock, self.entropy)
        self._stack.push_async_callback(model.close)
        if self.points is None:
            return model
        from app.failing import FailingModel

        return FailingModel(model, self.points)

    def model_for(self, scope: Scope, task_id: str | None) -> Model | None:
        """The model as one owner's task asks it: every call goes into their books."""
        if self.model is None:
            return None
        from llm import BookedModel

        return BookedModel(self.model, self.store, self.clock, scope, task_id)

    @cached_property
    def response_cache(self) -> ResponseCache:
        """Kept plans and answers, for the control plane; `house` enters and leaves it."""
        from llm import CachePolicy, ResponseCache

        policy = CachePolicy(
            holder=self.process_id, identity=self._model_settings.identity, model=self.settings.models[0].name
        )
        return ResponseCache(lambda: self.store, self.clock, policy)

    @cached_property
    def configured(self) -> Sequence[tuple[str, SkillSpec]]:
        """What the operator says each agent can do."""
        from agents.roster import catalogue_of

        return catalogue_of(self.settings.roster)

    @property
    def limits(self) -> Limits:
        """How large a plan may be."""
        return Limits(max_nodes=self.settings.max_nodes, max_depth=self.settings.max_depth)

    @property
    def workspace(self) -> Path:
        """The only folder agents work in, whether it is there or not."""
        return self.settings.workspace.expanduser().resolve()

    def checked_workspace(self) -> Path:
        """The workspace. Raises Misconfigured when agents could not work in it."""
        path = self.workspace
        if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise Misconfigured("cli.needs_workspace", path=path)
        return path


def sqlite_file(database_url: str) -> Path | None:
    """The file behind an SQLite URL; None for other databases and for memory."""
    if not database_url.startswith("sqlite:///") or database_url.startswith("sqlite:///:"):
        return None
    return Path(database_url.removeprefix("sqlite:///").partition("?")[0])


def _make_folder_of(database_url: str) -> None:
    """The folder of an SQLite file is made when missing; it holds private rows."""
    file = sqlite_file(database_url)
    if file is not None:
        folder = file.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            detail = f"{folder}: {error.strerror}"
            raise Misconfigured("error.setting", name="DATABASE_URL", detail=detail) from error


@asynccontextmanager
async def house(settings: Settings) -> AsyncIterator[House]:
    """Open the walls of this process; close what was opened on the way out."""
    async with AsyncExitStack() as stack:
        here = House(settings, stack)
        async with here.response_cache if settings.has_model else nullcontext():  # ends before what it stands on
            yield here
