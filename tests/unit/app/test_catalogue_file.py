"""Catalogues on paper."""

from __future__ import annotations

from typing import Any

import pytest

from app.catalogue_file import read_catalogue
from domain.errors import Malformed
from domain.skill import Effect, Param, ParamType, SkillSpec


def only(entry: dict[str, Any], *others: dict[str, Any]) -> SkillSpec:
    return read_catalogue({"skills": [{"name": "s", **entry}, *others]}).skills["s"]


def test_a_skill_without_params_takes_anything() -> None:
    skill = only({"description": "does it"})
    assert (skill.description, skill.open_params, skill.params, skill.effect) == ("does it", True, (), Effect.NONE)


def test_params_as_on_the_wire() -> None:
    listed = [{"name": "n", "type": "integer", "required": True, "description": "how many"}, {"name": "x"}, 3]
    assert only({"params": listed}).params == (
        Param(name="n", type=ParamType.INTEGER, required=True, description="how many"),
        Param(name="x", type=ParamType.ANY),
    )


def test_params_as_texts() -> None:
    skill = only({"params": {"q": "string: what to look for", "n": "Number: how many", "x": ""}})
    assert skill.params == (
        Param(name="q", type=ParamType.STRING, description="what to look for"),
        Param(name="n", type=ParamType.ANY, description="how many"),
        Param(name="x", type=ParamType.ANY),
    )
    assert not skill.open_params


def test_where_some_are_marked_as_optional_the_others_must_be_given() -> None:
    other = {"name": "t", "params": {"y": "Optional list of strings"}}
    skill = only({"params": {"q": "string: what", "n": "optional. number: how many"}}, other)
    assert [(param.name, param.type, param.required) for param in skill.params] == [
        ("q", ParamType.STRING, True),
        ("n", ParamType.NUMBER, False),
    ]
    assert not only({"params": {"q": "string: what"}}).params[0].required


def test_outputs_effects_and_other_names() -> None:
    skill = only({"outputs": ["id", "the name"], "effect": "external", "aliases": ["z"], "keywords": ["k"]})
    assert skill.output_schema == {"type": "object", "properties": {"id": {}, "the name": {}}}
    assert (skill.effect, skill.aliases, skill.keywords, skill.examples) == (Effect.EXTERNAL, ("z",), ("k",), ())


@pytest.mark.parametrize("document", [None, 3, {}, {"skills": {}}, ["s"], [{"name": 3}], {"skills": [{}]}])
def test_what_is_no_catalogue(document: Any) -> None:
    with pytest.raises(Malformed):
        read_catalogue(document)
