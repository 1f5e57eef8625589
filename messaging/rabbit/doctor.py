"""Looking at a RabbitMQ server."""

from __future__ import annotations

from domain.texts import Language, say
from messaging.rabbit.declare import has_queue
from messaging.rabbit.link import checked, visit
from messaging.topology import Topology

NAME = "xingshu doctor"


async def check(url: str, language: Language = "en", prefix: str = "") -> str:
    """Say which server answers and whether our queues are there; changes nothing. Raises BrokerDown, Misconfigured."""
    topology = Topology(prefix)
    async with visit(checked(url), NAME) as link:
        queues = (topology.star, topology.heartbeats, topology.dead_letters)
        found = [await has_queue(link, queue.name) for queue in queues]
        return say("broker.ready" if all(found) else "broker.bare", language, server=link.server)
