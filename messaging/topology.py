"""Exchanges and queues as data. Their names and arguments are promised to other programs (docs/reference/wire.md).

`queue.<agent>` is a classic queue with priorities because that is the only form every RabbitMQ since 3.10 accepts;
what it may lose, rows make again. Arguments of a declared queue can never be changed, only the queue deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.errors import Misconfigured

MAX_PRIORITY = 10
HEARTBEAT_TTL_MS = 15_000  # an older sign of life says nothing any more
HEARTBEATS_KEPT = 5_000  # an hour without a control plane must not stand before what comes after it
NUDGES_KEPT = 10_000
MAX_NAME_BYTES = 200  # names of queues and routing keys hold 255 bytes, prefix included
AGENT_NAME = re.compile(r"[\w-]{1,64}")  # one word of a routing key, and never a wildcard


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Which routing keys of an exchange reach a queue; `*` stands for one word, `#` for any number."""

    exchange: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue as it must stand on the broker.

    An exclusive one belongs to the connection that declared it and ends with its consumer; the others are durable.
    An empty name lets the broker pick one.
    """

    name: str
    bindings: tuple[Binding, ...] = ()
    is_exclusive: bool = False
    arguments: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topology:
    """All names, each behind `prefix`, which tests use to keep out of one another's way."""

    prefix: str = ""

    @property
    def tasks(self) -> str:
        """The exchange for what agents are to do."""
        return f"{self.prefix}task_exchange"

    @property
    def results(self) -> str:
        """The exchange for what agents say."""
        return f"{self.prefix}result_exchange"

    @property
    def dead(self) -> str:
        """The exchange for what died in an agent's queue."""
        return f"{self.prefix}dlx_exchange"

    @property
    def events(self) -> str:
        """The exchange for what the control plane's roles tell one another."""
        return f"{self.prefix}event_exchange"

    @property
    def exchanges(self) -> tuple[str, ...]:
        """All of them; every one is a durable topic exchange."""
        return self.tasks, self.results, self.dead, self.events

    def agent(self, agent: str) -> Queue:
        """`queue.<agent>`. Raises Misconfigured for a name that cannot be one word of a routing key."""
        if not is_agent_name(agent):
            raise Misconfigured("error.agent_name", name=agent)
        return Queue(
            name=f"{self.prefix}queue.{agent}",
            bindings=(Binding(exchange=self.tasks, key=f"task.{agent}"),),
            arguments={
                "x-max-priority": MAX_PRIORITY,
                "x-dead-letter-exchange": self.dead,
                "x-dead-letter-routing-key": f"dead.{agent}",
            },
        )

    @property
    def star(self) -> Queue:
        """`queue.star`: results, notices and hellos."""
        return Queue(name=f"{self.prefix}queue.star", bindings=(Binding(exchange=self.results, key="result.#"),))

    @property
    def heartbeats(self) -> Queue:
        """`queue.star.hb`: signs of life, which do not wait."""
        return Queue(
            name=f"{self.prefix}queue.star.hb",
            bindings=(Binding(exchange=self.results, key="heartbeat.#"),),
            arguments={"x-message-ttl": HEARTBEAT_TTL_MS, "x-max-length": HEARTBEATS_KEPT},
        )

    @property
    def dead_letters(self) -> Queue:
        """`queue.dead`."""
        return Queue(name=f"{self.prefix}queue.dead", bindings=(Binding(exchange=self.dead, key="#"),))

    def orders(self, agent: str, worker: str) -> Queue:
        """`ctl.<agent>.<worker>`, reached by its name through the default exchange: nobody else can bind to it."""
        return Queue(name=f"{self.prefix}ctl.{agent}.{worker}", is_exclusive=True)

    def nudges(self, kinds: Iterable[str]) -> Queue:
        """A queue of one listening process for events of these kinds."""
        return Queue(
            name="",
            bindings=tuple(Binding(exchange=self.events, key=f"event.{kind}") for kind in kinds),
            is_exclusive=True,
            arguments={"x-max-length": NUDGES_KEPT},
        )


def is_agent_name(name: str) -> bool:
    """Whether an agent may be called so."""
    return AGENT_NAME.fullmatch(name) is not None and len(name.encode()) <= MAX_NAME_BYTES
