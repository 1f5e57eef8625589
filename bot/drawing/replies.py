"""What is said at once, as messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.drawing.answers import text_parts
from bot.drawing.cards import card_post
from bot.drawing.inert import ours
from bot.drawing.rich_text import RichText, joined
from bot.drawing.split import split
from bot.platform import Traits
from bot.post import Post
from bot.reply import Reply


def reply_posts(reply: Reply, traits: Traits, reply_to: str = "") -> list[Post]:
    """The card, the text and the answer of a reply, in one message if they fit. The buttons are under the last one."""
    text = joined(_head(reply, traits), "\n\n")
    whole = None
    parts: list[RichText] = []
    if reply.answer is not None:
        parts, whole = text_parts(reply.answer.text, "", traits, reply.language)
    if text.text:
        parts = _together(text, parts, traits)
    task_id = reply.card.task_id if reply.card else ""
    posts = [Post(text=one, task_id=task_id) for one in parts]
    if whole is not None:
        posts.append(Post(text=RichText(whole.name), attachment=whole, task_id=task_id))
    if not posts:
        return []
    posts[0] = replace(posts[0], reply_to=reply_to, card=reply.card)
    return [*posts[:-1], replace(posts[-1], buttons=reply.buttons)]


def _head(reply: Reply, traits: Traits) -> Iterator[RichText]:
    if reply.card is not None:
        yield card_post(reply.card, traits).text
    if reply.text:
        yield ours(reply.text)


def _together(text: RichText, parts: list[RichText], traits: Traits) -> list[RichText]:
    """What stands above an answer, in its first message if there is room."""
    if parts and traits.measure(joined([text, parts[0]], "\n\n")) <= traits.max_text:
        return [joined([text, parts[0]], "\n\n"), *parts[1:]]
    return [*split(text, traits.max_text, traits.measure), *parts]
