"""Lazy tables of other libraries: run once, a batch at a time, into a temporary file.

Audits read a table more than once, and a query may give other rows, or rows in another order, when
it is run again. So it is run once. In memory there are some batches only, and on disk the columns
in use.
"""

from __future__ import annotations

import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from labelaudit.errors import MissingExtraError
from labelaudit.shelves import temporary_base
from labelaudit.tables.arrow_ipc import ArrowTable, open_arrow
from labelaudit.tables.boundary import reading
from labelaudit.tables.input_file import InputFile, state_of
from labelaudit.tables.views import plain_batch, without_views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Batches = Callable[[Sequence[str]], Iterable[pa.Table | pa.RecordBatch]]

__all__ = ["SpooledTable", "spooled_table"]

_NAME = "the table in memory"
_REMEDY = "Run the query or the data set by itself, to see what is wrong with it."
_BATCH_ROWS = 65_536
_GROUP_ROWS = 131_072


class _Spool:
    """A temporary file that goes when nothing refers to this any more."""

    def __init__(self) -> None:
        with tempfile.NamedTemporaryFile(
            dir=temporary_base(), prefix="labelaudit-", suffix=".arrow", delete=False
        ) as file:
            self.path = file.name
        self.remove = weakref.finalize(self, Path(self.path).unlink, missing_ok=True)

    def __reduce__(self) -> tuple[object, ...]:
        # Whoever gets a copy in another process does not own the file.
        return _nobody, ()


def _nobody() -> None:
    return None


@dataclass(frozen=True, slots=True)
class SpooledTable(ArrowTable):
    """A table that is in a temporary file for as long as this is there."""

    spool: _Spool | None = None

    @property
    def path(self) -> str:
        """Nowhere: the file is ours."""
        return ""


def spooled_table(data: Any, choose: Callable[[pa.Schema], Sequence[str]]) -> SpooledTable | None:
    """Return a lazy table, run and kept in a temporary file; None for anything else.

    Parameters
    ----------
    data : object
        A polars LazyFrame, a DuckDB relation, a Hugging Face dataset (of which ``select()``,
        ``filter()`` and the like are respected), or a ``pyarrow.RecordBatchReader``.
    choose : callable
        Says which columns of the schema are needed.

    Raises
    ------
    InputError
        If running it fails.
    """
    with reading(_NAME, _REMEDY):
        found = _stream(data)
    if found is None:
        return None
    schema, batches = found
    plain = without_views(schema)
    columns = [name for name in plain.names if name in set(choose(plain))]
    # What is to be said of a table without any is said by whoever reads it.
    columns = columns or plain.names[:1]
    fields = pa.schema([plain.field(name) for name in columns], schema.metadata)
    spool = _Spool()
    with reading(_NAME, _REMEDY):
        _write(spool.path, fields, batches(columns))
    file = InputFile(spool.path, _NAME, "arrow", *state_of(spool.path))
    table = open_arrow(file)
    return SpooledTable(file, table.schema, table.group_rows, table.is_stream, "memory", spool)


def _write(path: str, fields: pa.Schema, batches: Iterable[pa.Table | pa.RecordBatch]) -> None:
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_file(path, fields, options=options) as sink:
        for batch in _joined(_plain(batches, fields)):
            sink.write_table(batch, _GROUP_ROWS)


def _plain(
    batches: Iterable[pa.Table | pa.RecordBatch], fields: pa.Schema
) -> Iterator[pa.RecordBatch]:
    for each in batches:
        for batch in each.to_batches() if isinstance(each, pa.Table) else [each]:
            yield plain_batch(batch.select(fields.names)).cast(fields)


def _joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join small batches: each is a row group."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _GROUP_ROWS:
            yield pa.Table.from_batches(held).combine_chunks()
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _stream(data: Any) -> tuple[pa.Schema, Batches] | None:
    """Return the schema of a lazy table, and what runs some of its columns."""
    home = type(data).__module__.lstrip("_").partition(".")[0]
    if isinstance(data, pa.RecordBatchReader):
        return data.schema, lambda _: data
    if home == "polars" and hasattr(data, "collect_schema") and hasattr(data, "lazy"):
        return _lazy_frame(data) if hasattr(data, "sink_ipc") else None
    if home == "duckdb" and hasattr(data, "project"):
        return data.limit(0).to_arrow_table().schema, lambda names: _relation(data, names)
    if home == "datasets" and getattr(data, "features", None) is not None:
        return data.features.arrow_schema, lambda names: _dataset(data, names)
    return None


def _lazy_frame(data: Any) -> tuple[pa.Schema, Batches]:
    if not hasattr(data, "collect_batches"):
        raise MissingExtraError(
            "This polars cannot run a LazyFrame in batches.", "pip install -U polars"
        )

    def batches(names: Sequence[str]) -> Iterator[pa.Table]:
        for frame in data.select(names).collect_batches(
            maintain_order=True, chunk_size=_BATCH_ROWS
        ):
            yield pa.table(frame)

    return pa.table(data.head(0).collect()).schema, batches


def _relation(data: Any, names: Sequence[str]) -> Iterable[pa.RecordBatch]:
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    chosen = data.project(quoted)
    # Named so since DuckDB 1.4.
    run = getattr(chosen, "to_arrow_reader", None) or chosen.fetch_record_batch
    reader: Iterable[pa.RecordBatch] = run(_BATCH_ROWS)
    return reader


def _dataset(data: Any, names: Sequence[str]) -> Iterable[pa.Table]:
    chosen = data.select_columns(list(names)).with_format("arrow")
    tables: Iterable[pa.Table] = chosen.iter(batch_size=_BATCH_ROWS)
    return tables
