"""One answer of a server while it comes, in pieces or whole; and its judgement: usable text, or a failed call.

A gateway may answer with code 200 and send a web page, an error object, or nothing; a connection may be cut
without any error. So whatever has no end mark or no text is a failed call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm.dialect import Form
from llm.failures import CallFailed, Doubt, reported, unusable
from llm.thoughts import aloud
from llm.voice import Voice

_CONTENT, _ARGUMENTS, _THOUGHTS, _REFUSAL = "content", "arguments", "thoughts", "refusal"
_CHANNELS = {
    "content": _CONTENT,
    "tool_calls": _ARGUMENTS,
    "reasoning_content": _THOUGHTS,  # where vLLM and others leave JSON when they think it is thought
    "reasoning": _THOUGHTS,
    "refusal": _REFUSAL,
}
_NO_ENDS = {"content_filter": "the answer was withheld by a content filter", "error": "the answer broke off"}


class Draft:
    """What came of an answer so far.

    Args:
        voice: what is heard of it.
        form: how its shape was asked for.
        wants_json: whether a JSON object was asked for at all.
    """

    def __init__(self, voice: Voice, form: Form, *, wants_json: bool) -> None:
        self._voice = voice
        self._form = form
        self._wants_json = wants_json
        self._parts: dict[str, list[str]] = {}
        self._is_empty = True
        self.is_misshapen = False  # whether the text is not even like the JSON that the server was held to
        self.finish = ""
        self.counts: Any = None

    @property
    def has_begun(self) -> bool:
        """Whether anything of the answer or of the thoughts before it came."""
        return bool(self._parts)

    @property
    def written(self) -> str:
        """All the model wrote, thoughts included."""
        return "".join(piece for pieces in self._parts.values() for piece in pieces)

    def take(self, document: Any) -> bool:
        """Read a chunk of a stream, or a whole answer. Returns whether the answer got longer.

        Raises CallFailed for an error that is reported in its place.
        """
        self._is_empty = False
        if not isinstance(document, Mapping):
            raise unusable("the answer is not a completion")
        if error := document.get("error"):
            raise CallFailed(reported(error))
        self.counts = document.get("usage") or self.counts
        choice = _first(document.get("choices"))
        finish = choice.get("finish_reason")
        self.finish = finish if isinstance(finish, str) and finish else self.finish
        pieces = _pieces(choice.get("delta") or choice.get("message"))
        for channel, piece in pieces.items():
            self._parts.setdefault(channel, []).append(piece)
            if channel == _CONTENT or (channel == _ARGUMENTS and self._wants_json):
                self._voice.hear(channel, piece)
        return bool(pieces)

    def text(self) -> str:
        """The answer. Raises CallFailed when there is no usable one."""
        if self._is_empty:
            raise unusable("nothing came that is an answer", Doubt.STREAM)
        if not self.finish:
            raise unusable("the answer was cut off")
        if self.finish in _NO_ENDS:
            raise unusable(_NO_ENDS[self.finish])
        channel, text = self._answer()
        if not text:
            raise unusable("the answer is blank", self._suspect())
        self.is_misshapen = self._form is not Form.PLAIN and channel != _REFUSAL and "{" not in text
        return text

    def _answer(self) -> tuple[str, str]:
        """The channel that holds the answer, and its text: the one heard, else the first that is not blank. What was
        misfiled as thought may be the JSON asked for; a refusal is shown."""
        texts = {channel: "".join(pieces) for channel, pieces in self._parts.items()}
        order = (_CONTENT, _ARGUMENTS, _THOUGHTS, _REFUSAL) if self._wants_json else (_CONTENT, _REFUSAL)
        for channel in (self._voice.channel, *order):
            text = texts.get(channel, "")
            if (self._wants_json and "{" in text) or (channel != _THOUGHTS and aloud(text).strip()):
                return channel, text
        return "", ""

    def _suspect(self) -> Doubt | None:
        """What a blank answer may come from."""
        if self.finish == "length":
            return Doubt.LENGTH
        return None if self._form is Form.PLAIN else Doubt.FORM


def _first(choices: Any) -> Mapping[str, Any]:
    """The only choice; a chunk may hold none."""
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else {}


def _pieces(part: Any) -> dict[str, str]:
    """What a delta or a message adds to which channel. Who sends both names of thoughts sends the same twice."""
    found: dict[str, str] = {}
    for name, value in part.items() if isinstance(part, Mapping) else ():
        channel = _CHANNELS.get(name)
        piece = _arguments(value) if channel is _ARGUMENTS else _joined(value)
        if channel and piece:
            found[channel] = piece
    return found


def _joined(content: Any) -> str:
    """Content is a text or a list of parts."""
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, Mapping))
        content = "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _arguments(calls: Any) -> str:
    """The arguments of the first tool that is called; there is only one."""
    call = calls[0] if isinstance(calls, list) and calls else None
    if not isinstance(call, Mapping) or call.get("index") not in (None, 0):
        return ""
    function = call.get("function")
    return _joined(function.get("arguments")) if isinstance(function, Mapping) else ""
