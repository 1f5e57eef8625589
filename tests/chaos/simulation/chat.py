"""The chat that answers are shown in, as one process sees it, and what people have read there in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.drawing.answers import Found
from bot.platform import Pace, Traits
from domain.task import Task
from tests.chaos.chats.server import Client, Line, Risks, Server
from tests.chaos.simulation.database import WatchedDatabase
from tests.chaos.simulation.life import Life
from tests.telegram_server.flood import Limits

TRAITS = Traits(max_text=1000, pace=Pace(private_s=3.0, overall_per_s=28.0), max_parts=6)
NO_END = 10**6
LIMITS = Limits(
    private_per_s=NO_END,
    private_burst=NO_END,
    group_per_minute=NO_END,
    overall_per_s=NO_END,
    overall_burst=NO_END,
)
RISKS = Risks(
    flooded=0.0, before=0.05, after=0.05
)  # limits and floods have a simulation of their own: tests/chaos/chats


class Window(Client):
    """`bot.platform.Platform` of a process that may end before and after every call."""

    def __init__(self, server: Server, life: Life, traits: Traits) -> None:
        super().__init__(server, traits)
        self._life = life

    async def _reach(self, place: object, post: object) -> None:
        await self._life.point()
        await super()._reach(place, post)  # type: ignore[arg-type] # as given
        self._life.may_end()

    async def _return(self, verb: str) -> None:
        self._life.may_end()
        await super()._return(verb)
        await self._life.point()


def traits_of(server: Server) -> Traits:
    """What the platform is taken for."""
    return server.traits


def no_files(_paths: Sequence[str], _max_bytes: int) -> Found:
    return Found(attachments=())


def untold(database: WatchedDatabase, server: Server) -> Iterator[str]:
    """Answers that are not to be read, or not once."""
    yield from server.violations
    lines: dict[str, list[Line]] = {}
    for line in server.lines.values():
        if line.letter == "a" and not line.is_stub:
            lines.setdefault(line.task_id, []).append(line)
    for task in database.tasks.values():
        if task.answer is not None:
            yield from _misread(task, lines.get(task.id, []))


def _misread(task: Task, lines: Sequence[Line]) -> Iterator[str]:
    said = " ".join(" ".join(line.text for line in lines).split())
    text = " ".join(task.answer.text.split()) if task.answer else ""
    if said != text:
        yield f"{task.id} was answered {said!r} instead of {text!r}"
