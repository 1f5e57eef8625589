"""Dead letters: what they are called, what of them is kept, when they can be brought back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain import events as e
from domain.dead import MAX_BODY, MAX_REPORT, DeadLetter, Reason, buried, requeueable
from domain.errors import Refused
from domain.ids import SubtaskId
from domain.progress import step
from domain.task import Task
from domain.texts import CATALOGUE
from tests.builders import chain, planned, released
from tests.fakes import START

LETTER = DeadLetter(at=START, last_at=START, agent="echo", reason=Reason.REJECTED, subtask=SubtaskId("AAAAAA", "a"))
GOING = released(planned(chain("a")), "a")
OVER = replace(step(GOING, e.CancelRequested(at=START))[0], state="cancelled")


def test_the_same_trouble_has_the_same_id() -> None:
    known = buried(replace(LETTER, detail="bad", body="one"))
    assert len(known.id) == 8
    assert buried(replace(LETTER, detail="bad", body="other", attempt=7)).id == known.id
    assert buried(replace(LETTER, detail="worse")).id != known.id
    assert buried(replace(LETTER, agent="data", detail="bad")).id != known.id
    report = replace(LETTER, reason=Reason.BREAKS_SETTLING)
    assert buried(replace(report, body="one")).id != buried(replace(report, body="other")).id


def test_what_is_kept_is_bounded_and_free_of_secrets() -> None:
    secret = "amqp://ann:hunter2@host/ " + "sk-" + "a" * 32
    letter = buried(replace(LETTER, detail=secret, body=secret + "x" * MAX_REPORT))
    assert "hunter2" not in letter.detail + letter.body
    assert "aaaa" not in letter.detail + letter.body
    assert len(letter.body) <= MAX_BODY
    report = buried(replace(LETTER, reason=Reason.BREAKS_SETTLING, body=secret))
    assert report.body == secret  # to be read again as it was
    assert "hunter2" not in report.shown_body


@pytest.mark.parametrize(
    ("letter", "task", "why"),
    [
        (replace(LETTER, reason=Reason.UNREADABLE), None, "dead.nobody_reads"),
        (replace(LETTER, reason=Reason.FORGED), OVER, "dead.nobody_reads"),
        (LETTER, None, "dead.no_task"),
        (replace(LETTER, subtask=None), OVER, "dead.no_task"),
        (replace(LETTER, subtask=SubtaskId("AAAAAA", "z")), OVER, "dead.no_task"),
        (LETTER, GOING, "dead.goes_on"),
        (replace(LETTER, reason=Reason.BREAKS_SETTLING), OVER, "dead.too_late"),
        (replace(LETTER, reason=Reason.BREAKS_SETTLING, attempt=9), GOING, "dead.too_late"),
        (replace(LETTER, reason=Reason.BREAKS_SETTLING, body="x" * MAX_REPORT), GOING, "dead.too_large"),
        (LETTER, OVER, None),
        (replace(LETTER, reason=Reason.POISON), OVER, None),
        (replace(LETTER, reason=Reason.BREAKS_SETTLING, attempt=1), GOING, None),
    ],
)
def test_a_letter_comes_back_only_where_that_makes_sense(
    letter: DeadLetter, task: Task | None, why: str | None
) -> None:
    if why is None:
        requeueable(letter, task)
        return
    with pytest.raises(Refused) as refused:
        requeueable(letter, task)
    assert refused.value.key == why


def test_every_reason_is_explained() -> None:
    assert {f"dead.why_{reason}" for reason in Reason} | {f"dead.reason_{reason}" for reason in Reason} <= set(
        CATALOGUE
    )
