"""Quality of the scores of rows with many labels, beside the peer's, and of missing positives.

    python -m tests.benchmarks.tag_quality [--seeds 2] [--quick] [--no-peer] [--markdown]

Tables are made by scikit-learn's make_multilabel_classification, small and large, with few and many
classes; errors of five kinds are planted in about a sixth of the rows; probabilities are those of
logistic regressions and of a random forest, by cross-validation on the labels with errors.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelaudit.audits.tags.missing import estimate_missing, missing_probability
from labelaudit.audits.tags.row_lines import fit_row_lines
from labelaudit.summaries.tag_logits import BINS, LogitCounts, bin_logits
from labelaudit.tag_statistics import PropensitySource
from tests.benchmarks.quality import Ranking, ranking

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = npt.NDArray[np.float64]
Tags = npt.NDArray[np.int8]

GROUPS = {
    "small, few": (500, 5, 2),
    "small, many": (500, 25, 4),
    "large, few": (2000, 5, 2),
    "large, many": (2000, 25, 4),
}
KINDS = ("missing", "extra", "both", "by class", "by row")
FOLDS = 3
FIRST_SEED = 100
DEFAULT = "default"
PROPENSITIES = np.array([0.9, 0.6, 0.3, 0.1])


class Case(NamedTuple):
    group: str
    name: str
    given: Tags
    probs: Floats
    wrong: npt.NDArray[np.bool_]


def planted(true: Tags, kind: str, rng: np.random.Generator) -> Tags:
    """Take tags away and put others in, so that about as many rows are hit with every kind."""
    n, k = true.shape
    mean = true.sum() / n
    lose, gain = np.zeros((n, k)), np.zeros((n, k))
    both = 0.5 if kind == "both" else 1.0
    if kind in ("missing", "both"):
        lose += both * 0.2 / mean
    if kind in ("extra", "both"):
        gain += both * 0.2 / (k - mean)
    if kind == "by class":
        lose += rng.exponential(0.1 / mean, k)
        gain += rng.exponential(0.1 / (k - mean), k)
    if kind == "by row":
        careless = rng.random(n) < 0.12
        lose[careless], gain[careless] = 0.3, 0.6 / (k - mean)
    drawn = rng.random((n, k))
    return np.where(true == 1, drawn >= lose, drawn < gain).astype(np.int8)


def predicted(points: Floats, given: Tags, model: str, seed: int) -> Floats:
    """Out-of-sample probabilities of each class."""
    from sklearn.model_selection import KFold

    probs = np.empty(given.shape)
    for train, test in KFold(FOLDS, shuffle=True, random_state=seed).split(points):
        fit = forest if model == "forest" else logistic
        probs[test] = fit(points[train], given[train], points[test], seed)
    return probs


def logistic(points: Floats, given: Tags, wanted: Floats, seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegression

    columns = []
    for tags in given.T:
        if tags.min() == tags.max():
            columns.append(np.full(len(wanted), float(tags[0])))
        else:
            model = LogisticRegression(max_iter=300).fit(points, tags)
            columns.append(model.predict_proba(wanted)[:, 1])
    return np.stack(columns, axis=1)


def forest(points: Floats, given: Tags, wanted: Floats, seed: int) -> Floats:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(40, random_state=seed).fit(points, given)
    found = [
        probs[:, 1] if probs.shape[1] == 2 else np.full(len(wanted), float(classes[0]))
        for probs, classes in zip(model.predict_proba(wanted), model.classes_, strict=True)
    ]
    return np.stack(found, axis=1)


def cases(seeds: int, kinds: tuple[str, ...]) -> Iterator[Case]:
    from sklearn.datasets import make_multilabel_classification
    from sklearn.preprocessing import StandardScaler

    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for group, (n, k, mean) in GROUPS.items():
            raw, true = make_multilabel_classification(
                n, n_features=20, n_classes=k, n_labels=mean, random_state=seed
            )
            points = StandardScaler().fit_transform(raw)
            for kind in kinds:
                given = planted(true, kind, np.random.default_rng(seed))
                wrong = (given != true).any(axis=1)
                for model in ("logistic", "forest"):
                    probs = predicted(points, given, model, seed)
                    yield Case(group, f"{kind}, {model}", given, probs, wrong)


def softmin(quality: Floats, temperature: float = 0.1) -> Floats:
    weights = np.exp((1.0 - quality) / temperature)
    return (quality * weights).sum(axis=1) / weights.sum(axis=1)


def moving_average(quality: Floats) -> Floats:
    ordered = -np.sort(-quality, axis=1)
    score = ordered[:, 0]
    for column in ordered.T[1:]:
        score = 0.8 * column + 0.2 * score
    return score


def by_default(given: Tags, probs: Floats) -> Floats:
    """Return softmin over qualities by the fitted lines."""
    k = given.shape[1]
    counts = np.zeros((k, 2, BINS), np.int64)
    summary = LogitCounts.of(given, probs)
    for j in range(k):
        cells = summary.of_class(j)
        counts[j, 0, cells.place], counts[j, 1, cells.place] = cells.rest, cells.given
    fitted = fit_row_lines(counts, bin_logits())
    lines = fitted.lines[np.arange(k), given]
    p = np.clip(probs, 1e-6, 1.0 - 1e-6)
    logits = np.log(p) - np.log1p(-p)
    quality = 1.0 / (1.0 + np.exp(-(lines[..., 0] * logits + lines[..., 1])))
    return softmin(quality, fitted.temperature)


def ours(case: Case) -> dict[str, Floats]:
    quality = np.where(case.given == 1, case.probs, 1.0 - case.probs)
    return {
        DEFAULT: by_default(case.given, case.probs),
        "softmin of p": softmin(quality),
        "EMA 0.8 of p": moving_average(quality),
        "min of p": quality.min(axis=1),
        "mean of p": quality.mean(axis=1),
    }


def peers(case: Case) -> dict[str, Floats]:
    from cleanlab.multilabel_classification import get_label_quality_scores

    labels = [np.flatnonzero(row).tolist() for row in case.given]
    combining = {
        "EMA 0.8": {"method": "exponential_moving_average", "alpha": 0.8},
        "softmin": {"method": "softmin", "temperature": 0.1},
    }
    scores = {}
    # With two classes the normalized margin is the self-confidence.
    for method in ("self_confidence", "confidence_weighted_entropy"):
        for adjust in (False, True)[: 1 if method.endswith("entropy") else 2]:
            for name, options in combining.items():
                full = f"peer {name}, {method}{', adjusted' if adjust else ''}"
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    scores[full] = get_label_quality_scores(
                        labels,
                        case.probs,
                        method=method,
                        adjust_pred_probs=adjust,
                        aggregator_kwargs=options,
                    )
    return scores


Means = dict[tuple[str, str], Ranking]


def row_scores(seeds: int, kinds: tuple[str, ...], *, peer: bool) -> Means:
    """Mean over tables, by score and group."""
    found: dict[tuple[str, str], list[Ranking]] = defaultdict(list)
    for case in cases(seeds, kinds):
        scores = ours(case) | (peers(case) if peer else {})
        for name, score in scores.items():
            result = ranking(np.argsort(score, kind="stable"), case.wrong)
            found[name, case.group].append(result)
    return {key: Ranking(*np.mean(values, axis=0).tolist()) for key, values in found.items()}


def show(means: Means, *, markdown: bool) -> None:
    names = list(dict.fromkeys(name for name, _ in means))
    cells = {key: " / ".join(f"{x:.3f}" for x in value) for key, value in means.items()}
    if markdown:
        print("| score | " + " | ".join(GROUPS) + " |\n" + "|---" * (len(GROUPS) + 1) + "|")
    else:
        print(f"{'':58}" + "".join(f"{group:23}" for group in GROUPS))
    for name in names:
        row = [cells[name, group] for group in GROUPS]
        print(
            f"| {name} | {' | '.join(row)} |"
            if markdown
            else f"{name:58}" + "".join(f"{cell:23}" for cell in row)
        )


def against_the_peer(means: Means) -> None:
    for group in GROUPS:
        for i, figure in enumerate(("AUROC", "AUPRC", "AP@T")):
            rest = [
                (value[i], name)
                for (name, at), value in means.items()
                if at == group and name.startswith("peer")
            ]
            if rest:
                best, name = max(rest)
                own = means[DEFAULT, group][i]
                print(f"{group:12} {figure:6} default {own:.3f}, best {best:.3f} ({name})")


def average_precision(score: Floats, wanted: npt.NDArray[np.bool_]) -> float:
    return ranking(np.argsort(-score, kind="stable"), wanted).auprc


def missing_positives(seeds: int, rows: int) -> None:
    """Four sources that give .9, .6, .3 and .1 of the true tags."""
    print("\nmissing positives: propensity of each source; estimated number by the true one, share")
    print("of intervals that hold it, average precision of the candidates")
    sums: dict[str, list[list[float]]] = defaultdict(list)
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for model in ("exact", "logistic", "forest"):
            for name, values in one_source_table(seed, rows, model).items():
                sums[f"{model:9} {name}"].append(values)
    for name, values in sums.items():
        print(f"{name:34}" + "  ".join(f"{x:9.3f}" for x in np.mean(values, axis=0)))


def one_source_table(seed: int, rows: int, model: str) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(rows, 10))
    f = 1.0 / (1.0 + np.exp(-(points @ rng.normal(0.0, 1.0, (10, 1)) - 1.0)))
    true, source = rng.random(f.shape) < f, rng.integers(0, 4, rows).astype(np.int32)
    given = (true & (rng.random(f.shape) < PROPENSITIES[source][:, None])).astype(np.int8)
    probs = f
    if model == "logistic":
        probs = predicted(points, given, model, seed)
    elif model == "forest":
        twice = predicted(points, np.repeat(given, 2, axis=1), model, seed)
        probs = twice[:, :1]
    rest = given[:, 0] == 0
    wanted = true[rest, 0]
    results = {}
    for name, options in (
        ("by source", PropensitySource.groups()),
        ("SCAR, Elkan and Noto", PropensitySource.elkan_noto()),
    ):
        group = source if options.kind == "groups" else None
        counts = LogitCounts.of(given, probs, group, 1 if group is None else 4)
        found = estimate_missing(counts, options)
        candidates = missing_probability(found, probs, group, given)[rest, 0]
        held = float(found.total_low <= wanted.sum() <= found.total_high)
        e = found.propensity[0].tolist()
        ratio = found.total / wanted.sum()
        results[name] = [*(e * 4)[:4], ratio, held, average_precision(candidates, wanted)]
    e = PROPENSITIES[source]
    oracle = (f[:, 0] * (1 - e) / (1 - f[:, 0] * e))[rest]
    nan = float("nan")
    results["p alone"] = [nan] * 6 + [average_precision(probs[rest, 0], wanted)]
    results["truth"] = [*PROPENSITIES.tolist(), 1.0, nan, average_precision(oracle, wanted)]
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one seed and two kinds of errors")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    seeds, kinds = (1, KINDS[2:4]) if chosen.quick else (chosen.seeds, KINDS)
    means = row_scores(seeds, kinds, peer=not chosen.no_peer)
    print("row scores: AUROC / AUPRC / precision at the true number of errors")
    show(means, markdown=chosen.markdown)
    against_the_peer(means)
    missing_positives(max(seeds, 2), 4000 if chosen.quick else 10_000)


if __name__ == "__main__":
    main()
