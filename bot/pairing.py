"""One-time codes that make somebody known: how they look, how they are typed, what is kept of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from bot.offers import code_of
from domain.ids import ALPHABET
from domain.ports import Entropy

CODE_LENGTH = 8
CODE_FOR = timedelta(minutes=15)

_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_BETWEEN = re.compile(r"[-‐-―－\s]")
_CODE = re.compile(f"[{ALPHABET}]{{{CODE_LENGTH}}}")
_COMMAND = re.compile(r"[/／](pair|start|配对|开始)(?:@\w+)?(?:\s+(\S+))?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody sent to get in: `code` is None when it cannot be one, or when there is none (`is_bare`)."""

    code: str | None
    is_bare: bool
    is_start: bool


def attempt(text: str) -> Attempt | None:
    """Read `/pair`, `/pair CODE` and `/start CODE`; None for anything else."""
    typed = _COMMAND.fullmatch(text.strip())
    if typed is None:
        return None
    is_start = typed[1].lower() in {"start", "开始"}
    return Attempt(code=read_code(typed[2] or ""), is_bare=typed[2] is None, is_start=is_start)


def pairing_code(entropy: Entropy) -> str:
    """A new one-time code, as it is read aloud: XXXX-XXXX."""
    code = code_of(entropy, CODE_LENGTH)
    return f"{code[:4]}-{code[4:]}"


def read_code(typed: str) -> str | None:
    """A code as somebody typed it: any case, any dashes, look-alike letters folded; None when it cannot be one."""
    folded = _BETWEEN.sub("", typed).upper().translate(_LOOKALIKES)
    return folded if _CODE.fullmatch(folded) else None


def code_digest(code: str, tenant: str) -> str:
    """What is kept of a code: useless without the code, and in another installation."""
    key = blake2b(tenant.encode()).digest()
    return blake2b(_BETWEEN.sub("", code).encode(), key=key, digest_size=16).hexdigest()
