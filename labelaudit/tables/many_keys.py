"""More keys than fit in memory, compared: hashes first, and values where hashes are equal."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.shelves import TemporaryFolder, spilling
from labelaudit.tables.arrays import null_mask, numbers, viewed
from labelaudit.tables.issue_ids import issue_digests
from labelaudit.tables.repeats import Repeats
from labelaudit.tables.sorted_runs import in_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["RowsFound", "missing_and_repeated"]

_SHOWN = 5
_BUCKETS = 64
_AT_ONCE = 1 << 20
_LISTED = 1 << 20
# 2^64 over the golden ratio, odd: what is multiplied by it stays different, and is spread out.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(slots=True)
class RowsFound:
    """How many rows there are of a kind, and the first few.

    Attributes
    ----------
    count : int
    first : int64
        Ascending.
    """

    count: int = 0
    first: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, rows: npt.NDArray[np.int64]) -> None:
        """Count some rows."""
        self.count += len(rows)
        self.first = np.sort(np.concatenate([self.first, np.sort(rows)[:_SHOWN]]))[:_SHOWN]


def missing_and_repeated(
    column: Callable[[], Iterator[pa.Array]], memory: int
) -> tuple[RowsFound, RowsFound]:
    """Return the rows without a key, and those whose key an earlier row has.

    Parameters
    ----------
    column : callable
        Reads the keys, in row order, of a type that can be compared and is no dictionary.
    memory : int
        Bytes to take, about.
    """
    missing, repeated = RowsFound(), RowsFound()
    with TemporaryFolder() as folder:
        room = _made(folder.path / "hashes")
        repeats, row = Repeats(room, memory), 0
        for keys in column():
            missing.add(row + np.flatnonzero(null_mask(keys)))
            repeats.add(_hashes(keys.drop_null()))
            row += len(keys)
        suspects = _listed(repeats)
        if suspects is None or len(suspects):
            for bucket in _buckets(column(), suspects, _made(folder.path / "keys")):
                for rows in _repeats_in(bucket):
                    repeated.add(rows)
    return missing, repeated


def _made(path: Path) -> Path:
    with spilling(path.parent):
        path.mkdir()
    return path


def _listed(repeats: Repeats) -> npt.NDArray[np.uint64] | None:
    """Return the hashes that came more than once; None if they are too many to be listed."""
    parts = repeats.parts(_LISTED)
    first = next(parts, np.empty(0, np.uint64))
    return first if next(parts, None) is None else None


def _hashes(keys: pa.Array) -> npt.NDArray[np.uint64]:
    """Return a number for each key, the same for equal ones."""
    kind = keys.type
    if pt.is_temporal(kind):
        keys = keys.view(pa.int64() if kind.bit_width == 64 else pa.int32())
    if pt.is_integer(keys.type):
        return viewed(keys).astype(np.uint64) * _SPREAD
    if pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind):
        keys = keys.cast(pa.binary())
    return issue_digests([("key",)], np.zeros(len(keys), np.int32), keys)


def _buckets(
    column: Iterator[pa.Array], suspects: npt.NDArray[np.uint64] | None, folder: Path
) -> Iterator[Iterator[pa.Table]]:
    """Share keys out by their hashes, and yield those of each share in row order."""
    paths = [folder / f"{i}.arrow" for i in range(_BUCKETS)]
    row, schema = 0, None
    with ExitStack() as stack:
        writers: list[Any] = []
        for keys in column:
            rows = row + np.flatnonzero(~null_mask(keys))
            row += len(keys)
            table, ends = _shared_out(keys.drop_null(), rows, suspects)
            if schema is None:
                schema = table.schema
                writers = [stack.enter_context(_writer(path, schema)) for path in paths]
            with spilling(folder):
                for writer, start, end in zip(writers, ends[:-1], ends[1:], strict=True):
                    writer.write_table(table.slice(start, end - start))
        with spilling(folder):
            stack.close()
    for path in paths if schema is not None else ():
        yield _read(path)


def _writer(path: Path, schema: pa.Schema) -> Any:
    with spilling(path.parent):
        return pa.ipc.new_file(pa.OSFile(str(path), "wb"), schema)


def _shared_out(
    keys: pa.Array, rows: npt.NDArray[np.int64], suspects: npt.NDArray[np.uint64] | None
) -> tuple[pa.Table, list[int]]:
    """Return the keys that may be repeated, share by share, and where each share begins."""
    hashes = _hashes(keys)
    which = np.arange(len(keys))
    if suspects is not None:
        which = np.flatnonzero(np.isin(hashes, suspects))
    share = (hashes[which] >> np.uint64(58)).astype(np.uint8)
    which = which[np.argsort(share, kind="stable")]
    ends = np.concatenate([[0], np.cumsum(np.bincount(share, minlength=_BUCKETS))])
    table = pa.table({"key": keys.take(numbers(which)), "row": numbers(rows[which])})
    return table, ends.tolist()


def _read(path: Path) -> Iterator[pa.Table]:
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
        for i in range(reader.num_record_batches):
            yield pa.Table.from_batches([reader.get_batch(i)])


def _repeats_in(bucket: Iterator[pa.Table]) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the rows whose key an earlier row of the share has."""
    seen: pa.Array | None = None
    for table in in_blocks(bucket, _AT_ONCE):
        encoded = pc.dictionary_encode(table["key"].chunk(0))
        codes, different = viewed(encoded.indices), encoded.dictionary
        first = np.empty(len(different), np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        if seen is None:
            seen, known = different, np.zeros(len(different), np.bool_)
        else:
            met = pc.is_in(different, value_set=seen)
            known = np.asarray(met.cast(pa.uint8())).astype(np.bool_)
            seen = pa.concat_arrays([seen, different.filter(pc.invert(met))])
        again = known[codes] | (first[codes] != np.arange(len(codes)))
        yield viewed(table["row"].chunk(0))[again].astype(np.int64)
