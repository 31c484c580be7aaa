"""Partitions that are decoded while the process still loads what will count in them.

Loading takes one core and the interpreter. Decoding hardly needs the interpreter, so its first
partitions are there by the time the first reading begins.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labelaudit.running import Ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelaudit.blocks import Partition
    from labelaudit.tables.label_source import LabelSource

__all__ = ["head_start"]

_PATIENCE = 1e-4
"""Seconds that a thread waits before it asks for the interpreter, instead of 5 ms.

Decoding needs it for moments between batches. Importing never lets go of it by itself, so that at
5 ms the thread would wait most of the time.
"""


@contextmanager
def head_start(source: LabelSource, room: int) -> Iterator[LabelSource]:
    """Decode the first partitions of a source in another thread, until they are read.

    Parameters
    ----------
    source : LabelSource
    room : int
        Bytes of decoded rows that may wait; of 0 nothing is decoded.

    Yields
    ------
    LabelSource
        The same source. Whoever reads one of those partitions first gets what is decoded of it
        and waits for the rest; from then on they are read as others are.
    """
    begun = tuple(_begun(source, room))
    thread = threading.Thread(
        target=_decode, args=(begun,), name="labelaudit-head-start", daemon=True
    )
    thread.start()
    patience = sys.getswitchinterval()
    sys.setswitchinterval(_PATIENCE)
    try:
        yield replace(source, partitions=(*begun, *source.partitions[len(begun) :]))
    finally:
        sys.setswitchinterval(patience)
        for each in begun:
            each.stop()
        thread.join()


def _begun(source: LabelSource, room: int) -> Iterator[_Begun]:
    block = source.decoder.block_rows * source.decoder.row_bytes
    for partition, size in zip(source.partitions, source.partition_bytes, strict=True):
        if room <= 0:
            return
        yield _Begun(partition, 0 if size <= room else max(room // block, 1))
        room -= size


def _decode(partitions: Sequence[_Begun]) -> None:
    for each in partitions:
        each.decode()


class _Begun:
    """A partition that is decoded by the thread or by its first reader, whoever comes first.

    Pickled, it is the partition alone.

    Parameters
    ----------
    partition : Partition
    most : int
        Blocks that may wait; 0 for all of them.
    """

    __slots__ = ("_ahead", "_is_read", "_lock", "_most", "_partition")

    def __init__(self, partition: Partition[Any], most: int) -> None:
        self._partition = partition
        self._most = most
        self._lock = threading.Lock()
        self._is_read = False
        self._ahead: Ahead[Any] | None = None

    @property
    def first_row(self) -> int:
        """0-based row in the whole input of the first row."""
        return self._partition.first_row

    def decode(self) -> None:
        """Decode the blocks, unless somebody reads them already."""
        with self._lock:
            if self._is_read:
                return
            ahead = self._ahead = Ahead(self._partition.blocks(), self._most)
        ahead.produce()

    def stop(self) -> None:
        """Decode no more."""
        with self._lock:
            self._is_read = True
        if self._ahead is not None:
            self._ahead.stop()

    def blocks(self) -> Iterator[Any]:
        """Yield the blocks, from memory where they are."""
        with self._lock:
            first, self._is_read = not self._is_read, True
        if first and self._ahead is not None:
            return self._ahead.taken()
        return self._partition.blocks()

    def __reduce__(self) -> tuple[object, ...]:
        return _alone, (self._partition,)


def _alone(partition: Partition[Any]) -> Partition[Any]:
    return partition
