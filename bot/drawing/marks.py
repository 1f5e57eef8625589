"""The marks of states in chats: those of a terminal, and signs nobody overlooks for what wants attention."""

from __future__ import annotations

from bot import card_text
from domain.task import SubtaskState, TaskState

ALARM, DOUBT, CALL = "❌", "❓", "❗"
APPROVAL_MARK = CALL
MARKS = {**card_text.MARKS, SubtaskState.FAILED: ALARM, SubtaskState.UNKNOWN: DOUBT}
TASK_MARKS = {**card_text.TASK_MARKS, TaskState.FAILED: ALARM, TaskState.WAITING: CALL}
