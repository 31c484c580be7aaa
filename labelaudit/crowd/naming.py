"""Names put to the numbers of an aggregation."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.audits.crowd.aggregating import SOFT
from labelaudit.audits.crowd.next_votes import ranked
from labelaudit.audits.crowd.tables import wilson
from labelaudit.crowd_findings import (
    CrowdConsensus,
    GoldAccuracy,
    MajorityVerdict,
    VoteAgreement,
)
from labelaudit.errors import UsageError
from labelaudit.findings import Estimate
from labelaudit.tables.arrays import numbers, viewed
from labelaudit.tables.consensus import (
    coded,
    confusion_table,
    measured,
    pairs_as_text,
    soft_table,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.audits.crowd.aggregating import Aggregated, CrowdSettings
    from labelaudit.audits.crowd.pieces import PiecePairs, Right, TaskPiece
    from labelaudit.crowd.workplace import Workplace
    from labelaudit.tables.filed_votes import FiledVotes
    from labelaudit.tables.vote_reading import Votes
    from labelaudit.tables.votes import VoteSource

    Floats = npt.NDArray[np.float64]

__all__ = ["named"]

_NEXT_VOTES = 100
_MOST_CONFUSION_ROWS = 100_000_000
_CONFUSION_ROWS = 1 << 18


def named(
    source: VoteSource, place: Workplace, found: Aggregated, settings: CrowdSettings
) -> CrowdConsensus:
    """Put the names of tasks, workers and classes to the numbers of an aggregation."""
    votes, classes = place.votes, place.votes.classes
    understanding = replace(source.understanding, classes=classes.names, class_order=classes.order)
    tables = _TaskTables(place, found, settings)
    ids_of_shards = _in_lengths(votes.task_ids, found.crowd.tasks)
    for piece, ids in zip(found.pieces(), ids_of_shards, strict=True):
        tables.take(piece, ids)
    rate = found.agreement.alphas[0]
    proof = found.certificate
    return CrowdConsensus(
        understanding=understanding,
        method=settings.method,
        settings=asdict(settings),
        counts=votes.counts,
        consensus=tables.table("consensus"),
        workers=_workers(votes, found),
        pairs=_confused_pairs(found.confused, classes.values),
        next_votes=tables.next_votes(),
        confusion=_confusion(place, found) if "confusion" in settings.extras else None,
        soft=None if found.soft is None else tables.table("soft"),
        top_two=tables.table("top-two") if "top-two" in settings.extras else None,
        agreement=VoteAgreement(
            settings.level,
            Estimate(rate.value, rate.low, rate.high),
            found.agreement.fleiss_kappa,
            found.agreement.pairwise,
            found.agreement.pairable_tasks,
        ),
        certificate=MajorityVerdict(
            proof.sentence,
            proof.tied,
            Estimate(proof.same_share, proof.same_low, proof.same_high),
            proof.pattern_share,
            proof.expected_gain,
        ),
        gold_accuracy=_gold_accuracy(found.right),
        soft_differs=None if found.soft is None else tables.soft_differs,
        converged=found.result.converged,
        warnings=(*votes.warnings, *found.warnings),
        work=place.work,
        notes=(
            *(note for note in found.result.notes if note not in found.warnings),
            *_beside_the_consensus(found, settings, tables),
        ),
    )


def _in_lengths(arrays: Iterable[pa.Array], lengths: Sequence[int]) -> Iterator[pa.Array]:
    """Cut arrays, one after the other, anew; no piece is of two of them."""
    given, at = iter(arrays), 0
    ids = next(given)
    for length in lengths:
        if at == len(ids) and length:
            ids, at = next(given), 0
        yield ids.slice(at, length)
        at += length


class _TaskTables:
    """Takes what is said of tasks, piece by piece, and makes the tables of tasks of it."""

    def __init__(self, place: Workplace, found: Aggregated, settings: CrowdSettings) -> None:
        self.votes, self.found, self.settings = place.votes, found, settings
        self.parts = {name: place.table(name) for name in ("consensus", "soft", "top-two")}
        self.best: list[pa.Table] = []
        self.tasks = self.soft_differs = self.first_differs = 0

    def take(self, piece: TaskPiece, ids: pa.Array) -> None:
        """Name the next tasks."""
        consensus = self._consensus(piece, ids)
        self.parts["consensus"].take(consensus)
        self._worth(consensus, piece)
        if piece.soft is not None and piece.soft_label is not None:
            label, names = consensus["label"].combine_chunks(), self.votes.classes.names
            self.parts["soft"].take(soft_table(ids, label, piece.soft, names))
            self.soft_differs += _differing(piece.soft_label, piece)
        if piece.pairs is not None:
            self.parts["top-two"].take(self._top_two(piece.pairs, ids))
            self.first_differs += _differing(piece.pairs.first, piece)
        self.tasks += len(ids)

    def table(self, name: str) -> pa.Table:
        """Return one of the tables."""
        return self.parts[name].done()

    def next_votes(self) -> pa.Table:
        """Return the tasks most worth one more vote."""
        return self._ranked().drop_columns(["information", "place"])

    def _worth(self, consensus: pa.Table, piece: TaskPiece) -> None:
        """Keep the tasks most worth one more vote so far."""
        places = np.arange(len(consensus))
        order = ranked(piece.reduction, piece.information, places)[:_NEXT_VOTES]
        order = order[piece.reduction[order] > 0]
        chosen = consensus.select(["task", "label", "confidence"]).take(numbers(order))
        for name, values in (
            ("error_reduction", measured(piece.reduction[order])),
            ("information", measured(piece.information[order])),
            ("place", numbers(order + self.tasks)),
        ):
            chosen = chosen.append_column(name, values)
        self.best.append(chosen)
        self.best = [self._ranked()]

    def _ranked(self) -> pa.Table:
        best = pa.concat_tables(self.best)
        keys = (_stored(best[name]) for name in ("error_reduction", "information", "place"))
        return best.take(numbers(ranked(*keys)[:_NEXT_VOTES]))

    def _consensus(self, piece: TaskPiece, ids: pa.Array) -> pa.Table:
        """Name the tasks' labels; a task without votes or known label has none."""
        tasks, values = piece.tasks, self.votes.classes.values
        silent = (tasks.n_votes == 0) & ~piece.known
        second = piece.second
        columns: dict[str, Any] = {
            "task": ids,
            "label": coded(np.where(silent, -1, tasks.label).astype(np.int32), values),
            "confidence": np.where(silent, np.nan, tasks.confidence),
            "runner_up": coded(np.where(silent, -1, second).astype(np.int32), values),
            "runner_up_confidence": np.where(silent | (second < 0), np.nan, piece.second_share),
        }
        if piece.pairs is not None and self.found.result.method == "top-two":
            columns["confusion_probability"] = piece.pairs.confusion_probability
        columns |= {
            "n_votes": tasks.n_votes,
            "agreement": tasks.agreement,
            "entropy": tasks.entropy,
            "tie": tasks.tie,
            "majority_label": coded(tasks.majority_label, values),
        }
        return table_of(columns)

    def _top_two(self, pairs: PiecePairs, ids: pa.Array) -> pa.Table:
        values = self.votes.classes.values
        return table_of(
            {
                "task": ids,
                "first": coded(pairs.first, values),
                "second": coded(pairs.second, values),
                "pair_confidence": pairs.pair_confidence,
                "confusion_probability": pairs.confusion_probability,
                "tied_second": pairs.tied_second,
            }
        )


def _stored(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return np.concatenate([viewed(chunk) for chunk in column.chunks])


def _differing(labels: npt.NDArray[np.int32], piece: TaskPiece) -> int:
    """Count the tasks with a label that is another by some other way."""
    label = piece.tasks.label
    return int(((label >= 0) & (label != labels)).sum())


def _beside_the_consensus(
    found: Aggregated, settings: CrowdSettings, tables: _TaskTables
) -> Iterator[str]:
    """Say of tables that are made another way than the consensus how far they are from it."""
    tasks = f"of {tables.tasks:,} tasks"
    if apart := tables.soft_differs:
        same = f" With --soft '{settings.method}' it is." if settings.method in SOFT else ""
        yield (
            f"The soft labels are made another way ({settings.soft}) than the consensus "
            f"({settings.method}): on {apart:,} {tasks} their most probable label is not the "
            f"consensus label.{same}"
        )
    if found.pairs is not None and found.result.method != "top-two":
        yield (
            f"The top-two table is made by top-two, which has no part in the consensus by "
            f"{settings.method}: on {tables.first_differs:,} {tasks} its first answer is not the "
            "consensus label."
        )


def _workers(votes: Votes | FiledVotes, found: Aggregated) -> pa.Table:
    workers = found.workers
    return table_of(
        {
            "worker": votes.workers,
            "n_votes": workers.n_votes,
            "accuracy": workers.accuracy,
            "accuracy_low": workers.accuracy_low,
            "accuracy_high": workers.accuracy_high,
            "agreement": workers.agreement,
            "spammer_score": workers.spammer_score,
            "worst_pair": pairs_as_text(
                workers.worst_true, workers.worst_given, votes.classes.names
            ),
        }
    )


def _confused_pairs(confused: Floats, values: pa.Array) -> pa.Table:
    true, given = np.nonzero((confused >= 0.5) & ~np.eye(len(confused), dtype=np.bool_))
    expected = confused[true, given]
    order = np.lexsort((given, true, -np.round(expected, 9)))
    true, given, expected = true[order], given[order], expected[order]
    return table_of(
        {
            "true": coded(true.astype(np.int32), values),
            "given": coded(given.astype(np.int32), values),
            "expected": expected,
            "share": expected / confused.sum(axis=1)[true],
        }
    )


def _confusion(place: Workplace, found: Aggregated) -> pa.Table:
    votes = place.votes
    n, k = len(votes.workers), len(votes.classes.names)
    if n * k * k > _MOST_CONFUSION_ROWS:
        raise UsageError(
            f"The confusion matrices of {n:,} workers over {k:,} classes have {n * k * k:,} rows.",
            "Leave the confusion table out.",
        )
    table = place.table("confusion")
    step = n if place.results is None else max(_CONFUSION_ROWS // (k * k), 1)
    for first in range(0, n, step):
        matrices = found.workers.confusion.dense(first, min(first + step, n))
        some = votes.workers.slice(first, step)
        table.take(confusion_table(matrices, some, votes.classes.values))
    return table.done()


def _gold_accuracy(right: Right | None) -> GoldAccuracy | None:
    """Compare gold labels with labels that they have no part in."""
    if right is None or not right.tasks:
        return None
    shares = []
    for found in (right.method, right.majority):
        low, high = wilson(np.array([float(found)]), np.array([right.tasks]))
        shares.append(Estimate(found / right.tasks, float(low[0]), float(high[0])))
    return GoldAccuracy(right.tasks, *shares)
