from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot.commands.paging import FILTERS
from bot.commands.words import MAY, offered
from domain.people import Role
from domain.task import Outcome, SubtaskState
from domain.texts import CATALOGUE, access, control

ROOT = Path(__file__).parents[3] / "bot"
FILES = [
    *sorted((ROOT / "commands").glob("*.py")),
    *(
        ROOT / f"{name}.py"
        for name in ("access", "cancel_text", "controls", "limits", "lists", "plan_edit", "status_text")
    ),
]
FAMILY = re.compile(r"(?:access|button|cancel|chat|control|help|limit|status|wording)\.\w+")
TRIED = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.HANDED_BACK, Outcome.LEASE_EXPIRED)
ENDED = (
    SubtaskState.SUCCEEDED,
    SubtaskState.FAILED,
    SubtaskState.SKIPPED,
    SubtaskState.CANCELLED,
    SubtaskState.UNKNOWN,
)
PUT_TOGETHER = {
    *(f"help.{name}" for name in offered(Role.OWNER)),
    *(f"access.role_{role}" for role in Role),
    *(f"access.welcome_{role}" for role in Role),
    *(f"control.filter_{name}" for name in FILTERS),
    *(f"control.ago_{unit}" for unit in ("seconds", "minutes", "hours", "days")),
    *(f"control.{what}_by{whom}" for what in ("allowed", "denied") for whom in ("", "_you")),
    *(f"status.event_try_{outcome}" for outcome in TRIED),
    *(f"status.event_{state}" for state in ENDED),
    "status.event_sent",
    "status.event_begun",
    *(f"cancel.{what}" for what in ("cancelled", "cancelling", "granted", "unknown", "acted", "maybe")),
    *(f"cancel.{what}" for what in ("stopped", "read", "waiting", "unbegun")),
}


def named(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_sentence_that_is_named_exists(path: Path) -> None:
    assert (
        not {text for text in named(path) if FAMILY.fullmatch(text) and not text.endswith(("_", "_by"))}
        - CATALOGUE.keys()
    )


def test_every_sentence_that_is_put_together_exists_and_none_is_left_over() -> None:
    assert not PUT_TOGETHER - CATALOGUE.keys()
    used = PUT_TOGETHER.union(*map(named, FILES))
    ours = {*control.TEXTS, *access.TEXTS}
    assert not {key for key in ours if not key.startswith("help.")} - used
    assert {f"help.{name}" for name in MAY if name != "start"} <= CATALOGUE.keys()
