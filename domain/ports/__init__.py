"""What the stages need from the world, in their own verbs. The docstrings are the contracts.

Walls implement these; every port has a twin without a server behind it (SQLite in memory for the store, the
in-process transport for the buses), and one contract suite judges both.
"""

from domain.ports.bus import AgentBus, Arrival, Connection, ControlBus, Subscription
from domain.ports.chance import Clock, Entropy
from domain.ports.chats import Chats, Cursors, Leaders, Offers, People, Posts, Previews
from domain.ports.dead import DeadLetters
from domain.ports.model import Listener, Model
from domain.ports.registry import Registry
from domain.ports.retention import Retention
from domain.ports.schedules import Schedules
from domain.ports.store import (
    NEWEST,
    AnswerCache,
    Call,
    Calls,
    Deliveries,
    Delivery,
    Inbox,
    Measured,
    Outbox,
    Spend,
    Store,
    TaskLine,
    Tasks,
    UnitOfWork,
)

__all__ = [
    "NEWEST",
    "AgentBus",
    "AnswerCache",
    "Arrival",
    "Call",
    "Calls",
    "Chats",
    "Clock",
    "Connection",
    "ControlBus",
    "Cursors",
    "DeadLetters",
    "Deliveries",
    "Delivery",
    "Entropy",
    "Inbox",
    "Leaders",
    "Listener",
    "Measured",
    "Model",
    "Offers",
    "Outbox",
    "People",
    "Posts",
    "Previews",
    "Registry",
    "Retention",
    "Schedules",
    "Spend",
    "Store",
    "Subscription",
    "TaskLine",
    "Tasks",
    "UnitOfWork",
]
