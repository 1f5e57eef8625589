"""The walls and what stands before them, as one part of the program has them: the same, but for a crash point that the
settings name (`app.failpoints`), and for what one process must know of the one before it (`app.blame`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.wiring import House

if TYPE_CHECKING:
    from agents.skill import Skill
    from bot.platform import Platform
    from domain.ports import AgentBus, ControlBus, Store


def store_of(house: House, part: str) -> Store:
    """The database of one part: bot, planner, dispatcher, aggregator."""
    if house.points is None:
        return house.store
    from app.failing import FailingStore

    return FailingStore(house.store, part, house.points)


def dispatcher_bus(house: House) -> ControlBus:
    """The broker of the dispatcher."""
    if house.points is None:
        return house.control_bus
    from app.failing import FailingControlBus

    return FailingControlBus(house.control_bus, house.points)


def worker_bus(house: House) -> AgentBus:
    """The broker of a worker."""
    if house.points is None:
        return house.agent_bus
    from app.failing import FailingAgentBus

    return FailingAgentBus(house.agent_bus, house.points)


def skill_of(house: House, skill: Skill) -> Skill:
    """A skill of a worker."""
    if house.running is not None:
        from app.blame import NotedSkill

        skill = NotedSkill(skill, house.running)
    if house.points is None:
        return skill
    from app.failing import FailingSkill

    return FailingSkill(skill, house.points)


def platform_of(house: House, platform: Platform) -> Platform:
    """A platform that is delivered to."""
    if house.points is None:
        return platform
    from app.failing import FailingPlatform

    return FailingPlatform(platform, house.points)
