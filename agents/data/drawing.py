"""A chart's numbers as a PNG: plain, labelled, and readable at the width of a chat."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from domain.texts import Language, say

_LATIN = "DejaVu Sans"  # comes with matplotlib
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
_COLOUR, _GRID, _INK = "#2f6db5", "#dddddd", "#333333"
_LABEL = 28  # characters of one label
_VALUES_SHOWN = 12  # bars that still have room for their number

Picture = Mapping[str, Any]


def draw(picture: Picture, language: Language) -> tuple[bytes, bool]:
    """The PNG, and whether it shows Chinese that no installed font can write."""
    fonts = _fonts()
    has_chinese_font = len(fonts) > 1
    spoken: Language = language if has_chinese_font else "en"
    with mpl.rc_context(
        {"font.family": fonts, "text.parse_math": False, "text.color": _INK, "date.converter": "concise"}
    ):
        figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _frame(axes)
        {"bar": _bars, "line": _line, "hist": _histogram, "scatter": _scatter}[picture["kind"]](axes, picture, spoken)
        axes.set_title(title(picture, spoken), fontsize=14, loc="left", pad=12)
        png = io.BytesIO()
        with warnings.catch_warnings():  # of letters no font has: the caller is told instead
            warnings.simplefilter("ignore")
            figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue(), not has_chinese_font and _has_chinese(picture)


def _fonts() -> list[str]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [_LATIN, *(name for name in _CHINESE if name in installed)]


def _has_chinese(picture: Picture) -> bool:
    shown = [picture["x"], picture["y"] or "", *(str(point["x"]) for point in picture["points"])]
    return any("\u3400" <= char <= "\u9fff" for text in shown for char in text)


def _frame(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=10)


def title(picture: Picture, language: Language) -> str:
    """What a picture is called."""
    unit, key = picture.get("unit"), "hist" if picture["kind"] == "hist" else picture["agg"]
    across = say(f"chart.by_{unit}", language) if unit else _short(picture["x"])
    tail = say("chart.title.first", language, count=len(picture["points"])) if picture["is_first"] else ""
    return say(f"chart.title.{key}", language, x=across, y=_short(picture["y"] or "")) + tail


def _measured(picture: Picture, language: Language) -> str:
    if picture["agg"] == "none":
        return _short(picture["y"])
    return say(f"chart.axis.{picture['agg']}", language, y=_short(picture["y"] or ""))


def _bars(axes: Axes, picture: Picture, language: Language) -> None:
    labels = [_label(point["x"], language) for point in picture["points"]]
    heights = [float(point["y"]) for point in picture["points"]]
    is_wide = len(labels) > 8 or max(map(len, labels)) > 12
    places = range(len(labels))
    if is_wide:
        drawn = axes.barh(places, heights, color=_COLOUR, height=0.7)
        axes.set_yticks(places, labels)
        axes.invert_yaxis()
    else:
        drawn = axes.bar(places, heights, color=_COLOUR, width=0.65)
        axes.set_xticks(places, labels)
    if len(labels) <= _VALUES_SHOWN:
        axes.bar_label(drawn, labels=[_amount(height) for height in heights], padding=3, fontsize=9, color=_INK)
        axes.margins(x=0.12 if is_wide else None, y=None if is_wide else 0.12)
    names = (_measured(picture, language), _short(picture["x"]))
    _name_axes(axes, *(names if is_wide else names[::-1]))
    _numeric_axis(axes, "x" if is_wide else "y")


def _line(axes: Axes, picture: Picture, language: Language) -> None:
    points = picture["points"]
    is_time = picture.get("unit") is not None
    across: list[Any] = [date.fromisoformat(each["x"]) if is_time else _across(each["x"], language) for each in points]
    marker = "o" if len(points) <= 40 else ""
    axes.plot(across, [float(point["y"]) for point in points], color=_COLOUR, linewidth=2, marker=marker, markersize=4)
    _name_axes(axes, _short(picture["x"]), _measured(picture, language))
    _numeric_axis(axes, "y")
    _thin_out(axes, across)


def _across(value: Any, language: Language) -> Any:
    return value if isinstance(value, int | float) else _label(value, language)


def _thin_out(axes: Axes, across: Sequence[Any]) -> None:
    """Of many categories along a line only every so many is named."""
    if isinstance(across[0], str) and len(across) > 12:
        step = -(-len(across) // 12)
        axes.set_xticks(range(0, len(across), step), across[::step])


def _histogram(axes: Axes, picture: Picture, language: Language) -> None:
    points = picture["points"]
    edges = [point["x"] for point in points] + [points[-1]["until"]]
    axes.stairs([point["y"] for point in points], edges, fill=True, color=_COLOUR, edgecolor="white", linewidth=0.8)
    _name_axes(axes, _short(picture["x"]), say("chart.axis.count", language, y=""))
    _numeric_axis(axes, "y")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _amount(value)))


def _scatter(axes: Axes, picture: Picture, language: Language) -> None:
    points = picture["points"]
    axes.scatter([float(p["x"]) for p in points], [float(p["y"]) for p in points], s=14, alpha=0.5, color=_COLOUR)
    _name_axes(axes, _short(picture["x"]), _measured(picture, language))
    _numeric_axis(axes, "y")
    _numeric_axis(axes, "x")


def _name_axes(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=11)
    axes.set_ylabel(y, fontsize=11)


def _numeric_axis(axes: Axes, which: Literal["x", "y"]) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: _amount(value)))
    axes.grid(axis=which, color=_GRID, linewidth=0.8)


def _amount(value: float) -> str:
    """A number as an axis shows it: 1,250 or 3.4M."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _label(value: Any, language: Language) -> str:
    return say("chart.missing", language) if value is None else _short(str(value))


def _short(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    return printable if len(printable) <= _LABEL else printable[: _LABEL - 1] + "…"
