"""Tables that another engine holds, such as Spark or Ray: it brings the batches to the steps."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.cluster.numbering import Numbering, row_numbers, runs_of
from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.errors import InputError, LabelauditError, UsageError
from labelaudit.tables.arrays import numbers
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt


__all__ = ["ANSWER", "EngineTable", "Step", "consecutive", "demand_all"]

ANSWER = pa.schema([("first_row", pa.int64()), ("rows", pa.int64()), ("summary", pa.binary())])
"""What a step gives: of some rows the number of the first, how many they are, and what it found."""

_FAILED = -1
_PEEK_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be done with all batches of a table, wherever they are: picklable.

    Called with an iterable of ``pyarrow.RecordBatch``, it yields batches of the schema ``ANSWER``.

    Attributes
    ----------
    work : callable
        Called with the batches; yields (first row, rows, summary).
    """

    work: Callable[[Iterator[pa.RecordBatch]], Iterator[tuple[int, int, bytes]]]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Do it with some of the batches."""
        try:
            for found in self.work(iter(batches)):
                yield _answer(*found)
        except LabelauditError as error:
            # Engines wrap what is raised in words of their own; what is answered comes through.
            yield _answer(0, _FAILED, packed(error))

    def on_table(self, table: pa.Table) -> pa.Table:
        """Do it with a ``pyarrow.Table`` of some of the rows, for engines that bring tables."""
        return pa.Table.from_batches(self(table.to_batches()), ANSWER)


def _answer(first_row: int, rows: int, summary: bytes) -> pa.RecordBatch:
    return pa.record_batch([[first_row], [rows], [summary]], schema=ANSWER)


@dataclass(frozen=True)
class EngineTable:
    """A table that another engine holds.

    It is audited where it is: the engine is given one step after the other, runs it over all
    batches, and hands back what the step gives, which is small.

    Parameters
    ----------
    schema : pyarrow.Schema
        Columns and types of the batches.
    run : callable
        Called with a ``Step``. It has the engine call the step with the batches of each partition,
        and returns all that these calls give, in any order: a ``pyarrow.Table``, or record batches.
    row : str
        A column of integers that number the rows: never the same twice, and going up by one within
        each partition. Gaps between partitions do not matter.
    name : str
        What the table is called in messages.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({
    ...     "row": list(range(40)),
    ...     "label": ["cat"] + ["dog", "cat"] * 19 + ["dog"],
    ...     "p_cat": [0.1] * 2 + [0.9, 0.1] * 19,
    ...     "p_dog": [0.9] * 2 + [0.1, 0.9] * 19,
    ... })
    >>> import labelaudit
    >>> rows = labelaudit.EngineTable(table.schema, lambda step: step(table.to_batches()))
    >>> labelaudit.find_issues(rows).table["row"].to_pylist()
    [0]
    """

    schema: pa.Schema
    run: Callable[[Step], pa.Table | Iterable[pa.RecordBatch]]
    row: str = "row"
    name: str = "the engine's table"
    path: ClassVar[str] = ""
    format: ClassVar[str] = "batches"
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        found = self.schema.get_field_index(self.row)
        if found < 0 or not pt.is_integer(self.schema.field(found).type):
            raise UsageError(
                f"There is no column {safe(self.row)} of integers to number the rows.",
                "Add one, and name it with row=.",
            )

    @cached_property
    def numbering(self) -> Numbering:
        """How the rows are numbered: the engine is asked once."""
        found = self.answers(Step(_Survey(self.row)))
        return Numbering.of([unpacked(summary) for _, _, summary in found], self.row)

    @property
    def group_rows(self) -> tuple[int, ...]:
        """All rows: the engine alone knows how they are stored."""
        return (self.numbering.rows,) if self.numbering.rows else ()

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return nothing: the engine alone knows how many bytes it reads."""
        return tuple(0 * len(columns) for _ in self.group_rows)

    def answers(self, step: Step) -> list[tuple[int, int, bytes]]:
        """Have the engine run a step; answers come in row order.

        Raises
        ------
        LabelauditError
            If the step does, wherever it ran.
        InputError
            If the engine gives back something else.
        """
        with self._lock:  # not every engine is for several threads
            given = self.run(step)
            batches = given.to_batches() if isinstance(given, pa.Table) else _iterable(given)
            found = list(chain.from_iterable(map(_rows_of, batches)))
        failed = [summary for _, rows, summary in found if rows == _FAILED]
        if failed:
            raise unpacked(failed[0])
        return sorted(found, key=lambda answer: answer[:2])

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Have the engine send these columns of all rows, and yield them in order.

        Of lists, which are long, the first rows come apart: they may be all that is looked at.
        """
        if not groups:
            return
        if any(pt.is_nested(self.schema.field(name).type) for name in columns):
            first = np.arange(min(_PEEK_ROWS, self.numbering.rows))
            yield from self._sent(columns, first).to_batches(max_chunksize=batch_rows)
            rest = self._sent(columns, None).slice(len(first))
        else:
            rest = self._sent(columns, None)
        yield from rest.to_batches(max_chunksize=batch_rows)

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Have the engine send these columns of these rows (0-based, ascending)."""
        return self._sent(columns, rows)

    def _sent(self, columns: Sequence[str], rows: npt.NDArray[np.int64] | None) -> pa.Table:
        step = Step(_Send(self.row, self.numbering, tuple(columns), rows))
        sent = [pa.ipc.open_stream(summary).read_all() for _, _, summary in self.answers(step)]
        fields = pa.schema([self.schema.field(name) for name in columns])
        whole = pa.concat_tables([fields.empty_table(), *(each.cast(fields) for each in sent)])
        expected = self.numbering.rows if rows is None else len(rows)
        demand_all(whole.num_rows, expected)
        return whole


def demand_all(found: int, expected: int) -> None:
    """Raise if an engine gives more or fewer rows than it did before.

    Raises
    ------
    InputError
    """
    if found != expected:
        raise InputError(
            f"The engine gives {found:,} rows, and gave {expected:,} before.",
            "Have it give the same rows each time: keep the table before the audit.",
        )


def _iterable(given: Any) -> Iterable[Any]:
    """Raise ``UsageError`` if an engine gives back what holds no batches."""
    if isinstance(given, Iterable):
        return given
    remedy = "Return the batches that the step yields, or a pyarrow.Table of them."
    if given is None:
        remedy = f"A return may be missing in it. {remedy}"
    raise UsageError(f"run= gave {type(given).__name__}, not what the step gives.", remedy)


def _rows_of(batch: Any) -> Iterator[tuple[int, int, bytes]]:
    if not isinstance(batch, pa.RecordBatch) or not set(ANSWER.names) <= set(batch.schema.names):
        raise UsageError(
            f"run= gave {type(batch).__name__}, not what the step gives.",
            "Return the batches that the step yields, or a pyarrow.Table of them.",
        )
    columns = (batch.column(name).to_pylist() for name in ANSWER.names)
    return zip(*columns, strict=True)


@dataclass(frozen=True, slots=True)
class _Survey:
    row: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, int, bytes]]:
        found = [runs_of(row_numbers(batch, self.row), self.row) for batch in batches]
        here = Numbering.of(found, self.row)
        if here.rows:
            runs = np.stack([here.starts, here.ends], axis=1)
            yield int(here.starts[0]), here.rows, packed(runs)


@dataclass(frozen=True, slots=True)
class _Send:
    row: str
    numbering: Numbering
    columns: tuple[str, ...]
    rows: npt.NDArray[np.int64] | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, int, bytes]]:
        for batch in batches:
            for first_row, part in consecutive(batch, self.row, self.numbering):
                chosen = part.select(self.columns)
                if self.rows is not None:
                    low, high = np.searchsorted(self.rows, (first_row, first_row + len(chosen)))
                    if low == high:
                        continue
                    chosen = chosen.take(numbers(self.rows[low:high] - first_row))
                yield first_row, chosen.num_rows, _packed(chosen)


def consecutive(
    batch: pa.RecordBatch, column: str, numbering: Numbering
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut a batch where its rows are not neighbours; each part with the number of its first row."""
    if not batch.num_rows:
        return
    at = 0
    for start, end in runs_of(row_numbers(batch, column), column).tolist():
        yield numbering.dense(start), batch.slice(at, end - start)
        at += end - start


def _packed(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed
