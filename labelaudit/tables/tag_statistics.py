"""Missing positives and relations of labels, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.tag_statistics import RELATION_KINDS

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.tag_statistics import Candidates, LabelRelations, MissingPositives

__all__ = ["candidates_table", "missing_table", "relations_table", "violations_table"]


def _floats(values: npt.NDArray[np.float64]) -> pa.Array:
    """NaN is "there is none" here, and null says so in every format."""
    return pa.array(values.ravel(), mask=np.isnan(values.ravel()))


def missing_table(
    found: MissingPositives, classes: pa.Array, groups: pa.Array | None = None
) -> pa.Table:
    """List classes, each with its groups, in their order.

    Columns: ``class``; ``group`` (only with groups); ``annotated``, ``given``, ``unknown`` (rows);
    ``propensity``, ``propensity_low``, ``propensity_high`` (share of true tags that are given);
    ``missing``, ``missing_low``, ``missing_high`` (true tags that are not given); ``not_estimable``
    (why there are no numbers, or null).

    Parameters
    ----------
    found : MissingPositives
    classes : pyarrow.Array
        (K,) names.
    groups : pyarrow.Array, optional
        (G,) names; left out when rows are not grouped.
    """
    n_classes, n_groups = found.missing.shape
    k = pa.array(np.repeat(np.arange(n_classes), n_groups))
    columns = {"class": classes.take(k)}
    if groups is not None:
        columns["group"] = groups.take(pa.array(np.tile(np.arange(n_groups), n_classes)))
    for name in ("annotated", "given", "unknown"):
        columns[name] = pa.array(getattr(found, name).ravel())
    for name in ("propensity", "missing"):
        for end in ("", "_low", "_high"):
            columns[name + end] = _floats(getattr(found, name + end))
    reasons = pa.array([reason or None for reason in found.reason], pa.string())
    columns["not_estimable"] = reasons.take(k)
    return pa.table(columns)


def candidates_table(
    found: Candidates,
    classes: pa.Array,
    groups: pa.Array | None,
    keys: pa.Array,
    files: pa.Array | None = None,
    first: int = 0,
) -> pa.Table:
    """List tags that are not given, most probably missing first.

    Columns: ``rank``; ``key``; ``row`` (0-based in the whole input); ``file`` (only with several);
    ``class``; ``group`` (only with groups); ``missing_prob`` (probability that it is a missing
    positive); ``prob`` (what the model says).

    Parameters
    ----------
    found : Candidates
    classes : pyarrow.Array
        (K,) names.
    groups : pyarrow.Array or None
        (G,) names; None when rows are not grouped.
    keys, files : pyarrow.Array
        (m,) keys of the rows, and their files.
    first : int
        How many are before them.
    """
    columns = {
        "rank": pa.array(np.arange(first + 1, first + len(found) + 1)),
        "key": keys,
        "row": pa.array(found.row),
        **({} if files is None else {"file": files}),
        "class": classes.take(pa.array(found.tag)),
        **({} if groups is None else {"group": groups.take(pa.array(found.group))}),
        "missing_prob": pa.array(found.missing),
        "prob": pa.array(found.prob),
    }
    return pa.table(columns)


def relations_table(found: LabelRelations, classes: pa.Array) -> pa.Table:
    """List relations, by kind and strength.

    Columns: ``relation`` (``duplicate``, ``synonym``, ``subsumption``, ``exclusion``); ``first``,
    ``second`` (classes; in a subsumption the first is the part); ``rows`` (annotated for both);
    ``n_first``, ``n_second``, ``n_both``; ``expected`` (given both, were they independent);
    ``statistic`` (of its kind: Jaccard index, cosine of profiles, lower end of P(second | first),
    n_both / expected); ``q`` (null for kinds without a test).
    """
    return pa.table(
        {
            "relation": pa.array([RELATION_KINDS[kind] for kind in found.kind], pa.string()),
            "first": classes.take(pa.array(found.first)),
            "second": classes.take(pa.array(found.second)),
            "rows": pa.array(found.rows),
            "n_first": pa.array(found.n_first),
            "n_second": pa.array(found.n_second),
            "n_both": pa.array(found.n_both),
            "expected": _floats(found.expected),
            "statistic": _floats(found.statistic),
            "q": _floats(found.q),
        }
    )


def violations_table(
    rows: npt.NDArray[np.int64],
    relation: npt.NDArray[np.int64],
    found: LabelRelations,
    classes: pa.Array,
) -> pa.Table:
    """List rows that contradict relations, by row.

    Columns: ``row`` (0-based in the whole input); ``relation``, ``first``, ``second`` as in the
    table of relations.

    Parameters
    ----------
    rows, relation : (m,) int64
        Rows of the whole input, and places in the relations.
    found : LabelRelations
    classes : pyarrow.Array
        (K,) names.
    """
    table = relations_table(found, classes).select(["relation", "first", "second"])
    return table.take(pa.array(relation)).add_column(0, "row", pa.array(rows))
