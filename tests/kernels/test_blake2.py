from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import blake2 as fast
from tests.naive import blake2 as naive

words = st.integers(0, 2**64 - 1)


def cut(texts):
    """Texts one after the other, and where each begins."""
    starts = np.cumsum([0, *(len(text) for text in texts)])
    return np.frombuffer(b"".join(texts) + b"\0", np.uint8), starts


@given(words, st.sampled_from([16, 24, 32, 63]))
def test_rotated(x, by):
    assert int(fast.rotated(np.uint64(x), by)) == naive.rotated(x, by)


@given(st.tuples(words, words, words, words, words, words))
def test_mixed_four(six):
    # Words wrap around, which numpy warns of when nothing is compiled.
    with np.errstate(over="ignore"):
        found = fast.mixed_four(*(np.uint64(word) for word in six))
    assert tuple(int(word) for word in found) == naive.mixed_four(*six)


@given(
    st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=300)), max_size=6),
)
def test_digests(heads, messages):
    which = np.array([kind % len(heads) for kind, _ in messages], np.int32)
    head_bytes, head_starts = cut(heads)
    tail_bytes, tail_starts = cut([tail for _, tail in messages])
    found, twin = np.zeros(len(which), np.uint64), np.zeros(len(which), np.uint64)
    arguments = (head_bytes, head_starts, which, tail_bytes, tail_starts.astype(np.int32))
    with np.errstate(over="ignore"):
        fast.digests(*arguments, found)
    naive.digests(*arguments, twin)
    assert found.tolist() == twin.tolist()
