"""Every setting, from the environment or `.env`. `.env.example` is printed from here (`python -m app.settings`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import Misconfigured
from llm.models import ModelSpec, read_keys, read_models, read_prices

DEFAULT_AGENTS = ("echo", "files", "data", "code", "writer", "general")
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
    discord_bot_token: SecretStr | None = _setting(None, "DISCORD_BOT_TOKEN", "Token of the Discord bot.")
    discord_api_base_url: str | None = _setting(
        None, "DISCORD_API_BASE_URL", "REST base of Discord; the gateway URL is asked from it."
    )
    allowed_users: str = _setting(
        "",
        "XINGSHU_ALLOWED_USERS",
        "Who may use the bot, e.g. telegram:123,discord:456. Empty: nobody but the console.",
    )
    allowed_chats: str = _setting("", "XINGSHU_ALLOWED_CHATS", "In which chats, in the same form.")
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
    sweep_s: float = _setting(10.0, "XINGSHU_SWEEP_S", "Seconds a lost message can delay anything.", gt=0)
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

    @field_validator("model_keys")
    @classmethod
    def _readable_keys(cls, value: SecretStr | None) -> SecretStr | None:
        read_keys(value.get_secret_value() if value else "")
        return value

    @field_validator("model_prices")
    @classmethod
    def _readable_prices(cls, value: str) -> str:
        read_prices(value)
        return value

    @field_validator("model")
    @classmethod
    def _readable_models(cls, value: str) -> str:
        read_models(value)
        return value

    @field_validator("agents")
    @classmethod
    def _readable_agents(cls, value: str) -> str:
        read_agents(value)
        return value

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
