"""Pictures: numbers in, inline SVG out. Colours come from the page's style, by class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labelaudit.reports.html.svg import element, joined, path, share_of, ticks
from labelaudit.reports.layout import count, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

__all__ = [
    "Plot",
    "bars",
    "histogram",
    "interval",
    "range_bar",
    "reliability",
    "tick_percent",
    "yield_curve",
]

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 10.0, 40.0


class Plot:
    """A frame with axes, in which data coordinates become places.

    Parameters
    ----------
    x, y : sequence of float
        Ticks of the axes; the first and the last are the ends.
    width, height : float
    """

    def __init__(
        self, x: Sequence[float], y: Sequence[float], width: float = 400.0, height: float = 250.0
    ) -> None:
        self.x, self.y = x, y
        self.width, self.height = width, height

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point."""
        across = (x - self.x[0]) / (self.x[-1] - self.x[0])
        up = (y - self.y[0]) / (self.y[-1] - self.y[0])
        return (
            _LEFT + across * (self.width - _LEFT - _RIGHT),
            self.height - _BOTTOM - up * (self.height - _TOP - _BOTTOM),
        )

    def frame(self, x_texts: Sequence[str], y_texts: Sequence[str], title: str) -> Markup:
        """Return grid lines, tick texts and the title of the horizontal axis."""
        parts = []
        for value, text in zip(self.y, y_texts, strict=True):
            left, y = self.at(self.x[0], value)
            right, _ = self.at(self.x[-1], value)
            parts.append(element("line", cls="grid", x1=left, x2=right, y1=y, y2=y))
            parts.append(element("text", text, cls="tick end", x=left - 7.0, y=y + 4.0))
        for value, text in zip(self.x, x_texts, strict=True):
            x, base = self.at(value, self.y[0])
            parts.append(element("text", text, cls="tick middle", x=x, y=base + 16.0))
        middle, _ = self.at((self.x[0] + self.x[-1]) / 2.0, self.y[0])
        parts.append(element("text", title, cls="axis middle", x=middle, y=self.height - 6.0))
        return joined(parts)

    def line(self, points: Sequence[tuple[float, float]], cls: str) -> Markup:
        """Return a line through data points."""
        return element("path", cls=cls, d=path([self.at(x, y) for x, y in points]))

    def picture(self, label: str, *parts: Markup) -> Markup:
        """Return the whole picture, with its description for those who cannot see it."""
        box = f"0 0 {self.width:.0f} {self.height:.0f}"
        return element("svg", *parts, cls="chart", viewBox=box, role="img", aria_label=label)


def range_bar(
    low: float, first: float, last: float, high: float, label: str, *, shares: bool = True
) -> Markup:
    """Draw an estimate that is a range: a bar from first to last, its margins as whiskers.

    Without ``shares`` the axis is from 0 to 1, in numbers.
    """
    marks = ticks(high, 4) if shares else [0.0, 0.25, 0.5, 0.75, 1.0]
    top = marks[-1] or 1.0

    def at(value: float) -> str:
        return share_of(value / top)

    parts = [element("rect", cls="track", x="0", y="10", width="100%", height="12", rx="6")]
    parts.append(
        element("rect", cls="whisker", x=at(low), y="14", width=at(high - low), height="4", rx="2")
    )
    width = max(last - first, top * 0.006)
    parts.append(
        element("rect", cls="estimate", x=at(first), y="8", width=at(width), height="16", rx="4")
    )
    for i, mark in enumerate(marks):
        place = "start" if i == 0 else "end" if i == len(marks) - 1 else "middle"
        parts.append(
            element(
                "text",
                tick_percent(mark) if shares else f"{mark:g}",
                cls=f"tick {place}",
                x=at(mark),
                y="44",
            )
        )
    return element(
        "svg", *parts, cls="range", width="100%", height="50", role="img", aria_label=label
    )


def tick_percent(value: float) -> str:
    """Return a share for an axis, without needless zeros."""
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + " %"


def interval(value: float, low: float, high: float, top: float) -> Markup:
    """Draw a number with its interval, small enough for a cell of a table."""
    return element(
        "svg",
        element("line", cls="base", x1="0", x2="100%", y1="9", y2="9"),
        element(
            "rect",
            cls="whisker",
            x=share_of(low / top),
            width=share_of(max(high - low, 0.0) / top),
            y="7",
            height="4",
            rx="2",
        ),
        element("circle", cls="dot", cx=share_of(value / top), cy="9", r="4"),
        cls="interval",
        width="100%",
        height="18",
        aria_hidden="true",
    )


def bars(values: Sequence[float]) -> Markup:
    """Draw a tiny histogram, square roots for heights so that small counts are seen."""
    top = math.sqrt(max(values, default=0)) or 1.0
    width = 96.0 / max(len(values), 1)
    parts = [
        element(
            "rect",
            x=i * width + 0.5,
            width=width - 1.0,
            y=20.0 - 20.0 * math.sqrt(value) / top,
            height=20.0 * math.sqrt(value) / top,
        )
        for i, value in enumerate(values)
        if value > 0
    ]
    return element("svg", *parts, cls="spark", viewBox="0 0 96 20", aria_hidden="true")


def histogram(
    rows: Sequence[int],
    marked: Sequence[int],
    title: str,
    label: str,
    noun: str = "rows",
) -> Markup:
    """Draw counts over 0..1 on a logarithmic axis; the marked ones in front of all."""
    highest = max(math.ceil(math.log10(max(*rows, 10))), 1)
    plot = Plot((0.0, 0.25, 0.5, 0.75, 1.0), [float(i) for i in range(highest + 1)])
    powers = [count(10**i) for i in range(highest + 1)]
    parts = [plot.frame(("0", "0.25", "0.5", "0.75", "1"), powers, title)]
    for cls, values in (("bar", rows), ("bar marked", marked)):
        for i, value in enumerate(values):
            if value:
                parts.append(_bar(plot, i, len(values), value, cls, noun))
    return plot.picture(label, *parts)


def _bar(plot: Plot, i: int, n: int, value: int, cls: str, noun: str) -> Markup:
    left, base = plot.at(i / n, 0.0)
    right, _ = plot.at((i + 1) / n, 0.0)
    # A single row is to be seen, although its logarithm is 0.
    _, top = plot.at(0.0, max(math.log10(value), 0.08))
    told = element("title", f"{i / n:.2f} to {(i + 1) / n:.2f}: {count(value)} {noun}")
    x, width, height = left + 0.5, right - left - 1.0, base - top
    return element("rect", told, cls=cls, x=x, y=top, width=width, height=height)


def reliability(confidence: Sequence[float], agreement: Sequence[float], label: str) -> Markup:
    """Draw how often the most probable class is the label against how probable it is."""
    unit = (0.0, 0.25, 0.5, 0.75, 1.0)
    plot = Plot(unit, unit)
    texts = [tick_percent(value) for value in unit]
    points = list(zip(confidence, agreement, strict=True))
    dots = [
        element(
            "circle",
            element("title", f"says {percent(x)}, agrees {percent(y)}"),
            cls="dot",
            cx=plot.at(x, y)[0],
            cy=plot.at(x, y)[1],
            r="3.5",
        )
        for x, y in points
    ]
    return plot.picture(
        label,
        plot.frame(texts, texts, "greatest probability"),
        plot.line([(0.0, 0.0), (1.0, 1.0)], "ideal"),
        plot.line(points, "curve"),
        *dots,
    )


def yield_curve(
    rows: Sequence[float],
    found: Sequence[float],
    target: tuple[float, float],
    whole: int,
    label: str,
) -> Markup:
    """Draw the share of the wrong labels found against the rows reviewed, worst first.

    Parameters
    ----------
    rows, found : sequence of float
        Rows reviewed, ascending from 0, and the share of the expected errors among them.
    target : tuple of float
        A point of the curve to mark.
    whole : int
        All rows: reviewing at random finds as large a share of the errors as of these.
    label : str
    """
    x, unit = ticks(rows[-1], 4), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    plot = Plot(x, unit)
    end = min(x[-1], float(whole))
    across, up = plot.at(*target)
    points = list(zip(rows, found, strict=True))
    area = [*points, (rows[-1], 0.0)]
    return plot.picture(
        label,
        plot.frame([_short(v) for v in x], [tick_percent(v) for v in unit], "rows reviewed"),
        element("path", cls="band", d=path([plot.at(*point) for point in area]) + "Z"),
        plot.line([(0.0, 0.0), (end, end / max(whole, 1))], "ideal"),
        plot.line([(0.0, target[1]), target, (target[0], 0.0)], "target"),
        plot.line(points, "curve"),
        element("circle", cls="dot", cx=across, cy=up, r="4.5"),
    )


def _short(value: float) -> str:
    return f"{value / 1e6:g}M" if value >= 1e6 else count(value) if value >= 10 else f"{value:g}"
