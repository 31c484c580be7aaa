"""Labels that mean the same, contain or exclude each other: docs/methods/label-relations.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.tag_statistics import RELATION_KINDS, LabelRelations

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.summaries.tag_pairs import PairCounts, TagPairs

__all__ = ["MOST_RELATIONS", "find_relations", "violations"]

MOST_RELATIONS = 10_000
"""So many of each kind are listed; the weakest beyond them are counted only."""

DUPLICATE, SYNONYM, SUBSUMPTION, EXCLUSION = range(len(RELATION_KINDS))

_JACCARD = 0.8
_FEWEST_DUPLICATE = 10
_FEWEST_SUBSUMED = 20
_SUBSUMED = 0.9
_EXPECTED = 10.0
_MOST_Q = 0.01
_MOST_LIFT = 0.25
_NEVER = 0.01
_COSINE = 0.9
_CLEARLY_MORE = 3.0
_EXCEPTIONS = 0.5
_Z95 = 1.959963984540054
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of labels with their evidence."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    counts: PairCounts
    statistic: npt.NDArray[np.float64]
    q: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    def take(self, places: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> _Pairs:
        """Return some of the pairs."""
        return _Pairs(
            self.first[places],
            self.second[places],
            type(self.counts)(*(column[places] for column in self.counts)),
            self.statistic[places],
            self.q[places],
        )


def find_relations(pairs: TagPairs) -> LabelRelations:
    """Find pairs of labels that look like duplicates, synonyms, part and whole, or opposites.

    Parameters
    ----------
    pairs : TagPairs
        Of all rows.

    Returns
    -------
    LabelRelations
        Suggestions: nothing is changed on their account.
    """
    duplicate, subsumption = _together(pairs)
    exclusion = _exclusions(pairs)
    alike = _profiles_alike(pairs, exclusion)
    synonyms = exclusion.take(~np.isnan(alike))
    synonyms = _Pairs(
        synonyms.first,
        synonyms.second,
        synonyms.counts,
        alike[~np.isnan(alike)],
        synonyms.q,
    )
    kinds = {
        DUPLICATE: _strongest(duplicate, -duplicate.statistic),
        SYNONYM: _strongest(synonyms, -synonyms.statistic),
        SUBSUMPTION: _strongest(subsumption, -subsumption.statistic),
        EXCLUSION: _strongest(exclusion.take(np.isnan(alike)), None),
    }
    found = len(duplicate) + len(subsumption) + len(exclusion)
    return _listed(pairs, kinds, found)


def _expected(counts: PairCounts) -> npt.NDArray[np.float64]:
    """Rows given both if the labels were independent."""
    product = counts.n_first.astype(np.float64) * counts.n_second
    return np.asarray(product / np.maximum(counts.rows, 1))


def _wilson_low(
    hits: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the lower end of Wilson's (1927) 95 % interval of a share."""
    n = np.maximum(rows, 1).astype(np.float64)
    share, part = hits / n, _Z95 * _Z95 / n
    half = np.sqrt(part * (share * (1.0 - share) + part / 4.0))
    return np.asarray((share + part / 2.0 - half) / (1.0 + part))


def _together(pairs: TagPairs) -> tuple[_Pairs, _Pairs]:
    """Find duplicates and subsumptions, both among pairs that are given together."""
    first, second = np.divmod(pairs.both.keys, pairs.n_classes)
    counts = pairs.counts(first, second)
    either = counts.n_first + counts.n_second - counts.n_both
    jaccard = counts.n_both / np.maximum(either, 1)
    nothing = np.full(len(first), np.nan)
    # The smaller label is the part. Of two of one size neither is.
    turned = counts.n_first > counts.n_second
    a, b = np.where(turned, second, first), np.where(turned, first, second)
    ordered = pairs.counts(a, b)
    low = _wilson_low(ordered.n_both, ordered.n_first)
    # A label that nearly every row has contains every other one by chance.
    strange = 1.0 - ordered.n_both / np.maximum(ordered.n_first, 1)
    usual = 1.0 - ordered.n_second / np.maximum(ordered.rows, 1)
    clearly = strange <= _EXCEPTIONS * usual
    same = (jaccard >= _JACCARD) & (ordered.n_first >= _FEWEST_DUPLICATE) & clearly
    inside = (low >= _SUBSUMED) & (ordered.n_first >= _FEWEST_SUBSUMED) & clearly & ~same
    inside &= ordered.n_second > ordered.n_first
    duplicate = _Pairs(first, second, counts, jaccard, nothing).take(same)
    return duplicate, _Pairs(a, b, ordered, low, nothing).take(inside)


def _candidates(pairs: TagPairs) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield all pairs a < b that may be expected together often enough, some at a time."""
    totals = pairs.totals()
    order = np.argsort(-totals, kind="stable")
    size = totals[order].astype(np.float64)
    # Where rows are annotated in part no bound on the expected number holds: all pairs are seen.
    bound = _EXPECTED * pairs.complete if pairs.annotated is None else 0.0
    a, b, held = [], [], 0
    for i in range(len(order)):
        last = int(np.searchsorted(-(size[i] * size), -bound, side="right"))
        if last <= i + 1 or size[i] == 0.0:
            break
        others = order[i + 1 : last]
        a.append(np.minimum(order[i], others))
        b.append(np.maximum(order[i], others))
        held += len(others)
        if held >= _CHUNK:
            yield np.concatenate(a), np.concatenate(b)
            a, b, held = [], [], 0
    if held:
        yield np.concatenate(a), np.concatenate(b)


def _exclusions(pairs: TagPairs) -> _Pairs:
    """Find pairs that are given together far less often than by chance."""
    from scipy.special import pdtr

    found, chances, tests = [], [], 0
    for a, b in _candidates(pairs):
        counts = pairs.counts(a, b)
        expected = _expected(counts)
        tests += int((expected >= _EXPECTED).sum())
        lift = counts.n_both / np.maximum(expected, 1e-300)
        few = np.flatnonzero((expected >= _EXPECTED) & (lift < 1.0))
        chance = pdtr(counts.n_both[few].astype(np.float64), expected[few])
        some = _Pairs(a, b, counts, lift, lift).take(few)
        # No p above q can pass, so no more need be kept.
        likely = chance <= _MOST_Q
        found.append(some.take(likely))
        chances.append(chance[likely])
    if not found:
        empty = np.zeros(0, np.int64)
        none = empty.astype(np.float64)
        return _Pairs(empty, empty, pairs.counts(empty, empty), none, none)
    joined = _joined(found)
    q = _benjamini_hochberg(np.concatenate(chances), tests)
    tested = _Pairs(joined.first, joined.second, joined.counts, joined.statistic, q)
    return tested.take((q < _MOST_Q) & (tested.statistic <= _MOST_LIFT))


def _joined(parts: list[_Pairs]) -> _Pairs:
    columns = zip(*(part.counts for part in parts), strict=True)
    return _Pairs(
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.second for part in parts]),
        type(parts[0].counts)(*(np.concatenate(column) for column in columns)),
        np.concatenate([part.statistic for part in parts]),
        np.concatenate([part.q for part in parts]),
    )


def _benjamini_hochberg(chances: npt.NDArray[np.float64], tests: int) -> npt.NDArray[np.float64]:
    """Return q of the smallest p-values of ``tests`` (Benjamini, Hochberg 1995)."""
    order = np.argsort(chances, kind="stable")
    q = chances[order] * tests / np.arange(1, len(chances) + 1)
    result = np.empty(len(chances))
    result[order] = np.minimum(np.minimum.accumulate(q[::-1])[::-1], 1.0)
    return result


def _profiles_alike(pairs: TagPairs, exclusion: _Pairs) -> npt.NDArray[np.float64]:
    """Return the cosine of the profiles of pairs that are never together, NaN where it is low.

    A label's profile is how much more or less often than by chance it is given with each other
    one: (n_ac - E) / sqrt(E), which is noise of one size for labels that have nothing in common.
    """
    alike = np.full(len(exclusion), np.nan)
    never = np.flatnonzero(exclusion.statistic <= _NEVER)
    order = never[np.argsort(exclusion.q[never], kind="stable")][:MOST_RELATIONS]
    known: dict[int, npt.NDArray[np.float64]] = {}
    for place in order:
        a, b = int(exclusion.first[place]), int(exclusion.second[place])
        for k in (a, b):
            if k not in known:
                known[k] = _profile(pairs, k)
        left, right = known[a].copy(), known[b].copy()
        left[[a, b]] = right[[a, b]] = 0.0
        # Classes of which a row has exactly one lack the same company, which says nothing.
        if min(left.max(), right.max()) >= _CLEARLY_MORE:
            cosine = (left * right).sum() / np.sqrt((left * left).sum() * (right * right).sum())
            if cosine >= _COSINE:
                alike[place] = cosine
    return alike


def _profile(pairs: TagPairs, k: int) -> npt.NDArray[np.float64]:
    """(K,) float64: standardized surplus of rows given k and each other label."""
    counts = pairs.counts(np.full(pairs.n_classes, k), np.arange(pairs.n_classes))
    expected = _expected(counts)
    surplus = np.zeros(pairs.n_classes)
    np.divide(counts.n_both - expected, np.sqrt(expected), out=surplus, where=expected >= 1.0)
    surplus[k] = 0.0
    return surplus


def _strongest(found: _Pairs, key: npt.NDArray[np.float64] | None) -> _Pairs:
    """Sort by the strength of the evidence, then by classes, and keep the first."""
    keys = (found.statistic, found.q) if key is None else (key,)
    order = np.lexsort((found.second, found.first, *keys))
    return found.take(order[:MOST_RELATIONS])


def _listed(pairs: TagPairs, kinds: dict[int, _Pairs], found: int) -> LabelRelations:
    """Put the kinds one behind the other."""
    every = _joined(list(kinds.values()))
    kind = np.repeat(list(kinds), [len(part) for part in kinds.values()])
    notes = []
    if pairs.left_out:
        notes.append(
            f"{pairs.left_out:,} rows annotated for some classes only are left out of the counts."
        )
    dropped = found - len(every)
    if dropped:
        notes.append(f"{dropped:,} more relations, weaker than those listed, are left out.")
    return LabelRelations(
        kind.astype(np.int8),
        every.first.astype(np.int32),
        every.second.astype(np.int32),
        *every.counts,
        every.statistic,
        _expected(every.counts),
        every.q,
        pairs.left_out,
        dropped,
        tuple(notes),
    )


def violations(
    given: npt.NDArray[np.int8], relations: LabelRelations
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find the rows of a block that contradict a relation.

    A row contradicts a duplicate if it is given one of the two only, a subsumption if it is
    given the first without the second, an exclusion or synonyms if it is given both. A tag that
    is not annotated contradicts nothing.

    Parameters
    ----------
    given : (n, K) int8
    relations : LabelRelations

    Returns
    -------
    row : (m,) int64
        In the block, ascending.
    relation : (m,) int64
        Place in ``relations``, ascending within a row.
    """
    classes, rows = np.nonzero(given.T > 0)
    start = np.searchsorted(classes, np.arange(given.shape[1] + 1))
    found, which = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for i, kind in enumerate(relations.kind):
        a, b = relations.first[i], relations.second[i]
        mine = rows[start[a] : start[a + 1]]
        bad = mine[given[mine, b] == (0 if kind in (DUPLICATE, SUBSUMPTION) else 1)]
        if kind == DUPLICATE:
            others = rows[start[b] : start[b + 1]]
            bad = np.concatenate([bad, others[given[others, a] == 0]])
        found.append(bad)
        which.append(np.full(len(bad), i))
    row, relation = np.concatenate(found), np.concatenate(which)
    order = np.lexsort((relation, row))
    return row[order], relation[order]
