"""One file to read."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labelaudit.errors import InputError, NothingToAuditError
from labelaudit.tables.far_reading import far_failure
from labelaudit.tables.remote import file_state, is_uri, open_remote

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from labelaudit.tables.live import LivePart

__all__ = ["InputFile", "state_of"]


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file to read, and what it looked like when it was found.

    Attributes
    ----------
    path : str
        Where it is.
    name : str
        As the user named it, fit to be shown.
    format : str
        ``parquet``, ``arrow``, ``csv`` or ``jsonl``.
    size, changed : int
        Bytes, and time of the last change in nanoseconds.
    hive : tuple of (str, str)
        Folders named ``key=value`` on the way to it, which are columns.
    part : LivePart or None
        What the versioned table that it belongs to says of it.
    """

    path: str
    name: str
    format: str
    size: int
    changed: int
    hive: tuple[tuple[str, str], ...] = ()
    part: LivePart | None = None

    def __reduce__(self) -> tuple[object, ...]:
        # Other processes may have another working directory.
        whole = self if is_uri(self.path) else replace(self, path=str(Path.cwd() / self.path))
        return InputFile, tuple(getattr(whole, each.name) for each in fields(whole))

    @property
    def source(self) -> str | pa.NativeFile:
        """What a reader opens: the path, or a file opened at its far place."""
        return open_remote(self.path) if is_uri(self.path) else self.path

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise ``InputError`` if the file is no longer the one that was found, after reading it.

        What goes wrong while a file is read that was changed is a consequence of that.
        """
        if not is_uri(self.path):
            self.check_unchanged()
        try:
            yield
        except Exception as error:
            self.check_unchanged()
            told = far_failure(self.name, error) if is_uri(self.path) else None
            if told is None:
                raise
            raise told from error
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise ``InputError`` if the file is no longer the one that was found."""
        try:
            now = state_of(self.path)
        except (OSError, NothingToAuditError) as error:
            raise InputError(
                f"{self.name} has gone away while it was read.", "Start again when it is back."
            ) from error
        if now != (self.size, self.changed):
            raise InputError(
                f"{self.name} was changed while it was read.",
                "Start again when nothing writes to it any more.",
            )


def state_of(path: str) -> tuple[int, int]:
    """Return a file's bytes and time of change in nanoseconds."""
    if is_uri(path):
        return file_state(path)
    state = Path(path).stat()
    return state.st_size, state.st_mtime_ns
