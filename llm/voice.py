"""What the listener to one question hears, over all the calls it takes."""

from __future__ import annotations

from domain.ports import Listener
from llm.failures import unusable
from llm.thoughts import Aloud, aloud


class Voice:
    """Says the answer to a listener while it is written.

    A JSON answer may come as content or as the arguments of a tool: the channel in which an object begins first is
    the one that is heard, and prose on the other one is not.
    """

    def __init__(self, listener: Listener | None, *, wants_json: bool) -> None:
        self._listener = listener
        self._wants_json = wants_json
        self.channel = ""  # the one that speaks
        self._ears: dict[str, Aloud] = {}
        self._waiting: dict[str, str] = {}
        self._heard: list[str] = []

    @property
    def is_bound(self) -> bool:
        """Whether the listener did something about what it heard, so that the answer cannot begin anew."""
        return self._listener is not None and self._listener.has_acted

    def hear(self, channel: str, piece: str) -> None:
        """The next piece on a channel. Raises CallFailed when it takes back what the listener acted on."""
        if self.channel and self.channel != channel:
            return
        is_anew, said = self._ears.setdefault(channel, Aloud()).feed(piece)
        if is_anew:
            self._take_back()
        if self.channel:
            self._say(said)
        else:
            self._wait(channel, said if is_anew else self._waiting.get(channel, "") + said)

    def settle(self, text: str) -> None:
        """The answer is over, and this is all of it. Raises CallFailed as `hear` does."""
        whole = aloud(text)
        heard = "".join(self._heard)
        if not whole.startswith(heard):
            self._take_back()
            heard = ""
        self._say(whole[len(heard) :])

    def forget(self) -> None:
        """This call failed: the next one begins anew."""
        if self._heard and self._listener is not None:
            self._listener.restarted()
        self.channel = ""
        self._ears.clear()
        self._waiting.clear()
        self._heard.clear()

    def _wait(self, channel: str, text: str) -> None:
        self._waiting[channel] = text
        is_answer = "{" in text if self._wants_json else bool(text)
        if is_answer:
            self.channel = channel
            self._say(text)

    def _take_back(self) -> None:
        if self.is_bound:
            raise unusable("the answer took back its beginning")
        if self._heard and self._listener is not None:
            self._listener.restarted()
        self._heard.clear()

    def _say(self, text: str) -> None:
        if text:
            self._heard.append(text)
            if self._listener is not None:
                self._listener.heard(text)
