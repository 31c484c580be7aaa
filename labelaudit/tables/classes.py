"""Which classes there are, and in which order the probabilities stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow.types as pt

from labelaudit.errors import InputError, UsageError
from labelaudit.tables.arrays import flags, numbers, strings
from labelaudit.tables.layouts import ProbColumns, plain_type
from labelaudit.tables.roles import listed
from labelaudit.tables.scanning import SeenLabels, is_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from labelaudit.tables.roles import Roles

__all__ = ["Classes", "LabelColumn", "arranged", "choose_classes", "sorted_after_all"]

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,19}")
_BACKWARDS = frozenset(
    {
        ("1", "0"),
        ("pos", "neg"),
        ("positive", "negative"),
        ("t", "f"),
        ("true", "false"),
        ("yes", "no"),
    }
)
_NAME_THEM = "Name the classes in the order of the probabilities with --classes."
_MANY = 1000
_RARE = 0.01
"""Share of rows up to which labels beyond the classes may be slips of the pen."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes in the order of the probabilities.

    Attributes
    ----------
    names : tuple of str
    values : pyarrow.Array
        (K,) what a label of each class is in the data: strings, int64 or booleans.
    order : str
        Where the order came from, in words.
    warnings : tuple of str
        What was assumed.
    doubtful : bool
        The order is that of a dictionary, and may be left over from another table.
    """

    names: tuple[str, ...]
    values: pa.Array
    order: str
    warnings: tuple[str, ...] = ()
    doubtful: bool = False

    @property
    def shown(self) -> pa.Array:
        """(K,) what a label of each class is to people: as in the data, or else its name."""
        texts: list[str] = self.values.cast("string").to_pylist()
        return self.values if texts == list(self.names) else strings(self.names)


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """What is known of the label column without reading it, and how to read it once.

    Attributes
    ----------
    name : str
    type : pyarrow.DataType
    seen : callable
        Reads the column and returns its different labels.
    span : callable
        Reads the column, if it is of integers, and returns the smallest and the largest; None
        without any.
    share_from : callable
        Reads the column, if it is of numbers, and returns the share of rows with at least that
        number.
    """

    name: str
    type: pa.DataType
    seen: Callable[[], SeenLabels]
    span: Callable[[], tuple[int, int] | None]
    share_from: Callable[[int], float]

    @property
    def plain(self) -> pa.DataType:
        """Type of the values."""
        return plain_type(self.type)


def choose_classes(
    label: LabelColumn, roles: Roles, said: tuple[str, ...] | None, said_by: str
) -> Classes:
    """Decide on the classes and their order.

    The first that is known: what the user said, ClassLabel names, the names of struct fields or
    wide columns, dictionary categories, the sorted labels.

    Raises
    ------
    UsageError
        If names are missing, or contradict the probabilities.
    InputError
        If the labels cannot be class numbers, or there is one class only.
    """
    model = roles.probs[0]
    width = model.width or 0
    _check_width(model, width)
    own = model.names
    if said is not None:
        return _checked(label, model, said, said_by)
    if roles.class_names is not None:
        return _checked(label, model, roles.class_names, "Hugging Face ClassLabel")
    if own is not None and own != _numbers(width):
        what = {"struct": "fields", "map": "keys"}.get(model.layout, "suffixes")
        return _checked(label, model, own, f"{what} of {model.shown}")
    return _from_labels(label, model, width)


def _check_width(model: ProbColumns, width: int) -> None:
    if width == 0:
        raise InputError(
            f"Column {model.shown} holds no probabilities.", "Give another one with --probs."
        )
    if width == 1:
        raise InputError(
            f"Column {model.shown} holds one probability a row, so there is only one class.",
            "Give the probability of each class, also with two classes.",
        )


def _numbers(width: int) -> tuple[str, ...]:
    return tuple(map(str, range(width)))


def _checked(label: LabelColumn, model: ProbColumns, names: tuple[str, ...], order: str) -> Classes:
    repeated = (
        {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    )
    if repeated:
        raise UsageError(
            f"The classes ({safe(order)}) name {listed(sorted(repeated))} more than once.",
            "Name each class once.",
        )
    if len(names) != model.width:
        raise UsageError(
            f"There are {len(names):,} classes ({safe(order)}), but {model.shown} holds "
            f"{model.width:,} probabilities a row.",
            _NAME_THEM,
        )
    values, note = _values(label, names)
    classes = Classes(names, values, safe(order) + note)
    if note:
        _refuse_one_based(label, len(names))
    return classes


def _values(label: LabelColumn, names: tuple[str, ...]) -> tuple[pa.Array, str]:
    """Return the label of each class, and a note where labels are positions, not names."""
    kind = label.plain
    if pt.is_boolean(kind):
        return _boolean_values(label, names), ""
    if pt.is_integer(kind) or pt.is_floating(kind):
        integers = _integer_values(names)
        if integers is not None:
            return integers, ""
        return numbers(np.arange(len(names))), "; label k is the k-th, from 0"
    return strings(names), ""


def _integer_values(names: tuple[str, ...]) -> pa.Array | None:
    """Return the names as 64-bit integers, signed if they fit; None if they are other names."""
    if not all(map(_INTEGER.fullmatch, names)):
        return None
    values = list(map(int, names))
    if min(values) >= -(2**63) and max(values) < 2**63:
        return numbers(np.array(values, np.int64))
    if min(values) >= 0 and max(values) < 2**64:
        return numbers(np.array(values, np.uint64))
    return None


def _boolean_values(label: LabelColumn, names: tuple[str, ...]) -> pa.Array:
    if len(names) != 2:
        raise UsageError(
            f"Column {safe(label.name)} is boolean, but there are {len(names):,} classes.",
            "Give probabilities of two classes, or other labels.",
        )
    backwards = tuple(name.casefold() for name in names) in _BACKWARDS
    return flags(np.array([backwards, not backwards]))


def _from_labels(label: LabelColumn, model: ProbColumns, width: int) -> Classes:
    """Find classes for probabilities without names."""
    if pt.is_boolean(label.plain):
        return Classes(
            ("false", "true"),
            _boolean_values(label, ("", "") if width == 2 else _numbers(width)),
            "false, then true",
        )
    if is_text(label.type) or pt.is_null(label.plain):
        return _from_text(label, model, width)
    return _from_numbers(label, model, width)


def _some(label: LabelColumn) -> SeenLabels:
    seen = label.seen()
    return seen if seen.values else _no_label(label)


def _no_label(label: LabelColumn) -> NoReturn:
    raise InputError(
        f"Column {safe(label.name)} holds no label: it is null in every row.",
        "Give another column with --labels.",
    )


def _from_text(label: LabelColumn, model: ProbColumns, width: int) -> Classes:
    seen = _some(label)
    names = tuple(map(str, seen.values))
    if model.names is not None and set(names) <= set(model.names):
        return _checked(label, model, model.names, f"suffixes of {model.shown}")
    if seen.categories is not None and len(seen.categories) == width:
        classes = _checked(label, model, seen.categories, "dictionary categories")
        apart = not seen.ordered and list(seen.categories) != sorted(seen.categories)
        return replace(classes, doubtful=apart)
    return _sorted(label, model, names, width)


def sorted_after_all(label: LabelColumn, model: ProbColumns, doubted: Classes) -> Classes:
    """Sort the names of a dictionary whose order does not fit the probabilities.

    A dictionary keeps the order of the table that it was made for, when rows are drawn from that,
    shuffled or dropped.
    """
    names = tuple(sorted(doubted.names))
    classes = _checked(label, model, names, "assumed: sorted labels")
    warning = (
        f"Class order assumed: sorted ({listed(names, 6)}), which the probabilities fit better "
        f"than the order of the dictionary of {safe(label.name)}. If neither is right, say so "
        "with --classes."
    )
    return replace(classes, warnings=(warning,))


def _sorted(label: LabelColumn, model: ProbColumns, names: tuple[str, ...], width: int) -> Classes:
    if len(names) != width:
        _refuse_other_number(label, model, len(names))
    classes = _checked(label, replace(model, width=width), names, "assumed: sorted labels")
    warning = (
        f"Class order assumed: sorted ({listed(names, 6)}). If the columns of {model.shown} stand "
        "in another order, say so with --classes."
    )
    return replace(classes, warnings=(warning,))


def _refuse_other_number(label: LabelColumn, model: ProbColumns, n_labels: int) -> NoReturn:
    width, remedy = model.width or 0, _NAME_THEM
    missing = n_labels - width
    if missing > width + _MANY:
        remedy = "Say which column holds the labels with --labels: this one looks like keys."
    elif missing > 0:
        noun = "1 class has" if missing == 1 else f"{missing:,} classes have"
        remedy = f"{noun} no probabilities: give those of every class with --probs."
    held = "only one label" if n_labels == 1 else f"{n_labels:,} different labels"
    raise UsageError(
        f"Column {safe(label.name)} holds {held}, but {model.shown} holds "
        f"{width:,} probabilities a row.",
        remedy,
    )


def _from_numbers(label: LabelColumn, model: ProbColumns, width: int) -> Classes:
    low, high = _extremes(label)
    counting = Classes(_numbers(width), numbers(np.arange(width)), f"0 to {width - 1}")
    if low >= 0 and high < width:
        return counting
    _refuse_one_based(label, width)
    seen = _some(label).values
    if low == 0 and len(seen) == high + 1 and label.share_from(width) > _RARE:
        _refuse_other_number(label, model, len(seen))
    # Numbers of which some are class numbers and some are not are mistakes, not names; but -1 and
    # 1 are how many libraries write two classes.
    apart = not any(0 <= value < width for value in map(int, seen)) or set(seen) == {-1, 1}
    if len(seen) == width and apart:
        return _sorted(label, model, tuple(str(int(value)) for value in seen), width)
    return counting


def _extremes(label: LabelColumn) -> tuple[int, int]:
    if pt.is_integer(label.type):
        span = label.span()
        return span if span is not None else _no_label(label)
    values = _some(label).values
    broken = [value for value in values if not float(value).is_integer()]
    if broken:
        raise UsageError(
            f"Column {safe(label.name)} holds fractions such as {broken[0]}, which cannot be "
            "labels.",
            "Say which column holds the labels with --labels.",
        )
    return int(values[0]), int(values[-1])


def _refuse_one_based(label: LabelColumn, width: int) -> None:
    if _extremes(label) == (1, width):
        raise InputError(
            f"The labels in column {safe(label.name)} run from 1 to {width}, but class numbers "
            f"start at 0: they look 1-based.",
            "Subtract 1 from them, or list the numbers as they are with "
            f"--classes {','.join(map(str, range(1, min(width, 3) + 1)))}"
            f"{',...' if width > 3 else ''}.",
        )


def arranged(model: ProbColumns, classes: Classes) -> ProbColumns:
    """Return the model with its named columns in the order of the classes.

    Raises
    ------
    UsageError
        If it has another number of columns than there are classes, or names that only partly
        agree with them.
    """
    if (model.width or 0) != len(classes.names):
        raise UsageError(
            f"{model.shown} holds {model.width:,} probabilities a row, but there are "
            f"{len(classes.names):,} classes.",
            "Give models of the same classes.",
        )
    if model.names is None or model.names == classes.names:
        return model
    both = set(model.names) & set(classes.names)
    if not both:
        return model
    if len(both) < len(classes.names):
        missing = [name for name in classes.names if name not in both]
        raise UsageError(
            f"{model.shown} has no probabilities of {listed(missing)}.",
            "Name the classes as the columns do, or none of them alike.",
        )
    place = {name: k for k, name in enumerate(model.names)}
    order = [place[name] for name in classes.names]
    columns = tuple(model.columns[k] for k in order) if len(model.columns) > 1 else model.columns
    return replace(model, columns=columns, names=classes.names)
