"""What is shown beside the worst rows: text, and pictures small enough to travel in a page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.tables.roles import existing_column
from labelaudit.wording import picture_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt

__all__ = ["check_shown", "shown_table"]

MOST_ROWS = 2_000
MOST_COLUMNS = 8
LARGEST_PICTURE = 10_000
ALL_PICTURES = 220_000
_KIND = pa.struct([("text", pa.string()), ("picture", pa.binary())])


def check_shown(source: Any, names: Sequence[str]) -> None:
    """Refuse columns that are not there.

    Raises
    ------
    UsageError
    """
    for name in names:
        existing_column(source.tables[0].schema, name, "--show")


def shown_table(source: Any, rows: npt.NDArray[np.int64], names: Sequence[str]) -> pa.Table:
    """Return what is shown beside rows, worst first.

    Parameters
    ----------
    source : LabelSource or TagSource
    rows : (m,) int64
        Row numbers in the order in which they are shown; the first 2,000 are looked at.
    names : sequence of str
        Columns; the first 8 are shown.

    Returns
    -------
    pyarrow.Table
        A struct of ``text`` and ``picture`` for each column. A picture is there if the column
        holds its bytes, or the path of a file in the folder of the data or below, if it is small,
        and while all of them together are: worst rows first.
    """
    rows, names = rows[:MOST_ROWS], list(dict.fromkeys(names))[:MOST_COLUMNS]
    order = np.argsort(rows, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    taken = source.take(rows[order], names).take(pa.array(back))
    read = partial(_read, folders=[Path(path).resolve().parent for path in source.paths])
    columns: dict[str, Any] = {}
    room = ALL_PICTURES
    for name in names:
        cells, room = _within(room, map(_cell, taken[name].to_pylist()), read)
        columns[name] = pa.array(cells, _KIND)
    return pa.table(columns)


def _within(
    room: int,
    cells: Iterable[tuple[str | None, bytes | None]],
    read: Callable[[str], bytes | None],
) -> tuple[list[dict[str, Any]], int]:
    """Keep pictures while there is room; a path stands for a picture where it names one."""
    kept = []
    for text, held in cells:
        picture = read(text) if held is None and text is not None and room > 0 else held
        if picture is not None and (
            len(picture) > min(LARGEST_PICTURE, room) or picture_kind(picture) is None
        ):
            picture = None
        room -= len(picture or b"")
        kept.append({"text": text, "picture": picture})
    return kept, room


def _cell(value: Any) -> tuple[str | None, bytes | None]:
    """Return the text of a value, and its bytes if it may be a picture."""
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        path = value.get("path")
        return (path if isinstance(path, str) else None), value["bytes"]
    if isinstance(value, bytes):
        return f"{len(value):,} bytes", value
    return (None if value is None else str(value)), None


def _read(text: str, folders: Sequence[Path]) -> bytes | None:
    """Read a small file that lies beside the data; nothing outside of its folder is looked at."""
    if len(text) > 1_000 or "\0" in text or "://" in text:
        return None
    for path in _inside(text, folders):
        try:
            if path.is_file() and path.stat().st_size <= LARGEST_PICTURE:
                return path.read_bytes()
        except OSError:  # what cannot be read is shown as its path
            continue
    return None


def _inside(text: str, folders: Sequence[Path]) -> Iterator[Path]:
    for folder in dict.fromkeys(folders):
        for base in (folder, Path.cwd()):
            try:
                path = (base / text).resolve()
            except (OSError, RuntimeError):  # a loop of links
                continue
            if path.is_relative_to(folder):
                yield path
