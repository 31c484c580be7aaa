"""Every worker must see the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.errors import InputError, LabelauditError
from labelaudit.tables.input_file import InputFile, state_of
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Client

    from labelaudit.tables.table import InputTable

__all__ = ["demand_sight"]

_MOST_FILES = 256


def demand_sight(client: Client, tables: Sequence[InputTable]) -> None:
    """Have every worker look at the files, at some of them where they are many.

    Raises
    ------
    InputError
        If a worker does not see one, or sees another file in its place.
    """
    files = list(dict.fromkeys(_files(tables)))
    step = -(-len(files) // _MOST_FILES)
    for worker, complaint in sorted(client.run(_complaint, files[::step]).items()):
        if complaint:
            raise InputError(
                f"The worker at {safe(worker)} {complaint}",
                "Every worker must see the same files under the same path: put them on a disk that "
                "all of them share, or in a bucket.",
            )


def _files(tables: Sequence[InputTable]) -> Iterator[InputFile]:
    for table in tables:
        inner = table
        while hasattr(inner, "table"):
            inner = inner.table
        file = getattr(inner, "file", None)
        if isinstance(file, InputFile):
            yield file


def _complaint(files: Sequence[InputFile]) -> str:
    """Return what is wrong with the first file that a worker does not see as it should."""
    for file in files:
        try:
            found = state_of(file.path)
        except (OSError, LabelauditError) as error:
            why = getattr(error, "strerror", None) or getattr(error, "found", None) or str(error)
            return f"does not see {file.name}: {safe(why, 300).rstrip('.')}."
        if found != (file.size, file.changed):
            return (
                f"sees another {file.name}: of {found[0]:,} bytes where it is of {file.size:,} "
                "here, or written at another time."
            )
    return ""
