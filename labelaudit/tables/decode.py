"""Record batches to blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.blocks import LabelBlock
from labelaudit.tables.labels import label_codes
from labelaudit.tables.layouts import decoded_type
from labelaudit.tables.probabilities import prob_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.tables.layouts import ProbColumns

__all__ = ["Decoder"]

_BLOCK_BYTES = 1 << 20
_BLOCKS_A_BATCH = 4


@dataclass(frozen=True, slots=True)
class Decoder:
    """Turns record batches of one source into blocks.

    Attributes
    ----------
    labels : str
        Column with the labels.
    values : pyarrow.Array
        (K,) value of each class, in the labels' plain type.
    probs : tuple of ProbColumns
    names : tuple of str
        Class names, by which structs and maps are read.
    """

    labels: str
    values: pa.Array
    probs: tuple[ProbColumns, ...]
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What to read, each column once."""
        columns = (self.labels, *(column for model in self.probs for column in model.columns))
        return tuple(dict.fromkeys(columns))

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Type of the decoded probabilities: float32 only if every model's fits."""
        return decoded_type(self.probs)

    @property
    def row_bytes(self) -> int:
        """Bytes of one decoded row."""
        return 4 + len(self.probs) * len(self.names) * self.dtype.itemsize

    @property
    def block_rows(self) -> int:
        """Rows of a full block: up to 1 MB of each model's probabilities, or 512 up to 2 MB.

        A power of two, so that blocks fill row groups and pieces.
        """
        row = max(len(self.names) * self.dtype.itemsize, 1)
        rows = max(_BLOCK_BYTES // row, min(2 * _BLOCK_BYTES // row, 512))
        return 1 << min(max(rows, 256), 65_536).bit_length() - 1

    @property
    def batch_rows(self) -> int:
        """Rows to read at a time."""
        return self.block_rows * _BLOCKS_A_BATCH

    def blocks(self, batch: pa.RecordBatch, first_row: int) -> Iterator[LabelBlock]:
        """Decode a batch and cut it into blocks; their arrays cannot be written to."""
        labels, members = self._decoded(batch)
        for array in (labels, *members):
            array.setflags(write=False)
        for start in range(0, batch.num_rows, self.block_rows):
            rows = slice(start, start + self.block_rows)
            yield LabelBlock(
                first_row + start, labels[rows], tuple(member[rows] for member in members)
            )

    def _decoded(
        self, batch: pa.RecordBatch
    ) -> tuple[npt.NDArray[np.int32], list[npt.NDArray[np.floating]]]:
        labels = label_codes(batch.column(self.labels), self.values)
        members = []
        for model in self.probs:
            probs, reasons = prob_matrix(batch, model, self.names, self.dtype)
            if reasons is not None:
                labels = np.where((reasons < 0) & (labels >= 0), reasons, labels)
            members.append(probs)
        return labels, members
