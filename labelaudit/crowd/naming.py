"""Names put to the numbers of an aggregation."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.audits.crowd.aggregating import SOFT
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.tables import wilson
from labelaudit.crowd_findings import (
    CrowdConsensus,
    GoldAccuracy,
    MajorityVerdict,
    VoteAgreement,
)
from labelaudit.errors import UsageError
from labelaudit.findings import Estimate
from labelaudit.tables.consensus import (
    coded,
    confusion_table,
    measured,
    pairs_as_text,
    soft_table,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.crowd.aggregating import Aggregated, CrowdSettings
    from labelaudit.tables.vote_reading import Votes
    from labelaudit.tables.votes import VoteSource

    Floats = npt.NDArray[np.float64]

__all__ = ["named"]

_NEXT_VOTES = 100
_MOST_CONFUSION_ROWS = 100_000_000


def named(
    source: VoteSource, votes: Votes, found: Aggregated, settings: CrowdSettings
) -> CrowdConsensus:
    """Put the names of tasks, workers and classes to the numbers of an aggregation."""
    classes = votes.classes
    understanding = replace(source.understanding, classes=classes.names, class_order=classes.order)
    tasks = _consensus(votes, found)
    rate = found.agreement.alphas[0]
    proof = found.certificate
    return CrowdConsensus(
        understanding=understanding,
        method=settings.method,
        settings=asdict(settings),
        counts=votes.counts,
        consensus=tasks,
        workers=_workers(votes, found),
        pairs=_confused_pairs(found.confused, classes.values),
        next_votes=_next_votes(tasks, found),
        confusion=_confusion(votes, found) if "confusion" in settings.extras else None,
        soft=None
        if found.soft is None
        else soft_table(votes.tasks, tasks["label"].combine_chunks(), found.soft, classes.names),
        top_two=_top_two(votes, found) if "top-two" in settings.extras else None,
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
        gold_accuracy=_gold_accuracy(votes, found),
        soft_differs=None if found.soft is None else _differing(consensus(found.soft), found),
        converged=found.result.converged,
        warnings=(*votes.warnings, *found.warnings),
        notes=(
            *(note for note in found.result.notes if note not in found.warnings),
            *_beside_the_consensus(found, settings),
        ),
    )


def _differing(labels: npt.NDArray[np.int32], found: Aggregated) -> int:
    """Count the tasks with a label that is another by some other way."""
    label = found.tasks.label
    return int(((label >= 0) & (label != labels)).sum())


def _beside_the_consensus(found: Aggregated, settings: CrowdSettings) -> Iterator[str]:
    """Say of tables that are made another way than the consensus how far they are from it."""
    tasks = f"of {len(found.tasks.label):,} tasks"
    if found.soft is not None and (apart := _differing(consensus(found.soft), found)):
        same = f" With --soft '{settings.method}' it is." if settings.method in SOFT else ""
        yield (
            f"The soft labels are made another way ({settings.soft}) than the consensus "
            f"({settings.method}): on {apart:,} {tasks} their most probable label is not the "
            f"consensus label.{same}"
        )
    if found.pairs is not None and found.result.method != "top-two":
        apart = _differing(found.pairs.first, found)
        yield (
            f"The top-two table is made by top-two, which has no part in the consensus by "
            f"{settings.method}: on {apart:,} {tasks} its first answer is not the consensus label."
        )


def _consensus(votes: Votes, found: Aggregated) -> pa.Table:
    """Name the tasks' labels; a task without votes or known label has none."""
    tasks, values = found.tasks, votes.classes.values
    silent = (tasks.n_votes == 0) & (votes.block.gold < 0)
    second, second_share = _second(found)
    columns: dict[str, Any] = {
        "task": votes.tasks,
        "label": coded(np.where(silent, -1, tasks.label).astype(np.int32), values),
        "confidence": np.where(silent, np.nan, tasks.confidence),
        "runner_up": coded(np.where(silent, -1, second).astype(np.int32), values),
        "runner_up_confidence": np.where(silent | (second < 0), np.nan, second_share),
    }
    if found.pairs is not None and found.result.method == "top-two":
        columns["confusion_probability"] = found.pairs.confusion_probability
    columns |= {
        "n_votes": tasks.n_votes,
        "agreement": tasks.agreement,
        "entropy": tasks.entropy,
        "tie": tasks.tie,
        "majority_label": coded(tasks.majority_label, values),
    }
    return table_of(columns)


def _second(found: Aggregated) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the second answers: those of the recovered pairs, where the method recovers them."""
    tasks = found.tasks
    if found.pairs is None or found.result.method != "top-two":
        return tasks.runner_up, tasks.runner_up_confidence
    same = found.pairs.first == tasks.label
    second = np.where(same, found.pairs.second, tasks.runner_up).astype(np.int32)
    return second, found.result.posterior[np.arange(len(second)), second]


def _workers(votes: Votes, found: Aggregated) -> pa.Table:
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


def _next_votes(tasks: pa.Table, found: Aggregated) -> pa.Table:
    following = found.next_votes
    order = following.order[:_NEXT_VOTES]
    order = order[following.error_reduction[order] > 0]
    chosen = tasks.select(["task", "label", "confidence"]).take(pa.array(order))
    return chosen.append_column("error_reduction", measured(following.error_reduction[order]))


def _confusion(votes: Votes, found: Aggregated) -> pa.Table:
    n, k = votes.block.n_workers, votes.block.n_classes
    if n * k * k > _MOST_CONFUSION_ROWS:
        raise UsageError(
            f"The confusion matrices of {n:,} workers over {k:,} classes have {n * k * k:,} rows.",
            "Leave the confusion table out.",
        )
    matrices = found.workers.confusion.dense(0, n)
    return confusion_table(matrices, votes.workers, votes.classes.values)


def _top_two(votes: Votes, found: Aggregated) -> pa.Table | None:
    pairs, values = found.pairs, votes.classes.values
    if pairs is None:
        return None
    return table_of(
        {
            "task": votes.tasks,
            "first": coded(pairs.first, values),
            "second": coded(pairs.second, values),
            "pair_confidence": pairs.pair_confidence,
            "confusion_probability": pairs.confusion_probability,
            "tied_second": pairs.tied_second,
        }
    )


def _gold_accuracy(votes: Votes, found: Aggregated) -> GoldAccuracy | None:
    """Compare gold labels with labels that they have no part in."""
    known = (votes.block.gold >= 0) & (found.tasks.n_votes > 0)
    total = int(known.sum())
    if not total or found.unaided is None:
        return None
    gold = votes.block.gold[known]
    shares = []
    for labels in (found.unaided[known], found.tasks.majority_label[known]):
        right = int((labels == gold).sum())
        low, high = wilson(np.array([float(right)]), np.array([total]))
        shares.append(Estimate(right / total, float(low[0]), float(high[0])))
    return GoldAccuracy(total, *shares)
