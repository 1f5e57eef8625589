"""A chart shows the right columns when nobody names them, and the same numbers it reports."""

from __future__ import annotations

import base64
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from matplotlib import font_manager

from agents.data import drawing
from domain.errors import Refused
from tests.unit.agents.data_files import perform, sqlite, written

ORDERS = "order_id,day,region,product,quantity,total\n" + "".join(
    f"{n},2025-{1 + n // 30:02}-{1 + n % 28:02},{('North', 'South', '')[n % 3]},product {n % 7},{n % 5},{n % 11}.50\n"
    for n in range(120)
)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return written(tmp_path, ORDERS)


def chart(path: Path, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = perform("chart", path, **more)
    assert base64.b64decode(answer["png"]).startswith(PNG)
    return answer


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({}, ("bar", "region", "total", "sum")),
        ({"kind": "line"}, ("line", "day", "total", "sum")),
        ({"x": "DAY"}, ("line", "day", "total", "sum")),
        ({"x": "product", "y": "quantity", "agg": "mean"}, ("bar", "product", "quantity", "mean")),
        ({"agg": "count"}, ("bar", "region", None, "count")),
        ({"x": "地区", "y": "销售额"}, ("bar", "region", "total", "sum")),
        ({"x": "Products", "y": "revenue"}, ("bar", "product", "total", "sum")),
        ({"x": "time"}, ("line", "day", "total", "sum")),
        ({"kind": "hist"}, ("hist", "total", None, "count")),
        ({"kind": "hist", "y": "quantity"}, ("hist", "quantity", None, "count")),
        ({"x": "order_id"}, ("hist", "order_id", None, "count")),
        ({"x": "order_id", "y": "total"}, ("scatter", "order_id", "total", "none")),
        ({"kind": "scatter"}, ("scatter", "quantity", "total", "none")),
        ({"kind": "bar", "x": "quantity"}, ("bar", "quantity", "total", "sum")),
    ],
)
def test_what_is_left_open_is_chosen(orders: Path, asked: dict[str, str], chosen: tuple[Any, ...]) -> None:
    answer = chart(orders, **asked)
    assert (answer["kind"], answer["x"], answer["y"], answer["agg"]) == chosen


@pytest.mark.parametrize(
    ("content", "chosen"),
    [
        ("name\nann\nbob\nann\n", ("bar", "name", None, "count")),
        ("n\n" + "".join(f"{n}\n" for n in range(60)), ("hist", "n", None, "count")),
        ("day,n\n2024-01-01,1\n2024-01-02,2\n", ("line", "day", "n", "sum")),
        ("id,a,b\n1,x,5\n2,y,6\n", ("bar", "a", "b", "sum")),
    ],
)
def test_files_with_little_in_them(tmp_path: Path, content: str, chosen: tuple[Any, ...]) -> None:
    answer = chart(written(tmp_path, content))
    assert (answer["kind"], answer["x"], answer["y"], answer["agg"]) == chosen


def test_bars_are_in_order_and_say_what_is_missing(orders: Path) -> None:
    points = chart(orders)["points"]
    assert [point["x"] for point in points] == ["South", None, "North"]
    assert points == sorted(points, key=lambda point: -point["y"])
    assert sum(point["y"] for point in points) == sum(n % 11 + 0.5 for n in range(120))


def test_only_so_many_bars(tmp_path: Path) -> None:
    path = written(tmp_path, "name,n\n" + "".join(f"name {n},{n}\n" for n in range(30)))
    answer = chart(path, x="name", y="n")
    assert (len(answer["points"]), answer["left_out"]) == (20, 10)
    assert answer["title"] == "Sum of n by name (first 20)"
    assert answer["points"][0] == {"x": "name 29", "y": 29}


def test_bars_of_numbers_stand_in_their_order(orders: Path) -> None:
    assert [point["x"] for point in chart(orders, kind="bar", x="quantity")["points"]] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("days", "step", "unit", "points"),
    [(60, 1, "day", 60), (200, 1, "week", 29), (1000, 9, "month", 33), (6000, 99, "year", 17)],
)
def test_a_line_over_time_has_a_fitting_unit(tmp_path: Path, days: int, step: int, unit: str, points: int) -> None:
    rows = "".join(f"{date(2001, 1, 1) + timedelta(days=day)},1\n" for day in range(0, days, step))
    answer = chart(written(tmp_path, "day,n\n" + rows), kind="line")
    assert (answer["unit"], len(answer["points"])) == (unit, points)
    assert sum(point["y"] for point in answer["points"]) == len(range(0, days, step))
    assert answer["title"] == f"Sum of n by {unit}"


def test_a_line_over_many_names(tmp_path: Path) -> None:
    path = written(tmp_path, "name,n\n" + "".join(f"name {n:02},{n}\n" for n in range(40)))
    assert len(chart(path, kind="line")["points"]) == 40


def test_a_line_over_numbers(orders: Path) -> None:
    answer = chart(orders, kind="line", x="quantity", y="total")
    assert [point["x"] for point in answer["points"]] == [0, 1, 2, 3, 4]


def test_a_histogram_counts_every_value_it_shows(tmp_path: Path) -> None:
    path = written(tmp_path, "n,row\n" + "".join(f"{n % 40},{n}\n" for n in range(400)) + "90000,400\n")
    answer = chart(path, kind="hist", x="n")
    assert sum(point["y"] for point in answer["points"]) == 400
    assert answer["left_out"] == 1
    assert answer["points"][-1]["until"] < 300


def test_a_histogram_of_one_value(tmp_path: Path) -> None:
    answer = chart(written(tmp_path, "n,row\n7,1\n7,2\n"), kind="hist", x="n")
    assert sum(point["y"] for point in answer["points"]) == 2


def test_a_scatter_plot_of_many_rows_shows_some(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "".join(f"{n},{n * 2}\n" for n in range(2500)) + ",1\n")
    answer = chart(path, kind="scatter")
    assert len(answer["points"]) + answer["left_out"] == 2500
    assert 800 <= len(answer["points"]) <= 1000


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"x": "regoin"}, "data.no_such_column"),
        ({"y": "region"}, "data.not_numeric"),
        ({"kind": "hist", "x": "region"}, "data.not_numeric"),
    ],
)
def test_what_cannot_be_drawn_is_refused(orders: Path, asked: dict[str, str], key: str) -> None:
    with pytest.raises(Refused) as caught:
        chart(orders, **asked)
    assert caught.value.key == key


@pytest.mark.parametrize("content", ["a,b\n", "a\nx\nx\n", "n,m\n,\n"])
@pytest.mark.parametrize("kind", [None, "hist", "scatter"])
def test_nothing_to_draw(tmp_path: Path, content: str, kind: str | None) -> None:
    with pytest.raises(Refused, match="nothing in it that could be drawn"):
        chart(written(tmp_path, content), kind=kind)


def test_the_table_of_an_sqlite_file(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "a.db", "CREATE TABLE t (a, n)", "INSERT INTO t VALUES ('x', 1), ('y', 2)")
    assert chart(path, table="t")["points"] == [{"x": "y", "y": 2}, {"x": "x", "y": 1}]


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    name = "cost $\\frac{1}{0$ \t" + "long " * 20
    path = written(tmp_path, f'"{name}",n\n' + "".join(f'"{name} {n}",{n}\n' for n in range(3)))
    assert chart(path)["title"].endswith("…")


def test_the_same_numbers_give_the_same_picture(orders: Path) -> None:
    assert chart(orders)["png"] == chart(orders)["png"]


class TestChinese:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return written(tmp_path, "地区,金额\n华北,1\n华东,2\n")

    def test_without_a_font_it_is_said(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(drawing, "_CHINESE", ())
        answer = chart(path, language="zh")
        assert answer["unreadable"]
        assert answer["title"] == "金额合计（按地区）"

    def test_latin_names_need_none(self, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(drawing, "_CHINESE", ())
        assert not chart(orders, language="zh")["unreadable"]

    def test_an_installed_font_is_used(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(drawing, "_CHINESE", (font_manager.fontManager.ttflist[0].name,))
        assert not chart(path, language="zh")["unreadable"]
