"""How the `code` agent announces itself."""

from __future__ import annotations

from domain.skill import Param, ParamType, SkillSpec

REVIEW = SkillSpec(
    name="code_review",
    description=(
        "Review Python code: mistakes and security holes by place and severity, the most tangled functions, size, "
        "docstrings, and which modules have no test. With a branch, reviews the files it changes against its base."
    ),
    params=(
        Param(name="path", type=ParamType.PATH, required=True, description="a folder or a Python file"),
        Param(name="branch", description="review what this git branch changes, as it stands on the branch"),
        Param(name="base", description="what the branch is compared with; the main branch when left out"),
    ),
    output_schema={
        "type": "object",
        "properties": {
            "files": {"type": "integer"},
            "lines": {"type": "integer"},
            "code_lines": {"type": "integer"},
            "functions": {"type": "integer"},
            "docstring_share": {"type": ["number", "null"]},
            "findings_total": {"type": "integer"},
            "findings_by_severity": {"type": "object"},
            "worst_complexity": {"type": "array", "items": {"type": "object"}},
            "tests": {"type": "object"},
            "changed": {"type": "object"},
        },
    },
    timeout_s=150.0,
    keywords=(
        *("review", "code review", "review code", "audit", "lint", "code quality", "security check", "bugs", "branch"),
        *("审查", "代码审查", "评审", "审计", "检查代码", "代码质量", "代码评审", "安全检查", "分支"),
    ),
    examples=(
        "review the code in examples/shop",
        "check examples/shop for bugs and security problems",
        "review branch feature/discounts of the repository in shop",
        "how complex is the code in src?",
        "审查 examples/shop 的代码",
        "检查 examples/shop 的代码质量",
        "评审 shop 仓库的 feature/discounts 分支",
    ),
)
