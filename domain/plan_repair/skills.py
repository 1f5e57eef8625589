"""Which skill a task wants when it does not name one of the catalogue: the one that can only be meant."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from domain.plan import Node, Repair
from domain.plan_json.words import folded
from domain.skill import Catalogue, Effect, ParamType, SkillSpec

CLOSE_ENOUGH = 0.85  # difflib ratio above which a misspelt skill is taken for the one it resembles
GENERAL = "general"  # the skill that can do any work that only reads


def _verbs(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READS = _verbs(
    "analyse analysis analyze answer answering assess calculate calculator check classification classify compare "
    "comparison compute count describe detect detection estimate evaluate examine explain explore extract extraction "
    "fetch filter find get identify inspect interpret list look lookup measure parse query read recognition recognize "
    "research retrieve review search segment similarity sort summarise summarize summary think transcribe translate "
    "translation understand verify view"
)
_ACTS = _verbs(
    "add apply approve archive assign book build buy call cancel change charge clean clear close commit configure "
    "connect convert copy create delete deploy disable drop edit email enable execute generate grant import insert "
    "install invite kill launch mail merge message modify move notify open order pay ping post print publish purchase "
    "push put record refund register reject remove rename replace reply reserve reset restart restore revoke rm run "
    "save schedule send set share shell shutdown sign start stop store submit subscribe sync transfer trigger tweet "
    "uninstall unlock update upload wipe write"
)
_READS_ZH = re.compile("查|读|搜|找|看|分析|总结|比较|统计|计算|翻译|识别|检测|提取|解释|回答|列出|获取|评估")
_ACTS_ZH = re.compile("写|发|删|改|建|创|增|加|移|付|买|订|传|存|装|启|停|关|执行|运行|部署|提交|取消|替换|通知")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Skills:
    """The names that the skills of a catalogue go by."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._names = _unique((folded(name), name) for name in catalogue.skills)
        self._aliases = _unique((folded(alias), spec.name) for spec in catalogue for alias in spec.aliases)

    def found(self, node: Node) -> tuple[Node, tuple[Repair, ...]]:
        """The task with the skill it means: as it stands, else spelt otherwise, an alias, or the only one that is
        nearly that; else the general agent, for work that plainly only reads. What acts is never guessed."""
        if node.skill in self._catalogue:
            return node, ()
        for wanted in filter(None, (node.skill, node.name if not node.skill else "")):
            meant, why = self._nearest(wanted)
            if meant:
                change = Repair(kind="skill", subtask=node.id, before=wanted, after=meant, reason=why)
                return replace(node, skill=meant), (change,)
        spec = self._catalogue.skills.get(GENERAL)
        return _generalised(node, spec) if spec and spec.effect is Effect.NONE and _plainly_reads(node) else (node, ())

    def _nearest(self, wanted: str) -> tuple[str | None, str]:
        word = folded(wanted)
        if self._names.get(word):
            return self._names[word], "it is only spelt otherwise"
        if self._aliases.get(word):
            return self._aliases[word], "it is another name of it"
        spelt = {name: skill for name, skill in {**self._aliases, **self._names}.items() if name}
        close = difflib.get_close_matches(word, spelt, n=3, cutoff=CLOSE_ENOUGH)
        meant = {spelt[name] for name in close}
        only = meant.pop() if len(meant) == 1 else None
        is_harmless = only is not None and self._catalogue.skills[only].effect is Effect.NONE
        return (only, "no other skill is called nearly that") if is_harmless else (None, "")


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Folded name -> skill; None where several fold to it."""
    listed = list(dict.fromkeys(pairs))
    counted = Counter(word for word, _ in listed)
    return {word: skill if counted[word] == 1 else None for word, skill in listed}


# --- the general agent ----------------------------------------------------------------------------------------


def _plainly_reads(node: Node) -> bool:
    """Whether what is wanted is told in words for reading, and none for doing."""
    wanted = node.skill or node.description or node.name
    words = {word.casefold() for word in _WORD.findall(wanted)}
    if not node.skill:  # a sentence: its verb comes first
        words = {word.casefold() for word in _WORD.findall(wanted)[:1]}
    reads = bool(words & _READS) or _READS_ZH.search(wanted) is not None
    acts = bool(words & _ACTS) or _ACTS_ZH.search(wanted) is not None
    return reads and not acts


def _generalised(node: Node, spec: SkillSpec) -> tuple[Node, tuple[Repair, ...]]:
    """The task for the general agent: what it was given becomes what is asked."""
    change = Repair(
        kind="general",
        subtask=node.id,
        before=node.skill or node.title,
        after=spec.name,
        reason="no skill does that, and it only reads",
    )
    return replace(node, skill=spec.name, params={_prompt_param(spec): _prompt(node)}), (change,)


def _prompt_param(spec: SkillSpec) -> str:
    if spec.param("prompt"):
        return "prompt"
    texts = [param for param in spec.params if param.type in (ParamType.STRING, ParamType.ANY)]
    first = sorted(texts, key=lambda param: not param.required)[:1]
    return first[0].name if first else "prompt"


def _prompt(node: Node) -> str:
    asked = dict.fromkeys(filter(None, (node.skill, node.name, node.description)))
    return "\n".join([": ".join(asked), *(f"{name}: {_written(value)}" for name, value in node.params.items())])


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
