from __future__ import annotations

import pytest

from domain.steer_text import Less, More, Stop, steer


@pytest.mark.parametrize(
    ("text", "less"),
    [
        ("stop the second step", Less(number=2)),
        ("Please skip the last one.", Less(number=-1)),
        ("drop step t2", Less(name="t2")),
        ("cancel step 3", Less(number=3)),
        ("leave out the 2nd step", Less(number=2)),
        ("取消第二步", Less(number=2)),
        ("不要第十二步", Less(number=12)),
        ("请跳过第 3 个步骤。", Less(number=3)),
        ("去掉最后一步", Less(number=-1)),
        ("取消步骤 t3", Less(name="t3")),
    ],
)
def test_one_step_less(text: str, less: Less) -> None:
    assert steer(text) == less


@pytest.mark.parametrize(
    "text", ["stop", "Cancel it, please", "stop everything!", "取消", "算了", "停止任务", "停下吧"]
)
def test_all_of_it(text: str) -> None:
    assert steer(text) == Stop()


@pytest.mark.parametrize(
    "text",
    [
        "also profile sales.csv",
        "stop the server in docker",  # work to do, not an end to work
        "cancel my subscription to the newsletter",
        "再加一个测试",
        "不要用红色",
        "skip the tests but keep the lint",
        "第二步换成中文",
    ],
)
def test_anything_else_is_part_of_what_is_wanted(text: str) -> None:
    assert steer(f" {text} ") == More(text=text)
