"""The names and arguments other programs rely on, written out once more."""

from __future__ import annotations

import pytest

from domain.errors import Misconfigured
from messaging.memory import matches
from messaging.topology import Topology, is_agent_name


def bindings(queue) -> list[tuple[str, str]]:
    return [(binding.exchange, binding.key) for binding in queue.bindings]


def test_the_names_are_the_promised_ones() -> None:
    topology = Topology()
    assert topology.exchanges == ("task_exchange", "result_exchange", "dlx_exchange", "event_exchange")
    agent = topology.agent("yunce")
    assert (agent.name, bindings(agent), agent.is_exclusive) == (
        "queue.yunce",
        [("task_exchange", "task.yunce")],
        False,
    )
    assert agent.arguments == {
        "x-max-priority": 10,
        "x-dead-letter-exchange": "dlx_exchange",
        "x-dead-letter-routing-key": "dead.yunce",
    }
    assert (topology.star.name, bindings(topology.star), topology.star.arguments) == (
        "queue.star",
        [("result_exchange", "result.#")],
        {},
    )
    beats = topology.heartbeats
    assert (beats.name, bindings(beats)) == ("queue.star.hb", [("result_exchange", "heartbeat.#")])
    assert beats.arguments == {"x-message-ttl": 15_000, "x-max-length": 5_000}
    dead = topology.dead_letters
    assert (dead.name, bindings(dead), dead.arguments) == ("queue.dead", [("dlx_exchange", "#")], {})
    orders = topology.orders("yunce", "w1")
    assert (orders.name, bindings(orders), orders.is_exclusive) == ("ctl.yunce.w1", [], True)
    nudges = topology.nudges(["planned", "changed"])
    assert bindings(nudges) == [("event_exchange", "event.planned"), ("event_exchange", "event.changed")]
    assert (nudges.name, nudges.is_exclusive) == ("", True)


def test_a_prefix_stands_before_every_name_and_no_key() -> None:
    topology = Topology("p.")
    queues = [topology.agent("a"), topology.star, topology.heartbeats, topology.dead_letters, topology.orders("a", "w")]
    names = [*topology.exchanges, *(queue.name for queue in queues)]
    names += [binding.exchange for queue in queues for binding in queue.bindings]
    names.append(str(topology.agent("a").arguments["x-dead-letter-exchange"]))
    assert all(name.startswith("p.") for name in names)
    assert not any(binding.key.startswith("p.") for queue in queues for binding in queue.bindings)


@pytest.mark.parametrize("name", ["yunce", "云策", "a-b_c", "A1", "x" * 64])
def test_a_word_can_be_an_agents_name(name: str) -> None:
    assert is_agent_name(name)
    assert Topology().agent(name).name == f"queue.{name}"


@pytest.mark.parametrize("name", ["", "a.b", "*", "#", "a b", "x" * 65, "\U00020000" * 60, "a\n"])
def test_what_could_be_a_wildcard_or_two_words_cannot(name: str) -> None:
    assert not is_agent_name(name)
    with pytest.raises(Misconfigured):
        Topology().agent(name)


@pytest.mark.parametrize(
    ("pattern", "key", "reaches"),
    [
        ("task.a", "task.a", True),
        ("task.a", "task.b", False),
        ("task.a", "task.a.b", False),
        ("result.#", "result", True),
        ("result.#", "result.a", True),
        ("result.#", "result.a.b", True),
        ("result.#", "results.a", False),
        ("#", "", True),
        ("#", "dead.a", True),
        ("*.a", "dead.a", True),
        ("*.a", "a", False),
        ("#.a.*", "x.y.a.z", True),
        ("#.a.*", "a", False),
        ("a.#.#", "a", True),
    ],
)
def test_topic_wildcards(pattern: str, key: str, *, reaches: bool) -> None:
    assert matches(pattern.split("."), key.split(".")) == reaches
