"""The `code` agent on the example shop, its history, and repositories that were made to do harm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agents.code import tools
from agents.code.__main__ import work
from agents.skill import Call
from agents.skills import code
from agents.workspace import Workspace
from domain.errors import NotFound, Refused, Unavailable
from domain.messages import Context
from domain.task import Result
from domain.texts import Language
from examples.history import BRANCH, build

EXAMPLES = Path(__file__).parents[3] / "examples"


def judged(root: Path, path: str = "", **more: Any) -> dict[str, Any]:
    """What the child would answer."""
    answer: dict[str, Any] = work({"root": str(root), "path": str(root / path), **more})
    return answer


def places(answer: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(issue["rule"], issue["file"], issue["line"]) for issue in answer["findings"]]


async def ask(root: Path, language: Language = "en", **params: Any) -> Result:
    (skill,) = code.skills(Workspace(root))
    return await skill.run(Call(params=params, context=Context(language=language)))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES / "shop", tmp_path / "shop")
    return tmp_path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "repo"
    build(folder)
    return folder


@pytest.fixture
def repo(built: Path, tmp_path: Path) -> Path:
    """A workspace holding the example repository as `repo`."""
    shutil.copytree(built, tmp_path / "repo")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    options = ("-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class TestFolder:
    async def test_the_shop(self, shop: Path) -> None:
        before = contents(shop)
        result = await ask(shop, path="shop")
        assert [(finding.severity, finding.where, finding.message[-6:]) for finding in result.findings[:7]] == [
            ("high", "shop/cli.py:28", "[S602]"),
            ("high", "shop/customers.py:22", "[S324]"),
            ("high", "shop/storage.py:49", "[S608]"),
            ("medium", "shop/cart.py:34", "[B006]"),
            ("medium", "shop/payments.py:36", "[E722]"),
            ("medium", "shop/pricing.py:40", "[C901]"),
            ("medium", "shop/reports.py:31", "IM115]"),
        ]
        assert result.output["findings_by_severity"] == {"high": 3, "medium": 4, "low": 4}
        assert result.output["worst_complexity"][0] == {
            "name": "shipping_cost",
            "where": "shop/pricing.py:40",
            "complexity": 17,
        }
        assert result.output["tests"]["without"][0] == "shop/cli.py"
        assert result.summary.startswith("Reviewed shop: 14 files, 631 lines, 56 functions; 3 high, 4 medium and 4 low")
        assert result.summary.endswith("Most tangled: shipping_cost (17). Test files: 4.")
        assert result.findings[-1].message.startswith("No test imports: shop/cli.py, shop/customers.py")
        assert contents(shop) == before

    async def test_in_chinese(self, shop: Path) -> None:
        result = await ask(shop, "zh", path="shop")
        assert result.summary.startswith("已审查 shop")
        assert result.findings[0].message == "以 shell=True 启动子进程，可能被注入命令 [S602]"

    async def test_one_file(self, shop: Path) -> None:
        result = await ask(shop, path="shop/reports.py")
        assert [finding.where for finding in result.findings] == ["shop/reports.py:31", "shop/reports.py:4"]
        assert "test" not in result.summary
        assert result.output["tests"] is None

    @pytest.mark.parametrize(
        ("path", "error", "key"),
        [
            ("nowhere", NotFound, "skill.no_such_file"),
            ("empty", Refused, "code.no_python"),
            ("../other", Refused, "skill.outside_workspace"),
        ],
    )
    async def test_nothing_to_review(self, tmp_path: Path, path: str, error: type[Refused], key: str) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "notes.txt").touch()
        with pytest.raises(error) as caught:
            await ask(tmp_path, path=path)
        assert caught.value.key == key

    async def test_the_whole_workspace_goes_by_its_name(self, tmp_path: Path) -> None:
        root = tmp_path / "mine"
        root.mkdir()
        (root / "a.py").write_text("x = 1\n")
        result = await ask(root, path=".")
        assert result.summary == (
            "Reviewed mine: 1 files, 1 lines, 0 functions; 0 high, 0 medium and 0 low findings. "
            "Most tangled: - (0). There are no tests in it."
        )
        assert result.findings == ()

    def test_what_does_not_parse_is_a_finding(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("def f(:\n    pass\n\n\ndef g(:\n")
        (tmp_path / "b.py").write_bytes(b"x = '\xff'\n")
        (tmp_path / "c.py").write_bytes(b"x = 1\0\n")
        answer = judged(tmp_path)
        assert ("invalid-syntax", "a.py", 1) in places(answer)
        assert answer["findings_by_severity"]["high"] >= 2
        assert answer["unparsed"] == ["a.py", "b.py", "c.py"]

    def test_the_sources_own_settings_count_for_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("import os\nimport subprocess\n\nsubprocess.call(input(), shell=True)\n")
        (tmp_path / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = []\n[tool.bandit]\nskips = ['B602']\n")
        (tmp_path / "ruff.toml").write_text("exclude = ['*']\n")
        (tmp_path / ".bandit").write_text("[bandit]\nexclude = /\nskips = B602\n")
        assert [rule for rule, *_ in places(judged(tmp_path))] == ["S602", "F401"]

    def test_what_its_author_accepted_is_not_told_again(self, tmp_path: Path) -> None:
        lines = [
            "import subprocess",
            "subprocess.call('a', shell=True)  # noqa: S602 -- fixed text",
            "subprocess.call('b', shell=True)  # noqa",
            "subprocess.call('c', shell=True)  # nosec",
            "subprocess.call('d', shell=True)  # noqa: E501",
        ]
        (tmp_path / "a.py").write_text("\n".join(lines) + "\n")
        assert [(rule, line) for rule, _, line in places(judged(tmp_path))] == [("S602", 4), ("S602", 5)]

    def test_tests_may_assert_and_make_up_passwords(self, tmp_path: Path) -> None:
        (tmp_path / "test_a.py").write_text(
            "import os\n\n\ndef test_a():\n    password = 'secret'\n    assert password\n"
        )
        assert places(judged(tmp_path)) == [("F401", "test_a.py", 1)]

    def test_names_that_look_like_options_or_lines(self, tmp_path: Path) -> None:
        for name in ("--fix.py", "-r.py", "a b.py", "line\nbreak.py", "é.py", "@x.py", "$(x).py"):
            (tmp_path / name).write_text("import os\n")
        found = places(judged(tmp_path))
        assert {rule for rule, *_ in found} == {"F401"}
        assert len(found) == 7
        assert (tmp_path / "--fix.py").read_text() == "import os\n"

    async def test_only_so_many_findings_are_listed(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("import os, sys\n" * 150)
        result = await ask(tmp_path, path="a.py")
        assert result.output["findings_total"] > len(result.findings) - 1 == 200
        assert result.findings[-1].message.startswith("Shown are the 200 gravest of ")

    async def test_what_was_left_out_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("x = 1\n")
        (tmp_path / "b.py").write_text("x = 1\n" * 200_000)
        (tmp_path / "c.py").write_text("x = = 1\n")
        result = await ask(tmp_path, path="")
        told = [finding.message for finding in result.findings[1:]]
        assert told == [
            "Not measured, as this Python cannot parse it: c.py.",
            "Left out as too large or too many: b.py.",
        ]

    @pytest.mark.parametrize("argument", ["--no-such-option", "--help"])
    def test_a_tool_that_does_not_answer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str) -> None:
        (tmp_path / "a.py").write_text("x = 1\n")
        monkeypatch.setattr(tools, "_RUFF", ("ruff", argument))
        with pytest.raises(Unavailable, match="The checker ruff did not answer"):
            judged(tmp_path)

    def test_a_tool_that_takes_too_long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a.py").write_text("x = 1\n")
        monkeypatch.setattr(tools, "_TIMEOUT_S", 0.0)
        with pytest.raises(Unavailable, match="The checker ruff did not answer"):
            judged(tmp_path)


class TestBranch:
    async def test_only_what_the_branch_changes_is_judged(self, repo: Path) -> None:
        before = contents(repo)
        result = await ask(repo, path="repo", branch=BRANCH)
        assert result.summary == (
            "Reviewed the 3 changed files of feature/discounts (against main, commits: 4): "
            "0 high, 5 medium and 2 low findings, 6 of them on changed lines."
        )
        assert {finding.where.split(":")[0] for finding in result.findings} == {
            "repo/shop/discounts.py",
            "repo/shop/pricing.py",
        }
        assert result.output["changed"]["files"] == [
            {"path": "repo/shop/discounts.py", "added": 78, "removed": 0, "deleted": False},
            {"path": "repo/shop/pricing.py", "added": 4, "removed": 3, "deleted": False},
            {"path": "repo/shop/tests/test_discounts.py", "added": 20, "removed": 0, "deleted": False},
        ]
        assert result.output["tests"] == {"present": True, "files": 5, "without": []}
        assert contents(repo) == before

    async def test_in_chinese(self, repo: Path) -> None:
        result = await ask(repo, "zh", path="repo/shop", branch=BRANCH, base="main")
        assert result.summary.startswith("已审查 feature/discounts 相对 main 改动的 3 个文件")

    def test_history_is_the_same_every_time(self, repo: Path, tmp_path: Path) -> None:
        build(tmp_path / "again")
        assert git(tmp_path / "again", "rev-parse", BRANCH, "main") == git(repo / "repo", "rev-parse", BRANCH, "main")

    def test_a_folder_of_the_repository_or_the_branch_that_is_checked_out(self, repo: Path) -> None:
        answer = judged(repo, "repo/shop/tests", branch=BRANCH)
        assert [file["path"] for file in answer["changed"]["files"]] == ["repo/shop/tests/test_discounts.py"]
        git(repo / "repo", "checkout", "-q", BRANCH)
        assert judged(repo, "repo/shop/discounts.py", base="main")["changed"]["branch"] == "HEAD"

    def test_a_workspace_that_is_itself_the_repository(self, built: Path) -> None:
        answer = judged(built, branch=BRANCH)
        assert answer["changed"]["files"][0]["path"] == "shop/discounts.py"

    def test_deleted_files_are_named_not_judged(self, repo: Path) -> None:
        folder = repo / "repo"
        git(folder, "checkout", "-q", "-b", "smaller")
        git(folder, "rm", "-q", "shop/reports.py")
        (folder / "shop" / "logo.py").symlink_to("cart.py")
        (folder / "shop" / "notes.txt").write_text("x")
        (folder / "shop" / "größe.py").write_text("import os\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "x")
        answer = judged(repo, "repo", branch="smaller")
        deleted = {file["path"]: file["deleted"] for file in answer["changed"]["files"]}
        assert deleted == {"repo/shop/größe.py": False, "repo/shop/logo.py": True, "repo/shop/reports.py": True}
        assert places(answer) == [("F401", "repo/shop/größe.py", 1)]

    def test_a_branch_only_the_remote_has(self, repo: Path, tmp_path: Path) -> None:
        git(tmp_path, "clone", "-q", "--no-hardlinks", str(repo / "repo"), str(tmp_path / "clone"))
        assert judged(tmp_path, "clone", branch=BRANCH)["changed"]["commits"] == 4

    def test_branches_without_common_history(self, repo: Path) -> None:
        folder = repo / "repo"
        git(folder, "checkout", "-q", "--orphan", "other")
        (folder / "shop" / "cart.py").write_text("import os\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "x")
        answer = judged(repo, "repo", branch="other")
        assert ("F401", "repo/shop/cart.py", 1) in places(answer)

    @pytest.mark.parametrize(
        ("params", "key"),
        [
            ({"branch": "nope"}, "code.no_such_branch"),
            ({"branch": BRANCH, "base": "nope"}, "code.no_such_branch"),
            ({"branch": "main"}, "code.no_base"),
            ({"branch": "main", "base": "main"}, "code.no_changes"),
            ({"branch": "--output=x"}, "code.no_such_branch"),
            ({"branch": "main..feature/discounts"}, "code.no_such_branch"),
            ({"branch": "main:shop/cart.py"}, "code.no_such_branch"),
            ({"branch": "@{-1}"}, "code.no_such_branch"),
            ({"branch": "$(touch x)"}, "code.no_such_branch"),
            ({"branch": "a\nb"}, "code.no_such_branch"),
            ({"branch": BRANCH, "base": "--upload-pack=x"}, "code.no_such_branch"),
        ],
        ids=str,
    )
    def test_what_cannot_be_compared_is_refused(self, repo: Path, params: dict[str, str], key: str) -> None:
        with pytest.raises(Refused) as caught:
            judged(repo, "repo", **params)
        assert caught.value.key == key
        assert not (repo / "repo" / "x").exists()

    def test_outside_a_repository(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").touch()
        with pytest.raises(Refused, match="not in a git repository"):
            judged(tmp_path, "a.py", branch="main")

    def test_without_git(self, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agents.code.git._GIT", "no-such-git")
        with pytest.raises(Refused, match="Git is not installed"):
            judged(repo, "repo", branch=BRANCH)


class TestHostileRepository:
    """Whoever can write into the workspace can write into `.git`: none of it may run or reach outside."""

    @pytest.fixture
    def ran(self, repo: Path) -> Path:
        """A file that any of the repository's commands would make."""
        return repo / "ran"

    def test_no_setting_of_it_runs(self, repo: Path, ran: Path) -> None:
        command = f"touch {ran} #"
        names = ["core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.alternateRefsCommand"]
        names += ["diff.external", "diff.evil.command", "diff.evil.textconv", "credential.helper"]
        names += ["filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "uploadpack.packObjectsHook"]
        with (repo / "repo" / ".git" / "config").open("a") as config:
            for name in names:
                section, _, key = name.rpartition(".")
                kind, _, which = section.partition(".")
                config.write(f'[{kind} "{which}"]\n' if which else f"[{kind}]\n")
                config.write(f'\t{key} = "{command}"\n')
            config.write(f'[alias]\n\trev-parse = "!{command}"\n')
        (repo / "repo" / ".git" / "info" / "attributes").write_text("*.py diff=evil filter=evil\n")
        assert judged(repo, "repo", branch=BRANCH)["figures"]["files"] == 3
        assert not ran.exists()

    def test_such_settings_do_run_where_git_is_used_carelessly(self, repo: Path, ran: Path) -> None:
        git(repo / "repo", "config", "diff.external", f"touch {ran} #")
        git(repo / "repo", "diff", "main", BRANCH)
        assert ran.exists()

    def test_no_hook_of_it_runs(self, repo: Path, ran: Path) -> None:
        for hook in ("post-checkout", "reference-transaction", "fsmonitor-watchman", "post-index-change"):
            path = repo / "repo" / ".git" / "hooks" / hook
            path.write_text(f"#!/bin/sh\ntouch {ran}\n")
            path.chmod(0o755)
        judged(repo, "repo", branch=BRANCH)
        assert not ran.exists()

    def test_missing_objects_are_not_fetched(self, repo: Path, ran: Path) -> None:
        folder = repo / "repo"
        blob = git(folder, "rev-parse", f"{BRANCH}:shop/discounts.py")
        (folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
        for name, value in {
            "remote.evil.url": f"ext::sh -c touch% {ran}",
            "remote.evil.promisor": "true",
            "protocol.allow": "always",
            "protocol.ext.allow": "always",
            "extensions.partialClone": "evil",
            "core.repositoryFormatVersion": "1",
        }.items():
            git(folder, "config", name, value)
        with pytest.raises(Refused) as caught:
            judged(repo, "repo", branch=BRANCH)
        assert caught.value.key == "code.broken_repository"
        assert not ran.exists()

    @pytest.mark.parametrize("way", ["gitdir", "link", "objects", "alternates", "above"])
    def test_nothing_outside_the_workspace_is_read(self, built: Path, tmp_path: Path, way: str) -> None:
        shutil.copytree(built, tmp_path / "outside")
        outside, root = tmp_path / "outside", tmp_path / "outside" / "shop" if way == "above" else tmp_path / "root"
        if way != "above":
            (root / ".git").parent.mkdir()
            (root / "a.py").touch()
        if way == "gitdir":
            (root / ".git").write_text(f"gitdir: {outside}/.git\n")
        elif way == "link":
            (root / ".git").symlink_to(outside / ".git")
        elif way == "objects":
            shutil.copytree(outside / ".git", root / ".git")
            shutil.rmtree(root / ".git" / "objects")
            (root / ".git" / "objects").symlink_to(outside / ".git" / "objects")
        elif way == "alternates":
            git(root, "clone", "-q", "--shared", "--bare", str(outside), ".git")
            git(root, "config", "core.bare", "false")
        with pytest.raises(Refused) as caught:
            judged(root, branch=BRANCH, base="main")
        assert caught.value.key == ("code.no_repository" if way == "above" else "code.repository_outside")
