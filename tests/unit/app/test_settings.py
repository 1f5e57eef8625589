from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import DEFAULT_AGENTS, Settings, example, load, read_agents
from domain.errors import Misconfigured
from llm import Price

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_example_file_is_the_settings():
    assert (ROOT / ".env.example").read_text() == example()


def test_every_name_of_the_design_is_there():
    names = {field.validation_alias for field in Settings.model_fields.values()}
    assert {
        "DATABASE_URL", "AMQP_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "XINGSHU_MODEL", "TELEGRAM_BOT_TOKEN",
        "TELEGRAM_API_BASE_URL", "DISCORD_BOT_TOKEN", "DISCORD_API_BASE_URL", "XINGSHU_ALLOWED_USERS",
        "XINGSHU_ALLOWED_CHATS", "XINGSHU_WORKSPACE",
    } <= names  # fmt: skip


def test_nothing_configured_is_the_embedded_deployment():
    settings = load()
    assert settings.amqp_url is None
    assert settings.has_model is False
    assert tuple(settings.roster) == DEFAULT_AGENTS


def test_empty_values_count_as_not_set(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("XINGSHU_MAX_NODES", "")
    assert load().openai_base_url is None
    assert load().max_nodes == 200


def test_the_env_file_is_read(tmp_path):
    (tmp_path / ".env").write_text("XINGSHU_MODEL=a, b\nOPENAI_API_KEY=sk-x\n")
    assert [spec.name for spec in load().models] == ["a", "b"]
    assert load().has_model is True


def test_models_may_stand_on_several_servers(tmp_path):
    texts = (
        "XINGSHU_MODEL=big, small@http://10.0.0.5:8000/v1",
        "OPENAI_API_KEY=sk-x",
        "XINGSHU_MODEL_KEYS=10.0.0.5:8000=sk-y",
        "XINGSHU_MODEL_PRICES=big=1/2",
    )
    (tmp_path / ".env").write_text("\n".join(texts))
    big, small = load().models
    assert (big.api_key, big.price, small.api_key, small.price) == ("sk-x", Price(1, 2), "sk-y", None)
    assert small.base_url == "http://10.0.0.5:8000/v1"
    assert "sk-" not in repr(load())


def test_a_model_on_a_server_of_its_own_is_a_model(monkeypatch):
    monkeypatch.setenv("XINGSHU_MODEL", "small@http://10.0.0.5:8000/v1")
    assert load().has_model is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XINGSHU_MAX_NODES", "many"),
        ("XINGSHU_LOG_LEVEL", "loud"),
        ("XINGSHU_AGENTS", "=code"),
        ("XINGSHU_LEASE_S", "1"),
        ("XINGSHU_MODEL", "a@http://"),
        ("XINGSHU_MODEL_KEYS", "sk-secret"),
        ("XINGSHU_MODEL_PRICES", "a=cheap"),
        ("XINGSHU_TIMEZONE", "Mars/Olympus"),
    ],
)
def test_a_wrong_value_is_named_by_its_setting(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as wrong:
        load()
    assert wrong.value.values["name"] == name
    assert name in wrong.value.say("zh")


def test_a_secret_is_never_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-indeed")
    assert "very-secret" not in repr(load())


@pytest.mark.parametrize(
    ("text", "roster"),
    [
        ("", {}),
        ("yunce=code,atlas=data+files", {"yunce": ("code",), "atlas": ("data", "files")}),
        (" echo , yunce = word_count ", {"echo": ("echo",), "yunce": ("word_count",)}),
    ],
)
def test_agents_are_configuration(text, roster):
    assert read_agents(text) == roster


@pytest.mark.parametrize("text", ["=code", "a b=code", "x=", "x=+"])
def test_unreadable_agents_are_refused(text):
    with pytest.raises(ValueError, match="NAME=ABILITY"):
        read_agents(text)
