"""BLAKE2b of many short messages, for the names of issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["digests", "mixed_four", "rotated"]

# RFC 7693: the initial state, and the order of the message's words in each round.
_INITIAL = np.array(
    [
        *(0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1),
        *(0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179),
    ],
    np.uint64,
)
_ORDER = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.uint8,
)


@kernel
def rotated(x: np.uint64, by: int) -> np.uint64:
    """Rotate the bits of a word to the right."""
    return (x >> np.uint64(by)) | (x << np.uint64(64 - by))


@kernel
def mixed_four(
    a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64, x: np.uint64, y: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Mix two words of the message into four of the state: G of RFC 7693, section 3.1."""
    a = a + b + x
    d = rotated(d ^ a, 32)
    c = c + d
    b = rotated(b ^ c, 24)
    a = a + b + y
    d = rotated(d ^ a, 16)
    c = c + d
    b = rotated(b ^ c, 63)
    return a, b, c, d


@kernel
def _add_block(
    h: npt.NDArray[np.uint64], m: npt.NDArray[np.uint64], length: np.uint64, last: np.uint64
) -> None:
    # Sixteen names and not an array: the state then stays in registers, three times as fast.
    a0, a1, a2, a3, b0, b1, b2, b3 = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
    c0, c1, c2, c3 = _INITIAL[0], _INITIAL[1], _INITIAL[2], _INITIAL[3]
    d0, d1, d2, d3 = _INITIAL[4] ^ length, _INITIAL[5], _INITIAL[6] ^ last, _INITIAL[7]
    for i in range(12):
        s = _ORDER[i]
        a0, b0, c0, d0 = mixed_four(a0, b0, c0, d0, m[s[0]], m[s[1]])
        a1, b1, c1, d1 = mixed_four(a1, b1, c1, d1, m[s[2]], m[s[3]])
        a2, b2, c2, d2 = mixed_four(a2, b2, c2, d2, m[s[4]], m[s[5]])
        a3, b3, c3, d3 = mixed_four(a3, b3, c3, d3, m[s[6]], m[s[7]])
        a0, b1, c2, d3 = mixed_four(a0, b1, c2, d3, m[s[8]], m[s[9]])
        a1, b2, c3, d0 = mixed_four(a1, b2, c3, d0, m[s[10]], m[s[11]])
        a2, b3, c0, d1 = mixed_four(a2, b3, c0, d1, m[s[12]], m[s[13]])
        a3, b0, c1, d2 = mixed_four(a3, b0, c1, d2, m[s[14]], m[s[15]])
    h[0], h[1], h[2], h[3] = h[0] ^ a0 ^ c0, h[1] ^ a1 ^ c1, h[2] ^ a2 ^ c2, h[3] ^ a3 ^ c3
    h[4], h[5], h[6], h[7] = h[4] ^ b0 ^ d0, h[5] ^ b1 ^ d1, h[6] ^ b2 ^ d2, h[7] ^ b3 ^ d3


@kernel
def digests(
    heads: npt.NDArray[np.uint8],
    head_starts: npt.NDArray[np.int64],
    which: npt.NDArray[np.int32],
    tails: npt.NDArray[np.uint8],
    tail_starts: npt.NDArray[np.int32],
    out: npt.NDArray[np.uint64],
) -> None:
    """Hash messages, each a head that many share and a tail of its own, to 8 bytes.

    BLAKE2b (RFC 7693), unkeyed. hashlib has it too, but not for a million messages at once.

    Parameters
    ----------
    heads : (b,) uint8
        Heads, one after the other.
    head_starts : (h + 1,) int64
        Where each begins, and where the last ends.
    which : (n,) int32
        Head of each message.
    tails : (t,) uint8
    tail_starts : (n + 1,) int32
    out : (n,) uint64
        Filled: the digests, least significant byte first.
    """
    h, m = np.empty(8, np.uint64), np.empty(16, np.uint64)
    for i in range(len(which)):
        start, middle = head_starts[which[i]], tail_starts[i]
        first = head_starts[which[i] + 1] - start
        whole = first + tail_starts[i + 1] - middle
        for k in range(8):
            h[k] = _INITIAL[k]
        h[0] ^= np.uint64(0x01010008)
        done = 0
        while done == 0 or done < whole:
            m[:] = np.uint64(0)
            for k in range(min(128, whole - done)):
                at = done + k
                byte = heads[start + at] if at < first else tails[middle + at - first]
                m[k >> 3] |= np.uint64(byte) << np.uint64(8 * (k & 7))
            done += 128
            last = np.uint64(0xFFFFFFFFFFFFFFFF) if done >= whole else np.uint64(0)
            _add_block(h, m, np.uint64(min(done, whole)), last)
        out[i] = h[0]
