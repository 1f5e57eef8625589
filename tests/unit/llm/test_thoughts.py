"""Which part of a model's text is said aloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.thoughts import Aloud, aloud

MARKS = ["<think>", "</think>", "<thinking>", "</thinking>", "<|channel|>analysis<|message|>"]
MARKS += ["<|channel|>final<|message|>", "<", "</th", "{", "[", "`", " ", "\n", "\ufeff", "a", "ä", "<think", "ink>"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        (" \n\ufeff", ""),
        ("\ufeffhello ", "hello "),
        ("<think>no</think>\n\nyes", "yes"),
        ("<think>no", ""),
        ("<think></think>", ""),
        ("</think>yes", "yes"),
        ("no, really</think>yes", "yes"),
        ("<think>a</think><think>b</think>yes", "yes"),
        ("<think>a</think>no</think>yes", "yes"),
        ("<thin air>", "<thin air>"),
        ("<thin", "<thin"),
        ("a < b </thin", "a < b </thin"),
        ('{"a": "</think>"}', '{"a": "</think>"}'),
        ("```\n</think>", "```\n</think>"),
        ("<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>yes", "yes"),
    ],
)
def test_only_the_answer_is_said(text: str, said: str) -> None:
    assert aloud(text) == said


def test_a_mark_within_another_is_waited_for() -> None:
    ear = Aloud()
    fed = [ear.feed(piece) for piece in ("so", "<|channel|>final<", "|message|>", "yes")]
    assert fed == [(False, "so"), (False, ""), (True, ""), (False, "yes")]


@given(st.lists(st.sampled_from(MARKS), max_size=30).map("".join), st.data())
def test_how_a_text_is_cut_changes_nothing(text: str, data: st.DataObject) -> None:
    ear, said, left = Aloud(), "", text
    while left:
        size = data.draw(st.integers(1, 9))
        is_anew, piece = ear.feed(left[:size])
        said = piece if is_anew else said + piece
        left = left[size:]
    assert said + ear.rest() == aloud(text)


@given(st.lists(st.sampled_from(MARKS), max_size=30).map("".join))
def test_what_stands_between_the_marks_of_thoughts_is_never_said(inside: str) -> None:
    thought = inside.replace("think", "thank").replace("final", "")
    assert aloud(f"<think>{thought}</think>{{}}") == "{}"
