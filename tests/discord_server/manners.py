"""What is held against a bot: bodies Discord refuses, knocking at closed doors, and what people would not like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.discord_server.refusals import ApiRefusal
from tests.discord_server.rules import Draft, looks_like_mention, shows_preview
from tests.discord_server.transcript import Call, Transcript
from tests.discord_server.world import Flag, Message

_BODY_CODES = frozenset({40005, 50006, 50035, 50109})
_PATIENCE = 3
_NAMED = {
    "content BASE_TYPE_MAX_LENGTH": "content_too_long",
    "data.content BASE_TYPE_MAX_LENGTH": "content_too_long",
}


def inspect(transcript: Transcript, message: Message, draft: Draft, call: Call | None) -> None:
    """Note the bad manners of one message of the bot, new or edited."""
    content = draft.content or ""
    shown = f"{content[:80]!r}"
    found = {
        f"previews: a link without SUPPRESS_EMBEDS: {shown}": shows_preview(content)
        and not message.flags & Flag.SUPPRESS_EMBEDS,
        f"allowed_mentions_missing: mention-like text: {shown}": looks_like_mention(content)
        and not draft.mentions.is_given,
        f"everyone_allowed: @everyone may ping: {shown}": draft.mentions.names_everyone(content),
        "embeds_hidden: SUPPRESS_EMBEDS hides the bot's own embeds too": message.embeds
        and message.flags & Flag.SUPPRESS_EMBEDS,
    }
    for text in [text for text, is_so in found.items() if is_so] + [f"unknown_field: {name}" for name in draft.unknown]:
        code, detail = text.split(": ", 1)
        transcript.violated(code, detail, call)


def blame(transcript: Transcript, call: Call, refused: ApiRefusal) -> None:
    """A refusal the bot could have known of: a wrong body, or the same closed door again and again."""
    if refused.code in _BODY_CODES:
        wrong = list(_wrong_fields(refused.errors or {}, "")) or [f"{refused.code}"]
        for text in wrong:
            code = "custom_id_duplicated" if "CUSTOM_ID_DUPLICATED" in text else _NAMED.get(text, "invalid_body")
            transcript.violated(code, f"{call.name}: {text}", call)
    elif refused.http in {401, 403, 404}:
        door = f"refused {call.method} {call.path}"
        transcript.counts[door] += 1
        if transcript.counts[door] == _PATIENCE + 1:
            transcript.violated("keeps_trying", f"{door} with {refused.code}, {_PATIENCE + 1} times", call)


def _wrong_fields(errors: dict[str, Any], path: str) -> Iterator[str]:
    """As `content BASE_TYPE_MAX_LENGTH`."""
    for key, inner in errors.items():
        if key == "_errors":
            yield from (f"{path} {one['code']}".strip() for one in inner)
        else:
            yield from _wrong_fields(inner, f"{path}.{key}".lstrip("."))
