"""Who may do what: people, their roles, and the codes that make somebody known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.texts import Language


class Role(StrEnum):
    """What somebody is to this installation. Nobody in particular has none, and may do nothing."""

    MEMBER = "member"  # hands in requests, and decides about their own
    ADMIN = "admin"  # also sees, cancels and approves other people's, where they meet
    OWNER = "owner"  # also says who may use the bot


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody on a platform, by the platform's numeric id. `language` is what they chose to be spoken to in, `zone`
    the time zone (an IANA name) that they said their times are in."""

    platform: str
    user_id: str
    role: Role | None = None
    language: Language | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A code that makes whoever sends it first known, with this role; in a group it is the group that becomes known.
    Only the code's digest is kept."""

    digest: str
    role: Role
    expires_at: datetime
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What somebody has asked for: tasks not over yet, requests received since a given time, and when the oldest of
    those came."""

    open: int
    received: int
    oldest_at: datetime | None
