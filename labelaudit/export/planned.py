"""One export, decided but not written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.changes import DROP, RELABEL, SOURCES
from labelaudit.errors import ChangeLimitError
from labelaudit.tables.rewriting import cleaned_table, write_cleaned
from labelaudit.wording import percent

if TYPE_CHECKING:
    from labelaudit.changes import Changes
    from labelaudit.export.policy import Policy
    from labelaudit.tables.cleaned import Cleaning
    from labelaudit.tables.labelled import LabelledTable

__all__ = ["PlannedExport", "allowed_share", "ledger_of", "pairs_of"]


@dataclass(frozen=True, slots=True, repr=False)
class PlannedExport:
    """One export, decided but not written.

    Attributes
    ----------
    policy : Policy
    cleaning : Cleaning
        How every row is cleaned.
    flagged, reviewed, settled : int
        Rows that the audit flagged; that have a decision; that an earlier export settled.
    ledger : pyarrow.Table
        One row per change, in row order: ``row``, ``key``, ``issue_id``, ``given_label``,
        ``new_label`` (null where the row is dropped), ``action`` (``relabel`` or ``drop``),
        ``source``: ``suggested`` by the model, ``reviewed``, or ``flagged`` where the policy drops.
    pairs : pyarrow.Table
        Replaced labels by frequency: ``given``, ``new``, ``rows``; ``new`` is null for rows that
        are dropped.
    warnings : tuple of str
    notes : tuple of str
        What stays as it is, and why.
    """

    policy: Policy
    cleaning: Cleaning
    flagged: int
    reviewed: int
    settled: int
    ledger: pa.Table
    pairs: pa.Table
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = ("rows_in", "rows_out", "flagged", "relabelled", "dropped")
        numbers = ", ".join(f"{name}={getattr(self, name)}" for name in names)
        return f"PlannedExport(policy={self.policy.name!r}, {numbers})"

    @property
    def rows_in(self) -> int:
        """Rows of the input."""
        return self.cleaning.labelled.rows

    @property
    def rows_out(self) -> int:
        """Rows of the export: those of the input without those that are dropped."""
        return self.cleaning.rows_out

    @property
    def relabelled(self) -> int:
        """How many labels are replaced."""
        return self.cleaning.changes.relabelled

    @property
    def dropped(self) -> int:
        """How many rows go."""
        return self.cleaning.changes.dropped

    @property
    def share(self) -> float:
        """Share of the rows that is changed or dropped."""
        return len(self.cleaning.changes.edits) / max(self.rows_in, 1)

    def demand_at_most(self, limit: float | Fraction, *, dry: bool = False) -> None:
        """Refuse an export that changes more than a share of the rows.

        Parameters
        ----------
        limit : float or Fraction
        dry : bool
            It has been looked at already.

        Raises
        ------
        ChangeLimitError
            If it does.
        """
        if self.exceeds(limit):
            edits = len(self.cleaning.changes.edits)
            raise ChangeLimitError(
                f"The export would change or drop {edits:,} of {self.rows_in:,} rows "
                f"({percent(self.share)}), more than the {allowed_share(limit)} that are allowed; "
                "nothing was written.",
                "Raise --max-change, or choose what changes less."
                if dry
                else "Look at what would be changed with --dry-run, or raise --max-change.",
            )

    def exceeds(self, limit: float | Fraction) -> bool:
        """Say whether more than this share of the rows would be changed or dropped."""
        return len(self.cleaning.changes.edits) > Fraction(str(limit)) * self.rows_in

    def write(self, form: str, sink: IO[bytes], *, excel: bool = False) -> int:
        """Write the cleaned table to a binary file as parquet, arrow, csv or jsonl."""
        return write_cleaned(self.cleaning, form, sink, excel=excel)

    def table(self) -> pa.Table:
        """Return the cleaned table, in memory."""
        return cleaned_table(self.cleaning)


def allowed_share(limit: float | Fraction) -> str:
    """Return the largest share that may change, in percent."""
    return f"{100 * float(limit):.6g} %"


def ledger_of(changes: Changes, table: LabelledTable) -> pa.Table:
    """Return the changes as a table."""
    edits = changes.edits
    keys = pa.array(edits.row) if table.key is None else table.take(edits.row, table.key)
    actions = pa.array(["relabel" if a == RELABEL else "drop" for a in edits.action.tolist()])
    return pa.table(
        {
            "row": pa.array(edits.row),
            "key": keys,
            "issue_id": pa.array([name or None for name in edits.issue_id], pa.string()),
            "given_label": _labels(table.class_list.values, edits.given),
            "new_label": _labels(table.class_list.values, edits.new),
            "action": actions.cast(pa.string()),
            "source": pa.array(["flagged", *SOURCES[1:]]).take(pa.array(edits.source)),
        }
    )


def pairs_of(changes: Changes, table: LabelledTable) -> pa.Table:
    """Count the changes by label before and after, most frequent first."""
    edits = changes.edits
    new = np.where(edits.action == DROP, -1, edits.new)
    cells, counts = np.unique(np.stack([edits.given, new]), axis=1, return_counts=True)
    order = np.lexsort((cells[1], cells[0], -counts))
    shown = table.class_list.shown
    return pa.table(
        {
            "given": _labels(shown, cells[0][order]),
            "new": _labels(shown, cells[1][order]),
            "rows": pa.array(counts[order], pa.int64()),
        }
    )


def _labels(values: pa.Array, codes: np.ndarray) -> pa.Array:
    return values.take(pa.array(np.maximum(codes, 0), mask=codes < 0))
