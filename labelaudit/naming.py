"""Keys and kept columns of the input, put to what an audit found."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.errors import InvalidDataError
from labelaudit.running import each
from labelaudit.tables.held_keys import HeldKeys

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.running import Executor
    from labelaudit.tables.source import LabelSource

__all__ = ["keys_and_kept", "with_sound_keys"]

PARTS = 4


def with_sound_keys(source: LabelSource, skip_invalid: bool) -> tuple[LabelSource, tuple[str, ...]]:
    """Use row numbers in place of a key that was only guessed and does not name rows."""
    held = HeldKeys(source.rows)
    problem = source.check_keys(held)
    if problem is None:
        # What is held is counted among the rows that are read.
        complete = held.complete and source.understanding.where is None
        return (replace(source, keys=held) if complete else source), ()
    if source.key_is_inferred:
        return source.without_key(), (f"{problem.sentence} Row numbers are the keys.",)
    if skip_invalid:
        return source, (f"{problem.sentence} Issues of equal keys are numbered.",)
    raise InvalidDataError([problem.sentence], problem.remedy)


def keys_and_kept(
    source: LabelSource, rows: npt.NDArray[np.int64], on: Executor
) -> tuple[pa.Array, pa.Table | None]:
    """Read the keys and the kept columns of the ranked rows, as numbered in the whole input."""
    key, keep = source.roles.key, list(source.roles.keep)
    wanted = [*keep, *([key] if key else [])]
    if not wanted:
        return pa.array(rows), None
    if not keep and source.keys is not None:
        return source.keys.take(rows), None
    order = np.argsort(rows, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    parts = [part for part in np.array_split(rows[order], PARTS) if len(part)] or [rows]
    taken = pa.concat_tables(each(partial(source.take, columns=wanted), parts, on))
    taken = taken.unify_dictionaries().take(pa.array(back))
    keys = _one_chunk(taken[key]) if key else pa.array(rows)
    return keys, taken.select(keep) if keep else None


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
