"""The catalogue: both languages, the same placeholders, and every sentence that is asked for."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from domain import errors, texts
from domain.texts import CATALOGUE, language_for, language_of, say

ROOT = Path(__file__).parents[3]
PACKAGES = ("domain", "messaging", "storage", "llm", "bot", "planner", "dispatcher", "agents", "aggregator", "app")
PARTS = [import_module(f"domain.texts.{part.name}") for part in iter_modules(texts.__path__)]
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)} - {"PlanRefused"}
KINDS = {"Problem": ("kind", "problem"), "Repair": ("kind", "repair"), "Failure": ("code", "failure")}
CODED = {"_lost": 0, "_skipped": 1, "end_all": 2}  # domain functions that take a failure's code, and where


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("key", CATALOGUE)
def test_both_languages_say_something_with_the_same_placeholders(key: str) -> None:
    english, chinese = CATALOGUE[key]
    assert english.strip()
    assert chinese.strip()
    assert all(name.isidentifier() for name in placeholders(english))
    # What a linter says of a rule exists in English only; Chinese explains the rule instead.
    assert placeholders(chinese) <= placeholders(english) | ({"name"} if key.startswith("code.rule.") else set())
    assert placeholders(english) <= placeholders(chinese) | ({"message"} if key.startswith("code.rule.") else set())


def test_a_failure_is_said_without_any_values() -> None:
    assert not [key for key, (english, _) in CATALOGUE.items() if key.startswith("failure.") and placeholders(english)]


def test_every_part_is_in_the_catalogue_and_no_key_stands_in_two() -> None:
    assert len(CATALOGUE) == sum(len(part.TEXTS) for part in PARTS)


Use = tuple[str, set[str] | None, str]  # key, values given (None: not to be seen in the source), where


def uses(path: Path) -> Iterator[Use]:
    """Every key of the catalogue that a file names literally."""
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
            continue
        name = call.func.id if isinstance(call.func, ast.Name) else f".{call.func.attr}"
        where = f"{path.relative_to(ROOT)}:{call.lineno}"
        given = {keyword.arg or "**" for keyword in call.keywords}
        values = None if "**" in given else given
        if name in KINDS:
            field, family = KINDS[name]
            found = [keyword.value for keyword in call.keywords if keyword.arg == field]
            yield from ((f"{family}.{word}", None, where) for word in literals(found))
        elif name in ERRORS or name == "say":
            yield from ((word, values, where) for word in literals(call.args[:1]))
        elif name in CODED and path.parent.name == "domain":
            yield from ((f"failure.{word}", None, where) for word in literals(call.args[CODED[name] :][:1]))


def literals(nodes: list[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sentence_asked_for_exists_and_is_given_its_values(path: Path) -> None:
    missing = [f"{where} {key}" for key, _, where in uses(path) if key not in CATALOGUE]
    assert not missing
    short = [
        f"{where} {key}: {placeholders(CATALOGUE[key][0]) - values}"
        for key, values, where in uses(path)
        if values is not None and not placeholders(CATALOGUE[key][0]) <= values
    ]
    assert not short


def test_the_search_finds_what_it_is_for() -> None:
    found = {key for path in FILES for key, _, _ in uses(path)}
    assert {"problem.cycle", "repair.cut_edge", "failure.timeout", "failure.critical", "failure.deadline"} <= found
    assert {"plan.wrong_shape", "failure.bad_reference"} <= found


def test_say_fills_in_and_picks_the_language() -> None:
    assert say("error.not_found", "en", task="7K2QXM").startswith("There is no task 7K2QXM.")
    assert say("error.not_found", "zh", task="7K2QXM").startswith("没有任务 7K2QXM。")
    with pytest.raises(KeyError):
        say("no.such.sentence", "en")


def test_what_is_filled_in_is_never_a_template() -> None:
    assert say("error.malformed", "en", detail="{task} {0.__class__}") == (
        "This is not a valid message: {task} {0.__class__}."
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "en"),
        ("12:30 !?", "en"),
        ("hello world", "en"),
        ("bonjour à tous", "en"),
        ("帮我看看", "zh"),
        ("幫我看看這個檔案", "zh"),
        ("㐀㐁", "zh"),
        ("请审查 my-project 的 login 代码", "zh"),
        ("please translate 你好 into English and explain where each part of the word comes from", "en"),
        ("abcd好", "zh"),
        ("abcde好", "en"),
    ],
)
def test_language_of(text: str, expected: str) -> None:
    assert language_of(text) == expected


@pytest.mark.parametrize("text", ["a" * 200_000, "-" * 200_000, "a." * 100_000, "/" * 200_000, "." * 200_000 + "x"])
@pytest.mark.timeout(5)
def test_the_language_of_anything_is_found_at_once(text: str) -> None:
    assert language_of(text) == "en"


@pytest.mark.parametrize(
    ("text", "locale", "language"),
    [
        ("分析 examples/sales.csv", "en", "zh"),
        ("check src/app.py", "zh-hans", "zh"),  # too few words to tell
        ("review the code in examples/shop", "zh-hans", "en"),
        ("ok", "", "en"),
    ],
)
def test_words_come_before_the_locale_and_paths_are_no_words(text: str, locale: str, language: str) -> None:
    assert language_for(text, locale) == language
    assert language_for(text, locale, "zh") == "zh"
