"""The subtasks of one task: a mapping that is never changed, whatever happens in a large plan, and that can count.

Every event makes a new one. So that this costs as much in a plan of ten thousand nodes as in one of ten, a new one
shares what is old with the one before and holds what is new beside it; that they share it also tells which differ.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from math import isqrt

from domain.task import FINAL, IN_FLIGHT, Subtask, SubtaskState

FEW = 32  # changes held beside the old ones, in a small plan


class Subtasks(Mapping[str, Subtask]):
    """Subtasks by key, in the order they joined.

    `open` is how many can still move, `in_flight` how many are on their way or running, `ready` how many are ready.
    """

    __slots__ = ("_fresh", "_old", "in_flight", "open", "ready")

    def __init__(self, subtasks: Mapping[str, Subtask] = {}) -> None:
        self._old: dict[str, Subtask] = dict(subtasks)
        self._fresh: dict[str, Subtask] = {}
        states = [sub.state for sub in self._old.values()]
        self.open = sum(state not in FINAL for state in states)
        self.in_flight = sum(state in IN_FLIGHT for state in states)
        self.ready = states.count(SubtaskState.READY)

    @classmethod
    def of(cls, subtasks: Mapping[str, Subtask]) -> Subtasks:
        """These subtasks as such a mapping."""
        return subtasks if isinstance(subtasks, Subtasks) else cls(subtasks)

    def put(self, subs: Iterable[Subtask]) -> Subtasks:
        """The same with these in place of their older selves, or behind all that were there."""
        after = object.__new__(Subtasks)
        after._old, after._fresh = self._old, dict(self._fresh)
        after.open, after.in_flight, after.ready = self.open, self.in_flight, self.ready
        joining: dict[str, Subtask] = {}
        for sub in subs:
            changed = after._fresh if sub.key in self._old else joining
            was = changed.get(sub.key) or self._old.get(sub.key)
            changed[sub.key] = sub
            after._count(sub.state, 1)
            if was is not None:
                after._count(was.state, -1)
        if joining or len(after._fresh) > max(FEW, isqrt(len(after._old))):
            after._old, after._fresh = {**after._old, **after._fresh, **joining}, {}
        return after

    def changed_since(self, before: Subtasks) -> Iterator[Subtask]:
        """Those that are other values than they were in `before`, an earlier state of the same task, or not in it."""
        is_kin = self._old is before._old
        suspects = {**before._fresh, **self._fresh} if is_kin else self
        return (self[key] for key in suspects if self[key] is not before.get(key))

    def _count(self, state: SubtaskState, step: int) -> None:
        if state in FINAL:
            return
        self.open += step
        if state in IN_FLIGHT:
            self.in_flight += step
        elif state is SubtaskState.READY:
            self.ready += step

    def _whole(self) -> dict[str, Subtask]:
        return {**self._old, **self._fresh} if self._fresh else self._old

    # --- as a mapping; what Mapping would do by itself is slower -----------------------------------------------

    def __getitem__(self, key: str) -> Subtask:
        return self._fresh.get(key) or self._old[key]

    def get(self, key: str, default: Subtask | None = None) -> Subtask | None:  # type: ignore[override] # no other default is of any use
        """The subtask of this key, if there is one."""
        return self._fresh.get(key) or self._old.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._old

    def __iter__(self) -> Iterator[str]:
        return iter(self._old)

    def __len__(self) -> int:
        return len(self._old)

    def keys(self) -> KeysView[str]:
        """All keys, in order."""
        return self._old.keys()

    def values(self) -> ValuesView[Subtask]:
        """All subtasks, in order."""
        return self._whole().values()

    def items(self) -> ItemsView[str, Subtask]:
        """All keys and subtasks, in order."""
        return self._whole().items()

    def __repr__(self) -> str:
        return f"Subtasks({self._whole()!r})"
