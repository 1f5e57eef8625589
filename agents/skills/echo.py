"""The `echo` agent: says what it is told. The quickest way to see that everything is connected."""

from __future__ import annotations

import asyncio

from agents.skill import Call, Skill, output_schema
from domain.safe_text import safe_line
from domain.skill import Param, ParamType, SkillSpec
from domain.task import Result
from domain.texts import say

SPEC = SkillSpec(
    name="echo",
    description="Repeat a text as it is. For tests and for saying something fixed.",
    params=(
        Param(name="text", required=True, description="what to say"),
        Param(name="seconds", type=ParamType.NUMBER, default=0, description="how long to think first"),
    ),
    output_schema=output_schema(text="string"),
    timeout_s=600.0,
    keywords=("echo", "repeat", "say", "回显", "复述", "重复", "回声"),
    examples=("echo hello world", "repeat after me: good morning", "复述 你好"),
)


def skills() -> list[Skill]:
    """The skills of the agent."""
    return [Echo()]


class Echo:
    """Says what it is told."""

    spec = SPEC

    async def run(self, call: Call) -> Result:
        """Return the text, after as long as it was told to take."""
        await asyncio.sleep(call.params.get("seconds", 0))
        text = call.params["text"]
        return Result(
            summary=say("skill.echo", call.context.language, text=safe_line(text, 300)), output={"text": text}
        )
