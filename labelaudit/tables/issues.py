"""Ranked rows and class counts as tables: names, keys and ids put to the numbers of an audit."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelaudit.findings import FILTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from labelaudit.findings import IssueRows

__all__ = ["SEVERITIES", "dictionary", "filter_names", "issue_ids", "issues_table", "with_kept"]

AT_ONCE = 1 << 16
LABEL_ERROR = "label_error"
SEVERITIES = ("low", "medium", "high")


def issue_ids(kinds: Sequence[tuple[str, ...]], which: Sequence[int], keys: pa.Array) -> pa.Array:
    """Name each issue by what it says, so that the name survives retraining.

    Parameters
    ----------
    kinds : sequence of tuple of str
        What issues say besides their key: issue type, class the issue is about (empty for
        single-label data), given label.
    which : sequence of int
        For each issue, its place in ``kinds``.
    keys : pyarrow.Array
        Of any type that can be cast to strings.

    Returns
    -------
    pyarrow.Array of string
        16 hexadecimal digits: blake2b of issue type, class, given label, key, and a number that
        tells issues apart which agree in all of these.
    """
    # Continuing a copy takes half the time of hashing from the start.
    begin = [blake2b(_head(*kind), digest_size=8).copy for kind in kinds]
    starts = range(0, len(keys), AT_ONCE)
    parts = [(which[start : start + AT_ONCE], keys.slice(start, AT_ONCE)) for start in starts]
    return _hexadecimal(_told_apart(b"".join(_digests(begin, *part) for part in parts)))


def _digests(begin: Sequence[Callable[[], blake2b]], which: Sequence[int], keys: pa.Array) -> bytes:
    digests: list[bytes] = []
    for kind, text in zip(which, _as_bytes(keys), strict=True):
        whole = begin[kind]()
        whole.update(text)
        digests.append(whole.digest())
    return b"".join(digests)


def _told_apart(joined: bytes) -> bytes:
    """Hash the second, third, ... of equal digests again, with their number."""
    numbers = np.sort(np.frombuffer(joined, np.uint64))
    if not (numbers[1:] == numbers[:-1]).any():
        return joined
    seen: Counter[bytes] = Counter()
    apart = []
    for digest in (joined[start : start + 8] for start in range(0, len(joined), 8)):
        number = seen[digest]
        seen[digest] += 1
        again = blake2b(b"%d:" % number + digest, digest_size=8).digest()
        apart.append(again if number else digest)
    return b"".join(apart)


def _hexadecimal(digests: bytes) -> pa.Array:
    text = digests.hex().encode()
    offsets = np.arange(0, len(text) + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text))


def _head(*fields: str) -> bytes:
    # Lengths before texts: no two lists of fields may give the same bytes.
    coded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"".join(b"%d:%s," % (len(field), field) for field in coded)


def _as_bytes(keys: pa.Array) -> list[bytes]:
    binary = keys if pa.types.is_binary(keys.type) else keys.cast(pa.string()).cast(pa.binary())
    return [text or b"" for text in binary.to_pylist()]


def issues_table(
    rows: IssueRows,
    values: pa.Array,
    keys: pa.Array,
    files: pa.Array | None,
    kept: pa.Table | None,
) -> pa.Table:
    """Write ranked rows as the issues table, worst first.

    Parameters
    ----------
    rows : IssueRows
    values : pyarrow.Array
        (K,) the label of each class, as in the input.
    keys : pyarrow.Array
        (m,) the user's key of each row, or row numbers.
    files : pyarrow.Array or None
        (m,) file of each row, when there are several.
    kept : pyarrow.Table or None
        Further columns of the input to carry along, unchanged.
    """
    n = len(rows.row)
    kinds = [(LABEL_ERROR, "", name) for name in values.cast(pa.string()).to_pylist()]
    columns = {
        "rank": pa.array(np.arange(1, n + 1)),
        "issue_id": issue_ids(kinds, rows.given.tolist(), keys),
        "key": keys,
        "row": pa.array(rows.row),
        **({} if files is None else {"file": files}),
        "issue_type": dictionary(np.zeros(n, np.int8), (LABEL_ERROR,)),
        "class": pa.nulls(n, pa.string()),
        "given_label": values.take(pa.array(rows.given)),
        "suggested_label": values.take(
            pa.array(np.maximum(rows.suggested, 0), mask=rows.suggested < 0)
        ),
        "label_quality": pa.array(rows.label_quality),
        "is_issue": pa.array(rows.is_issue),
        "given_prob": pa.array(rows.given_prob),
        "suggested_prob": pa.array(rows.suggested_prob),
        "margin": pa.array(rows.margin),
        "entropy": pa.array(rows.entropy),
        "flagged_by": filter_names(rows.flagged_by),
        "severity": dictionary(rows.severity, SEVERITIES),
    }
    table = pa.table(columns)
    return table if kept is None else with_kept(table, kept)


def with_kept(table: pa.Table, kept: pa.Table) -> pa.Table:
    """Append columns of the input, under names that are not taken."""
    for name in kept.column_names:
        shown = name
        while shown in table.column_names:
            shown = f"{shown}_"
        table = table.append_column(pa.field(shown, kept.schema.field(name).type), kept[name])
    return table


def dictionary(codes: npt.NDArray[np.int8], names: Sequence[str]) -> pa.Array:
    """Return the names of codes; null for a negative one."""
    indices = pa.array(codes, pa.int8(), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def filter_names(bits: npt.NDArray[np.uint8]) -> pa.Array:
    """Spell the bits out as lists of filter names."""
    each = np.unpackbits(bits[:, None], axis=1, bitorder="little")
    offsets = np.concatenate([[0], np.cumsum(each.sum(axis=1))]).astype(np.int32)
    which = (np.flatnonzero(each) % 8).astype(np.int8)
    chosen = pc.take(pa.array(FILTERS), pa.array(which))
    return pa.ListArray.from_arrays(pa.array(offsets), chosen)
