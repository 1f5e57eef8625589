"""The ground that the suite of all platforms stands on does what it says."""

from __future__ import annotations

import pytest

from bot.drawing.rich_text import RichText
from bot.post import Action, Attachment, Button, Post, Verb
from domain.errors import Flooded, Unavailable, Unreachable
from tests.contract.telegram_ground import telegram_ground
from tests.integration.telegram_bot import virtual

STOP = ((Button(label="Stop", action=Action(verb=Verb.CANCEL, subject="7KQ2M4")),),)


@virtual
@pytest.mark.parametrize("is_group", [False, True])
async def test_what_people_do_and_see(is_group: object):
    async with telegram_ground() as ground:
        place = ground.place(is_group=bool(is_group))
        said = await ground.says(place, "hello", files=(("a.txt", b"1"), ("b.txt", b"2")))
        assert [[one.name for one in message.uploads] for message in ground.door.taken] == [["a.txt"], ["b.txt"]]
        assert said.is_group is is_group
        edited = await ground.edits(await ground.says(place, "x"), "y")
        assert (edited.text, edited.is_edit) == ("y", True)
        sent = await ground.platform.send(place, Post(text=RichText("card"), buttons=STOP, is_silent=False), "n")
        await ground.presses(place, sent, "Stop")
        file = Attachment(name="a.md", content=b"#")
        await ground.platform.edit(place, sent, Post(text=RichText("over"), attachment=file))
        (shown,) = ground.shown(place)
        assert (shown.id, shown.looks, shown.labels) == (sent, ("card", "over"), ())
        assert (shown.files, shown.rings, shown.pings) == ((("a.md", b"#"),), True, False)
        ground.deletes(place, sent)
        assert ground.shown(place) == []
        assert ground.violations == []


@virtual
@pytest.mark.parametrize("is_group", [False, True])
async def test_what_goes_wrong(is_group: object):
    async with telegram_ground() as ground:
        place, post = ground.place(is_group=bool(is_group)), Post(text=RichText("hello"))
        ground.loses_answer()
        with pytest.raises(Unavailable):
            await ground.platform.send(place, post, "a")
        assert len(ground.shown(place)) == 1
        ground.is_down()
        with pytest.raises(Unavailable):
            await ground.platform.send(place, post, "b")
        assert len(ground.shown(place)) == 1
        ground.floods(31.0)
        with pytest.raises(Flooded) as raised:
            await ground.platform.send(place, post, "c")
        assert raised.value.retry_after_s == 31.0
    async with telegram_ground() as ground:
        place = ground.place(is_group=bool(is_group))
        way = ground.shuts(place)
        with pytest.raises(Unreachable) as refused:
            await ground.platform.send(place, post, "d")
        assert refused.value.how == way
