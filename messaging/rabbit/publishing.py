"""Many letters as one write, and the broker's word on each.

aiormq's own `basic_publish` takes a task, two locks and a write for each message, and a future for each confirm.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, TimerHandle
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from aiormq.channel import Channel

from domain.errors import BrokerDown, Unavailable, Unroutable
from messaging.rabbit import frames
from messaging.rabbit.wire import Wire
from messaging.transport import Letter

MAX_SHORT_STRING = 255  # bytes of a routing key or a message id (AMQP 0-9-1, 4.2.5.3)


@dataclass(slots=True, eq=False)
class _Batch:
    """Letters that went out together, and the broker's word on each; its silence is a no."""

    words: list[Unavailable | None]
    is_over: Future[None]
    due_at: float
    open: int

    def end(self) -> None:
        """Nobody is to wait any longer."""
        if not self.is_over.done():
            self.is_over.set_result(None)


@dataclass(slots=True, eq=False)
class _Sending:
    """One letter of which the broker has not said yet whether it has it."""

    batch: _Batch
    place: int
    key: str
    message_id: str
    is_returned: bool = False


class Outgoing:
    """Publishes on one channel, on which nobody else does: the broker and this side count its messages alike.

    Args:
        channel: one of its own, in confirm mode for `publish`.
        wire: what it runs on.
        patience_s: how long the broker's word is waited for.
    """

    def __init__(self, channel: Channel, wire: Wire, patience_s: float) -> None:
        self._channel = channel
        self._wire = wire
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._names = count(1)
        self._numbers = count(1)
        self._sent: dict[int, _Sending] = {}
        self._batches: deque[_Batch] = deque()
        self._alarm: TimerHandle | None = None
        self._return_left: int | None = None
        wire.taps[channel.number] = self._take

    def send(self, letters: Iterable[Letter]) -> None:
        """Send and forget; those with an impossible key are left out. Raises BrokerDown."""
        fitting = [(letter, self._message_id(letter)) for letter in letters if _is_short(letter.key)]
        self._wire.write(b"".join(self._frames(fitting, is_mandatory=False)))

    async def publish(self, letters: Sequence[Letter]) -> Sequence[Unavailable | None]:
        """Send all in one write, then wait for the broker's word on each. Raises BrokerDown when none can be sent."""
        batch = self._sent_off(letters)
        if batch.open:
            await batch.is_over
        return list(batch.words)

    def end(self) -> None:
        """The broker will say no more."""
        if self._alarm is not None:
            self._alarm.cancel()
        for batch in self._batches:
            batch.end()
        self._sent.clear()

    def _sent_off(self, letters: Sequence[Letter]) -> _Batch:
        silence = BrokerDown("error.broker_down")
        words: list[Unavailable | None] = [
            silence if _is_short(letter.key) else Unroutable("error.unroutable", queue=letter.key) for letter in letters
        ]
        fitting = [
            (place, letter, self._message_id(letter)) for place, letter in enumerate(letters) if words[place] is silence
        ]
        self._wire.write(b"".join(self._frames([(letter, name) for _, letter, name in fitting], is_mandatory=True)))
        batch = _Batch(words, self._loop.create_future(), self._loop.time() + self._patience_s, len(fitting))
        for place, letter, name in fitting:
            self._sent[next(self._numbers)] = _Sending(batch, place, letter.key, name)
        self._await_word(batch)
        return batch

    def _message_id(self, letter: Letter) -> str:
        """The letter's own, or one that is new on this channel: by it a returned letter is known."""
        own = letter.message_id
        return own if own is not None and _is_short(own) else f"{next(self._names)}"

    def _frames(self, letters: Iterable[tuple[Letter, str]], *, is_mandatory: bool) -> Iterator[bytes]:
        number, largest = self._channel.number, self._channel.max_content_size
        for letter, name in letters:
            yield frames.publish(number, letter.exchange, letter.key, is_mandatory=is_mandatory)
            yield from frames.content(number, letter, name, largest)

    # --- the broker's words -----------------------------------------------------------------------------------

    def _await_word(self, batch: _Batch) -> None:
        while self._batches and not self._batches[0].open:
            self._batches.popleft()
        self._batches.append(batch)
        if self._alarm is None:
            self._alarm = self._loop.call_at(batch.due_at, self._expire)

    def _expire(self) -> None:
        """Wait no longer for what has been waited for too long."""
        self._alarm = None
        while self._batches and (not self._batches[0].open or self._batches[0].due_at <= self._loop.time()):
            self._batches.popleft().end()
        if self._batches:
            self._alarm = self._loop.call_at(self._batches[0].due_at, self._expire)

    def _take(self, kind: int, payload: bytes) -> bool:
        if kind != frames.METHOD:
            return self._take_returned(kind, payload)
        match payload[:4]:
            case frames.ACK:
                self._settle(payload, is_taken=True)
            case frames.NACK:
                self._settle(payload, is_taken=False)
            case frames.RETURN:
                self._return_left = 0
            case _:
                return False
        return True

    def _settle(self, payload: bytes, *, is_taken: bool) -> None:
        number, is_multiple = frames.settled(payload)
        numbers = [number]
        if is_multiple:
            numbers = []
            for sent in self._sent:  # oldest first
                if sent > number:
                    break
                numbers.append(sent)
        for one in numbers:
            if (sending := self._sent.pop(one, None)) is not None:
                self._said(sending, is_taken=is_taken)

    def _said(self, sending: _Sending, *, is_taken: bool) -> None:
        batch = sending.batch
        if is_taken and not sending.is_returned:
            batch.words[sending.place] = None
        batch.open -= 1
        if not batch.open:
            batch.end()

    def _take_returned(self, kind: int, payload: bytes) -> bool:
        """A letter that no queue is bound for comes back; the broker's word on it follows."""
        if self._return_left is None:
            return False
        if kind == frames.HEADER:
            self._return_left = frames.body_size(payload)
            self._note_return(frames.message_id(payload))
        else:
            self._return_left -= len(payload)
        if self._return_left <= 0:
            self._return_left = None
        return True

    def _note_return(self, message_id: str | None) -> None:
        for sending in self._sent.values():
            if sending.message_id == message_id and not sending.is_returned:
                sending.is_returned = True
                sending.batch.words[sending.place] = Unroutable("error.unroutable", queue=sending.key)
                return


def _is_short(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_SHORT_STRING
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
