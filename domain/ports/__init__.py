"""What the stages need from the world, in their own verbs. The docstrings are the contracts.

Walls implement these; every port has a twin without a server behind it (SQLite in memory for the store, the
in-process transport for the buses), and one contract suite judges both.
"""

from domain.ports.bus import AgentBus, Arrival, Connection, ControlBus, Subscription
from domain.ports.chance import Clock, Entropy
from domain.ports.model import Model
from domain.ports.store import (
    AnswerCache,
    Deliveries,
    Delivery,
    Inbox,
    Outbox,
    Registry,
    Store,
    TaskLine,
    Tasks,
    UnitOfWork,
)

__all__ = [
    "AgentBus",
    "AnswerCache",
    "Arrival",
    "Clock",
    "Connection",
    "ControlBus",
    "Deliveries",
    "Delivery",
    "Entropy",
    "Inbox",
    "Model",
    "Outbox",
    "Registry",
    "Store",
    "Subscription",
    "TaskLine",
    "Tasks",
    "UnitOfWork",
]
