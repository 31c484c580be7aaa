"""What a file is, by its suffix and by its first bytes."""

from __future__ import annotations

from pathlib import Path

from labelaudit.errors import InputError, NothingToAuditError

__all__ = ["FORMATS", "format_of"]

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".parq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PARE", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)
_OTHERS = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x89HDF", "HDF5"),
    (b"\x93NUMPY", "NumPy"),
    (b"SQLite", "SQLite"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# Three letters that a table can begin with as well.
_MAYBE_TEXT = frozenset({"bzip2", "SQLite"})


def format_of(path: str, name: str, start: bytes) -> str:
    """Return the format by the suffix, and check it against the first bytes.

    Raises
    ------
    NothingToAuditError
        If the file is empty.
    InputError
        If it is of no known format, or not what its suffix says.
    """
    suffix = Path(path).suffix.lower()
    by_suffix = FORMATS.get(suffix)
    if not start:
        raise NothingToAuditError(f"{name} is empty.", "Give a file with rows in it.")
    by_magic = next((format_ for magic, format_ in _MAGIC if start.startswith(magic)), None)
    if by_suffix is None and by_magic is None:
        raise InputError(
            f"{name} is {_looks(start)}, which cannot be read.",
            "Convert it to Parquet, Arrow, CSV or JSONL, with the suffix that says so.",
        )
    binary = by_suffix in {"parquet", "arrow"} or _is_other(start)
    if by_suffix == by_magic or by_suffix is None or (by_magic is None and not binary):
        return by_suffix or by_magic or ""
    looks = f"{by_magic.capitalize()} data" if by_magic else _looks(start)
    raise InputError(
        f"{name} is {looks}, not {by_suffix} as its suffix says.",
        f"Give it the right suffix, or write it again as {by_suffix}.",
    )


def _is_other(start: bytes) -> bool:
    kind = _kind(start)
    return kind is not None and kind not in _MAYBE_TEXT


def _kind(start: bytes) -> str | None:
    return next((kind for magic, kind in _OTHERS if start.startswith(magic)), None)


def _looks(start: bytes) -> str:
    kind = _kind(start)
    if kind:
        return f"{kind} data"
    text = all(byte >= 32 or byte in b"\t\r\n" for byte in start)
    return "text" if text else "of no known kind"
