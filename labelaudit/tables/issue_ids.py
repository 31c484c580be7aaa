"""Names of issues, which survive retraining."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.running import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor

__all__ = ["hexadecimal", "issue_digests", "issue_ids", "numbered"]

MANY = 30_000
AT_ONCE = 1 << 13


def issue_ids(
    kinds: Sequence[tuple[str, ...]],
    which: npt.ArrayLike,
    keys: pa.Array,
    on: Executor | None = None,
) -> pa.Array:
    """Name each issue by what it says, so that the name survives retraining.

    Parameters
    ----------
    kinds : sequence of tuple of str
        What issues say besides their key: issue type, class the issue is about (empty for
        single-label data), given label.
    which : (m,) integers
        For each issue, its place in ``kinds``.
    keys : pyarrow.Array
        Of any type that can be cast to strings.
    on : Executor, optional

    Returns
    -------
    pyarrow.Array of string
        16 hexadecimal digits: blake2b of issue type, class, given label, key, and a number that
        tells issues apart which agree in all of these.
    """
    return hexadecimal(_told_apart(issue_digests(kinds, which, keys, on)))


def issue_digests(
    kinds: Sequence[tuple[str, ...]],
    which: npt.ArrayLike,
    keys: pa.Array,
    on: Executor | None = None,
) -> npt.NDArray[np.uint64]:
    """Hash what issues say, before those that agree in all of it are told apart.

    Parameters
    ----------
    kinds, which, keys, on
        As for ``issue_ids``.

    Returns
    -------
    (m,) uint64
    """
    heads = [_head(*kind) for kind in kinds]
    places, texts = np.asarray(which, np.int32), _as_binary(keys)
    if len(keys) < MANY:
        return np.frombuffer(_digests(heads, places, texts), "<u8").astype(np.uint64)
    parts = [slice(at, at + AT_ONCE) for at in range(0, len(keys), AT_ONCE)]
    digests = each(partial(_digests_of_many, heads, places, texts), parts, on)
    return np.concatenate(list(digests))


def _digests(heads: Sequence[bytes], which: npt.NDArray[np.int32], texts: pa.Array) -> bytes:
    # Continuing a copy takes half the time of hashing from the start.
    begin = [blake2b(head, digest_size=8).copy for head in heads]
    digests: list[bytes] = []
    for place, text in zip(which.tolist(), texts.to_pylist(), strict=True):
        whole = begin[place]()
        whole.update(text)
        digests.append(whole.digest())
    return b"".join(digests)


def _digests_of_many(
    heads: Sequence[bytes], which: npt.NDArray[np.int32], every: pa.Array, part: slice
) -> npt.NDArray[np.uint64]:
    """Hash in a kernel: a third of the time, once there are enough to be worth its loading."""
    from labelaudit.kernels.blake2 import digests

    which, texts = which[part], every[part]
    starts = np.cumsum([0, *(len(head) for head in heads)], dtype=np.int64)
    joined = np.frombuffer(b"".join(heads), np.uint8)
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    bytes_of_all = np.frombuffer(data if data is not None and data.size else b"\0", np.uint8)
    out = np.empty(len(texts), np.uint64)
    digests(joined, starts, which, bytes_of_all, ends, out)
    return out


def _told_apart(digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Hash the second, third, ... of equal digests again, with their number."""
    ordered = np.sort(digests)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return numbered(digests, again, np.zeros(len(again), np.int64)) if len(again) else digests


def numbered(
    digests: npt.NDArray[np.uint64], repeated: npt.NDArray[np.uint64], seen: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Hash the second, third, ... of repeated digests again, with their number.

    Parameters
    ----------
    digests : (m,) uint64
        In rank order.
    repeated : (r,) uint64
        Those that are there more than once; ascending.
    seen : (r,) int64
        How often each has been met; counted on.
    """
    apart = digests.copy()
    place = np.minimum(np.searchsorted(repeated, digests), len(repeated) - 1)
    for i in np.flatnonzero(repeated[place] == digests).tolist():
        number = int(seen[place[i]])
        seen[place[i]] += 1
        if number:
            text = b"%d:" % number + digests[i].astype("<u8").tobytes()
            again = blake2b(text, digest_size=8).digest()
            apart[i] = np.frombuffer(again, "<u8")[0]
    return apart


def hexadecimal(digests: npt.NDArray[np.uint64]) -> pa.Array:
    """Spell digests out, 16 digits each."""
    text = digests.astype("<u8").tobytes().hex().encode()
    offsets = np.arange(0, len(text) + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text))


def _head(*fields: str) -> bytes:
    # Lengths before texts: no two lists of fields may give the same bytes.
    text = "".join([f"{len(field)}:{field}," for field in fields])
    if text.isascii():
        return text.encode()
    coded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"".join(b"%d:%s," % (len(field), field) for field in coded)


def _as_binary(keys: pa.Array) -> pa.Array:
    binary = keys if pa.types.is_binary(keys.type) else keys.cast(pa.string()).cast(pa.binary())
    return binary.fill_null(b"") if binary.null_count else binary
