"""Known labels of the tasks of one part of the votes after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.tables.arrays import numbers
from labelaudit.tables.gold import (
    SOME,
    gold_table,
    has_gold,
    one_of_each,
    refuse_gold_alone,
    refuse_strange_gold,
    refuse_torn_gold,
)
from labelaudit.tables.vote_codes import NO_CODE, as_text

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.tables.vote_classes import VoteClasses
    from labelaudit.tables.vote_runs import TaskPart
    from labelaudit.tables.votes import VoteSource

    Codes = npt.NDArray[np.int32]

__all__ = ["GoldColumn", "GoldFile", "GoldParts", "NoGold", "gold_parts"]


class GoldParts(ABC):
    """Takes parts with ascending tasks; what is wrong is told when all have come."""

    def __init__(self) -> None:
        self.torn = 0
        self.some: list[str] = []

    @abstractmethod
    def of(self, part: TaskPart) -> Codes:
        """Return the known class of each task of a part, -1 where there is none."""

    @abstractmethod
    def check(self) -> None:
        """Raise ``InvalidDataError`` if gold labels contradict each other, or are no classes."""

    def _tear(self, tasks: pa.Array, torn: Codes) -> None:
        self.torn += len(torn)
        self.some += as_text(tasks.take(numbers(torn[: SOME - len(self.some)])))


class NoGold(GoldParts):
    """No label is known."""

    def of(self, part: TaskPart) -> Codes:
        """Return -1 for each task."""
        return np.full(len(part.tasks), NO_CODE, np.int32)

    def check(self) -> None:
        """Do nothing."""


class GoldColumn(GoldParts):
    """Known labels beside the votes.

    Parameters
    ----------
    values : pyarrow.Array
        The different labels.
    code : (numbers + 1,) int32
        Place among them of each number in the column ``gold`` of parts; the last is for -1.
    classes : VoteClasses
    """

    def __init__(self, values: pa.Array, code: Codes, classes: VoteClasses) -> None:
        super().__init__()
        self.values, self.code, self.classes = values, code, classes
        self.label = np.append(classes.codes_of(values), np.int32(NO_CODE))
        self.strange: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def of(self, part: TaskPart) -> Codes:
        """Return the known class of each task of a part, -1 where there is none."""
        said = self.code[part.columns["gold"]]
        known = said >= 0
        label = self.label[said[known]]
        self.strange = np.union1d(self.strange, said[known][label < 0])
        gold, torn = one_of_each(part.task[known], label, len(part.tasks))
        self._tear(part.tasks, torn)
        return gold

    def check(self) -> None:
        """Raise ``InvalidDataError`` if gold labels contradict each other, or are no classes."""
        refuse_strange_gold(self.values, self.strange, self.classes)
        refuse_torn_gold(self.torn, self.some)


class GoldFile(GoldParts):
    """Known labels in a table of their own, which is held.

    Parameters
    ----------
    source : VoteSource
    classes : VoteClasses
    """

    def __init__(self, source: VoteSource, classes: VoteClasses) -> None:
        super().__init__()
        self.table, self.classes = gold_table(source), classes
        known = (self.table.said >= 0) & (self.table.task >= 0)
        label = np.append(classes.codes_of(self.table.values), np.int32(NO_CODE))
        self.strange = np.unique(self.table.said[known & (label[self.table.said] < 0)])
        n_tasks = len(self.table.tasks)
        self.gold, torn = one_of_each(
            self.table.task[known], label[self.table.said[known]], n_tasks
        )
        self.is_torn = np.zeros(n_tasks, np.bool_)
        self.is_torn[torn] = True
        self.met = np.zeros(n_tasks, np.bool_)
        self.place = {text: k for k, text in enumerate(as_text(self.table.tasks))}

    def of(self, part: TaskPart) -> Codes:
        """Return the known class of each task of a part, -1 where there is none."""
        places = [self.place.get(text, NO_CODE) for text in as_text(part.tasks)]
        place = np.array(places, np.int32)
        here = np.flatnonzero(place >= 0)
        self.met[place[here]] = True
        gold = np.full(len(place), NO_CODE, np.int32)
        gold[here] = self.gold[place[here]]
        self._tear(part.tasks, here[self.is_torn[place[here]]].astype(np.int32))
        return gold

    def check(self) -> None:
        """Raise ``InvalidDataError`` if labels are no classes, or tasks none of the votes'."""
        refuse_gold_alone(self.table.tasks, np.flatnonzero(~self.met))
        refuse_strange_gold(self.table.values, self.strange, self.classes)
        refuse_torn_gold(self.torn, self.some)


def gold_parts(
    source: VoteSource, classes: VoteClasses, column: tuple[pa.Array, Codes] | None
) -> GoldParts:
    """Return what finds the known labels of parts.

    ``column`` are the labels beside the votes and their codes, as ``Entries.finish`` gives them.
    """
    if not has_gold(source):
        return NoGold()
    return GoldFile(source, classes) if column is None else GoldColumn(*column, classes)
