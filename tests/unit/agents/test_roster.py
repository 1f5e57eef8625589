"""Which skills an agent has by configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agents.roster import BUNDLES, build, catalogue_of
from agents.workspace import Workspace
from domain.errors import Misconfigured
from domain.skill import Catalogue, SkillSpec
from tests.fakes_model import scripted

EVERYTHING = {name: (name,) for name in BUNDLES}


def test_an_agent_has_bundles_and_single_skills(tmp_path: Path) -> None:
    roster = {"yunce": ("files",), "atlas": ("report", "file_read", "echo"), "echo": ("echo",)}
    built = build(roster, Workspace(tmp_path), None)
    assert sorted(built["yunce"]) == ["file_list", "file_patch", "file_read", "file_search", "file_write"]
    assert sorted(built["atlas"]) == ["echo", "file_read", "report"]
    assert all(skill.spec.name == name for skills in built.values() for name, skill in skills.items())


def test_a_name_nobody_knows_is_a_mistake_of_the_operator(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="“fly”, which is neither"):
        build({"yunce": ("files", "fly")}, Workspace(tmp_path), None)


async def test_the_model_reaches_the_general_agent(tmp_path: Path) -> None:
    from agents.skill import Call

    built = build({"oracle": ("general",)}, Workspace(tmp_path), scripted("hello"))
    assert (await built["oracle"]["general"].run(Call(params={"prompt": "hi"}))).output["text"] == "hello"


def test_the_catalogue_knows_what_is_built(tmp_path: Path) -> None:
    built = build(EVERYTHING, Workspace(tmp_path), None)
    pairs = [(agent, skill.spec) for agent, skills in built.items() for skill in skills.values()]
    assert catalogue_of(EVERYTHING) == pairs


def test_of_a_foreign_skill_only_the_name_is_known() -> None:
    assert catalogue_of({"far": ("fly", "echo")})[0] == ("far", SkillSpec(name="fly", description="", open_params=True))
    assert [spec.name for _, spec in catalogue_of({"far": ("fly", "echo")})] == ["fly", "echo"]


def test_every_skill_can_be_found_in_both_languages() -> None:
    catalogue = Catalogue.of(catalogue_of(EVERYTHING))
    assert len(catalogue) >= 12
    for spec in catalogue:
        assert spec.description
        assert spec.output_schema["type"] == "object"
        for texts in (spec.examples, spec.keywords):
            assert {any(char >= "一" for char in text) for text in texts} == {True, False}, spec.name
        assert all(param.description for param in spec.params), spec.name


def test_a_catalogue_loads_nothing_heavy() -> None:
    heavy = "{'duckdb', 'matplotlib', 'bandit', 'openai', 'numpy'}"
    code = (
        "import sys; from agents.roster import BUNDLES, catalogue_of;"
        f"catalogue_of({{name: (name,) for name in BUNDLES}}); print(sorted({heavy} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert ran.stdout.strip() == "[]"
