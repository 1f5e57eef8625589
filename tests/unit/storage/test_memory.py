"""What committed tasks looked like."""

from __future__ import annotations

from dataclasses import replace

from domain.task import Task
from storage.memory import Memory, Stored
from tests.builders import chain, planned


def stored(task: Task) -> Stored:
    return Stored(task=task, plan_hash="h")


def known(memory: Memory, *names: str) -> list[str]:
    return [name for name in names if memory.recall(name)]


def test_the_longest_unused_leave_when_room_is_short() -> None:
    memory = Memory(capacity=9)
    names = ("A", "B", "C")
    memory.keep(stored(planned(chain("a", "b"), name)) for name in names)  # each as big as three
    assert known(memory, *names) == ["A", "B", "C"]
    memory.recall("A")
    memory.keep([stored(planned(chain("a"), "D"))])
    assert known(memory, *names, "D") == ["A", "C", "D"]


def test_a_task_too_big_for_all_of_it_is_not_kept() -> None:
    memory = Memory(capacity=2)
    memory.keep([stored(planned(chain("a", "b")))])
    assert memory.recall("AAAAAA") is None
    memory.keep([stored(planned(chain("a")))])
    assert known(memory, "AAAAAA") == ["AAAAAA"]


def test_an_older_version_never_replaces_a_newer_one() -> None:
    memory = Memory()
    old = planned(chain("a"))
    new = replace(old, version=1)
    memory.keep([stored(new)])
    memory.keep([stored(old)])
    assert memory.recall("AAAAAA") == stored(new)


def test_replacing_gives_its_room_back() -> None:
    memory = Memory(capacity=4)
    for version in range(10):
        memory.keep([stored(replace(planned(chain("a")), version=version))])
    memory.keep([stored(planned(chain("a"), "B"))])
    assert known(memory, "AAAAAA", "B") == ["AAAAAA", "B"]
