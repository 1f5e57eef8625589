"""Who can be asked, and how long what takes: learnt from the rows now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dispatcher.assignment import Agents
from domain.estimate import HISTORY
from domain.ports import Clock, Store
from domain.ranking import UNMEASURED, Durations
from domain.skill import SkillSpec

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
REMEMBERED = timedelta(days=1)  # a silent agent's queue is still worth a message for so long
LEARNS_EVERY = timedelta(minutes=1)


class Directory:
    """The agents as they were last known.

    Args:
        store: where they and what they did are written down.
        clock: the time.
        configured: (agent, skill) pairs the operator vouches for, for agents that announce nothing.
        silence_s: after how many seconds without a sign an agent counts as gone.
    """

    def __init__(
        self, store: Store, clock: Clock, configured: Sequence[tuple[str, SkillSpec]], silence_s: float
    ) -> None:
        self.agents = Agents.of((), LONG_AGO, ())
        self._store = store
        self._clock = clock
        self._configured = configured
        self._silence = timedelta(seconds=silence_s)
        self._durations = UNMEASURED
        self._learns_at = LONG_AGO

    async def learn(self) -> None:
        """See who is there."""
        now = self._clock.now()
        workers = await self._store.transact(lambda uow: uow.registry.alive(now - REMEMBERED))
        known = Agents.of(workers, now - self._silence, self._configured)
        self.agents = replace(known, durations=self._durations)

    async def learn_durations(self) -> None:
        """Now and then, as every plan under way is ranked anew by what is learnt; `learn` tells the agents."""
        now = self._clock.now()
        if now < self._learns_at:
            return
        measured = await self._store.transact(lambda uow: uow.tasks.measured(now - HISTORY))
        learnt = Durations.of({skill: one.seconds for skill, one in measured.items()})
        self._durations = self._durations if learnt == self._durations else learnt
        self._learns_at = now + LEARNS_EVERY
