"""What the number of missing positives rests on, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.tag_statistics import PropensitySource

__all__ = ["assumption_of", "notes_of"]

_ASSUMPTIONS = {
    "groups": (
        "Within a group every true tag of a class is equally likely to be given, and rows with "
        "equal probabilities are equally likely to be truly of the class in every group"
    ),
    "known": (
        "Every true tag of a class is equally likely to be given (selected completely at random), "
        "with the share that you stated"
    ),
    "prior": (
        "Every true tag of a class is equally likely to be given (selected completely at random), "
        "and the share of rows truly of each class is the one that you stated"
    ),
    "elkan_noto": (
        "Every true tag of a class is equally likely to be given (selected completely at random), "
        "with a share estimated after Elkan and Noto, which is too low, and the number of missing "
        "tags too high, unless the probabilities tell the class apart perfectly"
    ),
}


def assumption_of(source: PropensitySource) -> str:
    """Say what the estimate assumes, in one sentence."""
    text = _ASSUMPTIONS[source.kind]
    if source.kind != "groups":
        return text + "."
    if source.anchor is not None:
        return (
            f"{text}; in the group that gives most of them a share of {source.anchor:g} is given, "
            "as you stated."
        )
    return (
        f"{text}; how much is given in the best group is read from where its share levels off "
        "as the probabilities rise."
    )


def notes_of(
    source: PropensitySource,
    reasons: Sequence[str],
    identified: npt.NDArray[np.bool_],
    shape: npt.NDArray[np.float64],
    unknown: npt.NDArray[np.int64],
) -> tuple[str, ...]:
    """Say what the user must know to read the numbers.

    Parameters
    ----------
    source : PropensitySource
    reasons : sequence of str
        For each class why it is not estimable, or nothing.
    identified : (K,) bool
    shape : (3, K) float64
        Intercept, slope and ceiling.
    unknown : (K, G) int64
    """
    notes = []
    estimable = np.array([not reason for reason in reasons], np.bool_)
    n = int(estimable.sum())
    if n < len(reasons):
        notes.append(f"{len(reasons) - n} of {len(reasons)} classes are not estimable.")
    alike = int((estimable & ~identified).sum())
    if source.kind == "groups" and alike:
        notes.append(
            f"In {alike} of {n} classes the groups do not clearly differ in what share of true "
            "tags is given, so its level rests on the shape of the probabilities alone."
        )
    flat = int((shape[1] < 0.05).sum())
    if flat:
        notes.append(f"In {flat} of {n} classes the probabilities tell next to nothing.")
    if unknown.any():
        notes.append(
            f"{int(unknown.sum()):,} tags without a probability are left out; missing positives "
            "among them are not counted."
        )
    return tuple(notes)
