"""A table cut into pieces of bounded size: one rule, whether it is in memory or spilled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.running import give_back_memory, prefetched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

__all__ = ["PIECE_ROWS", "copied", "give_back", "in_pieces", "payload", "piece_rows", "row_groups"]

PIECE_ROWS = 1 << 16
GROUP_ROWS = 1 << 18
_PIECE_BYTES = 32 << 20
_GROUP_BYTES = 128 << 20


def in_pieces(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table into pieces of 65,536 rows, or fewer where they hold more than 32 MB.

    A table that is not in memory cuts itself by the same rule.
    """
    own = getattr(table, "pieces", None)
    if own is not None:
        yield from prefetched(own(), 1)
        return
    for start in range(0, max(table.num_rows, 1), PIECE_ROWS):
        block = table.slice(start, PIECE_ROWS)
        rows = piece_rows(payload(block))
        for at in range(0, max(block.num_rows, 1), rows):
            yield block.slice(at, rows)


def copied(piece: pa.Table) -> pa.Table:
    """Return a piece in memory of its own, each column in one chunk.

    Arrow writes a few bytes of what stands beside a slice, so that files of the same values differ.
    """
    import pyarrow as pa

    return pa.concat_tables([piece, piece.slice(0, 0), piece.slice(0, 0)]).combine_chunks()


def give_back() -> None:
    """Return to the system what Arrow and the C library hold for later."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    give_back_memory()


def piece_rows(size: int) -> int:
    """Return how many rows the pieces of a block have that holds so many bytes."""
    rows = PIECE_ROWS
    while size > _PIECE_BYTES and rows > 1:
        rows, size = rows // 2, size // 2
    return rows


def row_groups(table: pa.Table) -> Iterator[list[pa.Table]]:
    """Yield the pieces of each row group: 2^18 rows, or fewer if they hold more than 128 MB."""
    held: list[pa.Table] = []
    rows = size = 0
    for piece in in_pieces(table):
        held.append(piece)
        rows += piece.num_rows
        size += payload(piece)
        if rows >= GROUP_ROWS or size >= _GROUP_BYTES:
            yield held
            held, rows, size = [], 0, 0
    if held:
        yield held


def payload(table: pa.Table) -> int:
    """Return the bytes of all values: it depends on nothing else, such as how they are stored."""
    return sum(_size(chunk) for column in table.columns for chunk in column.chunks)


def _size(array: pa.Array) -> int:
    kind = array.type
    if hasattr(array, "storage"):
        return _size(array.storage)
    if _is_text(kind):
        return pc.sum(pc.binary_length(array)).as_py() or 0
    if pt.is_fixed_size_list(kind) or pt.is_list(kind) or pt.is_large_list(kind):
        return 4 * len(array) + _size(array.flatten())
    if pt.is_struct(kind):
        return _all(array.flatten())
    return len(array) * 8


def _all(arrays: Sequence[pa.Array]) -> int:
    return sum(map(_size, arrays))


def _is_text(kind: pa.DataType) -> bool:
    tests = (pt.is_string, pt.is_large_string, pt.is_binary, pt.is_large_binary)
    return any(test(kind) for test in tests)
