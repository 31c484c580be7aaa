"""A matrix of confused classes as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labelaudit.reports.html.svg import element
from labelaudit.reports.layout import count, cut
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from markupsafe import Markup

__all__ = ["STEPS", "heatmap"]

STEPS = 8
_NUMBERS = 12
_NAME = 16


def heatmap(matrix: npt.NDArray[np.float64], names: Sequence[str], noun: str, label: str) -> Markup:
    """Draw a matrix; off the diagonal, the darker the more.

    Parameters
    ----------
    matrix : (n, n) float
        Of rows and columns, as they are called in ``label``.
    names : sequence of str
        As in the data: they are cut and made safe here.
    noun : str
        What is counted, in the plural.
    label : str
        Description of the picture for those who cannot see it.
    """
    n = len(names)
    cell = 44.0 if n <= 6 else 34.0 if n <= _NUMBERS else 22.0
    shown = [cut(safe(name, 60), _NAME) for name in names]
    margin = 14.0 + 6.7 * max(map(len, shown), default=0)
    side = margin + n * cell
    high = max((matrix[i, j] for i in range(n) for j in range(n) if i != j), default=0.0)
    parts = []
    for i in range(n):
        middle = margin + (i + 0.5) * cell
        parts.append(element("text", shown[i], cls="tick end", x=margin - 8.0, y=middle + 4.0))
        turned = f"translate({middle + 4.0:.1f} {margin - 8.0:.1f}) rotate(-90)"
        parts.append(element("text", shown[i], cls="tick", transform=turned))
        parts += [
            _cell(
                matrix[i, j],
                high,
                (margin + j * cell, margin + i * cell),
                cell - 1.5,
                "" if i == j else f"{shown[i]} → {shown[j]}: {count(matrix[i, j])} {noun}",
            )
            for j in range(n)
        ]
        if n <= _NUMBERS:
            parts += [
                _number(matrix[i, j], high, margin + (j + 0.5) * cell, middle + 4.0)
                for j in range(n)
                if i != j and round(matrix[i, j])
            ]
    return element(
        "svg",
        *parts,
        cls="heat",
        viewBox=f"0 0 {side + 4:.0f} {side + 4:.0f}",
        width=f"{side + 4:.0f}",
        role="img",
        aria_label=label,
    )


def _level(value: float, high: float) -> int:
    """Return a step from 0 to STEPS, by the square root, so that rare confusions are seen."""
    if value <= 0 or high <= 0:
        return 0
    return max(1, min(STEPS, math.ceil(STEPS * math.sqrt(value / high))))


def _cell(value: float, high: float, corner: tuple[float, float], size: float, told: str) -> Markup:
    cls = f"h{_level(value, high)}" if told else "same"
    title = [element("title", told)] if told and round(value) else []
    x, y = corner
    return element("rect", *title, cls=cls, x=x, y=y, width=size, height=size, rx="2")


def _number(value: float, high: float, x: float, y: float) -> Markup:
    dark = " on-dark" if _level(value, high) > STEPS // 2 else ""
    text = count(value) if value < 10_000 else f"{value / 1000:.0f}k"
    return element("text", text, cls=f"cell middle{dark}", x=x, y=y)
