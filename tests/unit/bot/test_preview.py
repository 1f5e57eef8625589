from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.plan_edit import fingerprint, without
from bot.post import Action, Verb
from bot.reply import Accepted, Reply
from domain.errors import ModelDown, Refused
from domain.plan import Plan
from domain.skill import Effect
from domain.task import Scope, Task, Upload
from domain.texts import Language
from tests.builders import node
from tests.unit.bot.desk import action, all_tasks, buttons, pressed, told, verbs
from tests.unit.bot.fakes import Stage, person, stage

DIAMOND = Plan(
    nodes=(
        node("ls", name="List"),
        node("read", "ls", name="Read", params={"text": "{{ls.output}}"}),
        node("look", "ls", name="Look"),
        node("sum", "read", "look", name="Sum", params={"text": "{{read.output}}"}),
        node("tell", "sum", name="Tell"),
    )
)


@dataclass
class Planner:
    """Plans what it is told to, and remembers what was asked."""

    plan: Callable[[str], Plan] = lambda _text: DIAMOND
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, _scope: Scope, text: str, language: Language) -> Plan:
        self.asked.append((text, language))
        return self.plan(text)


def keys(task: Task) -> list[str]:
    return list(task.subtasks)


def drop_of(reply: Reply, title: str) -> Action:
    return next(button.action for button in buttons(reply) if button.label == f"✕ {title}")


# --- showing ------------------------------------------------------------------------------------------------------


async def test_a_preview_has_buttons_and_starts_nothing() -> None:
    async with stage(Planner()) as on:
        reply = await told(on, "/plan look around")
        assert verbs(reply) == [Verb.RUN, Verb.EDIT, Verb.DISCARD, *[Verb.DROP] * 5]
        assert all(len(str(button.action).encode()) <= 64 for button in buttons(reply))
        assert all(Action.read(str(button.action)) == button.action for button in buttons(reply))
        assert reply.preview
        assert await all_tasks(on) == []


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(answer="42"), [Verb.RUN, Verb.EDIT, Verb.DISCARD]),
        (Plan(question="Which?"), [Verb.EDIT, Verb.DISCARD]),
        (Plan(unplaced=("fly",)), [Verb.EDIT, Verb.DISCARD]),
        (Plan(nodes=(node("a"),)), [Verb.RUN, Verb.EDIT, Verb.DISCARD]),
        (Plan(nodes=tuple(node(f"n{n}") for n in range(30))), [Verb.RUN, Verb.EDIT, Verb.DISCARD, *[Verb.DROP] * 8]),
    ],
)
async def test_only_what_can_be_done_has_a_button(plan: Plan, expected: list[Verb]) -> None:
    async with stage(Planner(lambda _text: plan)) as on:
        assert verbs(await told(on, "/plan x")) == expected


async def test_long_and_foreign_ids_of_steps_fit_their_buttons() -> None:
    plan = Plan(nodes=(node("步骤" * 32), node("x" * 64), node("a.b-c")))
    async with stage(Planner(lambda _text: plan)) as on:
        reply = await told(on, "/plan x")
        for button in buttons(reply):
            assert len(str(button.action).encode()) <= 64
            assert Action.read(str(button.action)) == button.action


async def test_files_cannot_be_planned_ahead() -> None:
    planner = Planner()
    async with stage(planner) as on:
        message = replace(on.message("/plan sum this up"), uploads=(Upload(ref="f", name="a.csv"),))
        reply = await on.commands.receive(message, person())
        assert isinstance(reply, Reply)
        assert reply.is_refusal
        assert planner.asked == []


# --- run ----------------------------------------------------------------------------------------------------------


async def test_run_begins_exactly_what_was_shown_as_a_reply_to_the_request() -> None:
    async with stage(Planner()) as on:
        message = replace(on.message("/plan look around"), message_id="42")
        shown = await on.commands.receive(message, person())
        assert isinstance(shown, Reply)
        begun = await pressed(on, action(shown, Verb.RUN), message_id="43")
        assert (begun.edits, begun.buttons, begun.is_refusal) == (True, (), False)
        [task] = await all_tasks(on)
        assert task.id in begun.text
        assert task.plan == DIAMOND
        assert (task.request, task.route, task.scope.owner) == ("look around", message.route, "fake:ann")


async def test_a_double_press_is_one_task() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(pressed(on, action(shown, Verb.RUN))) for _ in range(3)]
        [task] = await all_tasks(on)
        assert sorted(one.result().is_refusal for one in both) == [False, True, True]
        late = await pressed(on, action(shown, Verb.RUN))
        assert (late.is_notice, task.id in late.text) == (True, True)
        for verb in (Verb.DROP, Verb.EDIT, Verb.DISCARD):
            assert task.id in (await pressed(on, action(shown, verb), text="other")).text
        assert await all_tasks(on) == [task]


async def test_a_crash_between_task_and_note_is_still_one_task() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        on.store.falls_in = 3  # who asks, the preview, the task; not that it was begun
        with pytest.raises(Exception, match="database"):
            await pressed(on, action(shown, Verb.RUN))
        on.store.falls_in, on.store.is_down = None, False
        [task] = await all_tasks(on)
        assert task.id in (await pressed(on, action(shown, Verb.RUN))).text
        assert await all_tasks(on) == [task]


async def test_what_acts_outside_still_waits_for_leave() -> None:
    plan = Plan(nodes=(node("pay", effect=Effect.EXTERNAL),))
    async with stage(Planner(lambda _text: plan)) as on:
        await pressed(on, action(await told(on, "/plan pay"), Verb.RUN))
        [task] = await all_tasks(on)
        assert not task.subtasks["pay"].approved
        assert task.state == "waiting"


async def test_a_direct_reply_can_be_run() -> None:
    async with stage(Planner(lambda _text: Plan(answer="42"))) as on:
        await pressed(on, action(await told(on, "/plan what?"), Verb.RUN))
        [task] = await all_tasks(on)
        assert task.settled_at is not None


async def test_after_half_an_hour_it_is_gone() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        await on.clock.advance(1799)
        assert not (await pressed(on, drop_of(shown, "Tell"))).is_refusal
        await on.clock.advance(1)
        for verb in (Verb.RUN, Verb.DROP, Verb.EDIT, Verb.DISCARD):
            reply = await pressed(on, action(shown, verb), text="other")
            assert (reply.is_refusal, "/plan" in reply.text) == (True, True)
        assert await all_tasks(on) == []


async def test_somebody_elses_preview_is_as_gone() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        for verb in (Verb.RUN, Verb.DROP, Verb.EDIT, Verb.DISCARD):
            theirs = await pressed(on, action(shown, verb), user="bob", text="other")
            none = await pressed(on, replace(action(shown, verb), subject="0000000000"), user="bob", text="other")
            assert theirs == none
        assert await all_tasks(on) == []
        assert not (await pressed(on, action(shown, Verb.RUN))).is_refusal


# --- drop ---------------------------------------------------------------------------------------------------------


async def test_a_dropped_step_takes_what_depends_only_on_it_and_the_rest_runs() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        less = await pressed(on, drop_of(shown, "Sum"))
        assert (less.edits, less.preview) == (True, shown.preview)
        assert "3 step(s)" in less.text
        assert "Tell" not in less.text
        await pressed(on, action(less, Verb.RUN))
        assert keys((await all_tasks(on))[0]) == ["ls", "read", "look"]


async def test_what_is_needed_cannot_be_dropped() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        reply = await pressed(on, drop_of(shown, "Read"))
        assert reply.text == "“Read” cannot go: “Sum” uses what it brings. Drop that first."
        assert (reply.is_refusal, reply.is_notice, reply.edits) == (True, True, False)
        assert not (await pressed(on, drop_of(shown, "Look"))).is_refusal  # nothing uses what it brings


async def test_a_button_of_an_older_state_shows_the_newest_and_does_nothing() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        less = await pressed(on, drop_of(shown, "Tell"))
        for verb in (Verb.RUN, Verb.DROP):
            stale = await pressed(on, action(shown, verb))
            assert (stale.text, stale.buttons, stale.edits) == (less.text, less.buttons, True)
        assert await all_tasks(on) == []


@pytest.mark.parametrize("argument", ["", "x", "99.{shown}", "-1.{shown}", "0", "{shown}"])
async def test_a_forged_drop_changes_nothing(argument: str) -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        forged = Action(
            verb=Verb.DROP, subject=shown.preview, argument=argument.format(shown=action(shown, Verb.RUN).argument)
        )
        assert (await pressed(on, forged)).text == shown.text


def test_dropping_cascades_and_keeps_the_order() -> None:
    assert list(without(DIAMOND, "tell").by_id) == ["ls", "read", "look", "sum"]
    assert without(DIAMOND, "look").by_id["sum"].dependencies == ("read",)
    with pytest.raises(Refused, match="nothing would be left"):
        without(DIAMOND, "ls")
    with pytest.raises(Refused, match="nothing would be left"):
        without(Plan(nodes=(node("a", name="List"),)), "a")


def test_a_condition_and_a_list_are_needed_too() -> None:
    for more in ({"for_each": "{{a.output}}"}, {"params": {"x": ["{{a.output.y}}"]}}):
        plan = Plan(nodes=(node("a"), node("b"), node("c", "a", "b", **more)))
        with pytest.raises(Refused, match="uses what it brings"):
            without(plan, "a")
        assert list(without(plan, "b").by_id) == ["a", "c"]


def test_a_fingerprint_is_of_everything_that_would_run() -> None:
    changes: list[dict[str, Any]] = [{"skill": "x"}, {"params": {"a": 1}}, {"approval": True}, {"timeout_s": 1.0}]
    plans = [DIAMOND, replace(DIAMOND, answer="x")]
    plans += [replace(DIAMOND, nodes=(replace(DIAMOND.nodes[0], **change), *DIAMOND.nodes[1:])) for change in changes]
    assert len({fingerprint(plan) for plan in plans}) == len(plans)
    assert fingerprint(replace(DIAMOND)) == fingerprint(DIAMOND)


# --- edit and discard -----------------------------------------------------------------------------------------------


async def test_the_text_of_a_form_is_planned_in_place() -> None:
    planner = Planner(lambda text: DIAMOND if text == "look around" else Plan(nodes=(node("echo", name="Echo"),)))
    async with stage(planner) as on:
        shown = await told(on, "/plan look around")
        edited = await pressed(on, action(shown, Verb.EDIT), text="  只说一遍  ")
        assert planner.asked[-1] == ("只说一遍", "zh")
        assert (edited.edits, edited.preview, edited.language) == (True, shown.preview, "zh")
        await pressed(on, action(edited, Verb.RUN))
        [task] = await all_tasks(on)
        assert (task.request, keys(task)) == ("只说一遍", ["echo"])


async def test_without_a_form_it_says_how_and_a_reply_is_the_new_text() -> None:
    planner = Planner()
    async with stage(planner) as on:
        shown = await told(on, "/plan look around")
        asked = await pressed(on, action(shown, Verb.EDIT), message_id="77")
        assert "Reply to this plan" in asked.text
        assert (asked.is_notice, len(asked.text) <= 200) == (True, True)
        reply = replace(on.message("look elsewhere"), reply_to="77")
        edited = await on.commands.receive(reply, person())
        assert isinstance(edited, Reply)
        assert edited.preview == shown.preview
        assert planner.asked[-1][0] == "look elsewhere"
        assert not edited.edits  # it is a message of its own
        await pressed(on, action(edited, Verb.RUN))
        [task] = await all_tasks(on)
        assert task.request == "look elsewhere"


async def test_whoever_notes_where_a_preview_is_shown_makes_it_answerable() -> None:
    planner = Planner()
    async with stage(planner) as on:
        message = on.message("/plan look around")
        shown = await on.commands.receive(message, person())
        assert isinstance(shown, Reply)
        await on.commands.preview_shown(message, shown.preview, "77")
        reply = replace(on.message("look elsewhere"), reply_to="77")
        assert isinstance(await on.commands.preview_reply(reply, person()), Reply)
        assert await on.commands.preview_reply(replace(reply, reply_to="78"), person()) is None
        assert await on.commands.preview_reply(replace(reply, reply_to=""), person()) is None
        bobs = replace(on.message("look elsewhere", user="bob"), chat_id="chat-ann", reply_to="77")
        assert await on.commands.preview_reply(bobs, person("bob")) is None


async def test_a_reply_after_it_was_run_or_expired_is_a_request() -> None:
    async with stage(Planner()) as on:
        for seconds, verb in ((0, Verb.RUN), (1800, Verb.EDIT)):
            shown = await told(on, "/plan look around")
            await pressed(on, action(shown, verb), message_id=f"m{seconds}")
            await on.clock.advance(seconds)
            reply = replace(on.message("look elsewhere"), reply_to=f"m{seconds}")
            assert isinstance(await on.commands.receive(reply, person()), Accepted)


async def test_a_plan_that_was_run_while_another_was_made_of_it_stays_as_it_is() -> None:
    planning, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Scope, text: str, _language: Language) -> Plan:
        if text == "other":
            planning.set()
            await goes_on.wait()
        return DIAMOND

    async with stage(slow) as on:
        shown = await told(on, "/plan look around")
        async with asyncio.TaskGroup() as group:
            edit = group.create_task(pressed(on, action(shown, Verb.EDIT), text="other"))
            await planning.wait()
            assert not (await pressed(on, action(shown, Verb.RUN))).is_refusal
            goes_on.set()
        assert edit.result().is_refusal
        [task] = await all_tasks(on)
        assert task.id in edit.result().text
        assert task.request == "look around"


async def test_a_plan_that_cannot_be_made_anew_stays_as_it_was() -> None:
    async def moody(_scope: Scope, text: str, _language: Language) -> Plan:
        if text == "other":
            raise ModelDown("error.model_down", detail="timeout")
        return DIAMOND

    async with stage(moody) as on:
        shown = await told(on, "/plan look around")
        reply = await pressed(on, action(shown, Verb.EDIT), text="other")
        assert "timeout" in reply.text
        await pressed(on, action(shown, Verb.EDIT), message_id="77")
        typed = await on.commands.receive(replace(on.message("other"), reply_to="77"), person())
        assert isinstance(typed, Reply)
        assert "timeout" in typed.text
        await pressed(on, action(shown, Verb.RUN))
        assert keys((await all_tasks(on))[0]) == list(DIAMOND.by_id)


async def test_a_discarded_plan_is_gone() -> None:
    async with stage(Planner()) as on:
        shown = await told(on, "/plan look around")
        reply = await pressed(on, action(shown, Verb.DISCARD))
        assert (reply.edits, reply.buttons, reply.is_refusal) == (True, (), False)
        assert (await pressed(on, action(shown, Verb.RUN))).is_refusal
        assert await all_tasks(on) == []


async def test_commands_work_while_a_plan_is_being_made() -> None:
    planning, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Scope, _text: str, _language: Language) -> Plan:
        planning.set()
        await goes_on.wait()
        return DIAMOND

    async with stage(slow) as on:
        async with asyncio.TaskGroup() as group:
            plan = group.create_task(told(on, "/plan look around"))
            await planning.wait()
            taken = await on.say("something else")
            assert taken.task_id in (await told(on, "/tasks")).text
            await _cancelled(on, taken.task_id)
            goes_on.set()
        assert plan.result().preview


async def _cancelled(on: Stage, task_id: str) -> None:
    await on.say(f"/cancel {task_id}")
    assert (await on.task(task_id)).cancelled_at is not None
