"""Tables of which only some rows are audited; row numbers stay those of the whole input."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.errors import NothingToAuditError
from labelaudit.tables.arrays import flags
from labelaudit.tables.conditions import columns_of, parse_condition
from labelaudit.tables.hive import HiveTable
from labelaudit.tables.matching import Bounds, Matcher, can_match
from labelaudit.tables.parts import check_parts
from labelaudit.tables.roles import existing_column
from labelaudit.tables.table import TableView
from labelaudit.tables.text_times import times_in_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.tables.table import InputTable

__all__ = ["SelectedTable", "filter_columns", "left_out", "numbered", "selected", "starts_of"]

_BATCH_ROWS = 1 << 17
_RUN_ROWS = 1 << 22


@dataclass(frozen=True, slots=True)
class SelectedTable(TableView):
    """A table with the rows for which a condition holds.

    Attributes
    ----------
    table : InputTable
        With all rows.
    first_row : int
        0-based row in the whole input of the table's first row.
    groups : tuple of int
        The row groups that have such rows.
    bits : tuple of uint8
        For each of them, a bit for each row.
    group_rows : tuple of int
        For each of them, how many such rows there are.
    """

    first_row: int
    groups: tuple[int, ...]
    bits: tuple[npt.NDArray[np.uint8], ...]
    group_rows: tuple[int, ...]

    @property
    def schema(self) -> pa.Schema:
        """Columns and types as in the input."""
        return self.table.schema

    @property
    def whole_rows(self) -> int:
        """Rows of the table, whether the condition holds for them or not."""
        return sum(self.table.group_rows)

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the stored bytes of these columns in each row group that is read."""
        sizes = self.table.group_bytes(columns)
        return tuple(sizes[group] for group in self.groups)

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read these columns of the rows in consecutive row groups, in order."""
        for run in self._runs(groups):
            mask = np.concatenate([self._mask(at) for at in run])
            whole = range(self.groups[run.start], self.groups[run.stop - 1] + 1)
            row = 0
            for batch in self.table.read(whole, columns, batch_rows):
                here = mask[row : row + batch.num_rows]
                row += batch.num_rows
                if here.all():
                    yield batch
                elif here.any():
                    yield batch.filter(flags(here))

    def _runs(self, groups: range) -> Iterator[range]:
        """Yield row groups that lie one behind the other, as many as are read at once."""
        start, rows = groups.start, 0
        for at in groups:
            apart = at > start and self.groups[at] != self.groups[at - 1] + 1
            if apart or rows > _RUN_ROWS:
                yield range(start, at)
                start, rows = at, 0
            rows += self.table.group_rows[self.groups[at]]
        if start < groups.stop:
            yield range(start, groups.stop)

    def _mask(self, at: int) -> npt.NDArray[np.bool_]:
        rows = self.table.group_rows[self.groups[at]]
        return np.unpackbits(self.bits[at], count=rows).astype(np.bool_)

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based in the whole table)."""
        return self.table.take(rows, columns)

    def numbered(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return rows, counted among those that are read, as rows of the whole input."""
        ends = np.cumsum(self.group_rows)
        starts = np.concatenate(([0], np.cumsum(self.table.group_rows)))[list(self.groups)]
        which = np.searchsorted(ends, rows, side="right")
        found = np.empty(len(rows), np.int64)
        for at in np.unique(which).tolist():
            here = which == at
            places = np.flatnonzero(self._mask(at))
            local = rows[here] - (ends[at] - self.group_rows[at])
            found[here] = self.first_row + starts[at] + places[local]
        return found


def filter_columns(where: str | None, schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns that a condition is about.

    Raises
    ------
    UsageError
        If the text is no condition, or there is no such column.
    """
    if where is None:
        return ()
    names = columns_of(parse_condition(where))
    return tuple(existing_column(schema, name, "--where") for name in names)


def selected(tables: Sequence[InputTable], where: str | None) -> tuple[InputTable, ...]:
    """Leave out the rows for which a condition does not hold; all tables, if there is none.

    Parameters
    ----------
    tables : sequence of InputTable
        Parts of one table, in row order.
    where : str or None

    Raises
    ------
    UsageError
        If the text is no condition, or does not fit the columns.
    InputError
        If a part has no such column.
    NothingToAuditError
        If it holds for no row.
    """
    if where is None:
        return tuple(tables)
    columns = filter_columns(where, tables[0].schema)
    check_parts(tables, columns)
    condition = parse_condition(where)
    times = times_in_text(tables, condition)
    found, first = [], 0
    for table in tables:
        found.append(_selected(table, Matcher.of(table, condition, times), first, columns))
        first += sum(table.group_rows)
    if first and not any(sum(table.group_rows) for table in found):
        raise NothingToAuditError(
            f"The condition of --where, {safe(where, 200)}, holds for none of {first:,} rows.",
            "Check the values in it.",
        )
    return tuple(found)


def _selected(
    table: InputTable, matcher: Matcher, first: int, columns: Sequence[str]
) -> SelectedTable:
    matcher.check()
    known = enumerate(_bounds(table, columns))
    possible = [group for group, bounds in known if can_match(matcher, bounds)]
    kept = [each for each in _masks(table, possible, matcher, columns) if each[1].any()]
    return SelectedTable(
        table,
        first,
        tuple(group for group, _ in kept),
        tuple(np.packbits(mask) for _, mask in kept),
        tuple(int(mask.sum()) for _, mask in kept),
    )


def _bounds(table: InputTable, columns: Sequence[str]) -> Iterator[Mapping[str, Bounds]]:
    """Yield for each row group what is known of the columns without reading them."""
    if isinstance(table, HiveTable):
        fixed = {
            name: Bounds(value, value, value is None, value is not None)
            for name, value in table.values.items()
        }
        inner = [name for name in columns if name not in fixed]
        for known in _bounds(table.table, inner):
            yield {**known, **fixed}
        return
    if table.format == "parquet" and columns:
        from labelaudit.tables.live import LiveTable
        from labelaudit.tables.parquet import ParquetTable

        if isinstance(table, LiveTable):
            inner = [table.stored[name] for name in columns if name in table.stored]
            for known in _bounds(table.table, inner):
                yield table.bounds(columns, known)
            return
        if isinstance(table, SelectedTable):
            every = list(_bounds(table.table, columns))
            yield from (every[group] for group in table.groups)
            return

        if isinstance(table, ParquetTable):
            yield from table.bounds(columns)
            return
    yield from repeat({}, len(table.group_rows))


def _masks(
    table: InputTable, groups: Sequence[int], matcher: Matcher, columns: Sequence[str]
) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    """Yield row groups, and for each row of them whether the condition holds."""
    if not groups:
        return
    breaks = [i for i, group in enumerate(groups) if i and group != groups[i - 1] + 1]
    for start, stop in pairwise((0, *breaks, len(groups))):
        run = range(groups[start], groups[stop - 1] + 1)
        batches = table.read(run, columns, _BATCH_ROWS)
        mask = np.concatenate([*map(matcher.rows, batches)] or [np.zeros(0, np.bool_)])
        ends = np.cumsum([table.group_rows[group] for group in run])
        yield from zip(run, np.split(mask, ends[:-1]), strict=True)


def starts_of(tables: Sequence[InputTable]) -> npt.NDArray[np.int64]:
    """Return the row in the whole input of each table's first row."""
    rows = [sum(table.group_rows) for table in tables]
    starts = np.concatenate(([0], np.cumsum(rows[:-1], dtype=np.int64))).astype(np.int64)
    for i, table in enumerate(tables):
        if isinstance(table, SelectedTable):
            starts[i] = table.first_row
    return starts


def numbered(tables: Sequence[InputTable], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return rows, counted among those that are read, as rows of the whole input."""
    if not any(isinstance(table, SelectedTable) for table in tables):
        return rows
    ends = np.cumsum([sum(table.group_rows) for table in tables])
    which = np.searchsorted(ends, rows, side="right")
    found = np.empty(len(rows), np.int64)
    for i, table in enumerate(tables):
        here = which == i
        if isinstance(table, SelectedTable) and here.any():
            local = rows[here] - (ends[i] - sum(table.group_rows))
            found[here] = table.numbered(local)
    return found


def left_out(tables: Sequence[InputTable]) -> int:
    """Return how many rows of these tables a condition does not hold for."""
    return sum(
        table.whole_rows - sum(table.group_rows)
        for table in tables
        if isinstance(table, SelectedTable)
    )
