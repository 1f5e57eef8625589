"""Credentials in texts: wherever they turn up, they do not go out."""

from __future__ import annotations

import re

# Inside URLs, bot tokens inside Telegram's paths, keys, bearer tokens.
_SECRETS = re.compile(
    r"(?P<scheme>\w+://[^\s:/@]*):[^\s@/]+@|(?<!\d)\d{6,}:[\w-]{30,}|\bsk-[\w-]{16,}|(?i:\bbearer\s+)[\w.~+/-]{8,}"
)


def without_secrets(text: str) -> str:
    """`text` with asterisks for what looks like a credential."""
    return _SECRETS.sub(lambda match: f"{match['scheme']}:***@" if match["scheme"] else "***", text)
