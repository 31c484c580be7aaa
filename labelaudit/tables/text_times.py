"""Dates and times in formats without types: columns of text that a condition takes for times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from labelaudit.errors import UsageError
from labelaudit.tables.conditions import Comparison, Junction, Membership
from labelaudit.tables.hive import HiveTable
from labelaudit.tables.scanning import is_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelaudit.tables.conditions import Condition
    from labelaudit.tables.table import InputTable

__all__ = ["times_in_text"]

_BATCH_ROWS = 1 << 17
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
_FORMS = {
    "day": (f"^{_DAY}$", None),
    "local": (f"^{_DAY}{_CLOCK}$", None),
    "zoned": (f"^{_DAY}{_CLOCK}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$", "UTC"),
}
_LIKE_A_TIME = f"^{_DAY}([T ][0-9]|$)"
_NANOSECONDS = "[.][0-9]{7}"
_MEANT_AS_TIME = re.compile("[0-9]{4}-[0-9]{1,2}(-|$)")


def times_in_text(
    tables: Sequence[InputTable], condition: Condition
) -> dict[str, pa.Date32Type | pa.TimestampType]:
    """Return the columns of text to be compared as dates or times, and the types they have then.

    These are the columns of CSV and JSON lines that are compared with a date or time, and hold
    nothing else, in ISO 8601 (``2024-12-20``, ``2024-12-20 10:00``, ``2024-12-20T10:00:00.5Z``).

    Raises
    ------
    UsageError
        If only some of the values are dates or times, or only some of the times have a zone,
        and text would be ordered otherwise than times are.
    """
    asked = _asked(tables, condition)
    if not asked:
        return {}
    seen = {name: _Seen() for name in asked}
    row = 0
    for table in tables:
        for batch in table.read(range(len(table.group_rows)), list(asked), _BATCH_ROWS):
            for name, known in seen.items():
                known.add(batch.column(name).cast(pa.string()), row)
            row += batch.num_rows
    kinds = {name: _kind(name, asked[name], seen[name], tables) for name in asked}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _asked(tables: Sequence[InputTable], condition: Condition) -> dict[str, list[Comparison]]:
    """Return the comparisons with text of those columns that are compared with a time."""
    asked: dict[str, list[Comparison]] = {}
    for each in _comparisons(condition):
        if isinstance(each.value, str) and _is_stored_text(tables, each.column):
            asked.setdefault(each.column, []).append(each)
    return {
        name: found
        for name, found in asked.items()
        if any(_MEANT_AS_TIME.match(str(each.value)) for each in found)
    }


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    if isinstance(condition, Junction):
        for part in condition.parts:
            yield from _comparisons(part)
    elif isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, Membership):
        yield from (Comparison(condition.column, "=", value) for value in condition.values)


def _is_stored_text(tables: Sequence[InputTable], name: str) -> bool:
    """Say whether a column is text in a file without types, and no name of a folder."""
    return any(
        table.format in ("csv", "jsonl")
        and is_text(table.schema.field(name).type)
        and not (isinstance(table, HiveTable) and name in table.values)
        for table in tables
    )


@dataclass(slots=True)
class _Seen:
    """What forms the values of a column have: for each the first row, and its value."""

    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    like_a_time: bool = False
    nanoseconds: bool = False

    def add(self, column: pa.Array, start: int) -> None:
        """Look at the values of the rows from ``start`` on."""
        other = column.is_valid()
        for form, (pattern, zone) in _FORMS.items():
            fits = pc.fill_null(pc.match_substring_regex(column, pattern), False)
            fits = _existing(column, fits, zone)
            self._note(form, column, fits, start)
            other = pc.and_not(other, fits)
        self._note("other", column, other, start)
        self.like_a_time |= _any(column, _LIKE_A_TIME)
        self.nanoseconds |= _any(column, _NANOSECONDS)

    def _note(self, form: str, column: pa.Array, fits: pa.BooleanArray, start: int) -> None:
        at = pc.index(fits, True).as_py()
        if at >= 0 and form not in self.first:
            self.first[form] = (start + at, column[at].as_py())


def _any(column: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, pattern), min_count=0).as_py())


def _existing(column: pa.Array, fits: pa.BooleanArray, zone: str | None) -> pa.BooleanArray:
    """Leave out what only looks like a date or time, such as February 30."""
    values = column.filter(fits)
    if _exist(values, zone):
        return fits
    found = [text for text in values.unique().to_pylist() if _exist(pa.array([text]), zone)]
    return pc.and_(fits, pc.is_in(column, pa.array(found, pa.string())))


def _exist(values: pa.Array, zone: str | None) -> bool:
    """Say whether all are times: of any year, or to the nanosecond."""
    for unit in ("us", "ns"):
        try:
            values.cast(pa.timestamp(unit, zone))
        except pa.ArrowInvalid:
            continue
        return True
    return False


def _kind(
    name: str, asked: list[Comparison], seen: _Seen, tables: Sequence[InputTable]
) -> pa.DataType | None:
    """Return the type a column is compared as; None for text."""
    forms = seen.first.keys()
    if not seen.like_a_time:
        return None
    texts = [str(each.value) for each in asked]
    unmixed = "other" not in forms and ("zoned" not in forms or forms == {"zoned"})
    if not unmixed:
        clocked = any(re.match(f"{_DAY}[T ][0-9]", text) for text in texts)
        if not clocked and all(each.sign in ("=", "!=") for each in asked):
            return None
        raise _mixed(name, seen, tables)
    if forms == {"day"} and not any(re.match(_FORMS["local"][0], text) for text in texts):
        return pa.date32()
    fine = seen.nanoseconds or any(re.search(_NANOSECONDS, text) for text in texts)
    return pa.timestamp("ns" if fine else "us", "UTC" if "zoned" in forms else None)


def _mixed(name: str, seen: _Seen, tables: Sequence[InputTable]) -> UsageError:
    start = f"Column {safe(name)} is compared with a date or time"
    if "other" in seen.first:
        row, text = seen.first["other"]
        return UsageError(
            f"{start}, and '{safe(text, 40)}' in {_place(row, tables)} is none.",
            "Write all as 2024-12-31, 2024-12-31 23:59:59 or 2024-12-31T23:59:59Z, or nothing.",
        )
    row, text = seen.first["zoned"]
    bare, shown = min(seen.first[form] for form in ("day", "local") if form in seen.first)
    return UsageError(
        f"{start}: '{safe(text, 40)}' in {_place(row, tables)} has a zone, '{safe(shown, 40)}' "
        f"in {_place(bare, tables)} has none.",
        "Write all with a zone, or none.",
    )


def _place(row: int, tables: Sequence[InputTable]) -> str:
    """Name a row of the whole input: by file and line, if that can be said."""
    from labelaudit.tables.lines import row_lines  # which needs tables that are selected from

    lines = row_lines(tables)
    end = 0
    for table in tables:
        end += sum(table.group_rows)
        if row < end and table.name in lines:
            return f"{table.name}, line {row + lines[table.name]:,}"
        if row < end:
            return f"{table.name}, row {row:,}"
    return f"row {row:,}"
