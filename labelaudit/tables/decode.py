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

_BATCH_BYTES = 4 << 20
_FEW_ROWS = 2048


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
        """Rows of a full block: a batch, cut where there are very many classes or rows."""
        return _power_of_two(self._rows, 256, 1 << 16)

    @property
    def batch_rows(self) -> int:
        """Rows to read at a time: up to 4 MB of each model's probabilities, or 2,048 up to 8 MB.

        Threads wait for each other between blocks, so these are not smaller. A power of two, so
        that blocks fill row groups and pieces.
        """
        return _power_of_two(self._rows, 1024, 1 << 18)

    @property
    def _rows(self) -> int:
        row = max(len(self.names) * self.dtype.itemsize, 1)
        return max(_BATCH_BYTES // row, min(2 * _BATCH_BYTES // row, _FEW_ROWS))

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


def _power_of_two(number: int, least: int, most: int) -> int:
    return 1 << min(max(number, least), most).bit_length() - 1
