"""Tables to bytes: Parquet, Arrow, CSV and JSON lines, a piece of whole columns at a time."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any

from labelaudit.running import in_order
from labelaudit.tables.outputs import TASK_FORMATS
from labelaudit.tables.pieces import copied, give_back, in_pieces, row_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

__all__ = ["cell_text", "harmless", "json_lines", "json_text", "write_table"]

_LINES = 16_384
_TOGETHER = 2048  # lines that are encoded column by column: a tenth faster than 1024
_ENCODERS = max(1, min(4, os.cpu_count() or 1))
# What a spreadsheet may take for the start of a formula, its full-width twins included.
_FORMULA = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
# What JSON does not let stand inside of quotes.
_ESCAPED = r"[\x00-\x1f\"\\]"


def write_table(table: pa.Table, form: str, sink: IO[bytes], *, excel: bool = False) -> None:
    """Write the table.

    Parameters
    ----------
    table : pyarrow.Table or SpilledTable
    form : {"parquet", "arrow", "csv", "jsonl"}; for issues also {"label-studio", "argilla"}
    sink : binary file
    excel : bool
        In CSV, put an apostrophe before text that a spreadsheet would take for a formula.

    Notes
    -----
    In CSV text is always quoted and a null is an empty unquoted field, so that nulls, empty
    strings, ``NA`` and lone carriage returns come back as they were; lists of text are joined with
    ``|``, other nested values are JSON. NaN and infinities are nulls in CSV and JSON lines; there
    UUIDs have their usual form, and other bytes are hexadecimal digits.
    """
    if form in TASK_FORMATS:
        from labelaudit.tables.annotation_tasks import write_tasks

        write_tasks(table, form, sink)
    elif form == "csv":
        _write_csv(table, sink, excel=excel)
    else:
        _WRITERS[form](table, sink)


def _write_parquet(table: pa.Table, sink: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", write_page_checksum=True
    ) as writer:
        for pieces in row_groups(table):
            group = _in_one_chunk(pieces)
            writer.write_table(group, row_group_size=max(group.num_rows, 1))
            del group
            if not isinstance(table, pa.Table):
                give_back()


def _in_one_chunk(pieces: list[pa.Table]) -> pa.Table:
    """Put pieces together, and let go of each column of theirs as soon as it is copied."""
    import pyarrow as pa

    whole = pa.concat_tables(pieces).unify_dictionaries()
    pieces.clear()
    schema, columns = whole.schema, whole.columns
    del whole
    for i, column in enumerate(columns):
        columns[i] = column.combine_chunks()
    return pa.Table.from_arrays(columns, schema=schema)


def _write_arrow(table: pa.Table, sink: IO[bytes]) -> None:
    import pyarrow as pa

    # The file format allows one dictionary for each column.
    whole = table.unify_dictionaries() if isinstance(table, pa.Table) else table
    with pa.ipc.new_file(sink, whole.schema) as writer:
        for piece in in_pieces(whole):
            writer.write_table(copied(piece))


def _write_csv(table: pa.Table, sink: IO[bytes], *, excel: bool) -> None:
    sink.write(_csv_names(table.column_names, excel=excel))
    # Encoding takes no lock. Some parts at once, because all of them are held until written.
    with ThreadPoolExecutor(_ENCODERS) as pool:
        parts = (
            (piece, excel, start)
            for piece in in_pieces(table)
            for start in range(0, piece.num_rows, _LINES)
        )
        sink.writelines(in_order(pool, _csv_text, parts, 2 * _ENCODERS))


def _csv_names(names: list[str], *, excel: bool) -> pa.Buffer:
    """Return the line with the column names."""
    import pyarrow as pa

    shown = [_harmless_name(name) if excel else name for name in names]
    none = [pa.array([], pa.string())] * len(shown)
    return _csv_of(pa.Table.from_arrays(none, names=shown), header=True)


def _csv_text(table: pa.Table, excel: bool, start: int) -> pa.Buffer:
    """Return some rows as CSV."""
    import pyarrow as pa

    flat = [_flat(column, excel=excel) for column in table.slice(start, _LINES).columns]
    return _csv_of(pa.Table.from_arrays(flat, names=table.column_names), header=False)


def _csv_of(table: pa.Table, *, header: bool) -> pa.Buffer:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=header, batch_size=_TOGETHER, quoting_style="needed")
    csv.write_csv(table, sink, options)
    return sink.getvalue()


def _write_jsonl(table: pa.Table, sink: IO[bytes]) -> None:
    for piece in in_pieces(table):
        for batch in piece.to_batches(max_chunksize=_LINES):
            sink.write(json_lines(batch))


def json_lines(batch: pa.RecordBatch) -> memoryview | bytes:
    """Return one JSON object a row, each with its line end."""
    return _text_of(_json_objects(batch.columns, batch.schema.names, batch.num_rows, "\n"))


def _text_of(texts: pa.Array) -> memoryview | bytes:
    """Return the bytes of all texts, one after another: there is no null among them."""
    import numpy as np
    import pyarrow as pa

    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, width)[[texts.offset, texts.offset + len(texts)]]
    return b"" if data is None else memoryview(data)[ends[0] : ends[1]]


_WRITERS: dict[str, Callable[[Any, IO[bytes]], None]] = {
    "parquet": _write_parquet,
    "arrow": _write_arrow,
    "jsonl": _write_jsonl,
}


def _flat(column: pa.ChunkedArray, *, excel: bool) -> pa.ChunkedArray:
    """Return the column as one that CSV can hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        plain = [_plain(chunk) for chunk in column.chunks]
        return _flat(pa.chunked_array(plain, _plain_type(kind)), excel=excel)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_floating(kind):
        return _finite(column)
    if pa.types.is_list(kind) and _is_text(kind.value_type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), "|")
    elif not (pa.types.is_primitive(kind) or pa.types.is_null(kind) or _is_text(kind)):
        column = _as_json_text(column)
    elif pa.types.is_time(kind):
        column = column.cast(pa.string())
    return harmless(column) if excel and _is_text(column.type) else column


def _as_json_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(column.type):
        return column.cast(pa.string())
    if _is_binary(column.type):
        return pa.chunked_array([_hexadecimal(chunk) for chunk in column.chunks], pa.string())
    texts = [json_text(chunk) for chunk in column.chunks]
    missing = pc.is_null(column)
    return pc.if_else(missing, pa.scalar(None, pa.string()), pa.chunked_array(texts, pa.string()))


def cell_text(column: pa.Array) -> pa.Array:
    """Return every value as text that says all of it: lists as JSON, NaN and infinities by name.

    A null stays null.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ExtensionArray):
        return cell_text(_plain(column))
    kind = column.type
    if pa.types.is_dictionary(kind):
        return cell_text(column.dictionary).take(column.indices)
    if _is_text(kind) or pa.types.is_primitive(kind) or pa.types.is_null(kind):
        column = column.cast(pa.float32()) if pa.types.is_float16(kind) else column
        return column.cast(pa.string())
    if pa.types.is_decimal(kind):
        return column.cast(pa.string())
    if _is_binary(kind):
        return _hexadecimal(column)
    return pc.if_else(column.is_valid(), json_text(column), pa.scalar(None, pa.string()))


def _harmless_name(name: str) -> str:
    import pyarrow as pa

    shown: str = harmless(pa.chunked_array([[name]])).to_pylist()[0]
    return shown


def harmless(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(column, pattern=f"({_FORMULA})", replacement=r"'\1")


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def _finite(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))


def json_text(array: pa.Array) -> pa.Array:
    """Return the JSON text of each value; a null is ``null``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return json_text(_plain(array))
    if pa.types.is_dictionary(kind):
        text = json_text(array.dictionary).take(array.indices)
    elif pa.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        text = _json_objects(array.flatten(), names, len(array))
    elif _is_list(kind):
        text = _json_lists(array)
    elif pa.types.is_floating(kind):
        text = _finite(array).cast(pa.string())
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        text = array.cast(pa.string())
    else:
        text = _json_texts(array)
    if array.null_count:
        text = pc.if_else(array.is_valid(), text, pa.scalar(None, pa.string()))
    return pc.fill_null(text, "null")


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in tests)


def _json_objects(columns: list[pa.Array], names: list[str], rows: int, end: str = "") -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    parts: list[Any] = []
    for i, (name, column) in enumerate(zip(names, columns, strict=True)):
        parts += [
            ("," if i else "{") + json.dumps(name, ensure_ascii=False) + ":",
            json_text(column),
        ]
    if not parts:
        return pa.array(["{}" + end] * rows, pa.string())
    return pc.binary_join_element_wise(*parts, "}" + end, "")


def _json_lists(array: pa.Array) -> pa.Array:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    elements = json_text(pc.list_flatten(array))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, elements), ",")
    return pc.binary_join_element_wise("[", joined, "]", "")


def _json_texts(array: pa.Array) -> pa.Array:
    """Put quotes around plain text; escape the rest, each different value once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_binary(array.type):
        array = _hexadecimal(array)
    elif pa.types.is_map(array.type):
        return pa.array([json.dumps(v, ensure_ascii=False, default=str) for v in array.to_pylist()])
    array = array.cast(pa.string())
    if not pc.any(pc.match_substring_regex(array, pattern=_ESCAPED)).as_py():
        return pc.binary_join_element_wise('"', array, '"', "")
    encoded = array.dictionary_encode()
    texts = (_quoted(value) for value in encoded.dictionary.to_pylist())
    return pa.array(texts, pa.string()).take(encoded.indices)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(array: pa.ExtensionArray) -> pa.Array:
    """Return what an extension type is made of; for UUIDs, their text."""
    import pyarrow as pa

    if not _is_uuid(array.type):
        return array.storage
    digits = (None if value is None else value.hex() for value in array.storage.to_pylist())
    return pa.array((each and _with_dashes(each) for each in digits), pa.string())


def _plain_type(kind: pa.BaseExtensionType) -> pa.DataType:
    import pyarrow as pa

    return pa.string() if _is_uuid(kind) else kind.storage_type


def _is_uuid(kind: pa.BaseExtensionType) -> bool:
    return bool(kind.extension_name == "arrow.uuid")


def _with_dashes(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _hexadecimal(array: pa.Array) -> pa.Array:
    import pyarrow as pa

    digits = (None if value is None else value.hex() for value in array.to_pylist())
    return pa.array(digits, pa.string())
