"""A figure with two logarithmic axes, written as SVG."""

from __future__ import annotations

import math
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 160, 40, 50


class Line(NamedTuple):
    name: str
    colour: str
    across: list[float]
    up: list[float]


class Axis(NamedTuple):
    """Whole powers of ten, and where on the page they begin and end."""

    low: int
    high: int
    begin: float
    end: float

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)


def axis(values: list[float], begin: float, end: float) -> Axis:
    low = math.floor(math.log10(min(values)) + 1e-9)
    high = math.ceil(math.log10(max(values)) - 1e-9)
    return Axis(low, max(high, low + 1), begin, end)


def said(x: float, y: float, text: str, **more: str) -> str:
    """Return a text; names with ``_`` stand for those with ``-``."""
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x}" y="{y}"{extra}>{escape(text)}</text>'


def power(exponent: int) -> str:
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:g}"


def grid(across: Axis, up: Axis) -> list[str]:
    """Return a line and its number for each power of ten."""
    found = []
    for each in range(across.low, across.high + 1):
        x = across.at(10.0**each)
        found.append(f'<path d="M{x} {up.begin}V{up.end}" stroke="#ddd"/>')
        found.append(said(x, up.begin + 18, power(each), text_anchor="middle"))
    for each in range(up.low, up.high + 1):
        y = up.at(10.0**each)
        found.append(f'<path d="M{across.begin} {y}H{across.end}" stroke="#ddd"/>')
        found.append(said(across.begin - 8, y + 4, power(each), text_anchor="end"))
    return found


def curve(line: Line, across: Axis, up: Axis) -> list[str]:
    points = [(across.at(x), up.at(y)) for x, y in zip(line.across, line.up, strict=True)]
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{line.colour}"/>' for x, y in points]
    return [
        f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"/>',
        *dots,
    ]


def names(lines: list[Line], across: Axis, up: Axis) -> list[str]:
    """Return the name of each line beside its end, apart from one another."""
    found, last = [], -math.inf
    for line in sorted(lines, key=lambda each: -each.up[-1]):
        last = max(up.at(line.up[-1]) + 4, last + 16)
        found.append(said(across.end + 10, last, line.name, fill=line.colour))
    return found


def drawn(title: str, below: str, lines: list[Line]) -> str:
    """Return the figure."""
    across = axis([x for line in lines for x in line.across], LEFT, WIDTH - RIGHT)
    up = axis([y for line in lines for y in line.up], HEIGHT - BOTTOM, TOP)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        said(LEFT, 22, title, font_size="14", font_weight="bold"),
        *grid(across, up),
        *(part for line in lines for part in curve(line, across, up)),
        *names(lines, across, up),
        said((across.begin + across.end) / 2, HEIGHT - 10, below, text_anchor="middle"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
