"""What Discord accepts in the body of a message: lengths, counts, and which mentions ping."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.discord_server.components import check_components
from tests.discord_server.refusals import Form, refusal
from tests.discord_server.world import Flag

MAX_CONTENT, MAX_EMBEDS, MAX_EMBED_TEXT, MAX_FILES = 2000, 10, 6000, 10
MAX_FILE_BYTES = 10 * 1024 * 1024

# Source: discord-api-spec (MessageCreateRequest and its parts). `tts` in an edit is not there, but discord.py sends it.
MESSAGE_FIELDS = frozenset(
    {
        "allowed_mentions", "attachments", "components", "content", "embeds", "enforce_nonce", "flags",
        "message_reference", "nonce", "poll", "shared_client_theme", "sticker_ids", "tts",
    }
)  # fmt: skip
EDIT_FIELDS = MESSAGE_FIELDS - {"enforce_nonce", "nonce", "message_reference", "poll", "shared_client_theme"}
WEBHOOK_FIELDS = MESSAGE_FIELDS - {"enforce_nonce", "nonce", "message_reference", "sticker_ids", "shared_client_theme"}
_EMBED = frozenset(
    {
        "author", "color", "description", "fields", "footer", "image", "provider", "thumbnail", "timestamp",
        "title", "type", "url", "video", "flags",
    }
)  # fmt: skip
_ATTACHMENT = frozenset(
    {"id", "filename", "description", "duration_secs", "waveform", "title", "is_spoiler", "is_remix"}
)
# discord.py sends an attachment that stays as it got it.
_KEPT_ATTACHMENT = _ATTACHMENT | {"size", "url", "proxy_url", "spoiler", "content_type", "height", "width"}
_MENTIONS = frozenset({"parse", "users", "roles", "replied_user"})
_REFERENCE = frozenset({"guild_id", "channel_id", "message_id", "fail_if_not_exists", "type"})

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_LINK = re.compile(r"(?<!<)https?://[^\s>]+")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


@dataclass(slots=True, frozen=True)
class Upload:
    """A file of a multipart body; `field` is its form name, as in `files[0]`."""

    field: str
    filename: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass(slots=True)
class Mentions:
    """Who a message may ping, as `allowed_mentions` says; None stands for a body without it: everybody it names."""

    is_given: bool = False
    parse: frozenset[str] = frozenset({"users", "roles", "everyone"})
    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    replied_user: bool = True

    def named_users(self, content: str) -> set[int]:
        """Users whose mention takes effect."""
        named = {int(found) for found in _USER.findall(content)}
        return named if "users" in self.parse else named & self.users

    def named_roles(self, content: str) -> set[int]:
        named = {int(found) for found in _ROLE.findall(content)}
        return named if "roles" in self.parse else named & self.roles

    def names_everyone(self, content: str) -> bool:
        return "everyone" in self.parse and _EVERYONE.search(content) is not None


@dataclass(slots=True)
class Draft:
    """A checked body. What is None was not in it (an edit leaves it alone)."""

    content: str | None = None
    embeds: list[dict[str, Any]] | None = None
    components: list[dict[str, Any]] | None = None
    kept: list[int] | None = None
    descriptions: dict[str, str] = field(default_factory=dict)
    flags: int | None = None
    mentions: Mentions = field(default_factory=Mentions)
    nonce: str | int | None = None
    enforces_nonce: bool = False
    reference: dict[str, Any] | None = None
    files: list[Upload] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def settable(flags: int | None) -> int:
    """Those a bot may set on a message of its own."""
    return (flags or 0) & (Flag.SUPPRESS_EMBEDS | Flag.SUPPRESS_NOTIFICATIONS | Flag.IS_COMPONENTS_V2)


def looks_like_mention(content: str) -> bool:
    return any(pattern.search(content) for pattern in (_USER, _ROLE, _EVERYONE))


def shows_preview(content: str) -> bool:
    """Whether a client would unfold a link in it."""
    return _LINK.search(_CODE.sub("", content)) is not None


def read_draft(body: Any, files: list[Upload], fields: frozenset[str], prefix: str = "") -> Draft:
    """The body of a message, checked. Raises the refusal Discord would answer with."""
    form = Form()
    body = form.record(prefix, body)
    form.known(prefix, body, fields)
    draft = Draft(files=files)
    dot = f"{prefix}." if prefix else ""
    draft.flags = body.get("flags")
    is_v2 = bool((draft.flags or 0) & Flag.IS_COMPONENTS_V2)
    if "content" in body:
        draft.content = form.text(f"{dot}content", _trimmed(body["content"]), 0, MAX_CONTENT)
    if "embeds" in body:
        draft.embeds = _embeds(form, f"{dot}embeds", body["embeds"])
    if "components" in body:
        draft.components = check_components(form, f"{dot}components", body["components"], is_v2=is_v2)
    draft.mentions = _mentions(form, f"{dot}allowed_mentions", body.get("allowed_mentions"))
    _attachments(form, f"{dot}attachments", body, draft)
    _nonce(form, body, draft)
    if body.get("message_reference"):
        draft.reference = form.record("message_reference", body["message_reference"])
        form.known("message_reference", draft.reference, _REFERENCE)
    if is_v2 and (draft.content or draft.embeds):
        form.wrong(
            f"{dot}content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "The 'content' field cannot be used"
        )
    form.settle()
    draft.unknown = form.unknown
    return draft


def _nonce(form: Form, body: dict[str, Any], draft: Draft) -> None:
    draft.nonce = body.get("nonce")
    if draft.nonce is not None:
        form.text("nonce", str(draft.nonce), 0, 25)
    draft.enforces_nonce = bool(body.get("enforce_nonce")) and draft.nonce is not None


def _attachments(form: Form, path: str, body: dict[str, Any], draft: Draft) -> None:
    """Which files stay, and what the new ones are about. Raises 40005 for one that is too big."""
    if any(len(upload.content) > MAX_FILE_BYTES for upload in draft.files):
        raise refusal(40005)
    listed = form.items(path, body.get("attachments"), 0, MAX_FILES)
    if len(draft.files) > MAX_FILES:
        form.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FILES} or fewer in length.")
    if body.get("attachments") is None:
        return
    draft.kept = []
    uploads = {upload.field for upload in draft.files}
    for at, item in enumerate(listed):
        record = form.record(f"{path}.{at}", item)
        form.text(f"{path}.{at}.description", record.get("description"), 0, 1024)
        new = f"files[{record.get('id')}]"
        form.known(f"{path}.{at}", record, _ATTACHMENT if new in uploads else _KEPT_ATTACHMENT)
        if new in uploads:
            draft.descriptions[new] = record.get("description") or ""
        else:
            draft.kept.append(int(record.get("id") or 0))


def _mentions(form: Form, path: str, value: Any) -> Mentions:
    if value is None:
        return Mentions()
    given = form.record(path, value)
    form.known(path, given, _MENTIONS)
    parse = frozenset(given.get("parse") or [])
    for kind in ("users", "roles"):
        if kind in parse and given.get(kind):
            form.wrong(
                path,
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )
        form.items(f"{path}.{kind}", given.get(kind), 0, 100)
    return Mentions(
        is_given=True,
        parse=parse,
        users=frozenset(map(int, given.get("users") or [])),
        roles=frozenset(map(int, given.get("roles") or [])),
        replied_user=bool(given.get("replied_user")),
    )


def _embeds(form: Form, path: str, value: Any) -> list[dict[str, Any]]:
    embeds = [form.record(f"{path}.{at}", item) for at, item in enumerate(form.items(path, value, 0, MAX_EMBEDS))]
    if sum(_embed(form, f"{path}.{at}", embed) for at, embed in enumerate(embeds)) > MAX_EMBED_TEXT:
        form.wrong(path, "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_TEXT}")
    return embeds


def _embed(form: Form, path: str, embed: dict[str, Any]) -> int:
    """Check one; how many characters it counts for."""
    form.known(path, embed, _EMBED)
    texts = [
        form.text(f"{path}.title", _trimmed(embed.get("title")), 0, 256),
        form.text(f"{path}.description", _trimmed(embed.get("description")), 0, 4096),
    ]
    if embed.get("footer"):
        texts.append(form.text(f"{path}.footer.text", _trimmed(embed["footer"].get("text")), 1, 2048))
    if embed.get("author"):
        texts.append(form.text(f"{path}.author.name", _trimmed(embed["author"].get("name")), 1, 256))
    for at, item in enumerate(form.items(f"{path}.fields", embed.get("fields"), 0, 25)):
        texts.append(form.text(f"{path}.fields.{at}.name", _trimmed(item.get("name")), 1, 256))
        texts.append(form.text(f"{path}.fields.{at}.value", _trimmed(item.get("value")), 1, 1024))
    return sum(map(len, texts))


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
