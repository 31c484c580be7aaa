"""What an audit on the fly says of every row, and the further columns that come of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from labelaudit.audits.channel import block_posteriors
from labelaudit.audits.find_issues import audit_labels
from labelaudit.changes import RELABEL, Changes, Quality
from labelaudit.errors import UsageError
from labelaudit.export.policy import REVIEWED, Flagged
from labelaudit.export.verifying import ids_of
from labelaudit.naming import with_sound_keys
from labelaudit.planning import working
from labelaudit.tables.arrays import numbers
from labelaudit.tables.labelled import labelled_source
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.export.verifying import Settled
    from labelaudit.tables.decode import Decoder
    from labelaudit.tables.source import LabelSource

    Progress = Callable[[str, int, int], None]

__all__ = ["AuditedRows", "SoftColumns", "audited_rows"]


@dataclass(frozen=True, slots=True)
class AuditedRows:
    """What an audit says of every row.

    Attributes
    ----------
    source : LabelSource
        With the key that is in use.
    flagged : Flagged
    quality : Quality
    model : ChannelModel or None
    left_out : (m,) int64
    warnings : tuple of str
    """

    source: LabelSource
    flagged: Flagged
    quality: Quality
    model: ChannelModel | None
    left_out: npt.NDArray[np.int64]
    warnings: tuple[str, ...]


def audited_rows(
    source: LabelSource,
    settings: AuditSettings,
    threads: int | None,
    memory: int | None,
    progress: Progress | None,
) -> AuditedRows:
    """Audit a source, and keep what is said of every row.

    Raises
    ------
    InputError, NothingToAuditError
        As ``find_issues`` says.
    """
    if source.understanding.task == "multilabel":
        raise UsageError(
            f"Column {safe(source.roles.labels)} holds several labels a row, and only single-label "
            "tables are exported.",
            "Rank the labels to mend with labelaudit find-issues -o issues.csv.",
        )
    every = replace(settings, every_row=True, top=None)
    with working(source, threads, memory, progress) as rows:
        found = audit_labels(rows, every)
    source, key_warnings = with_sound_keys(source, settings.skip_invalid)
    issues = found.audit.issues
    which = np.flatnonzero(issues.is_issue)
    flagged = Flagged(
        row=issues.row[which],
        given=issues.given[which],
        suggested=issues.suggested[which],
        suggested_prob=issues.suggested_prob[which],
        severity=issues.severity[which],
        issue_id=_ids(source, issues.row[which], issues.given[which]),
    )
    warnings = (*source.warnings, *key_warnings, *found.warnings)
    quality = Quality.of(issues.row, issues.label_quality)
    return AuditedRows(source, flagged, quality, found.model, found.left_out, warnings)


def _ids(
    source: LabelSource, rows: npt.NDArray[np.int64], given: npt.NDArray[np.int32]
) -> tuple[str, ...]:
    key = source.roles.key
    keys = numbers(rows)
    if key is not None:
        order = np.argsort(rows, kind="stable")
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        taken = source.take(rows[order], [key])[key].combine_chunks()
        whole = pa.concat_arrays(taken.chunks) if isinstance(taken, pa.ChunkedArray) else taken
        keys = whole.take(pa.array(back))
    return tuple(ids_of(labelled_source(source), keys, given.tolist()))


@dataclass(frozen=True, slots=True)
class SoftColumns:
    """Makes posterior and weight columns of a batch.

    A reviewed label counts as certain. Rows that the audit left out get nulls.

    Attributes
    ----------
    decoder : Decoder
    model : ChannelModel
    left_out : (m,) int64
    changes : Changes
    settled : Settled
    layout : {"list", "wide"} or None
    weights : bool
    prefix : str
    """

    decoder: Decoder
    model: ChannelModel
    left_out: npt.NDArray[np.int64]
    changes: Changes
    settled: Settled
    layout: str | None
    weights: bool
    prefix: str

    @classmethod
    def of(
        cls,
        audited: AuditedRows,
        changes: Changes,
        settled: Settled,
        layout: str | None,
        weights: bool,
        prefix: str,
    ) -> SoftColumns:
        """Refuse an audit without posteriors.

        Raises
        ------
        UsageError
            If neither method nor score is rcp.
        """
        if audited.model is None:
            raise UsageError(
                "Posteriors and weights come from the method rcp, and another was chosen.",
                "Leave --method out, or add --score rcp.",
            )
        decoder = cast("Decoder", audited.source.decoder)  # several labels a row are not audited
        return cls(
            decoder, audited.model, audited.left_out, changes, settled, layout, weights, prefix
        )

    @property
    def soft_name(self) -> str:
        """Column of posteriors, or what the names of several begin with."""
        return f"{self.prefix}soft"

    @property
    def weight_name(self) -> str:
        """Column of weights."""
        return f"{self.prefix}weight"

    @property
    def types(self) -> tuple[tuple[str, pa.DataType], ...]:
        """The columns, with their types."""
        kind = pa.float32()
        found: list[tuple[str, pa.DataType]] = []
        if self.layout == "list":
            found.append((self.soft_name, pa.list_(kind)))
        elif self.layout == "wide":
            found += [(f"{self.soft_name}_{name}", kind) for name in self.decoder.names]
        if self.weights:
            found.append((self.weight_name, pa.float64()))
        return tuple(found)

    def __call__(self, batch: pa.RecordBatch, first_row: int) -> dict[str, pa.Array]:
        """Return the columns of a batch that holds labels and probabilities."""
        blocks = [
            block.leaving_out(self.left_out) for block in self.decoder.blocks(batch, first_row)
        ]
        soft = np.concatenate([block_posteriors(self.model, block) for block in blocks])
        label = np.concatenate([block.labels for block in blocks])
        self._put_reviewed(soft, label, first_row)
        missing = np.isnan(soft[:, 0])
        columns: dict[str, pa.Array] = {}
        if self.layout == "list":
            columns[self.soft_name] = _lists(soft.astype(np.float32), missing)
        elif self.layout == "wide":
            for k, name in enumerate(self.decoder.names):
                values = soft[:, k].astype(np.float32)
                columns[f"{self.soft_name}_{name}"] = pa.array(values, mask=missing)
        if self.weights:
            weight = soft[np.arange(len(soft)), np.maximum(label, 0)]
            columns[self.weight_name] = pa.array(weight, mask=missing | (label < 0))
        return columns

    def _put_reviewed(
        self, soft: npt.NDArray[np.float64], label: npt.NDArray[np.int32], first_row: int
    ) -> None:
        """Make reviewed labels certain, and put new labels in the place of those given."""
        low, high = np.searchsorted(self.settled.row, (first_row, first_row + len(label)))
        earlier = self.settled.row[low:high][self.settled.source[low:high] == REVIEWED]
        lines = self.changes.within(first_row, len(label))
        replaced = lines.action == RELABEL
        label[lines.row[replaced] - first_row] = lines.new[replaced]
        sure = np.union1d(lines.row[lines.source == REVIEWED], earlier) - first_row
        sure = sure[label[sure] >= 0]
        soft[sure] = 0.0
        soft[sure, label[sure]] = 1.0


def _lists(matrix: npt.NDArray[np.float32], missing: npt.NDArray[np.bool_]) -> pa.Array:
    rows, width = matrix.shape
    offsets = np.arange(0, rows * width + 1, width, dtype=np.int32)
    mask = pa.array(missing) if missing.any() else None
    return pa.ListArray.from_arrays(numbers(offsets), numbers(matrix.reshape(-1)), mask=mask)
