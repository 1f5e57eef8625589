"""Buttons and forms."""

from __future__ import annotations

from bot.platforms.discord.controls import form_for, typed_in, view_of
from bot.post import ASKING, Action, Button, Verb


def button(subject: str, label: str = "x") -> Button:
    return Button(label=label, action=Action(verb=Verb.DETAILS, subject=subject))


async def test_what_does_not_fit_is_left_out() -> None:
    rows = [[button(f"{row}-{place}") for place in range(7)] for row in range(7)]
    view = view_of(rows)
    assert view is not None
    assert len(view.children) == 25
    assert view.is_finished()


async def test_no_buttons_are_no_view_and_an_empty_label_is_one() -> None:
    assert view_of(()) is None
    assert view_of(((),)) is None
    view = view_of(((button("a", ""),),))
    assert view is not None
    assert view.to_components()[0]["components"][0]["label"] == "…"


async def test_every_verb_that_asks_has_a_form() -> None:
    for verb in ASKING:
        for language in ("en", "zh"):
            form = form_for(Action(verb=verb, subject="7KQ2M4"), language)
            assert form.custom_id == f"{verb}:7KQ2M4"
            assert form.is_finished()


async def test_a_form_says_whether_it_wants_the_whole_request_or_an_answer() -> None:
    labels = {
        verb: form_for(Action(verb=verb, subject="7KQ2M4"), "en").to_dict()["components"][0]["components"][0]["label"]
        for verb in (Verb.EDIT, Verb.REPLY)
    }
    assert labels == {Verb.EDIT: "The whole request, as it should be", Verb.REPLY: "Your answer"}


def test_what_was_typed_is_found_in_rows_and_labels() -> None:
    field = {"type": 4, "custom_id": "text", "value": "words"}
    assert typed_in({"components": [{"type": 1, "components": [field]}]}) == "words"
    assert typed_in({"components": [{"type": 18, "component": field}]}) == "words"
    assert typed_in({"components": [{"type": 10}]}) == ""
    assert typed_in({}) == ""
