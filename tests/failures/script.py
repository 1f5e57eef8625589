"""The model that plans and answers: a request names the plan it wants, "[pair alpha]", and a word to know it by."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.acceptance.talking_model import answer_of, is_planning, plan_of, step, told
from tests.fakes_model import Reply, refused, said

_ASKED = re.compile(r"\[(\w+) ([\w-]+)\]")

Plan = Callable[[str], list[dict[str, Any]]]


def _one(skill: str, **params: Any) -> Plan:
    return lambda word: [step("a", skill, text=word, **params)]


def _pair(word: str) -> list[dict[str, Any]]:
    return [step("a", "witness_read", text=word), step("b", "witness_read", "a", text=f"{word}.b")]


def _fan(word: str) -> list[dict[str, Any]]:
    names = ["a", "b", "c", "d"]
    branches = [step(name, "witness_wait", text=f"{word}.{name}") for name in names]
    return [*branches, step("join", "witness_read", *names, text=word)]


def _wide(word: str) -> list[dict[str, Any]]:
    return [step(f"n{number}", "witness_read", text=f"{word}.{number}", seconds=0.5) for number in range(12)]


PLANS: dict[str, Plan] = {
    "read": _one("witness_read"),
    "slow": _one("witness_read", seconds=2),
    "note": _one("witness_note"),
    "act": _one("witness_act"),
    "wait": _one("witness_wait"),
    "hang": _one("witness_hang"),
    "poison": _one("witness_poison"),
    "talk": _one("witness_talk"),
    "pair": _pair,
    "fan": _fan,
    "wide": _wide,
}


def sentence(word: str) -> str:
    """What the answer to a request says, whoever writes it: the agent, the model or the rules."""
    return f"{word}: done"


class Script:
    """What the model does; a test may put in a reply of its own for a while."""

    def __init__(self) -> None:
        self.planning: Callable[[str], Reply | None] = lambda _word: None
        self.answering: Callable[[str], Reply | None] = lambda _word: None
        self.plans_asked: list[str] = []
        self.last_told = ""
        self._first: dict[str, Reply] = {}

    def __call__(self, request: dict[str, Any]) -> Reply:
        self.last_told = told(request)
        found = _ASKED.findall(self.last_told)
        if not found:
            return refused(400, "nothing was asked for")
        name, word = found[-1]
        if not is_planning(request):
            return self.answering(word) or answer_of(sentence(word), "join" if name == "fan" else "a")
        self.plans_asked.append(word)
        return self._first.pop(word, None) or self.planning(word) or said(plan_of(*PLANS[name](word)))

    def once(self, word: str, reply: Reply) -> None:
        """What is replied when this is to be planned for the first time."""
        self._first[word] = reply

    def be_well(self) -> None:
        """No replies of a test's own any more."""
        self.planning = self.answering = lambda _word: None
