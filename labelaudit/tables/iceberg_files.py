"""How pyiceberg reads the files of a table's metadata: as everything else here is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa
from pyiceberg.io import FileIO, InputFile

from labelaudit.errors import NothingToAuditError, UsageError
from labelaudit.tables.input_file import state_of
from labelaudit.tables.remote import is_uri, local_path, open_remote

if TYPE_CHECKING:
    from pyiceberg.io import OutputFile

__all__ = ["IcebergFiles", "place_of"]


def place_of(location: str, query: str) -> str:
    """Return a path or address of ours for what the metadata calls a location."""
    if location.lower().startswith("file:"):
        rest = location[len("file:") :]
        return str(
            local_path(f"file://{rest}") if not rest.startswith("//") else local_path(location)
        )
    for other in ("s3a://", "s3n://"):
        if location.startswith(other):
            location = f"s3://{location[len(other) :]}"
    return location + query if is_uri(location) else location


class IcebergFiles(FileIO):
    """Reads files near and far.

    Parameters
    ----------
    query : str
        Options of the store.
    """

    def __init__(self, query: str) -> None:
        super().__init__({})
        self.query = query

    def new_input(self, location: str) -> InputFile:
        """Return a file to be read."""
        return _Input(place_of(location, self.query))

    def new_output(self, location: str) -> OutputFile:
        """Refuse to write."""
        _refuse(location)

    def delete(self, location: Any) -> None:
        """Refuse to delete."""
        _refuse(str(location))


def _refuse(location: str) -> NoReturn:
    raise UsageError(f"{location} is only to be read.", "This is a mistake of labelaudit.")


class _Input(InputFile):
    def __len__(self) -> int:
        return state_of(self.location)[0]

    def exists(self) -> bool:
        """Say whether there is such a file."""
        try:
            state_of(self.location)
        except (FileNotFoundError, NothingToAuditError):
            return False
        return True

    def open(self, seekable: bool = True) -> Any:
        """Open the file, which can be sought in whether or not that is asked for."""
        del seekable
        return open_remote(self.location) if is_uri(self.location) else pa.OSFile(self.location)
