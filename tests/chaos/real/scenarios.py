"""The table: every scenario with its faults, its load and what it must reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.real import faults as f
from tests.chaos.real.load import Shape
from tests.chaos.real.skills import AGENT
from tests.chaos.real.verdict import Limits


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many requests come within how many seconds, while things go wrong, and how soon after that all must be
    answered."""

    requests: int
    lasts_s: float
    within_s: float = 90.0

    @property
    def pause_s(self) -> float:
        """Between two requests."""
        return self.lasts_s / self.requests


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`name` is its number in the table of docs/explanation/tried.md. `quick` is the size in the default suite, if it
    is in there."""

    name: str
    what: str
    faults: Sequence[f.Fault]
    full: Size
    quick: Size | None = None
    workers: int = 4
    dispatchers: int = 1
    shape: Shape = field(default_factory=Shape)
    limits: Limits = field(default_factory=Limits)
    has_proxies: bool = False
    is_embedded: bool = False

    @property
    def processes(self) -> list[tuple[str, Sequence[str]]]:
        """Name and arguments of every process."""
        if self.is_embedded:
            return [("all-0", ("serve",))]
        control = [(f"{role}-0", ("serve", "--role", role)) for role in ("bot", "planner", "aggregator")]
        dispatchers = [(f"dispatcher-{n}", ("serve", "--role", "dispatcher")) for n in range(self.dispatchers)]
        workers = [(f"worker-{n}", ("worker", AGENT)) for n in range(self.workers)]
        return [*control, *dispatchers, *workers]


MIXTURE = Scenario(
    name="C1-C3",
    what="dispatcher, workers and broker killed, all at once",
    faults=(f.kills("dispatcher", (2, 5)), f.kills("worker", (1, 3)), f.broker_crashes((9, 11))),
    workers=6,
    full=Size(requests=300, lasts_s=120),
    quick=Size(requests=30, lasts_s=13),
    limits=Limits(runs_per_look=1.6),
)

SCENARIOS = (
    MIXTURE,
    Scenario(
        name="C1",
        what="dispatcher killed",
        faults=(f.kills("dispatcher", (2, 5)),),
        full=Size(requests=400, lasts_s=120),
    ),
    Scenario(
        name="C2",
        what="workers killed",
        faults=(f.kills("worker", (1, 3)),),
        workers=8,
        full=Size(requests=400, lasts_s=120),
    ),
    Scenario(
        name="C3",
        what="dispatcher, workers and broker killed",
        faults=(f.kills("dispatcher", (2, 5)), f.kills("worker", (1, 3)), f.broker_crashes((20, 40))),
        workers=8,
        full=Size(requests=400, lasts_s=150),
        limits=Limits(runs_per_look=1.6),
    ),
    Scenario(
        name="C4",
        what="the broker away for a minute",
        faults=(f.broker_crashes((5, 6), (60, 60)),),
        full=Size(requests=100, lasts_s=40),
    ),
    Scenario(
        name="C5",
        what="every queue deleted, the virtual host deleted",
        faults=(f.broker_emptied((1, 3)),),
        full=Size(requests=300, lasts_s=120),
        quick=Size(requests=16, lasts_s=8),
    ),
    Scenario(
        name="C6",
        what="PostgreSQL stopped",
        faults=(f.database_stops((3, 7)),),
        full=Size(requests=300, lasts_s=120),
        quick=Size(requests=16, lasts_s=8),
    ),
    Scenario(
        name="C7",
        what="SQLite and the in-process broker: the process killed",
        faults=(f.kills("all", (1.5, 4)),),
        is_embedded=True,
        shape=Shape(slow_ms=600),  # nobody finishes anything that lasts as long as anybody lives
        full=Size(requests=200, lasts_s=120),
    ),
    Scenario(
        name="C8",
        what="network faults to database, broker, chat and model",
        faults=(f.network((1, 3), (1, 4)),),
        has_proxies=True,
        full=Size(requests=200, lasts_s=150),
        quick=Size(requests=16, lasts_s=8),
    ),
    Scenario(
        name="C9",
        what="the chat refuses, and takes calls without answering; the bot killed",
        faults=(f.bad_chat, f.kills("bot", (8, 12))),
        full=Size(requests=300, lasts_s=120),
    ),
    Scenario(
        name="C10",
        what="zombies: workers and dispatchers stand still beyond their leases",
        faults=(f.zombies("worker", (0.5, 1), (11, 13)), f.zombies("dispatcher", (3, 6), (4, 8))),
        full=Size(requests=200, lasts_s=120),
        quick=Size(requests=16, lasts_s=13),
        limits=Limits(runs_per_look=1.6),
    ),
    Scenario(
        name="C11",
        what="poison: crashes, hangs, eats memory",
        faults=(),
        shape=Shape(poison_every=10),
        full=Size(requests=300, lasts_s=90),
    ),
    Scenario(
        name="C12",
        what="three dispatchers, two of them killed",
        faults=(f.kills("dispatcher", (3, 6)),),
        dispatchers=3,
        full=Size(requests=300, lasts_s=90),
        quick=Size(requests=16, lasts_s=8),
    ),
    Scenario(
        name="C14",
        what="the broker out of memory",
        faults=(f.broker_alarms((3, 6), (4, 8)),),
        full=Size(requests=200, lasts_s=90),
    ),
    Scenario(
        name="C15",
        what="rolling restart of every process",
        faults=(f.rolling(0.5),),
        full=Size(requests=300, lasts_s=120),
    ),
)
