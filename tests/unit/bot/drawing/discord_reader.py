"""Discord's own reading of a message, for judging what we write: the client's rules, tried in its order.

After the rules of its open ancestor (https://github.com/Khan/perseus, simple-markdown) with Discord's changes to them:
escapes, `_` at word ends only, fences of exactly three backticks, headings, lists, quotes, subtext, masked links,
mentions, timestamps, emoji and addresses. Whatever of these is alive is reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.drawing.rich_text import Style

FENCE = re.compile(r"```(?:([a-zA-Z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```")
QUOTE = re.compile(r" *>>> ([\s\S]*)|( *> [^\n]*(?:\n *> [^\n]*)*\n?)")
LINE_RULES = {
    "heading": re.compile(r" *#{1,3} +[^\n]+"),
    "subtext": re.compile(r" *-# +[^\n]+"),
    "list": re.compile(r" *(?:[*+-]|\d+\.) +[^\n]+"),
}
ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
TICKS = re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")
SPANS = (
    (Style.ITALIC, re.compile(r"(?a)\b_((?:__|\\[\s\S]|[^\\_])+?)_\b")),
    (Style.ITALIC, re.compile(r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)")),
    (Style.BOLD, re.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")),
    ("underline", re.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")),
    (Style.STRIKE, re.compile(r"~~([\s\S]+?)~~(?!_)")),
    ("spoiler", re.compile(r"\|\|([\s\S]+?)\|\|")),
)
ALIVE = {
    "mention": re.compile(r"<(?:@[!&]?|#)\d+>|@(?:everyone|here)"),
    "time": re.compile(r"<t:-?\d+(?::[a-zA-Z])?>"),
    "command": re.compile(r"</[^>]+:\d+>|<id:\w+>"),
    "emoji": re.compile(r"<a?:\w+:\d+>|:[\w+-]*[a-z][\w+-]*:"),
    "autolink": re.compile(r"<[^: >\s]+:[^>\s]+>|<\+\d+>|<[^\s@>]+@[^\s>]+>"),
    "address": re.compile(r"(?:https?|steam)://[^\s<]+"),
    "link": re.compile(r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]\(\s*<?[^)]*?>?\s*\)"),
}


@dataclass
class Reading:
    """Characters with their styles, the languages of blocks, and whatever was made active."""

    signs: list[tuple[str, frozenset[object]]] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(sign for sign, _ in self.signs)


def read(markdown: str) -> Reading:
    reading = Reading()
    _read(markdown, frozenset(), reading, begins_line=True)
    return reading


def _read(source: str, styles: frozenset[object], reading: Reading, *, begins_line: bool) -> None:
    at = 0
    while at < len(source):
        is_line_start = begins_line if at == 0 else source[at - 1] == "\n"
        at += _rule(source[at:], styles, reading, is_line_start=is_line_start)


def _rule(rest: str, styles: frozenset[object], reading: Reading, *, is_line_start: bool) -> int:
    if match := FENCE.match(rest):
        reading.languages.append(match[1] or "")
        _put(match[2], styles | {Style.BLOCK}, reading)
        return match.end()
    if is_line_start:
        reading.alive += [name for name, rule in LINE_RULES.items() if rule.match(rest)]
        if Style.QUOTE not in styles and (match := QUOTE.match(rest)):
            inside = match[1] if match[1] is not None else re.sub(r"(?m)^ *> ?", "", match[2])
            _read(inside, styles | {Style.QUOTE}, reading, begins_line=True)
            return match.end()
    if match := ESCAPE.match(rest):
        _put(match[1], styles, reading)
        return match.end()
    reading.alive += [name for name, rule in ALIVE.items() if rule.match(rest)]
    for style, rule in SPANS:
        if match := rule.match(rest):
            _read(match[1], styles | {style}, reading, begins_line=is_line_start)
            return match.end()
    if match := TICKS.match(rest):
        _put(re.sub(r"^ (?= *`)|(` *) $", r"\1", match[2]), styles | {Style.CODE}, reading)
        return match.end()
    _put(rest[0], styles, reading)
    return 1


def _put(text: str, styles: frozenset[object], reading: Reading) -> None:
    reading.signs += [(sign, styles) for sign in text if sign != "\u200b"]
