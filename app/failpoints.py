"""Crash points, for tests: places at which a process can be told to end at once, as kill -9 would end it.

`XINGSHU_FAIL` names one of `POINTS` ("intake.commit.after"), or the n-th time it is reached ("agent.ack.after:2"), or
a file that will say so when the time has come ("@/tmp/point"; read whenever any point is reached, removed by whoever
dies of it, so that each order ends one process once). Empty, as always outside of tests, there are no such places:
`app.failing` wraps nothing. `python -m app.failpoints` lists them.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_REACHED = {
    "intake.commit": "a message of a chat becomes a task",
    "command.commit": "somebody decides about a task: approval, refusal, cancellation, an edit",
    "planner.claim": "a planner takes a task",
    "planner.grow": "the first subtasks of a plan that is still being written are stored",
    "planner.plan": "a whole plan is stored",
    "model.plan": "a language model is asked for a plan",
    "model.answer": "a language model is asked for an answer",
    "dispatcher.commit": "a turn of the dispatcher changes a task",
    "dispatcher.publish": "attempts are sent to their agents, up to the broker's word",
    "dispatcher.order": "a worker is told to go ahead, or to stop",
    "dispatcher.ack": "reports that are settled are acknowledged",
    "agent.ack": "messages of an agent's queue are acknowledged",
    "agent.started": "a worker says that it works on an attempt",
    "agent.claim": "a worker asks for the go-ahead of an external effect",
    "agent.handback": "a worker gives an attempt back",
    "agent.result": "a worker says how an attempt ended, up to the broker's word",
    "agent.skill": "a skill runs",
    "aggregator.claim": "an aggregator takes a settled task",
    "aggregator.answer": "an answer is frozen",
    "chat.card": "a card is sent to a chat",
    "chat.stub": "a message that rings is sent to a chat: the placeholder of an answer, or a question",
    "chat.answer": "a message of a chat becomes the answer",
    "chat.edit": "another message of a chat is edited",
}
_ONLY_AFTER = {
    "dispatcher.take.after": "reports of workers have come, and nothing is written yet",
    "agent.take.after": "messages of an agent's queue have come, and nothing is done yet",
    "migration.step.after": "one step of a migration is done, and not committed",
    "migration.commit.after": "the database has its new schema",
}

POINTS = {f"{act}.{when}": what for act, what in _REACHED.items() for when in ("before", "after")} | _ONLY_AFTER
"""Every crash point, with what happens there."""


class _Target(NamedTuple):
    point: str
    time: int


class Failpoints:
    """Where this process is to end.

    Args:
        text: as the setting says it. Raises ValueError, with what is wrong, for anything it cannot mean.
    """

    def __init__(self, text: str) -> None:
        self._file = Path(text[1:]) if text.startswith("@") else None
        self._target = None if self._file else _read(text)
        self._reached: Counter[str] = Counter()

    def reached(self, point: str) -> None:
        """The process is at this point: end it, if this is the one. Does not return then, and says no farewell."""
        target = self._target or self._ordered()
        if target is None or target.point != point:
            return
        self._reached[point] += 1
        if self._reached[point] >= target.time:
            if self._file is not None:
                self._file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    def _ordered(self) -> _Target | None:
        """What the file says by now; nothing while it is not there."""
        if self._file is not None:
            with suppress(FileNotFoundError):
                return _read(self._file.read_text().strip())
        return None


def _read(text: str) -> _Target:
    point, _, time = text.partition(":")
    if point not in POINTS:
        raise ValueError(f"there is no crash point “{point}”; python -m app.failpoints lists them")
    if not (time or "1").isdecimal() or time == "0":
        raise ValueError(f"“{time}” does not say which time it is reached")
    return _Target(point, int(time or 1))


if __name__ == "__main__":
    import sys

    sys.stdout.writelines(f"{point:26} {what}\n" for point, what in POINTS.items())
