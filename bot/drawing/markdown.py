"""Markdown (CommonMark with GFM's tables and strikethrough) as styled text that any platform can show.

Whoever wrote it is not trusted: links and images show their address as code, HTML is text, nothing can be tapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from bot.drawing.inert import cleaned, inert, isolated
from bot.drawing.rich_text import RichText, Span, Style, in_order, inserted, joined, part, styled
from bot.drawing.tables import BULLET, Table, table_text

BULLETS = (BULLET, "◦ ", "▪ ")
RULE = "─" * 12
DEEPEST = 24  # blocks in blocks; a list is two of them
_STYLES = {"strong": Style.BOLD, "em": Style.ITALIC, "s": Style.STRIKE}
_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST + 1}).enable(["table", "strikethrough"])
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_LINE_END = re.compile("\n")
_SCHEME = re.compile("[a-zA-Z][a-zA-Z0-9+.-]*:")
_BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}


def rich(markdown: str, columns: int = 36) -> RichText:
    """Markdown as styled text: blocks apart by blank lines, list items by lines.

    Args:
        markdown: from anybody.
        columns: how many monospaced characters fit into a line; wider tables become lists.
    """
    text = cleaned(markdown)
    tokens = _PARSER.parse(text)
    if any(token.level >= DEEPEST for token in tokens):  # what lies deeper was left out
        return isolated(inert(RichText(text)))
    for token in tokens:
        token.meta["pieces"], token.children = token.children or [], None  # a tree of them could be too deep
    return _blocks(SyntaxTreeNode(tokens).children, columns)


def _blocks(nodes: Iterable[SyntaxTreeNode], columns: int, *, is_tight: bool = False) -> RichText:
    drawn = (_block(node, columns) for node in nodes)
    return joined((block for block in drawn if block.text), "\n" if is_tight else "\n\n")


def _block(node: SyntaxTreeNode, columns: int) -> RichText:
    match node.type:
        case "fence" | "code_block":
            return _code_block(node)
        case "blockquote":
            return _quote(node, columns)
        case "bullet_list" | "ordered_list":
            return _list(node, columns)
        case "table":
            return table_text(_table(node), columns)
        case "hr":
            return RichText(RULE)
        case _:
            return _leaf(node)


def _code_block(node: SyntaxTreeNode) -> RichText:
    language = node.info.split(maxsplit=1)[0] if node.info.strip() else ""
    code = cleaned(node.content).rstrip()
    start = len(code) - len(code.lstrip("\n"))
    return styled(code[start:], Style.BLOCK, cleaned(language)[:32])


def _quote(node: SyntaxTreeNode, columns: int) -> RichText:
    """No platform draws a quote within a quote, so an inner one is marked as in mails."""
    text = _blocks(node.children, columns)
    inner = [span for span in text.spans if span.style is Style.QUOTE]
    plain = RichText(text.text, tuple(span for span in text.spans if span.style is not Style.QUOTE))
    code = [span for span in text.spans if span.style is Style.BLOCK]
    places = (start for span in inner for start in _line_starts(text.text, span.start, span.end))
    starts = {start for start in places if not _within(start, code)}
    return styled(inserted(plain, [(start, "> ") for start in sorted(starts)]), Style.QUOTE)


def _list(node: SyntaxTreeNode, columns: int) -> RichText:
    items = node.children
    is_tight = all(child.hidden for item in items for child in item.children if child.type == "paragraph")
    first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
    depth = sum(1 for above in _above(node) if above.type == "bullet_list")
    bullet = BULLETS[min(depth, len(BULLETS) - 1)]
    marks = [bullet if node.type == "bullet_list" else f"{first + number}. " for number in range(len(items))]
    drawn = (
        _item(mark, _blocks(item.children, columns, is_tight=is_tight)) for mark, item in zip(marks, items, strict=True)
    )
    return joined(drawn, "\n" if is_tight else "\n\n")


def _above(node: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    while node.parent is not None:
        node = node.parent
        yield node


def _item(mark: str, body: RichText) -> RichText:
    """A list item: its lines below the first stand under its text, except lines of code."""
    for box, sign in _BOXES.items():
        if mark in BULLETS and body.text.startswith(box):
            mark, body = sign, part(body, len(box), len(body.text))
    code = [span for span in body.spans if span.style is Style.BLOCK]
    indent = " " * min(len(mark), 3)
    starts = [start for start in _line_starts(body.text, 0, len(body.text)) if not _within(start, code)]
    pieces = [(start, indent) for start in starts if start and body.text[start : start + 1] != "\n"]
    lead = f"{mark.rstrip()}\n" if _within(0, code) else mark
    return inserted(body, [(0, lead), *pieces])


def _line_starts(text: str, start: int, end: int) -> Iterator[int]:
    yield start
    for place in _LINE_END.finditer(text, start, end):
        yield place.end()


def _within(position: int, spans: Sequence[Span]) -> bool:
    return any(span.start <= position < span.end for span in spans)


def _table(node: SyntaxTreeNode) -> Table:
    rows = [row for group in node.children for row in group.children]
    cells = [tuple(_cell(cell) for cell in row.children) for row in rows]
    sides = [str(cell.attrs.get("style", "")) for cell in rows[0].children]
    return Table(header=cells[0], rows=tuple(cells[1:]), is_right=tuple(_side(side) for side in sides))


def _side(style: str) -> bool | None:
    return style.endswith("right") if style else None


def _cell(node: SyntaxTreeNode) -> RichText:
    text = _inline(_pieces(node))
    breaks = list(_BREAK.finditer(text.text))
    edges = [0, *(edge for place in breaks for edge in place.span()), len(text.text)]
    pieces = [part(text, start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return inert(joined((piece for piece in pieces if piece.text), " · "))


# --- within a line --------------------------------------------------------------------------------------------------


def _leaf(node: SyntaxTreeNode) -> RichText:
    """A paragraph or a heading."""
    text = _inline(_pieces(node))
    return isolated(inert(styled(_without_bold(text), Style.BOLD) if node.type == "heading" else text))


def _without_bold(text: RichText) -> RichText:
    return RichText(text.text, tuple(span for span in text.spans if span.style is not Style.BOLD))


def _pieces(node: SyntaxTreeNode) -> Iterator[Token]:
    for line in node.children:
        yield from line.meta["pieces"]


def _inline(pieces: Iterable[Token]) -> RichText:
    line = _Line()
    for piece in pieces:
        line.take(piece)
    return line.finished()


class _Line:
    """What stands in a paragraph, piece by piece. Styles can be nested deeper than functions can call one another."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._begun: list[tuple[Token, int, int]] = []  # with where it began, in characters and in texts

    def take(self, piece: Token) -> None:
        if piece.nesting > 0:
            self._begun.append((piece, self._length, len(self._texts)))
        elif piece.nesting < 0:
            self._end(*self._begun.pop())
        elif piece.type in ("softbreak", "hardbreak"):
            self._put("\n")
        elif piece.type == "image":
            start, first = self._length, len(self._texts)
            for child in piece.children or ():
                self.take(child)
            self._refer(piece.attrs.get("src"), start, first)
        else:
            self._put(cleaned(piece.content), Style.CODE if piece.type == "code_inline" else None)

    def finished(self) -> RichText:
        return RichText("".join(self._texts), in_order(self._spans))

    def _end(self, piece: Token, start: int, first: int) -> None:
        if piece.type == "link_open":
            self._refer(piece.attrs.get("href"), start, first)
        elif start < self._length:
            self._spans.append(Span(start=start, end=self._length, style=_STYLES[piece.tag]))

    def _refer(self, where: object, start: int, first: int) -> None:
        """Say behind a label where it leads: as code, so that nobody follows it unseen."""
        address, label = _address(str(where or "")), "".join(self._texts[first:])
        if address and label in (address, address.removeprefix("mailto:")):
            self._spans = [span for span in self._spans if span.start < start]
            self._spans.append(Span(start=start, end=self._length, style=Style.CODE))
        elif address and label:
            self._put(" (")
            self._put(address, Style.CODE)
            self._put(")")
        else:
            self._put(address, Style.CODE)

    def _put(self, text: str, style: Style | None = None) -> None:
        start, self._length = self._length, self._length + len(text)
        self._texts.append(text)
        if style and text:
            self._spans.append(Span(start=start, end=self._length, style=style))


def _address(where: str) -> str:
    """On one line; one without a scheme, such as that of a file, readable."""
    return " ".join(cleaned(where if _SCHEME.match(where) else unquote(where)).split())
