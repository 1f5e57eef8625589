"""What is asked while things go wrong: requests in Telegram, whose plans a model writes, with steps of every effect."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.acceptance.talking_model import answer_of, is_planning, plan_of, step, told
from tests.fakes_model import Reply, said
from tests.telegram_server import Message, TelegramServer, User
from tests.telegram_server.model import Version

ALLOW = "Allow"
PLACE = 12  # characters of what stands where an answer will
_NAME = re.compile(r"dag-(\d+)")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How the requests look: steps per request, milliseconds per step, and every how many-th request has an external
    effect (0: none), or is a poison."""

    steps: tuple[int, int] = (4, 12)
    ms: tuple[int, int] = (5, 80)
    external_every: int = 3
    poison_every: int = 0
    slow_every: int = 5
    slow_ms: int = 2500


@dataclass(kw_only=True)
class Dag:
    """One request. `message` is what its person wrote, once they did; `asks` are the approvals they were asked for."""

    number: int
    steps: list[dict[str, Any]]
    poison: str = ""
    user: User | None = None
    message: Message | None = None
    asks: set[int] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return f"please do dag-{self.number}"

    @property
    def said(self) -> str:
        return f"That was dag-{self.number}."

    @property
    def name(self) -> str:
        return str(self.number)


def dags(count: int, shape: Shape, chance: random.Random) -> list[Dag]:
    """That many requests."""
    return [_dag(number, shape, chance) for number in range(count)]


def _dag(number: int, shape: Shape, chance: random.Random) -> Dag:
    if shape.poison_every and number % shape.poison_every == 0:
        kind = ("crash", "hang", "memory")[number // shape.poison_every % 3]
        return Dag(number=number, poison=kind, steps=[step("p", "poison", dag=number, node="p", kind=kind)])
    steps = [_step(number, index, shape, chance) for index in range(chance.randint(*shape.steps))]
    if shape.external_every and number % shape.external_every == 0:
        middle = steps[len(steps) // 2]
        middle["skill"] = "act"
    return Dag(number=number, steps=steps)


def _step(number: int, index: int, shape: Shape, chance: random.Random) -> dict[str, Any]:
    key = f"s{index}"
    parents = sorted({f"s{chance.randrange(index)}" for _ in range(chance.randint(0, 2))} if index else ())
    skill = "put" if chance.random() < 0.2 else "look"
    is_slow = shape.slow_every and chance.randrange(shape.slow_every * 4) == 0
    ms = shape.slow_ms if is_slow else chance.randint(*shape.ms)
    return step(key, skill, *parents, dag=number, node=key, ms=ms)


class Model:
    """Plans each request as it was thought out, and answers in one sentence."""

    def __init__(self, wanted: list[Dag]) -> None:
        self._dags = {dag.number: dag for dag in wanted}

    def __call__(self, request: Mapping[str, Any]) -> Reply:
        found = _NAME.search(told(request))
        if found is None:
            return said("{}")
        dag = self._dags[int(found[1])]
        if is_planning(request):
            return said(plan_of(*dag.steps))
        return answer_of(dag.said, *[each["id"] for each in dag.steps])


class Chats:
    """The people: each asks once in a chat of their own, allows what they are asked to, and waits for the answer."""

    def __init__(self, telegram: TelegramServer, wanted: list[Dag]) -> None:
        self.telegram = telegram
        self.dags = wanted
        for dag in wanted:
            dag.user = telegram.people.user(f"P{dag.number}", language_code="en")

    @property
    def allowed(self) -> str:
        return ",".join(f"telegram:{dag.user.id}=owner" for dag in self.dags if dag.user)

    def answers(self, dag: Dag) -> list[Message]:
        """What rang and says what was done, or that it could not be. A place kept for an answer is none yet."""
        return [one for one in self._loud(dag) if len(one.text) > PLACE]

    def unplanned(self) -> int:
        """Answers that say that there is no plan, for want of a model."""
        asked = [dag for dag in self.dags if dag.message]
        return sum(any("no plan could be made" in one.text for one in self.answers(dag)) for dag in asked)

    def strays(self, dag: Dag) -> list[Message]:
        """Lines that nobody will ever fill: cards beside the last, and places kept for an answer."""
        assert dag.message is not None
        ours = self.telegram.transcript.by_bot(dag.message.chat)
        cards = [one for one in ours if one.is_silent and dag.text in one.history[0].content.text]
        answers = {one.id for one in self.answers(dag)}
        return cards[:-1] + [one for one in self._loud(dag) if one.id not in answers]

    def _loud(self, dag: Dag) -> list[Message]:
        """What rang, and is no question whether something may be done."""
        assert dag.message is not None
        ours = self.telegram.transcript.audible(dag.message.chat)
        return [one for one in ours if not any(map(_allows, one.history))]

    async def ask_all(self, pause_s: float, within_s: float) -> list[Dag]:
        """Everybody asks, a little after one another. Returns those who got no answer in time."""
        waiting = [asyncio.ensure_future(self._ask(dag, number * pause_s)) for number, dag in enumerate(self.dags)]
        _, late = await asyncio.wait(waiting, timeout=within_s)
        for one in late:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)  # noqa: TID251 -- those that are late, only
        return [dag for dag, one in zip(self.dags, waiting, strict=True) if one in late]

    async def _ask(self, dag: Dag, after_s: float) -> None:
        await asyncio.sleep(after_s)
        assert dag.user is not None
        people, loop = self.telegram.people, asyncio.get_running_loop()
        begun = loop.time()
        dag.message = people.say(people.private(dag.user), dag.user, dag.text)
        while ask := await self.telegram.until(partial(self._next, dag), None):
            if isinstance(ask, Message):
                dag.asks.add(ask.id)
                people.press(ask, dag.user, label=ALLOW)
            else:
                break
        dag.seconds = loop.time() - begun

    def _next(self, dag: Dag) -> Message | bool:
        """What this person has to do next: an approval, or True when the answer is there."""
        assert dag.message is not None
        for one in self.telegram.transcript.audible(dag.message.chat):
            if _allows(one.history[-1]) and one.id not in dag.asks:
                return one
        return bool(self.answers(dag))


def _allows(version: Version) -> bool:
    """Whether one can allow something there."""
    return any(ALLOW in button["text"] for button in version.content.buttons)
