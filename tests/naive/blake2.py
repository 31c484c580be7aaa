"""Slow, obvious twin of ``labelaudit.kernels.blake2``."""

from __future__ import annotations

import hashlib

MASK = 2**64 - 1


def rotated(x, by):
    return ((int(x) >> by) | (int(x) << (64 - by))) & MASK


def mixed_four(a, b, c, d, x, y):
    a, b, c, d = int(a), int(b), int(c), int(d)
    for word, turns in ((int(x), (32, 24)), (int(y), (16, 63))):
        a = (a + b + word) & MASK
        d = rotated(d ^ a, turns[0])
        c = (c + d) & MASK
        b = rotated(b ^ c, turns[1])
    return a, b, c, d


def digests(heads, head_starts, which, tails, tail_starts, out):
    for i, kind in enumerate(which):
        head = bytes(heads[head_starts[kind] : head_starts[kind + 1]])
        tail = bytes(tails[tail_starts[i] : tail_starts[i + 1]])
        digest = hashlib.blake2b(head + tail, digest_size=8).digest()
        out[i] = int.from_bytes(digest, "little")
