"""Every setting, from the environment or `.env`. `.env.example` is printed from here (`python -m app.settings`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.failpoints import Failpoints
from domain.errors import Misconfigured
from domain.people import Role
from llm.models import ModelSpec, read_keys, read_models, read_prices

DEFAULT_AGENTS = ("echo", "files", "data", "code", "writer", "general")
_CHAT_ID = re.compile(r"(?:telegram|discord):-?\d{1,20}")  # never a name: names change hands
_AGENT_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,62}")


def _setting(default: Any, name: str, description: str, **limits: Any) -> Any:
    return Field(default, validation_alias=name, description=description, **limits)


class Settings(BaseSettings):
    """What the operator can choose. Empty values count as not set."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: str = _setting(
        "sqlite:///.xingshu/xingshu.db",
        "DATABASE_URL",
        "Where the rows live: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME in production.",
    )
    amqp_url: SecretStr | None = _setting(
        None, "AMQP_URL", "RabbitMQ, amqp://USER:PASSWORD@HOST:5672/VHOST. Not set: the broker runs in this process."
    )
    openai_api_key: SecretStr | None = _setting(
        None, "OPENAI_API_KEY", "Key of the language model. Not set (and no base URL): everything works by rules."
    )
    openai_base_url: str | None = _setting(
        None, "OPENAI_BASE_URL", "Any OpenAI-compatible server, such as http://127.0.0.1:8000/v1."
    )
    model: str = _setting(
        "gpt-4.1-mini",
        "XINGSHU_MODEL",
        "Model name, or NAME@https://HOST/v1 for one on another server; a comma list is tried in order.",
    )
    model_keys: SecretStr | None = _setting(
        None, "XINGSHU_MODEL_KEYS", "Keys of those other servers, e.g. llm.example.org=sk-1,10.0.0.5:8000=sk-2."
    )
    model_prices: str = _setting(
        "",
        "XINGSHU_MODEL_PRICES",
        "US dollars per million tokens read/written, e.g. gpt-4.1-mini=0.4/1.6. Without them /cost shows tokens only.",
    )
    model_timeout_s: float = _setting(
        180.0, "XINGSHU_MODEL_TIMEOUT_S", "Seconds one question to the model may take, retries included.", gt=0
    )
    model_wait_s: float = _setting(240.0, "XINGSHU_MODEL_WAIT_S", "Seconds to wait for a model that is down.", ge=0)
    model_first_s: float = _setting(
        60.0, "XINGSHU_MODEL_FIRST_TOKEN_S", "Seconds a model may take to begin an answer.", gt=0
    )
    model_idle_s: float = _setting(30.0, "XINGSHU_MODEL_IDLE_S", "Seconds a model may pause within an answer.", gt=0)
    model_concurrency: int = _setting(
        8, "XINGSHU_MODEL_CONCURRENCY", "Calls to one model server at once; 1 for llama-cpp-python.", ge=1, le=1024
    )
    telegram_bot_token: SecretStr | None = _setting(None, "TELEGRAM_BOT_TOKEN", "Token of the Telegram bot.")
    telegram_api_base_url: str | None = _setting(
        None, "TELEGRAM_API_BASE_URL", "A Bot API server of your own. Not set: Telegram's."
    )
    telegram_webhook_url: str | None = _setting(
        None,
        "TELEGRAM_WEBHOOK_URL",
        "The https address at which Telegram reaches this bot. Not set: the bot asks Telegram (polling).",
    )
    telegram_webhook_secret: SecretStr | None = _setting(
        None, "TELEGRAM_WEBHOOK_SECRET", "What Telegram must send along: 16 to 256 of A-Z, a-z, 0-9, _ and -."
    )
    telegram_webhook_listen: str = _setting(
        "127.0.0.1:8443", "TELEGRAM_WEBHOOK_LISTEN", "HOST:PORT behind your reverse proxy that the webhook listens on."
    )
    discord_bot_token: SecretStr | None = _setting(None, "DISCORD_BOT_TOKEN", "Token of the Discord bot.")
    discord_api_base_url: str | None = _setting(
        None, "DISCORD_API_BASE_URL", "REST base of Discord; the gateway URL is asked from it."
    )
    allowed_users: str = _setting(
        "",
        "XINGSHU_ALLOWED_USERS",
        "Who may use the bot, e.g. telegram:123=owner,discord:456=admin,telegram:789; others come in with a code from "
        "xingshu pair. Empty: nobody but the console.",
    )
    allowed_chats: str = _setting(
        "",
        "XINGSHU_ALLOWED_CHATS",
        "In which groups or channels, e.g. telegram:-100123,discord:456. Private chats always.",
    )
    user_rate: int = _setting(10, "XINGSHU_USER_RATE", "Requests one person may send in a minute.", ge=1)
    user_tasks: int = _setting(5, "XINGSHU_USER_TASKS", "Tasks one person may have open at once.", ge=1)
    user_schedules: int = _setting(20, "XINGSHU_USER_SCHEDULES", "Schedules one person may have.", ge=1)
    timezone: str = _setting(
        "",
        "XINGSHU_TIMEZONE",
        "The time zone of people who have not chosen one (/schedule zone), e.g. Asia/Shanghai. Empty: the machine's, "
        "else UTC.",
    )
    schedule_grace_s: int = _setting(
        21_600, "XINGSHU_SCHEDULE_GRACE_S", "Seconds after which a missed time of a schedule is not made up for.", ge=60
    )
    approval_s: float = _setting(900.0, "XINGSHU_APPROVAL_S", "Seconds an approval button counts.", ge=10)
    tenant: str = _setting("main", "XINGSHU_TENANT", "Whose deployment this is; every row carries it.")
    workspace: Path = _setting(
        Path(), "XINGSHU_WORKSPACE", "The only folder agents may read and write. Not set: where the command runs."
    )
    spool: Path = _setting(
        Path(".xingshu/spool.db"), "XINGSHU_SPOOL", "Where a worker keeps results until the broker has them."
    )
    agents: str = _setting(
        "",
        "XINGSHU_AGENTS",
        "Agents by name and what each can do, e.g. yunce=code,atlas=data+files. Empty: "
        + ", ".join(DEFAULT_AGENTS)
        + ".",
    )
    drain_s: float = _setting(20.0, "XINGSHU_DRAIN_S", "Seconds a worker told to stop may finish work in.", ge=0)
    stall_s: float = _setting(45.0, "XINGSHU_STALL_S", "Seconds until a blocked worker ends itself; 0: never.", ge=0)
    worker_concurrency: int = _setting(
        4, "XINGSHU_WORKER_CONCURRENCY", "Subtasks one agent of one worker runs at once.", ge=1, le=256
    )
    task_deadline_s: float = _setting(1800.0, "XINGSHU_TASK_DEADLINE_S", "Seconds a task may take in all.", gt=0)
    max_nodes: int = _setting(200, "XINGSHU_MAX_NODES", "Subtasks one plan may have.", ge=1)
    max_depth: int = _setting(50, "XINGSHU_MAX_DEPTH", "Subtasks the longest chain of a plan may have.", ge=1)
    task_window: int = _setting(32, "XINGSHU_TASK_WINDOW", "Subtasks of one task in flight at once.", ge=1)
    total_window: int = _setting(512, "XINGSHU_TOTAL_WINDOW", "Subtasks of everybody in flight at once.", ge=1)
    dispatch_ttl_s: float = _setting(
        60.0, "XINGSHU_DISPATCH_TTL_S", "Seconds a subtask may wait in an agent's queue before it is sent anew.", ge=1
    )
    lease_s: float = _setting(
        30.0, "XINGSHU_LEASE_S", "Seconds a silent worker keeps its subtask, or a planner its task.", ge=6
    )
    lead_s: float = _setting(
        10.0, "XINGSHU_LEAD_S", "Seconds after which another process speaks for a bot whose process died.", ge=1
    )
    sweep_s: float = _setting(10.0, "XINGSHU_SWEEP_S", "Seconds a lost message can delay anything.", gt=0)
    keep_s: float = _setting(
        365 * 86_400.0, "XINGSHU_KEEP_S", "Seconds a finished task is kept, then deleted; 0 keeps all for ever.", ge=0
    )
    keep_books_s: float = _setting(
        400 * 86_400.0, "XINGSHU_KEEP_BOOKS_S", "Seconds model calls stay in the books; 0 keeps all for ever.", ge=0
    )
    archive: Path | None = _setting(
        None, "XINGSHU_ARCHIVE", "A .jsonl file in which tasks are written down before they are deleted."
    )
    backlog_s: float = _setting(
        60.0, "XINGSHU_BACKLOG_S", "Seconds a subtask may wait for its agent before the log warns of it.", gt=0
    )
    conversation_s: float = _setting(
        86_400.0, "XINGSHU_CONVERSATION_S", "Seconds earlier requests of a chat are part of the conversation.", ge=0
    )
    plan_cache_s: float = _setting(21_600.0, "XINGSHU_PLAN_CACHE_S", "Seconds a model's plan may be used again.", ge=0)
    answer_cache_s: float = _setting(
        3600.0, "XINGSHU_ANSWER_CACHE_S", "Seconds a model's answer may be used again.", ge=0
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "XINGSHU_LOG_LEVEL", "How much is logged by serve and worker; other commands log warnings only."
    )
    log_format: Literal["auto", "json", "text"] = _setting(
        "auto", "XINGSHU_LOG_FORMAT", "json, text, or auto: text on a terminal, JSON elsewhere."
    )
    log_file: Path | None = _setting(None, "XINGSHU_LOG_FILE", "Write the log there. Not set: to standard error.")
    fail: str = _setting(
        "",
        "XINGSHU_FAIL",
        "For tests only: the crash point at which the process ends itself; `python -m app.failpoints` lists them.",
    )

    @field_validator(
        "model_keys", "model_prices", "model", "timezone", "allowed_users", "allowed_chats", "agents", "fail"
    )
    @classmethod
    def _readable(cls, value: Any, info: ValidationInfo) -> Any:
        if text := value.get_secret_value() if isinstance(value, SecretStr) else value:
            _READERS[info.field_name or ""](text)
        return value

    @property
    def users(self) -> Mapping[str, Role]:
        """Who may use the bot, by `platform:id`."""
        return read_users(self.allowed_users)

    @property
    def chats(self) -> frozenset[str]:
        """In which groups, by `platform:id`."""
        return read_chats(self.allowed_chats)

    @property
    def has_chats(self) -> bool:
        """Whether any chat platform is configured."""
        return self.telegram_bot_token is not None or self.discord_bot_token is not None

    @property
    def roster(self) -> Mapping[str, tuple[str, ...]]:
        """Agent -> what it can do: names of default agents or single skills."""
        return read_agents(self.agents) or {name: (name,) for name in DEFAULT_AGENTS}

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The model and its fall-backs, in order, each with its server, key and price."""
        key, keys = self.openai_api_key, self.model_keys
        return read_models(
            self.model,
            base_url=self.openai_base_url or "",
            api_key=key.get_secret_value() if key else "",
            keys=read_keys(keys.get_secret_value() if keys else ""),
            prices=read_prices(self.model_prices),
        )

    @property
    def has_model(self) -> bool:
        """Whether any language model is configured."""
        return self.openai_api_key is not None or self.openai_base_url is not None or "@" in self.model


def read_agents(text: str) -> dict[str, tuple[str, ...]]:
    """Read `yunce=code,atlas=data+files`; a bare name stands for itself. Raises ValueError naming the part."""
    roster: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, abilities = part.partition("=")
        given = (
            tuple(filter(None, (ability.strip() for ability in abilities.split("+")))) if equals else (name.strip(),)
        )
        if not _AGENT_NAME.fullmatch(name.strip()) or not given:
            raise ValueError(f"“{part}” is not NAME=ABILITY+ABILITY")
        roster[name.strip()] = given
    return roster


def read_users(text: str) -> dict[str, Role]:
    """Read `telegram:123=owner,discord:456`; without a role somebody is a member. Raises ValueError naming the part."""
    users: dict[str, Role] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, role = part.partition("=")
        if not _CHAT_ID.fullmatch(name.strip()) or role.strip() not in {"", *Role}:
            raise ValueError(f"“{part}” is not PLATFORM:NUMBER or PLATFORM:NUMBER=owner|admin|member")
        users[name.strip()] = Role(role.strip() or Role.MEMBER)
    return users


def read_chats(text: str) -> frozenset[str]:
    """Read `telegram:-100123,discord:456`. Raises ValueError naming the part."""
    chats = [part for part in (part.strip() for part in text.split(",")) if part]
    for part in chats:
        if not _CHAT_ID.fullmatch(part):
            raise ValueError(f"“{part}” is not PLATFORM:NUMBER")
    return frozenset(chats)


def read_zone(text: str) -> str:
    """A time zone by its name, or nothing. Raises ValueError for a name that is none."""
    if text and text not in available_timezones():
        raise ValueError(f"“{text}” is not a time zone; write it like Europe/Berlin")
    return text


_READERS: Mapping[str, Callable[[str], object]] = {
    "model_keys": read_keys,
    "model_prices": read_prices,
    "model": read_models,
    "timezone": read_zone,
    "allowed_users": read_users,
    "allowed_chats": read_chats,
    "agents": read_agents,
    "fail": Failpoints,
}


def load(**changes: Any) -> Settings:
    """Read the settings. Raises Misconfigured naming the first one that is wrong; never its value."""
    try:
        return Settings(**changes)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        raise Misconfigured("error.setting", name=name, detail=first["msg"].removeprefix("Value error, ")) from None


def example() -> str:
    """The text of `.env.example`: every setting, commented out at its default."""
    lines = ["# Settings of Xingshu. Copy to .env and change what you need; everything has a working default.", ""]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or default == Path() else default
        lines += [f"# {field.description}", f"# {field.validation_alias or name}={shown}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(example())
