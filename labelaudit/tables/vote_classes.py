"""Which classes the votes are for, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.errors import UsageError
from labelaudit.tables.arrays import numbers, strings
from labelaudit.tables.vote_codes import NO_CODE, as_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.tables.vote_options import VoteOptions
    from labelaudit.tables.vote_roles import VoteRoles

__all__ = ["ABSTAINED", "VoteClasses", "vote_classes"]

ABSTAINED = -2
"""The code of a label that is no vote."""

SORTED = "sorted labels"
_MOST_CLASSES = 10_000
_MOST_COMPARED = 1_000


@dataclass(frozen=True, slots=True)
class VoteClasses:
    """The classes in order.

    Attributes
    ----------
    names : tuple of str
    values : pyarrow.Array
        (K,) what a label of each class is in the data.
    order : str
        Where the order came from, in words.
    by_position : bool
        Labels are positions among the names, from 0.
    abstained : tuple of str
        Labels that are no votes.
    warnings : tuple of str
    """

    names: tuple[str, ...]
    values: pa.Array
    order: str
    by_position: bool = False
    abstained: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def codes_of(self, values: pa.Array) -> npt.NDArray[np.int32]:
        """Return the code of each label: ``ABSTAINED``, or ``NO_CODE`` if it is no class."""
        known = map(str, range(len(self.names))) if self.by_position else self.names
        code = {name: place for place, name in enumerate(known)}
        code |= dict.fromkeys(self.abstained, ABSTAINED)
        found = [code.get(text, NO_CODE) for text in as_text(values)]
        return np.array(found, dtype=np.int32)


def vote_classes(
    values: pa.Array,
    roles: VoteRoles,
    options: VoteOptions,
    categories: tuple[str, ...] | None,
) -> VoteClasses:
    """Decide on the classes and their order.

    The first that is known: what the user said, ClassLabel names, ordered categories, the sorted
    labels.

    Parameters
    ----------
    values : pyarrow.Array
        The different labels that occur, sorted.
    roles : VoteRoles
    options : VoteOptions
    categories : tuple of str or None
        Ordered categories of the label column.

    Raises
    ------
    UsageError
        If classes are named twice, or there are too many different labels for classes.
    """
    if len(values) > _MOST_CLASSES:
        raise UsageError(
            f"There are {len(values):,} different labels, which cannot be classes.",
            "Say which column holds the labels with --label-column.",
        )
    warnings = _unheard(values, options)
    for names, order in (
        (options.classes, options.origin("classes")),
        (roles.class_names, "Hugging Face ClassLabel"),
        (categories, "ordered categories"),
    ):
        if names is not None:
            return _said(values, names, safe(order), options.abstain, warnings)
    texts = as_text(values)
    heard = [place for place, text in enumerate(texts) if text not in options.abstain]
    return VoteClasses(
        tuple(texts[place] for place in heard),
        values.take(numbers(np.array(heard, dtype=np.int64))),
        SORTED,
        abstained=options.abstain,
        warnings=warnings,
    )


def _unheard(values: pa.Array, options: VoteOptions) -> tuple[str, ...]:
    texts = as_text(values)
    missing = [text for text in options.abstain if text not in texts]
    return tuple(
        f"No label is '{safe(text)}', which --abstain names.{_nearest(text, texts)}"
        for text in missing
    )


def _nearest(text: str, texts: Sequence[str]) -> str:
    import difflib

    folded = [each for each in texts if each.casefold() == text.strip().casefold()]
    near = folded or difflib.get_close_matches(text, texts[:_MOST_COMPARED], n=1)
    return f" Did you mean '{safe(near[0])}'?" if near else ""


def _said(
    values: pa.Array,
    names: tuple[str, ...],
    order: str,
    abstain: tuple[str, ...],
    warnings: tuple[str, ...],
) -> VoteClasses:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"The classes ({order}) name {safe(twice[0])} more than once.", "Name each class once."
        )
    both = [name for name in names if name in abstain]
    if both:
        raise UsageError(
            f"{safe(both[0])} is a class ({order}) and no vote (--abstain).",
            "Leave it out of one of them.",
        )
    positions = _are_positions(values, names, abstain)
    held = numbers(np.arange(len(names))) if positions else _typed(strings(names), values)
    note = "; label k is the k-th, from 0" if positions else ""
    return VoteClasses(names, held, order + note, positions, abstain, warnings)


def _are_positions(values: pa.Array, names: tuple[str, ...], abstain: tuple[str, ...]) -> bool:
    """Say whether integer labels number the names: then none of them is a name itself."""
    if not pt.is_integer(values.type):
        return False
    return not any(text in names for text in as_text(values) if text not in abstain)


def _typed(names: pa.Array, values: pa.Array) -> pa.Array:
    """Return the names in the type of the labels; as text where one of them cannot be such."""
    try:
        return names.cast(values.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return names
