"""How many of the wrong labels a review finds, by the number of rows that are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.reports.html import charts
from labelaudit.reports.html.svg import ticks
from labelaudit.reports.layout import plural

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.distributions import QualityBins

__all__ = ["expected_yield", "rows_for"]

WANTED = 0.8
FEWEST = 5.0
"""Of fewer wrong labels no share is worth promising: chance decides where they are."""


def expected_yield(bins: QualityBins | None, whole: int, flagged: int) -> dict[str, Any] | None:
    """Return the picture and the sentences of errors found against rows reviewed.

    None where hardly any label is expected to be wrong: then no share of them can be promised.

    Parameters
    ----------
    bins : QualityBins or None
    whole : int
        Rows that were audited.
    flagged : int
        Rows that are flagged.
    """
    if bins is None or bins.expected.sum() < FEWEST:
        return None
    rows = np.concatenate(([0], np.cumsum(bins.ranked))).astype(np.float64)
    found = _found(bins.expected)
    enough = rows_for(WANTED, rows, found)
    last = min(ticks(max(1.5 * enough, 10.0), 4)[-1], float(whole))
    at = np.unique(np.append(rows[rows < last], last))
    return {
        "picture": charts.yield_curve(
            at.tolist(),
            np.interp(at, rows, found).tolist(),
            (enough, WANTED),
            whole,
            "Share of the wrong labels found against rows reviewed, worst first",
        ),
        "review": plural(round(enough), "row"),
        "share": f"{100 * WANTED:.0f} %",
        "expected": plural(round(float(bins.expected.sum())), "label"),
        "flagged": plural(flagged, "row"),
        "at_flagged": f"{100 * float(np.interp(flagged, rows, found)):.0f} %",
    }


def rows_for(share: float, rows: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> float:
    """Return how many rows to review to find that share of the errors."""
    return float(np.ceil(np.interp(share, found, rows)))


def _found(errors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    total = np.concatenate(([0.0], np.cumsum(errors)))
    shares: npt.NDArray[np.float64] = total / max(float(total[-1]), 1e-300)
    return shares
