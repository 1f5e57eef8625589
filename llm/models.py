"""Which models there are, on which servers, for which price: read from the settings' texts. Needs no client library."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from llm.failures import clean

OPENAI = "https://api.openai.com/v1"
_PATIENT_S = 60.0  # a slow model deserves that much before its call counts as lost
_PLACED = re.compile(r"(?!@?https?://)(?P<name>.+?)(?:@(?P<url>https?://.*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens read (`per_in`) and written (`per_out`)."""

    per_in: float
    per_out: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model on one server.

    Args:
        name: as the server knows it.
        base_url: of any OpenAI-compatible server; empty means OpenAI's own.
        api_key: local servers need none.
        price: None when it is not known.
    """

    name: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLimits:
    """How often, and with which pauses.

    Args:
        attempts: calls in all, the first included.
        base_s: the ceiling of the first pause, in seconds; it doubles.
        cap_s: the ceiling of any pause.
    """

    attempts: int = 4
    base_s: float = 0.5
    cap_s: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """The models, and how long they may take.

    Args:
        models: the model to ask and its fall-backs, in order.
        connect_s: seconds to reach a server.
        first_s: seconds until the first token of an answer that comes in pieces.
        idle_s: seconds between two tokens of it.
        call_s: seconds for one call; when not given, half of the total, so that there is a second one.
        total_s: seconds for one question: pauses, fall-backs and waiting for a free slot included.
        agent_total_s: the same when an agent asks, whose own time limit is short.
        slots: calls in flight to one server at once.
        retries: how often one model is asked again.
    """

    models: tuple[ModelSpec, ...] = ()
    connect_s: float = 5.0
    first_s: float = 60.0
    idle_s: float = 30.0
    call_s: float | None = None
    total_s: float = 180.0
    agent_total_s: float = 60.0
    slots: int = 8
    retries: RetryLimits = field(default_factory=RetryLimits)

    def call_limit_s(self, total_s: float) -> float:
        """Seconds for one call of a question that may take `total_s`."""
        return self.call_s or max(_PATIENT_S, total_s / 2)

    @property
    def identity(self) -> str:
        """Which models on which servers answer: part of the key under which answers are kept."""
        return ",".join(f"{host_of(spec.base_url)} {spec.name}" for spec in self.models)


def host_of(base_url: str) -> str:
    """`host` or `host:port` of a server, without credentials; empty when there is none in the URL."""
    try:
        return urlsplit(base_url or OPENAI).netloc.rpartition("@")[2].casefold()
    except ValueError:
        return ""


def read_models(
    text: str,
    base_url: str = "",
    api_key: str = "",
    keys: Mapping[str, str] | None = None,
    prices: Mapping[str, Price] | None = None,
) -> tuple[ModelSpec, ...]:
    """Read the setting XINGSHU_MODEL, `name,name@https://host/v1`: a model and its fall-backs, in order.

    Args:
        text: the setting.
        base_url: where models without an address are.
        api_key: for the server at `base_url`, and for no other.
        keys: for other servers, by `host` or `host:port` (`read_keys`).
        prices: by model name (`read_prices`).

    Raises:
        ValueError: names the part that is wrong.
    """
    keyring = {**(keys or {}), host_of(base_url): api_key}
    return tuple(
        ModelSpec(name=name, base_url=url, api_key=keyring.get(host_of(url), ""), price=(prices or {}).get(name))
        for name, url in _placed(text, base_url)
    )


def _placed(text: str, base_url: str) -> Iterator[tuple[str, str]]:
    for part in _parts(text):
        match = _PLACED.fullmatch(part)
        if match is None or not is_http(match["url"] or OPENAI):
            raise ValueError(f"“{clean(part)}” is not NAME or NAME@https://HOST/v1")
        yield match["name"], match["url"] or base_url


def is_http(url: str) -> bool:
    """Whether this is an address a model can be at."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def read_keys(text: str) -> dict[str, str]:
    """Read the setting XINGSHU_MODEL_KEYS, `host=key,host:port=key`. Raises ValueError; it never holds a key."""
    keys: dict[str, str] = {}
    for number, part in enumerate(_parts(text), 1):
        host, _, key = (word.strip() for word in part.partition("="))
        if not host or not key or "/" in host:
            raise ValueError(f"entry {number} is not HOST=KEY")
        if not is_sendable(key):
            raise ValueError(f"the key for {host} holds characters no key has")
        keys[host.casefold()] = key
    return keys


def is_sendable(key: str) -> bool:
    """Whether a key can stand in an HTTP header."""
    return key.isascii() and key.isprintable()


def read_prices(text: str) -> dict[str, Price]:
    """Read the setting XINGSHU_MODEL_PRICES, `name=in/out` in US dollars per million tokens. Raises ValueError."""
    prices: dict[str, Price] = {}
    for part in _parts(text):
        name, _, figures = part.rpartition("=")
        try:
            per_in, per_out = (float(figure) for figure in figures.split("/"))
        except ValueError:
            per_in = per_out = math.nan
        if not name.strip() or not (0 <= per_in < math.inf and 0 <= per_out < math.inf):
            raise ValueError(f"“{part}” is not NAME=IN/OUT, such as gpt-4.1-mini=0.4/1.6")
        prices[name.strip()] = Price(per_in, per_out)
    return prices


def _parts(text: str) -> Iterator[str]:
    return filter(None, (part.strip() for part in text.split(",")))
