"""Answers a server may give, usable or not, and somebody who listens to them."""

from __future__ import annotations

import asyncio
import json

from tests.fakes_model import DONE, Fault, Reply, called, chunk, event, in_one_piece, refused, said, streamed

JSON = '{"tasks": [{"id": "a"}, {"id": "b"}]}'


class Ear:
    """A listener; `acts_after` pieces it has acted. `log` is all it heard, with a mark where it was told to forget."""

    def __init__(self, acts_after: int | None = None) -> None:
        self.log: list[str] = []
        self._acts_after = acts_after
        self._more = asyncio.Event()

    @property
    def has_acted(self) -> bool:
        return self._acts_after is not None and len(self.log) >= self._acts_after

    @property
    def text(self) -> str:
        last = max((at for at, piece in enumerate(self.log) if piece == "RESTARTED"), default=-1)
        return "".join(self.log[last + 1 :])

    @property
    def restarts(self) -> int:
        return self.log.count("RESTARTED")

    def heard(self, piece: str) -> None:
        assert piece
        self.log.append(piece)
        self._more.set()

    def restarted(self) -> None:
        assert not self.has_acted
        self.log.append("RESTARTED")

    async def hears(self, text: str) -> None:
        while self.text != text:
            self._more.clear()
            await self._more.wait()


GOOD: dict[str, Reply] = {
    "as OpenAI": said(JSON),
    "in one piece": in_one_piece(said(JSON)),
    "in one piece labelled a stream": streamed(json.dumps(said(JSON).completion).encode()),
    "a first chunk without choices": streamed(event({"choices": [], "prompt_filter_results": []}), chunk(JSON, "stop")),
    "choices null": streamed(event({"choices": None}), chunk(JSON, "stop")),
    "comments and blank lines": streamed(
        b": keep-alive\n\n\n\n", chunk(JSON), b":\n\nevent: x\nid: 1\n", chunk(finish="stop")
    ),
    "byte order mark": streamed(b"\xef\xbb\xbf", chunk("\ufeff" + JSON, "stop"), DONE),
    "carriage returns": streamed(chunk(JSON, "stop").replace(b"\n", b"\r\n")),
    "no blank lines, no last end": streamed(chunk(JSON).strip() + b"\n", chunk(finish="stop").strip()),
    "bytes at odd places": streamed(*(bytes([byte]) for byte in chunk(JSON.replace("a", "ä"), "stop"))),
    "parts": streamed(chunk(finish="stop", content=[{"type": "text", "text": JSON}])),
    "message instead of delta": streamed(event({"choices": [{"message": {"content": JSON}, "finish_reason": "stop"}]})),
    "thoughts first": streamed(chunk(reasoning_content="Hm {"), chunk(JSON, "stop")),
    "thoughts in the text": said(f"<think>maybe {{}}\n</think>\n\n{JSON}"),
    "thoughts without a beginning": said(f"I could {{ do }}\n</think>{JSON}"),
    "two thoughts": said(f"<think>a</think> <thinking>b</thinking>{JSON}"),
    "harmony": said(f"<|channel|>analysis<|message|>so {{<|end|><|start|>assistant<|channel|>final<|message|>{JSON}"),
    "a tool": called(JSON),
    "a tool after prose": called(JSON, text="I shall call the tool."),
    "all of it as thought": said(None, reasoning_content=JSON),
    "all of it as reasoning": said("", reasoning=JSON),
    "both names of thoughts": streamed(chunk(reasoning=JSON, reasoning_content=JSON), chunk(finish="stop")),
    "reset behind the end": streamed(chunk(JSON, "stop"), Fault.RESET),
    "garbage behind the end": streamed(chunk(JSON, "stop"), b"data: {garbage\n\n"),
    "hang behind the end": streamed(chunk(JSON, "stop"), Fault.HANG),
    "length": said(JSON, finish="length"),
}


BAD: dict[str, tuple[Reply, str]] = {
    "silent end": (streamed(chunk("half"), Fault.END), "cut off"),
    "silent end at once": (streamed(b": hello\n\n"), "nothing came"),
    "only [DONE]": (streamed(DONE), "nothing came"),
    "no finish reason": (said("whole", finish=None), "cut off"),
    "reset": (streamed(chunk("half"), Fault.RESET), "connection"),
    "cut": (streamed(chunk("half"), Fault.CUT), "connection"),
    "cut while whole": (Reply(body=b'{"choices": []}' * 9, cut=True), "connection"),
    "garbage": (streamed(chunk("half"), b"data: {garbage\n\n", chunk(finish="stop")), "not JSON"),
    "a list": (streamed(chunk("half"), event([])), "not a completion"),
    "an odd choice": (streamed(event({"choices": ["x"]}), event({"choices": {"a": 1}})), "cut off"),
    "an odd delta": (streamed(event({"choices": [{"delta": "x", "finish_reason": "stop"}]})), "blank"),
    "an odd end": (streamed(event({"choices": [{"delta": {"content": "x"}, "finish_reason": 1}]})), "cut off"),
    "error inside": (
        streamed(chunk("half"), event({"error": {"message": "overloaded", "code": 502}})),
        "502 overloaded",
    ),
    "error text inside": (streamed(event({"error": "overloaded"})), "overloaded"),
    "error at the end": (streamed(chunk("half", finish="error")), "broke off"),
    "a page": (Reply(body="<html>hi</html>", headers={"content-type": "text/html"}), "not JSON"),
    "a page as a stream": (streamed(b"<html>\n\n<body>data:"), "not JSON"),
    "blank": (said(" \n\ufeff"), "blank"),
    "spaces without end": (said(" " * 500, finish="length"), "blank"),
    "null": (said(None), "blank"),
    "nothing but thoughts": (said("<think>What now"), "blank"),
    "thought only": (said(None, reasoning_content="What now?"), "blank"),
    "filtered": (said("I", finish="content_filter"), "filter"),
    "no first token": (streamed(b": wait\n\n", Fault.HANG), "no answer within 60 s"),
    "no answer at all": (Reply(hang=True), "no answer within 60 s"),
    "silence": (streamed(chunk("half"), Fault.HANG), "stopped for 30 s"),
    "signs of life only": (streamed(*(10.0, b": keep-alive\n\n") * 50), "no answer within 60 s"),
    "drip": (streamed(*(20.0, chunk("drop ")) * 50), "took too long"),
    "500": (refused(500, "oops"), "HTTP 500 oops"),
    "429": (refused(429, "slow down"), "HTTP 429 slow down"),
}
