"""Cards and platforms for tests of what is drawn."""

from __future__ import annotations

from datetime import timedelta

from bot.drawing.discord_markdown import discord_length
from bot.drawing.entities import utf16_length
from bot.platform import Traits
from bot.post import Post
from domain.approval import Offer
from domain.card import Card, CardLine
from domain.task import SubtaskState as S
from domain.task import TaskState
from domain.texts import Language
from tests.fakes import START

TELEGRAM = Traits(measure=utf16_length, columns=36)
DISCORD = Traits(measure=discord_length, max_text=2000, columns=40, sends_once=True, has_forms=True)
TERMINAL = Traits(max_text=100_000, columns=100, sends_once=True, has_buttons=False)


def line(key: str, state: S = S.PENDING, **changes: object) -> CardLine:
    known = {
        "title": f"Step {key}",
        "skill": "do",
        "agent": None,
        "seconds": None,
        "retries": 0,
        "needs_approval": False,
        "failure": None,
    }
    return CardLine(key=key, state=state, **(known | changes))


def card_of(*lines: CardLine, language: Language = "en", **changes: object) -> Card:
    known = {
        "task_id": "K3M9QX",
        "request": "r",
        "state": TaskState.RUNNING,
        "revision": 3,
        "seconds": 75.2,
        "done": sum(line.state is S.SUCCEEDED for line in lines),
        "repairs": (),
    }
    return Card(language=language, lines=lines, **(known | changes))


def offer(key: str, task_id: str = "K3M9QX", **changes: object) -> Offer:
    known = {"code": f"CODE{key}", "digest": "d", "made_at": START, "expires_at": START + timedelta(minutes=15)}
    return Offer(task_id=task_id, key=key, **(known | changes))


def told(post: Post) -> list[str]:
    """The lines of a message."""
    return post.text.text.split("\n")


def pressed(post: Post) -> list[list[str]]:
    """Labels and actions of its buttons, row by row."""
    return [[f"{button.label} = {button.action}" for button in row] for row in post.buttons]
