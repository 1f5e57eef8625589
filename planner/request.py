"""What is to be planned, and what is known around it: the conversation, the work that has begun, the day."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from domain.plan import Node
from domain.skill import Catalogue
from domain.task import Exchange, SubtaskState
from domain.texts import Language

MAX_EXCHANGES = 5  # of a conversation that are told
MAX_TOLD = 2_000  # characters of one request, reply or result that are told
MAX_CONVERSATION = 12_000  # characters of all exchanges together

_TIME = re.compile(
    r"\b(?:now|today|tonight|tomorrow|yesterday|ago|latest|newest|recent(?:ly)?|current(?:ly)?|at the moment"
    r"|(?:next|last|this|past|coming|previous) (?:day|week|month|quarter|year|weekend|night|morning|evening)s?"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
    r"|[今明昨][天日晚早年]|[后前]天|去年|现在|此刻|目前|当前|最新|最近|近[期日来]|刚[才刚]|[上本这下]个?[周月]|星期|周[一二三四五六日天末]",
    re.IGNORECASE,
)
_ONLY_AGAIN = re.compile(
    r"(?:(?:please|ok|okay|and|now)\s+)*(?:(?:do|run|try)\s+)?(?:(?:that|it|this|the same|same)(?:\s+thing)?\s+)?"
    r"(?:again|once more|one more time|re-?run|re-?do|retry)(?:\s+please)?"
    r"|[请麻烦]*(?:[把将](?:它|这个|那个))?(?:再|重新?)(?:[来做跑试查算]|执行|运行)(?:[一1]?[次遍下])?[吧呗啊]?",
    re.IGNORECASE,
)
_EDGE = " \t\r\n,，.。!！~～"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A subtask that is there already, and what came of it so far: its result in short, or its failure."""

    node: Node
    state: SubtaskState
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What is to be planned, in which language its author is answered, and what can be asked for.

    Args:
        text: what the person wrote.
        language: of the answer.
        catalogue: the skills this person may use now.
        files: paths in the workspace of files that came with it.
        lost_files: names of those that could not be had.
        history: earlier requests of this person in this chat with their answers, oldest first.
        dialogue: what was asked about this very request, and replied.
        begun: what is there already, of a plan that broke off or of earlier rounds.
        round: how often this request was planned before.
        why: what was wrong with the results of the last round; empty when a critical subtask was lost.
        now: the time, for requests that speak of it.
    """

    text: str
    language: Language
    catalogue: Catalogue
    files: tuple[str, ...] = ()
    lost_files: tuple[str, ...] = ()
    history: tuple[Exchange, ...] = ()
    dialogue: tuple[Exchange, ...] = ()
    begun: tuple[Begun, ...] = ()
    round: int = 0
    why: str = ""
    now: datetime | None = None

    @property
    def wish(self) -> str:
        """The text, without differences nobody sees."""
        return unicodedata.normalize("NFC", self.text).strip()

    @property
    def recalled(self) -> tuple[Exchange, ...]:
        """As much of the conversation as is told: the newest exchanges, clipped, without repetitions of it."""
        told: list[Exchange] = []
        left = MAX_CONVERSATION
        for exchange in reversed(self.history):
            said, reply = middle_clipped(exchange.said), middle_clipped(exchange.reply)
            if exchange.said.strip() == self.wish:
                continue
            left -= len(said) + len(reply)
            if left < 0 or len(told) == MAX_EXCHANGES:
                break
            told.append(Exchange(said=said, reply=reply))
        return tuple(reversed(told))

    @property
    def day(self) -> str | None:
        """The day, if what is wanted depends on it."""
        said = [self.text, *(exchange.said for exchange in self.recalled), *(one.reply for one in self.dialogue)]
        if self.now is None or not any(_TIME.search(text) for text in said):
            return None
        return self.now.strftime("%A, %Y-%m-%d (%Z)")

    @property
    def fixed(self) -> tuple[Node, ...]:
        """The nodes that are there already and stay."""
        return tuple(begun.node for begun in self.begun)


def is_only_again(text: str) -> bool:
    """Whether a text says nothing but “again”: the last request is meant."""
    return _ONLY_AGAIN.fullmatch(text.strip(_EDGE)) is not None


def middle_clipped(text: str, limit: int = MAX_TOLD) -> str:
    """A text whose middle gave way, head and tail kept, if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} […] {text[-half:]}"
