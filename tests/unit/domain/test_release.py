"""Which ready subtasks to send next."""

from __future__ import annotations

from dataclasses import replace

from domain.plan import Node
from domain.ranking import Durations
from domain.release import Window, choose
from domain.task import Scope, SubtaskState, Task
from tests.unit.domain import build as b

ANN, BOB, CAT = (Scope(tenant="t", owner=f"console:{name}") for name in ("ann", "bob", "cat"))
NOW = b.at(20)


def wide(task_id: str, scope: Scope, count: int, created_s: float = 0) -> Task:
    nodes = [b.node(f"n{number}") for number in range(count)]
    return b.planned(*nodes, id=task_id, scope=scope, created_at=b.at(created_s))


def chosen(tasks, in_flight=None, window=None) -> list[tuple[str, str]]:
    return [(one.task_id, one.key) for one in choose(tasks, in_flight or {}, window or Window(), NOW)]


def owners(tasks, picked) -> list[str]:
    by_id = {task.id: task.scope.owner.removeprefix("console:") for task in tasks}
    return [by_id[task_id] for task_id, _ in picked]


def test_nothing_ready_nothing_chosen() -> None:
    assert chosen([]) == []
    assert chosen([b.received()]) == []
    assert chosen([b.with_subs(b.planned(b.node("a")), a=SubtaskState.RUNNING)]) == []


def test_users_take_turns() -> None:
    tasks = [wide("AAAAAA", ANN, 4), wide("BBBBBB", BOB, 2)]
    assert owners(tasks, chosen(tasks)) == ["ann", "bob", "ann", "bob", "ann", "ann"]


def test_who_has_least_in_flight_goes_first() -> None:
    tasks = [wide("AAAAAA", ANN, 3), wide("BBBBBB", BOB, 3), wide("CCCCCC", CAT, 3)]
    picked = chosen(tasks, {ANN: 2, BOB: 5, CAT: 0}, Window(total=11))
    assert owners(tasks, picked) == ["cat", "cat", "ann", "cat"]


def test_a_flood_of_one_user_does_not_hold_up_another() -> None:
    flood = [wide(f"AAAA{number:02}", ANN, 30) for number in range(20)]
    small = wide("BBBBBB", BOB, 1, created_s=10)
    assert ("BBBBBB", "n0") in chosen([*flood, small], {ANN: 0}, Window(total=2))
    assert chosen([*flood, small], {ANN: 100}, Window(total=101)) == [("BBBBBB", "n0")]


def test_the_window_of_a_task_counts_what_is_in_flight() -> None:
    task = b.with_subs(wide("AAAAAA", ANN, 6), n0=SubtaskState.DISPATCHED, n1=SubtaskState.RUNNING)
    assert chosen([task], {ANN: 2}, Window(per_task=4)) == [("AAAAAA", "n2"), ("AAAAAA", "n3")]
    assert chosen([task], {ANN: 2}, Window(per_task=1)) == []


def test_the_total_counts_everybody() -> None:
    task = wide("AAAAAA", ANN, 6)
    assert len(chosen([task], {BOB: 3}, Window(total=5))) == 2
    assert chosen([task], {BOB: 9}, Window(total=5)) == []


def test_what_ought_to_have_begun_first_goes_first() -> None:
    deep = b.planned(b.node("x"), b.node("y"), b.node("z", "y"), id="BBBBBB", scope=ANN, created_at=b.at(5))
    same = b.planned(b.node("x"), b.node("y", "x"), id="CCCCCC", scope=ANN, created_at=b.at(5))
    old = b.planned(b.node("x"), id="DDDDDD", scope=ANN, created_at=b.at(3))
    assert chosen([deep, same, old]) == [("DDDDDD", "x"), ("BBBBBB", "y"), ("CCCCCC", "x"), ("BBBBBB", "x")]


def test_measured_seconds_count_not_nodes() -> None:
    nodes = [b.node("long", name="one"), b.node("a"), b.node("b", "a"), b.node("c", "b")]
    task = b.planned(replace(nodes[0], skill="crawl"), *nodes[1:])
    assert chosen([task])[0] == ("7K2QXM", "a")
    first = choose([task], {}, Window(total=1), NOW, Durations.of({"crawl": 30.0, "look": 2.0}))
    assert [one.key for one in first] == ["long"]


def test_a_task_waits_no_longer_than_what_others_take() -> None:
    waiting = wide("AAAAAA", ANN, 1)
    later = [
        b.planned(*chain_of(10), id=f"BBBB{number:02}", scope=ANN, created_at=b.at(number)) for number in range(20)
    ]
    order = [task_id for task_id, _ in chosen([waiting, *later])]
    assert order.index("AAAAAA") == 9  # only those that began less than nine seconds later, and take ten


def chain_of(length: int) -> list[Node]:
    return [b.node(f"n{place}", *([f"n{place - 1}"] if place else [])) for place in range(length)]


def test_a_backoff_that_is_not_over_is_passed_over() -> None:
    task = b.with_subs(
        wide("AAAAAA", ANN, 2),
        n0=b.standing("n0", SubtaskState.READY, due_at=b.at(20.5)),
        n1=b.standing("n1", SubtaskState.READY, due_at=NOW),
    )
    assert chosen([task]) == [("AAAAAA", "n1")]


def test_what_waits_for_approval_is_passed_over() -> None:
    task = b.planned(b.external("a"), b.node("b"))
    assert chosen([task]) == [("7K2QXM", "b")]
    assert chosen([b.do(task, b.approved())[0]]) == [("7K2QXM", "a"), ("7K2QXM", "b")]


def test_whatever_is_chosen_can_be_released() -> None:
    task = wide("AAAAAA", ANN, 5)
    for one in choose([task], {}, Window(), NOW):
        task, effects = b.do(task, b.released(one.key, at=NOW))
        assert b.names(effects) == ["Dispatch"]
    assert set(b.states(task).values()) == {"dispatched"}


def test_after_the_deadline_nothing_is_chosen() -> None:
    assert choose([wide("AAAAAA", ANN, 2)], {}, Window(), b.at(b.DEADLINE_S)) == []


def test_children_go_before_what_nothing_waits_for() -> None:
    task = b.planned(b.node("p"), b.node("y"), b.node("z", "p"))
    task, _ = b.do(task, b.released("p"), b.divided("p", 1, b.node("x")))
    assert chosen([task]) == [("7K2QXM", "p.x"), ("7K2QXM", "y")]


def test_who_waits_for_children_takes_up_no_room() -> None:
    task = b.planned(b.node("p"))
    task, _ = b.do(task, b.released("p"), b.divided("p", 1, b.node("x"), b.node("y"), b.node("z")))
    assert chosen([task], window=Window(per_task=2)) == [("7K2QXM", "p.x"), ("7K2QXM", "p.y")]


def test_what_is_certain_is_sent_while_the_rest_is_planned() -> None:
    task, _ = b.do(b.received(), b.plan_started(), b.plan_grew(b.node("a"), b.node("b", "a")))
    assert chosen([task]) == [("7K2QXM", "a")]
