"""A single-label table of one or several files, ready to be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.tables.arrays import numbers, strings
from labelaudit.tables.held import Budget, HeldPartition
from labelaudit.tables.keys import key_problem
from labelaudit.tables.layouts import plain_type
from labelaudit.tables.parts import common_type
from labelaudit.tables.selecting import numbered, starts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.blocks import Partition
    from labelaudit.findings import Problem, Understanding
    from labelaudit.tables.classes import Classes
    from labelaudit.tables.decode import Decoder
    from labelaudit.tables.held_keys import HeldKeys
    from labelaudit.tables.roles import Roles
    from labelaudit.tables.table import InputTable
    from labelaudit.tables.tag_decode import TagDecoder

__all__ = ["GroupsPartition", "LabelSource"]


@dataclass(frozen=True, slots=True)
class GroupsPartition:
    """Some consecutive row groups of one table: a recipe, picklable."""

    first_row: int
    rows: int
    table: InputTable
    groups: range
    decoder: Decoder | TagDecoder

    def blocks(self) -> Iterator[Any]:
        """Read and decode the rows, in order."""
        row = self.first_row
        for batch in self.table.read(self.groups, self.decoder.columns, self.decoder.batch_rows):
            yield from self.decoder.blocks(batch, row)
            row += batch.num_rows


@dataclass(frozen=True, slots=True)
class LabelSource:
    """A single-label table: what was understood of it, and how to read it.

    Attributes
    ----------
    understanding : Understanding
    tables : tuple of InputTable
        The files, in row order.
    roles : Roles
    class_list : Classes
    decoder : Decoder
    partitions : tuple of Partition of LabelBlock
        In row order; each a recipe that can be pickled and read in another thread or process.
    warnings : tuple of str
        What was assumed.
    keys : HeldKeys or None
        The keys, where they were kept.
    """

    understanding: Understanding
    tables: tuple[InputTable, ...]
    roles: Roles
    class_list: Classes
    decoder: Decoder | TagDecoder
    partitions: tuple[Partition[Any], ...]
    warnings: tuple[str, ...]
    keys: HeldKeys | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities."""
        return self.class_list.names

    @property
    def rows(self) -> int:
        """Rows that are read: all of the input, or those that meet a condition."""
        return self.understanding.rows

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the files are; empty for a table in memory."""
        return tuple(table.path for table in self.tables if table.path)

    @property
    def key_is_inferred(self) -> bool:
        """True if the key column was not named by the user: it may be given up."""
        return self.roles.origins.get("key", "").startswith("inferred")

    @property
    def bytes_to_read(self) -> int:
        """Stored bytes of the columns that one pass decodes."""
        columns = self.decoder.columns
        return sum(sum(table.group_bytes(columns)) for table in self.tables)

    @property
    def partition_bytes(self) -> tuple[int, ...]:
        """Bytes of the decoded rows of each partition."""
        starts = [each.first_row for each in self.partitions]
        rows = np.diff([*starts, self.rows]) * self.decoder.row_bytes
        return tuple(rows.tolist())

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows, types as in the input.

        Parameters
        ----------
        rows : (m,) int64
            0-based in the whole input, sorted ascending.
        columns : sequence of str

        Returns
        -------
        pyarrow.Table
            m rows, in the order of ``rows``. Only row groups with one of the rows are read.
        """
        columns = list(dict.fromkeys(columns))
        if not columns:
            return pa.table({"row": numbers(rows)}).select([])
        fields = [
            (name, common_type([table.schema.field(name).type for table in self.tables]))
            for name in columns
        ]
        parts = [
            table.take(local, columns).cast(pa.schema(fields)) for table, local in self._local(rows)
        ]
        if not parts:
            return pa.Table.from_batches([], pa.schema(fields))
        return pa.concat_tables(parts).unify_dictionaries()

    def numbered(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return rows, counted among those that are read, as rows of the whole input.

        They differ where a condition leaves rows out: audits count the rows they get.
        """
        return numbered(self.tables, rows)

    def file_of(self, rows: npt.NDArray[np.int64]) -> pa.Array | None:
        """Return the file of each row as a dictionary array; None if there is one file only."""
        if len(self.tables) == 1:
            return None
        which = np.searchsorted(starts_of(self.tables), rows, side="right") - 1
        names = strings([table.name for table in self.tables]).cast(pa.string())
        return pa.DictionaryArray.from_arrays(numbers(which.astype(np.int32)), names)

    def _local(
        self, rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[InputTable, npt.NDArray[np.int64]]]:
        starts = starts_of(self.tables)
        bounds = np.append(np.searchsorted(rows, starts), len(rows))
        for i, table in enumerate(self.tables):
            if bounds[i] < bounds[i + 1]:
                yield table, rows[bounds[i] : bounds[i + 1]] - starts[i]

    def check_keys(self, held: HeldKeys | None = None, memory: int | None = None) -> Problem | None:
        """Return what is wrong with the key column: nulls, or keys that are there twice.

        Parameters
        ----------
        held : HeldKeys, optional
            Keeps what is read.
        memory : int or None
            Bytes to take, about; None: no limit.
        """
        key = self.roles.key
        if key is None:
            return None
        tapped = iter if held is None else held.tapped
        problem = key_problem(lambda: tapped(self.column(key)), key, self.rows, memory)
        if problem is None:
            return None
        rows = self.numbered(np.array(problem.rows, np.int64))
        return replace(problem, rows=tuple(rows.tolist()))

    def column(self, name: str) -> Iterator[pa.Array]:
        """Read a column of the rows that are read, in order, some of them at a time."""
        kind = common_type([table.schema.field(name).type for table in self.tables])
        for table in self.tables:
            for batch in table.read(range(len(table.group_rows)), (name,), 1 << 17):
                yield batch.column(0).cast(kind)

    def without_key(self) -> LabelSource:
        """Return the same source with row numbers for keys."""
        origins = {**self.roles.origins, "key": "row numbers: the key column is not unique"}
        understanding = replace(self.understanding, key_column=None, origins=origins)
        roles = replace(self.roles, key=None, origins=origins)
        return replace(self, understanding=understanding, roles=roles)

    def label_value(self, code: int) -> pa.Scalar:
        """Return the label of a class as a scalar of the label column's value type."""
        return self.class_list.values[code].cast(plain_type(self.roles.label_type))

    def held(self, budget_bytes: int) -> LabelSource:
        """Return the same source whose decoded blocks stay in memory while they fit a budget.

        Parameters
        ----------
        budget_bytes : int
            For all partitions together; the ones that are read first are kept.
        """
        budget = Budget(budget_bytes)
        kept = tuple(
            HeldPartition(each, size, budget)
            for each, size in zip(self.partitions, self.partition_bytes, strict=True)
        )
        return replace(self, partitions=kept)
