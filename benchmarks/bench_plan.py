"""Reading, mending and checking plans: how much of it is right, and how long it takes.

`python -m benchmarks.bench_plan [--mutations N] [--data DIR]`. The recorded outputs, gold plans and malformed texts are
read from DIR (plans/ and malformed/), where it is there; everything else is made up on the spot.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import json_repair

from app.catalogue_file import read_catalogue
from app.commands.raw import Case, judged
from benchmarks.tangles import exact_minimum, floods, random_component, random_plan
from domain import graph
from domain.plan_check import Limits, problems
from domain.plan_json import plan_document, read_plan
from domain.plan_repair import repair
from domain.reference import node_references
from domain.skill import Catalogue, SkillSpec
from planner.reading import read_text, read_value

DATA = Path(__file__).parents[2] / "shared" / "data"
RAW = ("taskbench_huggingface_pred", "hugginggpt_demos_verbatim", "metagpt_writeplan_verbatim")
GOLD = ("nestful_executable_gold", "tmdb_gold", "worfbench_toolbench", "worfbench_lumos")
MAX_TIMED = 50  # tasks of a plan whose time is counted
DIGRAPHS = 1000
FAULTS = """
{ } [ ] " ' , : \\ // # null 0 -1 1e999 ``` ```json <think> </think> <node-1> {{t1.output}} $t1$ é ， "tasks":[
"id":"t0", "dependencies":["t1"], "when":{"ref":"t0.output","op":">","value":1},
"""
LOOK = Catalogue.of([("agent", SkillSpec(name="look", description="", open_params=True))])


def cases(data: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The cases of some files of the collection, each with its catalogue read."""
    for name in names:
        for line in (data / "plans" / f"{name}.jsonl").read_text().splitlines():
            case = json.loads(line)
            given = case["catalogue"]
            yield {**case, "skills": catalogue(data / "plans" / given) if isinstance(given, str) else inline(given)}


@cache
def catalogue(path: Path) -> Catalogue:
    return read_catalogue(json.loads(path.read_text()))


def inline(given: Any) -> Catalogue | None:
    return read_catalogue(given) if given else None


# --- outputs and their mutations ------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What became of many texts."""

    outcomes: Counter[str] = field(default_factory=Counter)
    exceptions: list[str] = field(default_factory=list)
    invalid: int = 0
    times_ms: list[float] = field(default_factory=list)

    def add(self, text: str, skills: Catalogue | None) -> None:
        """Judge one text."""
        started = time.process_time()
        try:
            line = judged(Case(name="", text=text, catalogue=skills), Limits())
        except Exception as error:  # noqa: BLE001 -- that there is none is what is measured
            self.exceptions.append(f"{type(error).__name__}: {error}")
            return
        took = (time.process_time() - started) * 1000
        self.outcomes[line["outcome"]] += 1
        tasks = (line["plan"] or {"tasks": []})["tasks"]
        self.invalid += line["outcome"] == "plan" and not is_valid(line["plan"])
        if len(tasks) <= MAX_TIMED:
            self.times_ms.append(took)

    def show(self, name: str) -> None:
        """Print a line."""
        times = sorted(self.times_ms)
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        count = len(self.exceptions) + sum(self.outcomes.values())
        print(
            f"{name:22} {count:7} texts  {len(self.exceptions)} exceptions  "
            f"{self.invalid} invalid plans  p50 {p50:.1f} ms  p99 {p99:.1f} ms  max {times[-1]:.1f} ms"
        )
        print(f"{'':22} {dict(self.outcomes)}")
        for error in self.exceptions[:5]:
            print("   ", error)


def is_valid(document: dict[str, Any]) -> bool:
    """Whether a plan is a DAG whose references are dependencies, judged from its JSON alone."""
    nodes = read_plan(document).nodes
    known = {node.id for node in nodes}
    sound = all(set(node_references(node)) <= set(node.dependencies) <= known - {node.id} for node in nodes)
    return sound and len(known) == len(nodes) and not graph.components({node.id: node.dependencies for node in nodes})


def mutated(text: str, others: Sequence[str], chance: random.Random) -> str:
    """The text with up to six faults: something cut, doubled, replaced, put in or taken from another text."""
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(text) + 1)
        end = start + chance.randint(1, 40)
        other = chance.choice(others)
        place = chance.randrange(len(other))
        piece = chance.choice([*FAULTS.split(), text[start:end] * 2, other[place : place + 60], "", ""])
        text = text[:start] if chance.random() < 0.1 else text[:start] + piece + text[end:]
    return text


def outputs(data: Path, mutations: int) -> None:
    recorded = [(case["raw_llm_output"], case["skills"]) for case in cases(data, RAW)]
    tally = Tally()
    for text, skills in recorded:
        tally.add(text, skills)
    tally.show("recorded outputs")
    chance = random.Random(1)  # noqa: S311 -- a benchmark, not a secret
    texts = [text for text, _ in recorded]
    damaged = Tally()
    for _ in range(mutations):
        text, skills = chance.choice(recorded)
        damaged.add(mutated(text, texts, chance), skills)
    damaged.show("mutations of them")


# --- gold plans -----------------------------------------------------------------------------------------------


def gold(data: Path) -> None:
    """Gold plans as they stand; what is mended or found in them is shown, for it is really wrong with them."""
    clean, found, count = 0, Counter[str](), 0
    for case in cases(data, GOLD):
        if any(task["skill"] is None for task in case["gold"]["tasks"]):  # free texts: nothing says which skill
            found["(names no skills, not counted)"] += 1
            continue
        count += 1
        line = judged(Case(name="", text=json.dumps(case["gold"]), catalogue=case["skills"]), Limits())
        told = [change["kind"] for change in line["repairs"]] + [defect["kind"] for defect in line["defects"]]
        clean += not told
        found.update(set(told))
    print(f"{'gold plans':22} {count:7} plans  {clean} without a repair or defect  {dict(found)}")


# --- malformed texts ------------------------------------------------------------------------------------------


def malformed(data: Path) -> None:
    total = ours = theirs = unmarked = 0
    for path in sorted((data / "malformed").glob("*.jsonl")):
        for case in map(json.loads, path.read_text().splitlines()):
            if not case["has_expected"]:
                continue
            total += 1
            reading = attempt(partial(read_value, case["raw"]))
            is_right = reading is not None and same(reading.value, case["expected"])
            ours += is_right
            unmarked += reading is not None and not is_right and not reading.steps
            theirs += same(attempt(partial(json_repair.loads, case["raw"])), case["expected"])
    print(
        f"{'malformed texts':22} {total:7} texts  ours {ours / total:.1%}  json_repair alone {theirs / total:.1%}  "
        f"{unmarked} wrong without a mark"
    )


def attempt(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception:  # noqa: BLE001 -- whatever the reader raises, it found nothing
        return None


def same(value: Any, expected: Any) -> bool:
    return json.dumps(value, sort_keys=True) == json.dumps(expected, sort_keys=True)


# --- cycles and size ------------------------------------------------------------------------------------------


def cycles() -> None:
    """Cuts against the least there can be, on random components up to the size that is cut exactly."""
    chance = random.Random(1)  # noqa: S311 -- a benchmark, not a secret
    equal, times = 0, []
    for number in range(DIGRAPHS):
        size = 2 + number % (graph.EXACT_UP_TO - 1)
        plan = random_component(size, chance)
        started = time.process_time()
        mended = repair(plan, LOOK)
        times.append((time.process_time() - started) * 1000)
        cut = sum(change.kind == "cut_edge" for change in mended.repairs)
        equal += cut == exact_minimum(plan.edges) and not graph.components(mended.edges)
    print(
        f"{'cycle cuts':22} {DIGRAPHS:7} digraphs up to {graph.EXACT_UP_TO} tasks  {equal} cut at the exact minimum  "
        f"p99 {sorted(times)[int(DIGRAPHS * 0.99)]:.1f} ms  max {max(times):.1f} ms"
    )


def sizes() -> None:
    chance = random.Random(1)  # noqa: S311 -- a benchmark, not a secret
    shapes = {"tangled": random_plan(500, 1500, chance), "a DAG": random_plan(500, 1500, chance, acyclic=True)}
    for name, plan in shapes.items():
        text = json.dumps(plan_document(plan))
        took, whole = timed(partial(repair, plan, LOOK)), timed(partial(read_repair_check, text))
        print(f"{'500 tasks, ' + name:22} repair {took * 1000:.0f} ms of CPU")
        print(f"{'':22} read, repair and check {whole * 1000:.0f} ms of CPU ({len(text)} characters)")
    for name, plan in floods(chance):
        limits = Limits(max_nodes=len(plan.nodes), max_depth=len(plan.nodes))
        mended = repair(plan, LOOK)
        took, check = timed(partial(repair, plan, LOOK)), timed(partial(problems, mended, LOOK, limits))
        shown = f"{len(plan.nodes)} tasks, {name}"
        print(f"{shown:22} repair {took:.2f} s  check {check:.2f} s  {len(mended.repairs)} cuts")


def read_repair_check(text: str) -> None:
    plan = repair(read_text(text, author="m", catalogue=LOOK), LOOK, Limits(max_nodes=500))
    problems(plan, LOOK, Limits(max_nodes=500))


def timed(work: Callable[[], object]) -> float:
    """The best of three, in seconds of CPU."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    """Print a line or two per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    if options.data.exists():
        outputs(options.data, options.mutations)
        gold(options.data)
        malformed(options.data)
    cycles()
    sizes()


if __name__ == "__main__":
    main()
