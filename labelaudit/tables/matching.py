"""Which rows of a batch a condition holds for, and in which row groups it can hold at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.errors import UsageError
from labelaudit.tables.arrays import viewed
from labelaudit.tables.boundary import reason
from labelaudit.tables.conditions import Comparison, Junction, Membership, NullTest
from labelaudit.tables.exact_numbers import exact_comparison, is_exact
from labelaudit.tables.scanning import is_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from labelaudit.tables.conditions import Condition, Literal
    from labelaudit.tables.table import InputTable

__all__ = ["Bounds", "Matcher", "can_match"]

_COMPARE = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of a column in some rows without reading it.

    Attributes
    ----------
    low, high : object
        No value is below or above; None where that is not known.
    has_nulls, has_values : bool
        False only if it is known that there are none.
    """

    low: Any = None
    high: Any = None
    has_nulls: bool = True
    has_values: bool = True


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on columns of known types.

    Attributes
    ----------
    condition : Condition
    schema : pyarrow.Schema
        Types of the columns; dates and times where text is compared as such.
    numbers_are_text : bool
        In CSV, numbers that are no labels are read as text: compared with a number, they are one.
    name : str
        The table, fit to be shown.
    """

    condition: Condition
    schema: pa.Schema
    numbers_are_text: bool
    name: str

    @classmethod
    def of(
        cls, table: InputTable, condition: Condition, times: Mapping[str, pa.DataType] | None = None
    ) -> Matcher:
        """Put a condition to the columns of a table, some of them text to be compared as times."""
        schema = table.schema
        for name, kind in (times or {}).items():
            schema = schema.set(schema.get_field_index(name), pa.field(name, kind))
        return cls(condition, schema, table.format == "csv", table.name)

    def check(self) -> None:
        """Raise ``UsageError`` if a value does not fit its column."""
        self._check(self.condition)

    def _check(self, condition: Condition) -> None:
        if isinstance(condition, Junction):
            for part in condition.parts:
                self._check(part)
        elif isinstance(condition, Comparison):
            self.question(condition)
            kind = self._kind(condition.column)
            if pt.is_boolean(kind) and condition.sign not in ("=", "!="):
                raise UsageError(
                    f"Column {safe(condition.column)} is true or false, which have no order.",
                    "Compare it with = or !=.",
                )
        elif isinstance(condition, Membership):
            for value in condition.values:
                self.question(Comparison(condition.column, "=", value))

    def rows(self, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Return for each row of a batch whether the condition holds."""
        return self._rows(self.condition, batch)

    def _rows(self, condition: Condition, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        if isinstance(condition, Junction):
            join = np.logical_and if condition.every else np.logical_or
            found: npt.NDArray[np.bool_] = join.reduce(
                [self._rows(part, batch) for part in condition.parts]
            )
            return found
        column = batch.column(condition.column)
        if isinstance(condition, NullTest):
            holds = column.is_valid() if condition.negated else column.is_null(nan_is_null=False)
            return _bools(holds)
        return self._compared(condition, self._as_times(condition.column, _plain(column)))

    def _compared(
        self, condition: Comparison | Membership, column: pa.Array
    ) -> npt.NDArray[np.bool_]:
        if pt.is_null(column.type):
            return np.zeros(len(column), np.bool_)
        if isinstance(condition, Comparison):
            return self._holds(condition, column)
        equal = np.zeros(len(column), np.bool_)
        for value in condition.values:
            equal |= self._holds(Comparison(condition.column, "=", value), column)
        return _bools(column.is_valid()) & ~equal if condition.negated else equal

    def _holds(self, condition: Comparison, column: pa.Array) -> npt.NDArray[np.bool_]:
        question = self.question(condition)
        if isinstance(question, bool):
            return _bools(column.is_valid()) & question
        sign, value = question
        if is_text(column.type) and not is_text(value.type):
            column = self._as_numbers(condition.column, column)
        return _bools(_COMPARE[sign](column, value))

    def _as_times(self, name: str, column: pa.Array) -> pa.Array:
        kind = self._kind(name)
        if not is_text(column.type) or not _is_dated(kind):
            return column
        try:
            return column.cast(kind)
        except pa.ArrowInvalid as error:
            raise UsageError(
                f"Column {safe(name)} of {self.name} is compared with a date or time: "
                f"{reason(error)}.",
                "Write dates and times that exist, from 1678 to 2261 if in nanoseconds.",
            ) from error

    def _as_numbers(self, name: str, column: pa.Array) -> pa.Array:
        try:
            return column.cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise UsageError(
                f"Column {safe(name)} of {self.name} is compared with a number and holds text: "
                f"{reason(error)}.",
                "Put the value in quotes to compare text.",
            ) from error

    def _kind(self, name: str) -> pa.DataType:
        kind = self.schema.field(name).type
        return kind.value_type if pt.is_dictionary(kind) else kind

    def question(self, condition: Comparison) -> tuple[str, pa.Scalar] | bool:
        """Return a sign and a value in the type of the column, or what holds for all its values.

        Raises
        ------
        UsageError
            If the value cannot be of that type.
        """
        name, sign, value = condition.column, condition.sign, condition.value
        kind = self._kind(name)
        if is_text(kind) and self.numbers_are_text and _is_number(value):
            return sign, pa.scalar(_float(value), pa.float64())
        if pt.is_null(kind):
            return False
        if not _fits(kind, value):
            raise _unfit(name, kind, value)
        if _is_dated(kind):
            return sign, _moment(name, kind, value)
        if pt.is_floating(kind):
            return sign, pa.scalar(_float(value), kind)
        if is_exact(kind) and isinstance(value, int | Decimal):
            exact = exact_comparison(kind, sign, value)
            return exact if isinstance(exact, bool) else (exact[0], pa.scalar(exact[1], kind))
        return sign, pa.scalar(value, kind)


def _float(value: Literal) -> float:
    return float(Decimal(value))  # an integer that is too large is infinite then


def _moment(name: str, kind: pa.DataType, value: Literal) -> pa.Scalar:
    try:
        return pa.scalar(value, pa.string()).cast(kind)
    except (pa.ArrowException, ValueError) as error:
        found, example = "no date", "a date that exists, such as '2024-12-31'"
        if pt.is_timestamp(kind):
            found, example = "no time without a zone", "one that exists, as '2024-12-31 23:59:59'"
        if pt.is_timestamp(kind) and kind.tz is not None:
            found, example = "no time with a zone", "one, such as '2024-06-01T00:00:00Z'"
        raise UsageError(
            f"Column {safe(name)} is {safe(kind)}, and {_shown(value)} is {found}.",
            f"Write {example}.",
        ) from error


def _is_number(value: Literal) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _fits(kind: pa.DataType, value: Literal) -> bool:
    if isinstance(value, bool):
        return bool(pt.is_boolean(kind))
    if isinstance(value, str):
        return is_text(kind) or _is_dated(kind)
    if isinstance(value, int):
        return is_exact(kind) or bool(pt.is_floating(kind))
    return bool(pt.is_decimal(kind) or pt.is_floating(kind))


def _is_dated(kind: pa.DataType) -> bool:
    return bool(pt.is_date(kind) or pt.is_timestamp(kind))


def _unfit(name: str, kind: pa.DataType, value: Literal) -> UsageError:
    found = f"Column {safe(name)} is {safe(kind)}, and {_shown(value)} is "
    found += "text." if isinstance(value, str) else "not."
    if is_text(kind):
        return UsageError(found, f"Write '{safe(value)}'.")
    if is_exact(kind) or pt.is_floating(kind):
        whole = "a whole number" if pt.is_integer(kind) else "a number"
        return UsageError(found, f"Compare it with {whole}, without quotes.")
    if pt.is_boolean(kind):
        return UsageError(found, "Compare it with true or false.")
    if _is_dated(kind):
        return UsageError(found, "Write a date in quotes, such as '2024-12-31'.")
    return UsageError(found, "Compare columns of text, numbers, dates, or true and false.")


def _shown(value: Literal) -> str:
    return f"'{safe(value, 40)}'" if isinstance(value, str) else str(value).lower()


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pt.is_dictionary(column.type) else column


def _bools(flags: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """Return flags as an array; what is neither true nor false does not hold."""
    known = flags.fill_null(False) if flags.null_count else flags
    found: npt.NDArray[np.bool_] = viewed(known.cast(pa.uint8())).astype(np.bool_)
    return found


def can_match(matcher: Matcher, bounds: Mapping[str, Bounds]) -> bool:
    """Say whether a condition can hold in rows of which only bounds are known."""
    return _possible(matcher.condition, matcher, bounds)


def _possible(condition: Condition, matcher: Matcher, bounds: Mapping[str, Bounds]) -> bool:
    if isinstance(condition, Junction):
        join: Callable[[Any], bool] = all if condition.every else any
        return join(_possible(part, matcher, bounds) for part in condition.parts)
    known = bounds.get(condition.column, Bounds())
    if isinstance(condition, NullTest):
        return known.has_values if condition.negated else known.has_nulls
    if not known.has_values:
        return False
    if isinstance(condition, Membership):
        equal = (Comparison(condition.column, "=", value) for value in condition.values)
        return condition.negated or any(_within(each, matcher, known) for each in equal)
    return _within(condition, matcher, known)


def _within(condition: Comparison, matcher: Matcher, known: Bounds) -> bool:
    """Compare with the bounds, if they are of the value's own type."""
    question = matcher.question(condition)
    if isinstance(question, bool):
        return question
    if known.low is None or known.high is None:
        return True
    sign, value, low, high = question[0], question[1].as_py(), known.low, known.high
    if type(low) is not type(value) or type(high) is not type(value):
        return True
    if isinstance(value, float) and (sign == "!=" or any(map(math.isnan, (value, low, high)))):
        return True  # bounds say nothing of NaN
    answers: Mapping[str, bool] = {
        "=": low <= value <= high,
        "!=": not low == value == high,
        "<": low < value,
        "<=": low <= value,
        ">": high > value,
        ">=": high >= value,
    }
    return answers[sign]
