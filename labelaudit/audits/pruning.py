"""Which rows pruning by noise rate may take: those with the lowest margins of each cell.

Margins that may be among the lowest stay with the pieces; what is found of them is, for each cell,
the margin at which the lowest ones end, and the last row that has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.brackets import (
    NOT_COUNTED,
    SLACK,
    Bracket,
    Brought,
    Column,
    Question,
    Values,
)
from labelaudit.audits.facts import facts_of
from labelaudit.audits.selection import Guess, cuts_within, lowest_cuts
from labelaudit.summaries.margins import LowMargins, Margins

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.ground import Ground, Piece, Stretch
    from labelaudit.audits.selection import Cut
    from labelaudit.summaries.margins import Cells

__all__ = [
    "MARGINS",
    "SketchMargins",
    "by_cell",
    "guessed",
    "keep_margins",
    "lowest_margins",
    "taken_rows",
]

MARGINS = "margins"


def by_cell(piece: Piece) -> Column:
    """Return the margins that a piece keeps, cell by cell."""
    return _column(piece.get(MARGINS))


def _column(kept: Margins) -> Column:
    return Column(kept.margin, np.ones(len(kept.row), np.bool_), kept.cell, kept.row)


def keep_margins(piece: Piece, *taken: Margins, more: bool) -> None:
    """Keep margins of a piece, beside those that are kept or in place of them."""
    piece.put(MARGINS, Margins.joined((piece.get(MARGINS), *taken) if more else taken))


@dataclass(frozen=True, slots=True)
class SketchMargins:
    """The step that takes negative margins of every so many rows.

    Attributes
    ----------
    asked : LowMargins
    every : int
    """

    asked: LowMargins
    every: int

    def __call__(self, stretch: Stretch) -> Brought:
        """Look at some pieces."""
        parts = []
        for piece in stretch.pieces:
            some = np.arange(0, piece.rows, self.every, dtype=np.int32)
            found = self.asked.of_leading(facts_of(piece), True, some)
            parts.append(Values.of(_column(found), np.arange(len(found.row)), piece.first_row))
        return Brought((NOT_COUNTED,), (tuple(parts),))


def guessed(ground: Ground, asked: LowMargins, every: int) -> Guess:
    """Guess from every so many rows where the lowest negative margins of each cell end.

    An end that is infinite says nothing; what lies up to the others is to be counted.
    """
    (found,) = reduce(add, ground.over(SketchMargins(asked, every))).parts
    sample, wanted = Values.joined(found), asked.cells.wanted
    size = np.maximum(every * np.bincount(sample.group, minlength=len(wanted)), wanted)
    question, counts = Question(by_cell, wanted, size), np.zeros((4, len(wanted)), np.int64)
    counts[3] = size
    bracket, expected = Bracket.open(question).narrowed(question, counts, sample, SLACK)
    return Guess((bracket,), expected)


def lowest_margins(
    ground: Ground, cells: Cells, taken: npt.NDArray[np.int64], guess: Guess | None = None
) -> Cut:
    """Find where the lowest margins of each cell end, of those that the pieces keep.

    Parameters
    ----------
    ground : Ground
    cells : Cells
    taken : (C,) int64
        How many are kept of each cell.
    guess : Guess or None
    """
    questions, size = [Question(by_cell, cells.wanted, taken)], int(taken.sum())
    if guess is None:
        (cut,) = lowest_cuts(ground, questions, size)
    else:
        (cut,) = cuts_within(ground, questions, guess, size)
    return cut


def taken_rows(piece: Piece, cut: Cut) -> npt.NDArray[np.bool_]:
    """(n,) bool: the rows of a piece that are among the lowest of any cell."""
    column = by_cell(piece)
    rows = np.zeros(piece.rows, np.bool_)
    rows[piece.get(MARGINS).row[cut.flags(column, piece.first_row)]] = True
    return rows
