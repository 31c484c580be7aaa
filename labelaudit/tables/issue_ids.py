"""Names of issues, which survive retraining."""

from __future__ import annotations

from collections import Counter
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

__all__ = ["issue_ids"]

MANY = 30_000
AT_ONCE = 1 << 16


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
    heads = [_head(*kind) for kind in kinds]
    places, texts = np.asarray(which, np.int32), _as_binary(keys)
    if len(keys) < MANY:
        return _hexadecimal(_told_apart(_digests(heads, places, texts)))
    parts = [slice(at, at + AT_ONCE) for at in range(0, len(keys), AT_ONCE)]
    digests = each(partial(_digests_of_many, heads, places, texts), parts, on)
    return _hexadecimal(_told_apart(b"".join(digests)))


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
) -> bytes:
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
    return out.astype("<u8").tobytes()


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


def _as_binary(keys: pa.Array) -> pa.Array:
    binary = keys if pa.types.is_binary(keys.type) else keys.cast(pa.string()).cast(pa.binary())
    return binary.fill_null(b"") if binary.null_count else binary
