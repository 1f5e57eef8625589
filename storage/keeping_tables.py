"""The tables of what is kept for somebody to look at."""

from __future__ import annotations

from storage.rows import Key, MaybeWord, Row, Time, Word, index, table


class DeadLetterRow(Row, table=True):
    """One kind of letter that died, however often. `subtask` is NULL where none is named; `body` may be cut."""

    __tablename__ = "dead_letter"
    id: Key
    tenant: Word
    at: Time
    last_at: Time
    agent: Word
    reason: Word
    subtask: MaybeWord
    attempt: int | None
    detail: Word
    body: Word
    seen: int
    fate: Word


DEAD_LETTER = table("dead_letter")

index("ix_dead_letter_last_at", None, "last_at")
index("ix_dead_letter_fate", None, "fate", "last_at")
