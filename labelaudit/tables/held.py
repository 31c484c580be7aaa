"""Blocks kept in memory while they fit a budget, so that files are decoded once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelaudit.blocks import LabelBlock, Partition

__all__ = ["Budget", "HeldPartition"]


@dataclass(slots=True)
class Budget:
    """Bytes that several threads may still take."""

    left: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, amount: int) -> bool:
        """Take an amount, or nothing if there is less left."""
        with self.lock:
            if amount > self.left:
                return False
            self.left -= amount
            return True

    def give_back(self, amount: int) -> None:
        """Return what was taken."""
        with self.lock:
            self.left += amount


class HeldPartition:
    """A partition that remembers its blocks after it was read to the end for the first time.

    Pickled, it is the partition alone.
    """

    __slots__ = ("_blocks", "_budget", "_bytes", "_partition")

    def __init__(self, partition: Partition[LabelBlock], size: int, budget: Budget) -> None:
        self._partition = partition
        self._bytes = size
        self._budget = budget
        self._blocks: tuple[LabelBlock, ...] | None = None

    @property
    def first_row(self) -> int:
        """0-based row in the whole input of the first row."""
        return self._partition.first_row

    def blocks(self) -> Iterator[LabelBlock]:
        """Yield the blocks, from memory where they are."""
        if self._blocks is not None:
            yield from self._blocks
        elif self._budget.take(self._bytes):
            yield from self._read_and_keep()
        else:
            yield from self._partition.blocks()

    def _read_and_keep(self) -> Iterator[LabelBlock]:
        kept = []
        try:
            for block in self._partition.blocks():
                kept.append(block)
                yield block
            if self._blocks is None:
                self._blocks = tuple(kept)
                return
        except BaseException:
            self._budget.give_back(self._bytes)
            raise
        self._budget.give_back(self._bytes)

    def __reduce__(self) -> tuple[object, ...]:
        return _alone, (self._partition,)


def _alone(partition: Partition[LabelBlock]) -> Partition[LabelBlock]:
    return partition
