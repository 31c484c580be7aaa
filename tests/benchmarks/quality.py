"""Quality of every score and every filter on sets with known errors, beside the peer's.

    python -m tests.benchmarks.quality [--sets real,simulated,digits] [--no-peer]

Real sets are read from the folder errors/ of LABELAUDIT_DATA. Simulated ones are Gaussian classes
of known overlap, with exact and miscalibrated probabilities; digits are scikit-learn's, with
cross-validated probabilities of logistic regression and naive Bayes and planted noise.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

import labelaudit
from labelaudit.audits.settings import METHODS, SCORES
from labelaudit.findings import FILTERS
from tests import realdata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class ErrorSet(NamedTuple):
    name: str
    labels: Ints
    probs: Floats
    wrong: Flags


class Ranking(NamedTuple):
    auroc: float
    auprc: float
    at_truth: float


class Flagging(NamedTuple):
    precision: float
    recall: float
    f1: float
    ratio: float


def ranking(order: Ints, wrong: Flags) -> Ranking:
    """Rows of ``order`` come worst first; ties are already broken."""
    hits = wrong[order]
    errors = int(hits.sum())
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    before = np.flatnonzero(hits) - np.arange(errors)
    auroc = 1.0 - before.sum() / (errors * (len(hits) - errors))
    return Ranking(float(auroc), float(precisions[hits].mean()), float(hits[:errors].mean()))


def flagging(flagged: Flags, wrong: Flags) -> Flagging:
    both, found, errors = int((flagged & wrong).sum()), int(flagged.sum()), int(wrong.sum())
    return Flagging(
        both / max(found, 1), both / errors, 2 * both / (found + errors), found / errors
    )


def real_sets() -> Iterator[ErrorSet]:
    import pyarrow.parquet as pq

    for truth in sorted((realdata.folder() / "errors").glob("*.truth.parquet")):
        data = truth.with_name(truth.name.replace(".truth", ""))
        table, wrong = pq.read_table(data), pq.read_table(truth)
        if table["id"].to_pylist() != wrong["id"].to_pylist():
            raise ValueError(f"{data.name} and its truth are in different orders")
        probs = np.array(table["pred_probs"].combine_chunks().flatten()).reshape(len(table), -1)
        names = sorted(set(table["label"].to_pylist()))
        code = {name: i for i, name in enumerate(names)}
        labels = np.array([code[name] for name in table["label"].to_pylist()])
        yield ErrorSet(data.stem, labels, probs, np.array(wrong["is_error"].to_pylist()))


def noise(kind: str, rate: float, n_classes: int, rng: np.random.Generator) -> Floats:
    """P(given | true), a row for each true class."""
    channel = (1.0 - rate) * np.eye(n_classes)
    if kind == "pair":
        return channel + rate * np.roll(np.eye(n_classes), 1, axis=1)
    if kind == "symmetric":
        return channel + rate * (1.0 - np.eye(n_classes)) / (n_classes - 1)
    for k in range(n_classes):
        moved = rng.uniform(0.0, 2.0 * rate)
        channel[k] = moved * np.insert(rng.dirichlet(np.full(n_classes - 1, 0.3)), k, 0.0)
        channel[k, k] = 1.0 - moved
    return channel


def given_labels(true: Ints, channel: Floats, rng: np.random.Generator) -> Ints:
    steps = np.cumsum(channel[true], axis=1)
    return (rng.random((len(true), 1)) > steps).sum(axis=1).clip(max=len(channel) - 1)


def softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def distort(logs: Floats, channel: Floats, how: str, rng: np.random.Generator) -> Floats:
    """What a model might say where the exact posterior is softmax(logs)."""
    learned = np.log(softmax(logs) @ channel + 1e-12)
    return {
        "exact": lambda: softmax(logs),
        "learned": lambda: softmax(learned),
        "overconfident": lambda: softmax(2.0 * logs),
        "unsure": lambda: softmax(learned + rng.normal(0.0, 0.7, logs.shape)),
    }[how]()


def simulated_sets(
    kinds: tuple[str, ...] = ("clean", "symmetric", "asymmetric", "pair"),
) -> Iterator[ErrorSet]:
    for spread in (0.6, 1.2, 2.0):
        for kind in kinds:
            for how in ("exact", "learned", "overconfident", "unsure"):
                rng = np.random.default_rng(3)
                centres = rng.normal(0.0, spread, (10, 5))
                true = rng.integers(0, 10, 10_000)
                points = centres[true] + rng.normal(0.0, 1.0, (10_000, 5))
                logs = -((points[:, None] - centres) ** 2).sum(axis=2) / 2.0
                channel = np.eye(10) if kind == "clean" else noise(kind, 0.2, 10, rng)
                labels = given_labels(true, channel, rng)
                probs = distort(logs, channel, how, rng)
                yield ErrorSet(f"gauss {spread} {kind} {how}", labels, probs, labels != true)


def digit_sets() -> Iterator[ErrorSet]:
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.naive_bayes import GaussianNB

    pixels, true = load_digits(return_X_y=True)
    models = {
        "logistic": LogisticRegression(C=0.01, max_iter=500),
        "bayes": GaussianNB(var_smoothing=1e-2),
    }
    for kind in ("symmetric", "asymmetric", "pair"):
        for rate in (0.1, 0.3):
            rng = np.random.default_rng(7)
            labels = given_labels(true, noise(kind, rate, 10, rng), rng)
            for name, model in models.items():
                probs = cross_val_predict(model, pixels / 16.0, labels, method="predict_proba")
                yield ErrorSet(f"digits {name} {kind} {rate}", labels, probs, labels != true)


def ours(case: ErrorSet) -> tuple[dict[str, Ints], dict[str, Flags]]:
    orders, flags = {}, {}
    for score in SCORES:
        table = labelaudit.find_issues(
            case.labels, case.probs, method="rcp", score=score, every_row=True
        ).table
        orders[score] = by_quality(table)
    for method in METHODS:
        rows = labelaudit.find_issues(case.labels, case.probs, method=method).table["row"]
        flags[method] = np.isin(np.arange(len(case.labels)), rows.to_numpy())
    return orders, flags


def by_quality(table: pa.Table) -> Ints:
    """Rows in the order of their quality alone, in whatever order the table lists them."""
    quality, rows = table["label_quality"].to_numpy(), table["row"].to_numpy()
    return rows[np.lexsort((rows, quality))]


def peers(case: ErrorSet) -> tuple[dict[str, Ints], dict[str, Flags]]:
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels, probs = case.labels, np.asarray(case.probs, np.float64)
    probs = probs / probs.sum(axis=1, keepdims=True)
    orders, flags = {}, {}
    for score in SCORES[1:]:
        for adjust in (False, True)[: 1 if score.endswith("entropy") else 2]:
            found = get_label_quality_scores(labels, probs, method=score, adjust_pred_probs=adjust)
            orders[f"peer {score}{' adjusted' if adjust else ''}"] = np.argsort(
                found, kind="stable"
            )
    for method in FILTERS[:-1]:
        flags[f"peer {method}"] = find_label_issues(labels, probs, filter_by=method, n_jobs=1)
    return orders, flags


def row(name: str, values: Ranking | Flagging) -> str:
    cells = [f"{field} {value:.4f}" for field, value in values._asdict().items()]
    return f"  {name:38}" + "  ".join(cells)


def face_value(case: ErrorSet) -> str:
    """What is said of the number of errors where there are none."""
    found = labelaudit.find_issues(case.labels, case.probs).audit
    rows = len(case.labels)
    return (
        f"  no errors; at face value {found.error_rate.face_value.value * rows:.1f}, "
        f"at most {found.error_rate.most.value * rows:.0f}, flagged {found.n_issues}"
    )


def report(case: ErrorSet, peer: bool) -> dict[str, Ranking | Flagging]:
    print(f"\n{case.name} ({len(case.labels)} rows, {case.wrong.sum()} errors)")
    if not case.wrong.any():
        print(face_value(case))
        return {}
    orders, flags = ours(case)
    if peer:
        more_orders, more_flags = peers(case)
        orders.update(more_orders)
        flags.update(more_flags)
    found: dict[str, Ranking | Flagging] = {
        name: ranking(order, case.wrong) for name, order in orders.items()
    }
    found.update({f"flags {name}": flagging(mask, case.wrong) for name, mask in flags.items()})
    for name, values in found.items():
        print(row(name, values))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="real,simulated,digits")
    parser.add_argument("--no-peer", action="store_true")
    chosen = parser.parse_args()
    makers: dict[str, Callable[[], Iterator[ErrorSet]]] = {
        "real": real_sets,
        "simulated": simulated_sets,
        "digits": digit_sets,
    }
    for group in chosen.sets.split(","):
        sums: dict[str, list[Ranking | Flagging]] = defaultdict(list)
        for case in makers[group]():
            for name, values in report(case, not chosen.no_peer).items():
                sums[name].append(values)
        print(f"\nmean over {group} sets")
        for name, values in sums.items():
            print(row(name, type(values[0])(*np.mean(values, axis=0).tolist())))


if __name__ == "__main__":
    main()
