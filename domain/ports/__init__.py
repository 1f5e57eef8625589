"""What the stages need from the world, in their own verbs. The docstrings are the contracts.

Walls implement these; every port has a twin without a server behind it (SQLite in memory for the store, the
in-process transport for the buses), and one contract suite judges both.
"""

from domain.ports.bus import AgentBus, Arrival, Connection, ControlBus, Subscription
from domain.ports.chance import Clock, Entropy
from domain.ports.model import Listener, Model
from domain.ports.store import (
    AnswerCache,
    Call,
    Calls,
    Deliveries,
    Delivery,
    Inbox,
    Measured,
    Outbox,
    Registry,
    Spend,
    Store,
    TaskLine,
    Tasks,
    UnitOfWork,
)

__all__ = [
    "AgentBus",
    "AnswerCache",
    "Arrival",
    "Call",
    "Calls",
    "Clock",
    "Connection",
    "ControlBus",
    "Deliveries",
    "Delivery",
    "Entropy",
    "Inbox",
    "Listener",
    "Measured",
    "Model",
    "Outbox",
    "Registry",
    "Spend",
    "Store",
    "Subscription",
    "TaskLine",
    "Tasks",
    "UnitOfWork",
]
