"""Measuring, grading and merging: what a review is made of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agents.code.issues import Issue, from_bandit, from_ruff, in_order, merged
from agents.code.measure import measure, untested
from agents.code.sources import MAX_FILE_BYTES, SourceFile, is_source, read_folder, within_limits
from domain.errors import Refused

ROOT = Path(__file__).parents[3]

SAMPLE = '''"""A module."""
import os.path
from shop import cart as c
# only a comment

class Cart:
    def add(self, item):
        """Add."""
        def inner():
            return 1
        match item:
            case 1: return inner()
            case str() if item: return 2
            case _: return 3

    async def each(self):
        try:
            async for x in self:
                while x: x -= 1
        except ValueError: pass
        else:
            if self and self: return 1
            elif self: return 2

def _hidden(): return [x for x in [] if x]
'''


def source(name: str, content: str = "def f(): pass\n") -> SourceFile:
    return SourceFile(name=name, content=content.encode())


def test_figures_of_a_file() -> None:
    found = measure(source("a.py", SAMPLE))
    assert (found.lines, found.code_lines) == (25, 21)
    assert [(function.name, function.line, function.complexity) for function in found.functions] == [
        ("Cart.add", 7, 4),
        ("Cart.add.inner", 9, 1),
        ("Cart.each", 16, 7),
        ("_hidden", 25, 1),
    ]
    assert (found.documented, found.documentable) == (2, 5)
    assert {"os", "path", "shop", "cart"} <= found.imports


def test_complexity_is_what_ruff_counts() -> None:
    options = ("--isolated", "--no-cache", "--exit-zero", "--ignore-noqa", "--select=C901", "--output-format=json")
    argv = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        *options,
        "--config=lint.mccabe.max-complexity=0",
        "agents",
        "domain",
    ]
    said = json.loads(subprocess.run(argv, cwd=ROOT, capture_output=True, check=True).stdout)
    by_ruff = {
        (entry["filename"], entry["location"]["row"]): int(entry["message"].split("(")[1].split(" ")[0])
        for entry in said
    }
    files = [SourceFile(name=str(path), content=path.read_bytes()) for path in {Path(file) for file, _ in by_ruff}]
    ours = {(each.file, each.line): each.complexity for file in files for each in measure(file).functions}
    assert len(by_ruff) > 300
    assert ours == by_ruff


@pytest.mark.parametrize("content", ["def f(:\n", "\0", "x = " + "(" * 5000, "x = " + "-" * 100_000 + "1", "\ud800"])
def test_what_does_not_parse_is_still_counted(content: str) -> None:
    found = measure(SourceFile(name="a.py", content=content.encode(errors="surrogatepass")))
    assert not found.is_parsed
    assert (found.functions, found.lines) == ((), 1)


def test_modules_no_test_imports() -> None:
    files = [
        source("shop/cart.py"),
        source("shop/prices.py"),
        source("shop/stock.py"),
        source("shop/orders.py"),
        source("shop/__init__.py", ""),
        source("shop/alone.py"),
        source("shop/names.py", "A = 1\n"),
        source("shop/tests/test_all.py", "import shop.cart\nfrom shop import prices\nfrom shop.stock import x\n"),
        source("tests/test_orders.py"),
    ]
    assert untested(files, [measure(file) for file in files]) == ["shop/alone.py"]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("a.py", True),
        ("src/a.py", True),
        ("a.pyc", False),
        (".venv/lib/a.py", False),
        ("node_modules/x/a.py", False),
        ("build/a.py", False),
        (".a.py", True),
    ],
)
def test_which_files_are_ours(name: str, ours: bool) -> None:  # noqa: FBT001 -- a table of cases
    assert is_source(name) is ours


@pytest.mark.parametrize(
    ("name", "is_test"),
    [("test_a.py", True), ("a_test.py", True), ("tests/a.py", True), ("conftest.py", True), ("attest.py", False)],
)
def test_which_files_are_tests(name: str, is_test: bool) -> None:  # noqa: FBT001 -- a table of cases
    assert source(name).is_test is is_test


def test_folders_are_read_without_links_and_other_peoples_code(tmp_path: Path) -> None:
    (tmp_path / "src" / ".hidden").mkdir(parents=True)
    (tmp_path / "src" / "venv").mkdir()
    for name in ("src/b.py", "src/a.py", "src/.hidden/x.py", "src/venv/x.py", "secret.py", "src/notes.txt"):
        (tmp_path / name).write_text(f"# {name}")
    (tmp_path / "src" / "link.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "src" / "linked").symlink_to(tmp_path)
    found = read_folder(tmp_path / "src", tmp_path)
    assert [(file.name, file.content) for file in found.files] == [
        ("src/a.py", b"# src/a.py"),
        ("src/b.py", b"# src/b.py"),
    ]


def test_too_large_and_too_many_are_left_out() -> None:
    many = [(f"{number}.py", 1, b"#") for number in range(1001)]
    found = within_limits([("large.py", MAX_FILE_BYTES + 1, b""), *many])
    assert (len(found.files), found.left_out) == (1000, ("large.py", "1000.py"))
    with pytest.raises(Refused, match="no Python here"):
        within_limits([])


def ruff(rule: str | None, line: int = 1, file: str = "a.py", message: str = "said") -> Issue:
    (issue,) = from_ruff([{"code": rule, "filename": file, "location": {"row": line}, "message": message}])
    return issue


def bandit(test: str, severity: str, line: int = 1, *lines: int) -> Issue:
    entry = {"test_id": test, "filename": "a.py", "line_number": line, "issue_text": "said", "line_range": list(lines)}
    (issue,) = from_bandit([{**entry, "issue_severity": severity}])
    return issue


@pytest.mark.parametrize(
    ("issue", "grade"),
    [
        (ruff(None), "high"),
        (ruff("F821"), "high"),
        (ruff("E902"), "high"),
        (ruff("PLE0101"), "high"),
        (ruff("B006"), "medium"),
        (ruff("E722"), "medium"),
        (ruff("F401"), "low"),
        (ruff("DTZ005"), "low"),
        (bandit("B602", "HIGH"), "high"),
        (bandit("B608", "MEDIUM"), "high"),
        (bandit("B310", "MEDIUM"), "medium"),
        (bandit("B110", "LOW"), "low"),
        (bandit("B999", "UNDEFINED"), "low"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.rule,
)
def test_grades(issue: Issue, grade: str) -> None:
    assert issue.grade == grade


def test_each_matter_once() -> None:
    found = merged(
        [ruff("S602", 4), ruff("S110", 9), ruff("BLE001", 9), ruff("S608", 20), ruff("F401", 4)],
        [
            bandit("B602", "HIGH", 4),
            bandit("B110", "LOW", 9),
            bandit("B608", "MEDIUM", 22, 20, 21, 22),
            bandit("B301", "MEDIUM", 30),
        ],
    )
    assert [(issue.grade, issue.rule, issue.line) for issue in found] == [
        ("high", "S602", 4),
        ("high", "S608", 20),
        ("medium", "BLE001", 9),
        ("medium", "S301", 30),
        ("low", "F401", 4),
    ]


def test_bandit_knows_better_how_grave_a_security_matter_is() -> None:
    (issue,) = merged([ruff("S311")], [bandit("B311", "LOW")])
    assert issue.grade == "low"


def test_a_file_that_does_not_parse_is_one_finding() -> None:
    entries = [{"code": None, "filename": "a.py", "location": {"row": row}, "message": "expected"} for row in (3, 4, 5)]
    assert [issue.line for issue in from_ruff(entries)] == [3]


def test_order_is_gravest_then_place() -> None:
    issues = [ruff("F401", 2, "b.py"), ruff("F401", 9), ruff("F401", 1), ruff("B006", 50, "z.py")]
    assert [(issue.file, issue.line) for issue in in_order(issues)] == [
        ("z.py", 50),
        ("a.py", 1),
        ("a.py", 9),
        ("b.py", 2),
    ]


def test_the_name_in_a_message() -> None:
    assert ruff("F401", message="`os` imported but unused").name == "os"
    assert ruff("F401", message="nothing quoted").name == ""
