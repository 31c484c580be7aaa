"""The rows a channel is fitted on, in chunks of fixed size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.model import FOLDS
from labelaudit.kernels.channel import add_product, mixed
from labelaudit.running import each
from labelaudit.summaries.ordering import label_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor

__all__ = [
    "Chunk",
    "affine",
    "centred_logs",
    "chunk_rows",
    "chunked",
    "floor_of",
    "floored",
    "has_discriminant",
    "logs_of",
    "powers",
    "precision_of",
    "row_hashes",
    "sample_bound",
    "sample_size",
    "side_by_side",
    "tiles",
]

MOST_ROWS = 200_000
NUMBERS = 5_000_000
MOST_NUMBERS = 8_000_000
MOST_FEATURES = 512
CHUNK_NUMBERS = 1 << 19
TILE_NUMBERS = 1 << 14
LEAST_ROWS = 64
FEW_NUMBERS = 1 << 18


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of the sample, all of one fold.

    Attributes
    ----------
    fold : int
    labels : (n,) int32
        Ascending.
    z : (K, n) float32
        Centred log-probabilities, averaged over the members.
    joined : (F, n) float32
        Those of all members side by side, F = members x K.
    hashes : (n,) uint64
    """

    fold: int
    labels: npt.NDArray[np.int32]
    z: npt.NDArray[np.float32]
    joined: npt.NDArray[np.float32]
    hashes: npt.NDArray[np.uint64]


def has_discriminant(n_classes: int, n_members: int) -> bool:
    """Say whether the classes are few enough for the discriminant g, which costs F x K a row."""
    return n_classes * n_members <= MOST_FEATURES


def sample_size(n_classes: int, n_members: int = 1) -> int:
    """How many rows a channel is fitted on, at most (but for the chance of the hash).

    Five million numbers, 200,000 rows; more where 100 rows a class (20 for very many classes)
    need it, up to eight million numbers.
    """
    per_class = 100 if has_discriminant(n_classes, n_members) else 20
    width = n_classes * n_members
    wanted = max(NUMBERS // width, per_class * n_classes)
    return max(1, min(wanted, MOST_ROWS, MOST_NUMBERS // width))


def sample_bound(total_rows: int, n_classes: int, n_members: int = 1) -> np.uint64:
    """Highest hash of a row of the sample: all rows if they are few enough.

    The rows with the smallest hashes are the sample. A bound on the hash, rather than an exact
    number of rows, lets every block say for itself which of its rows are in.
    """
    size = sample_size(n_classes, n_members)
    if total_rows <= size:
        return np.uint64(2**64 - 1)
    return np.uint64(2**64 * size // total_rows)


def row_hashes(row_ids: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint64]:
    """Hash rows by their numbers, as ``sample_hash`` does for consecutive ones."""
    return mixed(row_ids.astype(np.uint64) + mixed(np.array([seed % 2**64], np.uint64)))


def floor_of(labels: npt.NDArray[np.int32], members: Sequence[npt.NDArray[np.floating]]) -> float:
    """Choose what a probability counts as at least.

    Zero means below the model's resolution (votes of a forest, neighbours, printed decimals), so
    half of the smallest positive probability is what it may have been. Where probabilities go on
    to nothing, the floor is 1e-6, unless it would tie more than 2 % of the given labels.
    """
    smallest = min(map(_least_positive, members))
    rows = np.arange(len(labels))
    below = sum(int(np.count_nonzero(member[rows, labels] < 1e-6)) for member in members)
    lowest = 1e-12 if below > 0.02 * len(labels) * len(members) else 1e-6
    return min(max(smallest / 2.0, lowest), 1e-2)


def _least_positive(probs: npt.NDArray[np.floating]) -> float:
    """Return the smallest probability above 0, or 1 where there is none."""
    least = float(np.min(probs, initial=1.0))
    return least if least > 0.0 else float(np.min(probs, initial=1.0, where=probs > 0.0))


def floored(probs: npt.NDArray[np.floating], floor: float) -> npt.NDArray[np.float64]:
    """Return probabilities, none of them below the floor."""
    out: npt.NDArray[np.float64] = np.maximum(probs, floor, dtype=np.float64)
    return out


def precision_of(chunks: Sequence[Chunk]) -> type[np.floating]:
    """Say how precise products with the discriminant are.

    Those of few numbers take no time in double precision either, in which sums are taken anyway:
    one kernel less to compile in a first run.
    """
    few = sum(chunk.joined.size for chunk in chunks) <= FEW_NUMBERS
    return np.float64 if few else np.float32


def logs_of(probs: npt.NDArray[np.floating], floor: float) -> npt.NDArray[np.float32]:
    """Logarithms of (n, K) probabilities as shares of their row's largest, class by class: (K, n).

    Where all probabilities of a row are about one, the logarithms of such shares are about 0, and
    keep in single precision what tells them apart.
    """
    least = np.float32(floor)
    some = np.maximum(probs.T, least, dtype=np.result_type(probs, least), order="C")
    # Shares of single precision are the same whichever precision they are divided in.
    shares: npt.NDArray[np.float32] = np.empty(some.shape, np.float32)
    np.divide(some, some.max(axis=0), out=shares, casting="same_kind")
    return np.log(shares, out=shares)


def powers(probs: npt.NDArray[np.float32], exponent: float) -> npt.NDArray[np.float32]:
    """Raise probabilities to some quarters' power, one at least: by products and roots.

    Half as long as by way of logarithms.
    """
    whole, quarters = divmod(round(4.0 * exponent), 4)
    factors = [probs] * whole
    if quarters:
        root = np.sqrt(probs)
        fourth = [np.sqrt(root)] if quarters % 2 else []
        factors += [root] * (quarters // 2) + fourth
    result: npt.NDArray[np.float32] = reduce(np.multiply, factors)
    return result


def centred_logs(probs: npt.NDArray[np.floating], floor: float) -> npt.NDArray[np.float32]:
    """Logarithms of (n, K) probabilities less the mean of their row, class by class: (K, n)."""
    logs = logs_of(probs, floor)
    logs -= logs.mean(axis=0)
    return logs


def side_by_side(
    logs: Sequence[npt.NDArray[np.float32]],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the members' mean, (K, n), and the members joined, (F, n)."""
    if len(logs) == 1:
        return logs[0], logs[0]
    mean = logs[0].copy()
    for member in logs[1:]:
        mean += member
    mean /= np.float32(len(logs))
    return mean, np.concatenate(logs, axis=0)


def affine(
    weights: npt.NDArray[np.floating],
    offsets: npt.NDArray[np.floating],
    x: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """Return ``weights @ x + offsets``, every column the same bytes whatever is beside it.

    Parameters
    ----------
    weights : (K, F) float32 or float64
    offsets : (K,) likewise
    x : (F, n) float32
        Many rows of a table side by side: rows of few classes are too short for vector
        instructions.
    """
    out = np.repeat(offsets[:, None], x.shape[1], axis=1)
    add_product(weights, np.ascontiguousarray(x, weights.dtype), out)
    return out.astype(np.float32, copy=False)


def chunk_rows(n_classes: int) -> int:
    """Return how many rows a chunk has, at most.

    Enough that the products of all features, which are added up for each chunk, are less.
    """
    wide = 4 * n_classes if n_classes <= MOST_FEATURES else 1
    return max(wide, CHUNK_NUMBERS // n_classes)


def tiles(chunk: Chunk) -> Iterator[slice]:
    """Cut a chunk into rows that stay in the cache while they are worked on."""
    n_classes, n = chunk.z.shape
    step = max(LEAST_ROWS, TILE_NUMBERS // n_classes)
    return (slice(start, start + step) for start in range(0, n, step))


def chunked(
    labels: npt.NDArray[np.int32],
    members: Sequence[npt.NDArray[np.floating]],
    hashes: npt.NDArray[np.uint64],
    floor: float,
    crossed: bool,
    on: Executor | None = None,
) -> list[Chunk]:
    """Cut the sample into chunks whose size depends on the number of classes alone.

    Rows of a label are side by side, as a channel's row of a label is then at hand.
    """
    length = chunk_rows(members[0].shape[1])
    folds = (hashes % np.uint64(FOLDS)).astype(np.int64) if crossed else np.zeros(len(labels))
    places = []
    for fold in range(FOLDS if crossed else 1):
        rows = np.flatnonzero(folds == fold)
        rows = rows[label_order(labels[rows])]
        places += [(fold, rows[start : start + length]) for start in range(0, len(rows), length)]

    def cut(place: tuple[int, npt.NDArray[np.intp]]) -> Chunk:
        fold, at = place
        z, joined = side_by_side([centred_logs(member[at], floor) for member in members])
        return Chunk(fold, labels[at], z, joined, hashes[at])

    return list(each(cut, places, on))
