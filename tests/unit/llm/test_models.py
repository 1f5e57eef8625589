"""The settings' texts that say which models there are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llm import ModelSettings, ModelSpec, Price, read_keys, read_models, read_prices


def test_a_list_of_models_here_and_elsewhere() -> None:
    specs = read_models(
        "gpt-4.1-mini, claude@20240620,@cf/meta/llama, qwen2.5:7b@http://Box:11434/v1 ,",
        "https://proxy.example/v1",
        "sk-base",
        {"box:11434": "sk-box"},
        {"gpt-4.1-mini": Price(0.4, 1.6)},
    )
    assert specs == (
        ModelSpec(name="gpt-4.1-mini", base_url="https://proxy.example/v1", api_key="sk-base", price=Price(0.4, 1.6)),
        ModelSpec(name="claude@20240620", base_url="https://proxy.example/v1", api_key="sk-base"),
        ModelSpec(name="@cf/meta/llama", base_url="https://proxy.example/v1", api_key="sk-base"),
        ModelSpec(name="qwen2.5:7b", base_url="http://Box:11434/v1", api_key="sk-box"),
    )
    assert "sk-" not in repr(specs)
    assert ModelSettings(models=specs).identity == (
        "proxy.example gpt-4.1-mini,proxy.example claude@20240620,proxy.example @cf/meta/llama,box:11434 qwen2.5:7b"
    )


def test_the_key_of_one_server_is_for_no_other() -> None:
    one, same, other, port = read_models(
        "a,b@https://api.openai.com/v1,c@https://evil.example/v1,d@https://api.openai.com:8443/v1", "", "sk-a"
    )
    assert [spec.api_key for spec in (one, same, other, port)] == ["sk-a", "sk-a", "", ""]


@pytest.mark.parametrize(
    "text", ["m@http://", "m@https://[", "m@https://host:99999/v1", "@https://host/v1", "http://host/v1"]
)
def test_a_place_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="NAME@https://HOST/v1") as raised:
        read_models(f"good,{text}")
    assert text in str(raised.value)


def test_no_models_are_no_models() -> None:
    assert read_models(" , ") == ()


def test_keys_by_host() -> None:
    assert read_keys("API.deepseek.com=sk-1==, box:8000=k2,") == {"api.deepseek.com": "sk-1==", "box:8000": "k2"}
    assert read_keys("") == {}


@pytest.mark.parametrize("text", ["sk-geheim", "=sk-geheim", "host=", "https://host/v1=sk-geheim", "h=sk-geheimü"])
def test_a_wrong_key_is_named_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"entry 2|the key for h ") as raised:
        read_keys(f"good=1,{text}")
    assert "geheim" not in str(raised.value)


def test_prices_by_model() -> None:
    assert read_prices("gpt-4.1-mini=0.4/1.6, a=b=0/2") == {"gpt-4.1-mini": Price(0.4, 1.6), "a=b": Price(0, 2)}


@pytest.mark.parametrize("text", ["m", "m=1", "m=1/2/3", "m=a/b", "=1/2", "m=-1/2", "m=1/nan", "m=inf/1"])
def test_a_wrong_price_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=IN/OUT") as raised:
        read_prices(f"good=1/2,{text}")
    assert f"“{text}”" in str(raised.value)


def test_reading_the_settings_does_not_load_the_client_library() -> None:
    code = "import sys, llm; llm.read_models('m'); sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
