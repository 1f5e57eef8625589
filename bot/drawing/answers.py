"""The answer of a task as messages: its text in parts, or as a file when it is very long, then the files it made."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.drawing.inert import ours, outside
from bot.drawing.markdown import rich
from bot.drawing.marks import TASK_MARKS
from bot.drawing.rich_text import RichText, joined
from bot.drawing.split import beginning, split
from bot.platform import Traits
from bot.post import Attachment, Post
from domain.answer import Answer
from domain.card import card_of
from domain.markdown import code
from domain.safe_text import safe_line
from domain.task import Task
from domain.texts import Language, say

ANSWER_FILE = "answer.md"
HEAD = 1500  # of the beginning of an answer that comes as a file, as the platform measures
NAME = 60  # characters of a file's name
NAMES = 10  # files that are named as missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of an answer's files: those that can be sent, and the names of those that are gone or too large."""

    attachments: tuple[Attachment, ...] = ()
    missing: tuple[str, ...] = ()


NO_FILES = Found()


def answer_posts(task: Task, answer: Answer, traits: Traits, found: Found = NO_FILES) -> list[Post]:
    """The text, then the files. The first message is audible and replies to the request; the others are silent."""
    note = _missing(found, task.language)
    texts, whole = text_parts(answer.text, note, traits, task.language)
    posts = [Post(text=text, task_id=task.id) for text in texts or [_stub(task)]]
    files = (*([whole] if whole else []), *found.attachments)
    card = card_of(task, task.answered_at or task.created_at)
    markdown = _noted(answer.text, note) if len(posts) == 1 and whole is None else ""
    first = replace(posts[0], is_silent=False, reply_to=task.route.reply_to, card=card, markdown=markdown)
    return [first, *posts[1:], *(_file(task, file, traits) for file in files)]


def placeholder(task: Task) -> Post:
    """What stands in the place of the answer until it is known where that is. It says nothing of the task."""
    return Post(text=_stub(task), is_silent=False, reply_to=task.route.reply_to, task_id=task.id)


def text_parts(
    markdown: str, note: str, traits: Traits, language: Language
) -> tuple[list[RichText], Attachment | None]:
    """Markdown in messages; where those would be too many, its beginning, and the whole as a file.

    Args:
        markdown: the text.
        note: more Markdown below it, or below its beginning; empty for none.
        traits: of the platform.
        language: of what is said about the file.
    """
    limit, most = traits.max_text, traits.max_text * traits.max_parts
    if len(markdown) <= most * 3 // 2:  # what styles it is not counted; more would take long to read for nothing
        text = _below(rich(markdown, traits.columns), rich(note))
        parts = split(text, limit, traits.measure) if len(text.text) <= most else []
        if text.text == "" or 0 < len(parts) <= traits.max_parts:
            return parts, None
    rest = ours(say("answer.rest", language, name=ANSWER_FILE))
    notes = _below(rest, rich(note))
    room = min(HEAD, limit - traits.measure(notes) - 2)
    head = beginning(rich(markdown[: 2 * limit], traits.columns), room, traits.measure)
    content = markdown.encode("utf-8", "replace")[: traits.max_file_bytes]
    return [_below(head, notes)], Attachment(name=ANSWER_FILE, content=content)


def _below(above: RichText, below: RichText) -> RichText:
    return joined((text for text in (above, below) if text.text), "\n\n")


def _noted(markdown: str, note: str) -> str:
    return f"{markdown}\n\n{note}" if note else markdown


def _missing(found: Found, language: Language) -> str:
    """What is said of files that cannot be sent."""
    if not found.missing:
        return ""
    names = [code(safe_line(name, NAME)) for name in found.missing[:NAMES]]
    more = [say("card.hidden", language, count=len(found.missing) - NAMES)] if len(found.missing) > NAMES else []
    return say("answer.not_attached", language, names=say("answer.comma", language).join([*names, *more]))


def _file(task: Task, file: Attachment, traits: Traits) -> Post:
    caption = outside(f"{task.id} · {safe_line(file.name, NAME)}")
    return Post(text=beginning(caption, traits.max_caption, traits.measure), attachment=file, task_id=task.id)


def _stub(task: Task) -> RichText:
    return RichText(f"{TASK_MARKS[task.state]} {task.id}")
