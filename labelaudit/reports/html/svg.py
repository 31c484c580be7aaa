"""Elements of SVG and HTML as text that is safe to be put into a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Attribute", "element", "joined", "number", "path", "share_of", "ticks"]

Attribute = str | float | None


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """Return an element; text and attributes are escaped, markup stays as it is.

    Parameters
    ----------
    name : str
    *children : str
        ``Markup`` is put in as it is, other text is escaped.
    **attributes : str, float or None
        ``cls`` is ``class``, underscores are hyphens; None leaves the attribute out.
    """
    said = "".join(
        f' {_attribute(key)}="{escape(number(value) if isinstance(value, float) else value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{said}>{inner}</{name}>")  # noqa: S704 - every part is escaped


def _attribute(key: str) -> str:
    return {"cls": "class", "viewBox": key}.get(key, key.replace("_", "-"))


def joined(parts: Iterable[Markup]) -> Markup:
    """Join elements."""
    return Markup("").join(parts)


def number(value: float) -> str:
    """Return a coordinate: two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def share_of(value: float) -> str:
    """Return a share as a percentage, which SVG takes for a coordinate."""
    return f"{number(100.0 * min(max(value, 0.0), 1.0))}%"


def path(points: Iterable[tuple[float, float]]) -> str:
    """Return the data of a line through the points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def ticks(highest: float, most: int = 5) -> list[float]:
    """Return round numbers from 0 up to the first at or above ``highest``, a few of them."""
    if highest <= 0 or not math.isfinite(highest):
        return [0.0, 1.0]
    rough = highest / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= rough * (1 - 1e-9))
    count = math.ceil(highest / step - 1e-9)
    return [i * step for i in range(count + 1)]
