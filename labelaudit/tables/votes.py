"""A table of votes: who said what of which task."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from labelaudit.crowd_findings import VoteUnderstanding
from labelaudit.errors import NothingToAuditError, UsageError
from labelaudit.tables.hive import with_folders
from labelaudit.tables.parts import check_names, check_parts
from labelaudit.tables.paths import find_files
from labelaudit.tables.roles import existing_column
from labelaudit.tables.selecting import left_out, selected
from labelaudit.tables.vote_options import DUPLICATES, VoteOptions
from labelaudit.tables.vote_reading import read_votes
from labelaudit.tables.vote_roles import VoteRoles, assign_vote_roles, vote_text_columns
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.tables.table import InputTable
    from labelaudit.tables.vote_reading import Votes

__all__ = ["VoteSource", "open_votes", "votes_of"]

_BASE_BYTES = 250_000_000
_VOTE_BYTES = 100
_SHORT_NAME = 24
_NAME_COPIES = 5
"""Of the text that names tasks, held at once while votes are grouped and results are made."""
_LOOKED_AT = 4096


@dataclass(frozen=True, slots=True)
class VoteSource:
    """A table of votes: what was understood of its columns, and how to read it.

    Attributes
    ----------
    understanding : VoteUnderstanding
    tables : tuple of InputTable
    roles : VoteRoles
    options : VoteOptions
    """

    understanding: VoteUnderstanding
    tables: tuple[InputTable, ...]
    roles: VoteRoles
    options: VoteOptions

    @property
    def bytes_to_read(self) -> int:
        """Stored bytes of the columns that are read."""
        return sum(sum(table.group_bytes(self.roles.columns)) for table in self.tables)

    @property
    def memory_expected(self) -> int:
        """Bytes that reading and aggregating may need, as measured on up to 10^7 votes.

        With many classes more is needed, which is known when the votes have been read.
        """
        names = self.understanding.rows * max(self._name_bytes() - _SHORT_NAME, 0)
        return _BASE_BYTES + self.cells * _VOTE_BYTES + _NAME_COPIES * names

    def _name_bytes(self) -> int:
        """Bytes of a task's name, by some of the first rows."""
        columns = (self.roles.task,) if self.roles.task is not None else ()
        for table in self.tables if columns else ():
            for batch in table.read(range(len(table.group_rows[:1])), columns, _LOOKED_AT):
                size: int = batch.nbytes // max(batch.num_rows, 1)
                return size
        return 0

    @property
    def cells(self) -> int:
        """Most votes that there can be."""
        return self.understanding.rows * max(len(self.roles.wide), 1)

    def read(self) -> Votes:
        """Read all votes.

        Raises
        ------
        NothingToAuditError
            If there is no vote: no rows, only nulls, or only abstentions.
        InvalidDataError
            If labels are none of the classes, votes are repeated where that is an error, or gold
            labels contradict each other.
        """
        return read_votes(self)


def open_votes(paths: Sequence[str], options: VoteOptions) -> VoteSource:
    """Find the files, and understand their columns without reading the table.

    Parameters
    ----------
    paths : sequence of str
        Files, globs, folders.
    options : VoteOptions

    Raises
    ------
    UsageError
        If a column is missing or several could be meant.
    InputError
        If a file cannot be read, or is not what it claims to be.
    NothingToAuditError
        If no file matched or there are no rows.
    """
    from labelaudit.tables.opening import open_files

    files = find_files(paths)
    opened = open_files(files, partial(vote_text_columns, options))
    return votes_of(with_folders(opened, files), options)


def votes_of(tables: tuple[InputTable, ...], options: VoteOptions) -> VoteSource:
    """Understand the columns of tables that are parts of one."""
    if options.duplicates not in DUPLICATES:
        raise UsageError(
            f"There is no way {options.duplicates!r} to deal with repeated votes.",
            f"Choose one of {', '.join(DUPLICATES)}.",
        )
    for table in tables:
        check_names(table)
    tables = selected(tables, options.where)
    kept = tuple(table for table in tables if sum(table.group_rows))
    if not kept:
        raise NothingToAuditError(
            f"{tables[0].name} has no rows.", "Give a table with at least one vote."
        )
    roles = assign_vote_roles(kept[0].schema, options)
    check_parts(kept, roles.columns)
    if options.gold is not None and roles.gold is None and not os.path.lexists(options.gold):
        existing_column(kept[0].schema, options.gold, "gold labels (nor a file of that name)")
    understanding = replace(
        _understanding(kept, roles, options), where=options.where, rows_left_out=left_out(tables)
    )
    return VoteSource(understanding, kept, roles, options)


def _understanding(
    tables: Sequence[InputTable], roles: VoteRoles, options: VoteOptions
) -> VoteUnderstanding:
    schema = tables[0].schema
    return VoteUnderstanding(
        files=tuple(name for name, _ in groupby(table.name for table in tables)),
        format=tables[0].format,
        layout="wide" if roles.wide else "long",
        task_column=roles.task,
        worker_columns=roles.wide or (str(roles.worker),),
        label_column=roles.label,
        label_type=safe(schema.field(roles.labels[0]).type),
        gold=roles.gold if roles.gold is not None else options.gold,
        classes=(),
        class_order="",
        origins=roles.origins,
        rows=sum(sum(table.group_rows) for table in tables),
    )
