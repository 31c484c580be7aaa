"""The worst rows as data for the page: as many as fit, names and keys exact and fit to be shown."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from labelaudit.class_names import names_of
from labelaudit.tag_findings import TagIssues
from labelaudit.wording import picture_kind, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from labelaudit.findings import LabelIssues

__all__ = ["issues_data"]

MOST_ROWS = 2_000
ROW_BYTES = 300_000
STATES = ("absent", "present")
NAME_BYTES = 60_000
PICTURE_BYTES = 300_000
_SHOWN, _TEXT = 80, 400


def issues_data(result: LabelIssues | TagIssues) -> dict[str, Any]:
    """Return what the table of issues is built from, as JSON can hold it.

    Rows are taken from the worst on until there are ``MOST_ROWS`` of them, or their texts fill
    ``ROW_BYTES``: keys and names are long in some data, and have to be exact in the decisions.

    Returns
    -------
    dict
        ``names``: texts of labels, each ``[exact, shown]``, or ``[exact]`` where they are one;
        ``rows``: ``[rank, issue_id, key, given, suggested, quality, severity, shown...]``, labels
        as places in ``names``; ``likely``: for each given label, names worth offering.
    """
    names = _Names({str(label).lower(): name for label, name in names_of(result).items()})
    tags = isinstance(result, TagIssues)
    columns = ["Class"] if tags else []
    columns += [] if result.shown is None else result.shown.column_names
    rows: list[list[Any]] = []
    room = ROW_BYTES
    pictures = PICTURE_BYTES
    for row in _records(result):
        room -= names.cost([row["given"], row["suggested"]]) + _size(row["key"])
        room -= 60 + _size(row["class"]) + sum(_size(cell["text"]) for cell in row["shown"])
        if room < 0 and rows:
            break
        for i, cell in enumerate(row["shown"]):
            row["shown"][i] = shown = _cell(cell, pictures)
            pictures -= len(shown[0]) if isinstance(shown, list) else 0
        if tags:
            row["shown"].insert(0, safe(row["class"], _SHOWN))
        rows.append(_line(row, names))
    offered = STATES if isinstance(result, TagIssues) else _by_rows(result)
    _complete(names, offered)
    order = STATES if isinstance(result, TagIssues) else _labels(result)
    return {
        "run": _run_name(result),
        "tags": tags,
        "names": names.listed(),
        "classes": [names.places[name] for name in order if name in names.places],
        "columns": [safe(name, 60) for name in columns],
        "rows": rows,
        "likely": {} if isinstance(result, TagIssues) else _likely(result, names),
    }


class _Names:
    """Texts of labels, each once, and what those that are codes are shown as."""

    def __init__(self, shown: Mapping[str, str]) -> None:
        self.places: dict[str, int] = {}
        self.shown = shown

    def place(self, name: str | None) -> int:
        if name is None:
            return -1
        return self.places.setdefault(name, len(self.places))

    def cost(self, names: Iterable[str | None]) -> int:
        """Return the bytes that these names add."""
        new = {name for name in names if name is not None and name not in self.places}
        return sum(map(_size, new))

    def listed(self) -> list[list[str]]:
        return [_with_shown(name, _SHOWN, self.shown.get(name)) for name in self.places]


def _with_shown(text: str, limit: int, name: str | None = None) -> list[str]:
    shown = safe(text if name is None else name, limit)
    return [text] if shown == text else [text, shown]


def _size(text: str | None) -> int:
    """Return the bytes that the text takes in the page, its form fit to be shown included."""
    if text is None:
        return 5
    quoted = len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
    twice = 4 * _SHOWN if len(text) > _SHOWN or not text.isprintable() else 0
    return 4 + quoted + 5 * (text.count("<") + text.count(">") + text.count("&")) + twice


def _records(result: LabelIssues | TagIssues) -> Iterable[dict[str, Any]]:
    table = result.table.slice(0, MOST_ROWS)
    n = table.num_rows
    shown = None if result.shown is None else result.shown.slice(0, n).to_pylist()
    wanted = ("rank", "issue_id", "label_quality", "severity")
    plain = {name: table[name].to_pylist() for name in wanted}
    texts = {
        name: _texts(table[name]) for name in ("key", "given_label", "suggested_label", "class")
    }
    for i in range(n):
        yield {
            **{name: values[i] for name, values in plain.items()},
            "key": texts["key"][i],
            "given": texts["given_label"][i],
            "suggested": texts["suggested_label"][i],
            "class": texts["class"][i],
            "shown": [] if shown is None else list(shown[i].values()),
        }


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
    return list(column.cast(pa.string()).to_pylist())


def _cell(cell: dict[str, Any], room: int) -> str | list[str] | None:
    """Return text cut to what a cell holds; or a picture as its address, and the text."""
    text = None if cell["text"] is None else safe(cell["text"], _TEXT)
    picture = cell["picture"]
    kind = None if picture is None else picture_kind(picture)
    if kind is None or 4 * len(picture) // 3 + 40 > room:
        return text
    return [f"data:image/{kind};base64,{b64encode(picture).decode()}", text or ""]


def _line(row: dict[str, Any], names: _Names) -> list[Any]:
    key = [] if row["key"] is None else _with_shown(row["key"], _SHOWN)
    return [
        row["rank"],
        row["issue_id"],
        key[0] if len(key) == 1 else key,
        names.place(row["given"]),
        names.place(row["suggested"]),
        float(f"{row['label_quality']:.4g}"),
        row["severity"],
        *row["shown"],
    ]


def _complete(names: _Names, offered: Iterable[str]) -> None:
    """Offer the other classes too, as far as there is room."""
    room = NAME_BYTES
    for name in offered:
        room -= names.cost([name])
        if room < 0:
            return
        names.place(name)


def _by_rows(result: LabelIssues) -> list[str]:
    counts, classes = result.audit.counts.tolist(), _labels(result)
    order = sorted(range(len(classes)), key=lambda k: (-counts[k], k))
    return [classes[k] for k in order]


def _labels(result: LabelIssues) -> list[str]:
    """Return the label of each class as it stands in the data."""
    return [str(label) for label in _texts(result.classes["class"])]


def _likely(result: LabelIssues, names: _Names) -> dict[str, list[int]]:
    """For each given label, the classes it is most confused with, most first."""
    found: dict[str, list[int]] = {}
    pairs = result.pairs.slice(0, 20_000)
    given, true = _texts(pairs["given"]), _texts(pairs["true"])
    for one, other in zip(given, true, strict=True):
        if one in names.places and other in names.places:
            near = found.setdefault(str(names.places[one]), [])
            if len(near) < 9:
                near.append(names.places[other])
    return found


def _run_name(result: LabelIssues | TagIssues) -> str:
    """Name the run by its issues, so that decisions are found again and never mixed up."""
    name = blake2b(digest_size=8)
    for batch in result.table.to_batches(max_chunksize=65_536):
        ids: Sequence[str] = batch.column("issue_id").to_pylist()
        name.update("".join(ids).encode())
    return name.hexdigest()
