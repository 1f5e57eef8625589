"""Which skills an agent has: configuration names bundles, single skills, or both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from agents.skill import Skill
from agents.workspace import Workspace
from domain.errors import Misconfigured
from domain.ports import Model
from domain.skill import SkillSpec

Bundle = Callable[[Workspace, Model | None], list[Skill]]


def build(
    agents: Mapping[str, tuple[str, ...]], workspace: Workspace, model: Model | None
) -> dict[str, dict[str, Skill]]:
    """The skills of each agent, ready to run, by name.

    Args:
        agents: agent -> what it can do, each entry a default agent (its whole bundle) or a single skill.
        workspace: the folder their files are in.
        model: the language model, if there is one.

    Raises Misconfigured for an entry that is neither.
    """
    shelf = _Shelf(workspace, model)
    return {
        agent: {skill.spec.name: skill for name in names for skill in shelf.known(name)}
        for agent, names in agents.items()
    }


def catalogue_of(agents: Mapping[str, tuple[str, ...]]) -> list[tuple[str, SkillSpec]]:
    """(agent, skill) pairs of a configuration, without starting anything.

    A name nobody here knows is a foreign agent's skill, of which only the name is known.
    """
    shelf = _Shelf(Workspace(Path()), None)
    return [(agent, spec) for agent, names in agents.items() for name in names for spec in shelf.specs(name)]


class _Shelf:
    """The bundles, each made when first asked for."""

    def __init__(self, workspace: Workspace, model: Model | None) -> None:
        self._workspace = workspace
        self._model = model
        self._made: dict[str, list[Skill]] = {}

    def known(self, name: str) -> list[Skill]:
        """The skills a name stands for. Raises Misconfigured when it stands for none."""
        found = self._find(name)
        if not found:
            raise Misconfigured("skill.unknown_ability", name=name, known=", ".join(BUNDLES))
        return found

    def specs(self, name: str) -> Iterator[SkillSpec]:
        """What a name stands for, as announced."""
        found = self._find(name)
        yield from (skill.spec for skill in found)
        if not found:
            yield SkillSpec(name=name, description="", open_params=True)

    def _find(self, name: str) -> list[Skill]:
        if name in BUNDLES:
            return self._bundle(name)
        for bundle in BUNDLES:
            found = [skill for skill in self._bundle(bundle) if skill.spec.name == name]
            if found:
                return found
        return []

    def _bundle(self, name: str) -> list[Skill]:
        if name not in self._made:
            self._made[name] = BUNDLES[name](self._workspace, self._model)
        return self._made[name]


def _echo(_workspace: Workspace, _model: Model | None) -> list[Skill]:
    from agents.skills import echo

    return echo.skills()


def _files(workspace: Workspace, _model: Model | None) -> list[Skill]:
    from agents.skills import files

    return files.skills(workspace)


def _data(workspace: Workspace, _model: Model | None) -> list[Skill]:
    from agents.skills import data

    return data.skills(workspace)


def _code(workspace: Workspace, _model: Model | None) -> list[Skill]:
    from agents.skills import code

    return code.skills(workspace)


def _writer(workspace: Workspace, _model: Model | None) -> list[Skill]:
    from agents.skills import writer

    return writer.skills(workspace)


def _general(_workspace: Workspace, model: Model | None) -> list[Skill]:
    from agents.skills import general

    return general.skills(model)


BUNDLES: Mapping[str, Bundle] = {
    "echo": _echo,
    "files": _files,
    "writer": _writer,
    "general": _general,
    "data": _data,
    "code": _code,
}
"""The default agents; a module is loaded when its skills are asked for, those that take longest to load last."""
