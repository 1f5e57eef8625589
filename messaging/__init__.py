"""The broker: topology as data, messages to bytes and back, and two transports under the same buses.

The only importer of aio_pika is `messaging.rabbit`.
"""

from messaging.bus import TransportAgentBus, TransportControlBus
from messaging.memory import memory_transport
from messaging.rabbit.doctor import check
from messaging.rabbit.transport import rabbit_transport
from messaging.transport import Transport

__all__ = [
    "Transport",
    "TransportAgentBus",
    "TransportControlBus",
    "check",
    "memory_transport",
    "rabbit_transport",
]
