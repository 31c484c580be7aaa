"""Issues as tasks for people: import files of Label Studio and of Argilla."""

from __future__ import annotations

import json
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from labelaudit.tables.pieces import in_pieces
from labelaudit.tables.writing import cell_text, json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["write_tasks"]

_BATCH = 16_384


def write_tasks(table: pa.Table, form: str, sink: IO[bytes]) -> None:
    """Write an issues table as one task for each issue.

    The issue's id stands in ``labelaudit_id`` and its key in ``labelaudit_key``, since tools give
    tasks numbers of their own. The suggestion is pre-selected; the columns of ``--keep`` are what
    the annotator sees.

    Parameters
    ----------
    table : pyarrow.Table
        Issues, as ``find_issues`` returns them.
    form : {"label-studio", "argilla"}
    sink : binary file
    """
    texts = _label_studio(table) if form == "label-studio" else _argilla(table)
    for text in texts:
        sink.write(text.encode())


def _label_studio(table: pa.Table) -> Iterator[str]:
    """Yield the pieces of one JSON list."""
    before = "["
    for about, kept, rows in _batches(table):
        for row in range(rows):
            data = _object({**about, **kept}, row)
            prediction = _prediction(about, row)
            yield f'{before}\n{{"data": {data}{prediction}}}'
            before = ","
    yield "\n]\n" if before == "," else "[]\n"


def _prediction(about: dict[str, list[str]], row: int) -> str:
    suggestion = about["suggested_label"][row]
    if suggestion == "null":
        return ""
    result = (
        f'{{"from_name": "label", "to_name": "item", "type": "choices", '
        f'"value": {{"choices": [{suggestion}]}}}}'
    )
    score = about["suggested_prob"][row]
    return (
        f', "predictions": [{{"model_version": "labelaudit", "score": {score}, '
        f'"result": [{result}]}}]'
    )


def _argilla(table: pa.Table) -> Iterator[str]:
    """Yield one record a line."""
    for about, kept, rows in _batches(table):
        for row in range(rows):
            fields = kept or {"key": about["labelaudit_key"]}
            suggestion = about["suggested_label"][row]
            hint = f'{{"value": {suggestion}, "score": {about["suggested_prob"][row]}, '
            hint += '"agent": "labelaudit"}'
            suggested = f'{{"label": {hint}}}' if suggestion != "null" else "{}"
            metadata = _object(
                {name: texts for name, texts in about.items() if texts[row] != "null"}, row
            )
            yield (
                f'{{"id": {about["labelaudit_id"][row]}, "fields": {_object(fields, row)}, '
                f'"metadata": {metadata}, "suggestions": {suggested}, "responses": {{}}, '
                '"vectors": {}}\n'
            )


def _object(values: dict[str, list[str]], row: int) -> str:
    parts = (f"{json.dumps(name)}: {texts[row]}" for name, texts in values.items())
    return "{" + ", ".join(parts) + "}"


def _batches(
    table: pa.Table,
) -> Iterator[tuple[dict[str, list[str]], dict[str, list[str]], int]]:
    """Yield what is said of some issues and what is shown of their rows, as JSON text."""
    names = table.column_names
    kept = names[names.index("severity") + 1 :]
    # Tables that do not fit in memory cannot be asked, and have one label a row.
    columns = getattr(table, "columns", None)
    one_label = columns is None or columns[names.index("class")].null_count == table.num_rows
    small = (piece.to_batches(max_chunksize=_BATCH) for piece in in_pieces(table))
    for batch in chain.from_iterable(small):
        column = batch.column
        about = {
            "labelaudit_id": _texts(column("issue_id")),
            "labelaudit_key": _texts(cell_text(column("key"))),
            **({} if one_label else {"class": _texts(column("class"))}),
            "given_label": _texts(cell_text(column("given_label"))),
            "suggested_label": _texts(cell_text(column("suggested_label"))),
            "suggested_prob": _texts(column("suggested_prob")),
            "label_quality": _texts(column("label_quality")),
            "severity": _texts(column("severity")),
        }
        shown = {_free(name, about): _texts(cell_text(column(name))) for name in kept}
        yield about, shown, batch.num_rows


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name = f"{name}_"
    return name


def _texts(column: pa.Array) -> list[str]:
    texts: list[str] = json_text(column).to_pylist()
    return texts
