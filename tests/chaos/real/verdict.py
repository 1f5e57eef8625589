"""The judge: looks at what people saw, at what skills did and, last, at the rows; never at what the system says."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.real.installation import Blow
from tests.chaos.real.load import Chats, Dag

Line = Mapping[str, Any]
FINAL = ("answered", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What must be reached. Seconds are those of reliability's table at its leases, which here are shorter."""

    runs_per_look: float = 1.25
    again_p99_s: float = 45.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Figures of one run."""

    requests: int
    subtasks: int
    lost: int
    doubled_answers: int
    stuck: int
    failed: int
    doubled_effects: int
    unknown: int
    unknown_by_blows: int
    stray_stubs: int
    ambiguous_sends: int
    runs_per_look: float
    again_p99_s: float
    slowest_s: float
    unplanned: int
    faults: Mapping[str, int]
    details: list[str] = field(default_factory=list)

    def broken(self, limits: Limits) -> list[str]:
        """What was promised and not kept."""
        rules = {
            f"{self.lost} requests without an answer": self.lost == 0,
            f"{self.doubled_answers} requests with two answers": self.doubled_answers == 0,
            f"{self.stuck} tasks that never ended": self.stuck == 0,
            f"{self.failed} subtasks failed": self.failed == 0,
            f"{self.doubled_effects} external effects twice": self.doubled_effects == 0,
            f"{self.unknown} unknown, {self.unknown_by_blows} for good reason": self.unknown == self.unknown_by_blows,
            f"{self.stray_stubs} stray cards, {self.ambiguous_sends} ambiguous sends": (
                self.stray_stubs <= self.ambiguous_sends
            ),
            f"{self.runs_per_look:.2f} runs per reading subtask": self.runs_per_look <= limits.runs_per_look,
            f"{self.again_p99_s:.1f} s until killed work runs again": self.again_p99_s <= limits.again_p99_s,
        }
        return [said for said, is_kept in rules.items() if not is_kept]

    def row(self, name: str) -> str:
        """A line of the table."""
        faults = ", ".join(f"{count} × {what}" for what, count in sorted(self.faults.items())) or "none"
        figures = (
            f"{self.requests}/{self.subtasks}",
            *(self.lost, self.doubled_answers, self.stuck, self.failed, self.doubled_effects),
            f"{self.unknown}/{self.unknown_by_blows}",
            f"{self.stray_stubs}/{self.ambiguous_sends}",
            f"{self.runs_per_look:.2f}",
            f"{self.again_p99_s:.1f}",
            f"{self.slowest_s:.0f}",
        )
        return f"| {name} | {faults} | " + " | ".join(map(str, figures)) + " |"


HEADING = (
    "| # | faults | requests/subtasks | lost | two answers | stuck | failed | effects twice | unknown/of which hit "
    "| stray cards/ambiguous sends | runs per look | p99 again s | slowest s |\n" + "|---" * 13 + "|"
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What there is to judge by."""

    chats: Chats
    late: list[Dag]
    blows: list[Blow]
    record: Path
    database_url: str
    faults: Mapping[str, int]
    outages: list[tuple[datetime, datetime]]


def judge(seen: Seen) -> Verdict:
    """Look at everything."""
    lines = _lines(seen.record)
    states = _states(seen.database_url)
    healthy = [dag for dag in seen.chats.dags if not dag.poison]
    answers = {dag.number: len(seen.chats.answers(dag)) for dag in seen.chats.dags if dag.message}
    acted = Counter((line["dag"], line["node"]) for line in lines if line["event"] == "acted" and _is_act(line, seen))
    strays = [stray for dag in seen.chats.dags if dag.message for stray in seen.chats.strays(dag)]
    return Verdict(
        requests=len(seen.chats.dags),
        subtasks=sum(len(dag.steps) for dag in seen.chats.dags),
        lost=sum(answers.get(dag.number, 0) == 0 for dag in seen.chats.dags),
        doubled_answers=sum(count > 1 for count in answers.values()),
        stuck=sum(count for state, count in states["task"].items() if state not in FINAL),
        failed=_failed(seen.database_url) - (len(seen.chats.dags) - len(healthy)),
        doubled_effects=sum(count > 1 for count in acted.values()),
        unknown=states["subtask"].get("unknown", 0),
        unknown_by_blows=sum(_was_hit(which, lines, seen.blows) for which in _unknown(seen.database_url)),
        stray_stubs=len(strays),
        ambiguous_sends=_ambiguous_sends(seen),
        runs_per_look=_runs_per_look(lines, seen),
        again_p99_s=_again_p99(lines, seen.blows),
        slowest_s=max((dag.seconds for dag in seen.chats.dags), default=0.0),
        unplanned=seen.chats.unplanned(),
        faults=seen.faults,
        details=[f"{dag.text}: {answers.get(dag.number)} answers" for dag in seen.late]
        + [f"stray: {[version.content.text for version in one.history]}" for one in strays],
    )


def _ambiguous_sends(seen: Seen) -> int:
    """Messages of which the bot did not get to know, or to write down, that they were sent."""
    telegram = seen.chats.telegram
    sent = telegram.transcript.calls("sendMessage", ok=True)
    untold = sum(any(since <= call.at <= until for since, until in seen.outages) for call in sent)
    return untold + len(telegram.world.lost)


def _lines(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def _skills(seen: Seen) -> dict[tuple[str, str], str]:
    return {(dag.name, each["id"]): each["skill"] for dag in seen.chats.dags for each in dag.steps}


def _is_act(line: Line, seen: Seen) -> bool:
    return _skills(seen).get((line["dag"], line["node"])) == "act"


def _runs_per_look(lines: Iterable[Line], seen: Seen) -> float:
    skills = _skills(seen)
    runs = Counter((line["dag"], line["node"]) for line in lines if line["event"] == "began")
    looks = [count for which, count in runs.items() if skills.get(which) == "look"]
    return sum(looks) / len(looks) if looks else 0.0


def _ends(lines: Iterable[Line]) -> dict[str, float]:
    return {line["run"]: line["at"] for line in lines if line["event"] == "ended"}


def _was_hit(which: tuple[str, str], lines: list[dict[str, Any]], blows: Iterable[Blow]) -> bool:
    """Whether a blow met one of its runs, or it never ran: then one came between the go-ahead and its first step."""
    ends = _ends(lines)
    runs = [line for line in lines if line["event"] == "began" and (line["dag"], line["node"]) == which]
    return not runs or any(
        blow.pid in (None, line["pid"]) and line["at"] <= blow.until and ends.get(line["run"], math.inf) >= blow.at
        for line in runs
        for blow in blows
    )


def _again_p99(lines: list[dict[str, Any]], blows: Iterable[Blow]) -> float:
    """How long after a kill its work began elsewhere."""
    ends, began = _ends(lines), defaultdict(list)
    runs = [line for line in lines if line["event"] == "began"]
    for line in runs:
        began[line["dag"], line["node"]].append(line["at"])
    killed = {blow.pid: blow.at for blow in blows if blow.is_kill}
    cut_off = [line for line in runs if line["run"] not in ends and line["at"] <= killed.get(line["pid"], 0.0)]
    waits = [
        min(later) - killed[line["pid"]]
        for line in cut_off
        if (later := [at for at in began[line["dag"], line["node"]] if at > killed[line["pid"]]])
    ]
    return sorted(waits)[max(0, -(-99 * len(waits) // 100) - 1)] if waits else 0.0


def _unknown(database_url: str) -> list[tuple[str, str]]:
    """The request and the step of every subtask whose outcome nobody knows."""
    query = "SELECT request, key FROM subtask JOIN task ON task.id = task_id WHERE subtask.state = 'unknown'"
    return [(request.rpartition("-")[2], key) for request, key in rows_of(database_url, query)]


def _failed(database_url: str) -> int:
    """Subtasks that ended badly, or not at all, though nothing unknown stood in their way."""
    query = """SELECT count(*) FROM subtask WHERE state NOT IN ('succeeded', 'unknown')
        AND task_id NOT IN (SELECT task_id FROM subtask WHERE state = 'unknown')"""
    return int(rows_of(database_url, query)[0][0])


def _states(database_url: str) -> dict[str, dict[str, int]]:
    """How many tasks and subtasks are in which state."""
    counted = {}
    for table in ("task", "subtask"):
        query = f"SELECT state, count(*) FROM {table} GROUP BY state"  # noqa: S608 -- two names, above
        counted[table] = {str(state): int(count) for state, count in rows_of(database_url, query)}
    return counted


def rows_of(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """Look into a database."""
    if database_url.startswith("sqlite:///"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()
    with psycopg.connect(database_url) as connected:
        return connected.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]
