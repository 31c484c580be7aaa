"""The one place where other libraries' errors become ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from labelaudit.errors import EnvironmentalError, InputError, LabelauditError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BROKEN_FILE", "reading", "reason"]

BROKEN_FILE = "Write or download the file again; it is damaged or is not what its name says."


@contextmanager
def reading(place: str, remedy: str = BROKEN_FILE) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into an ``InputError`` that names the place.

    Parameters
    ----------
    place : str
        The file and, where known, the row group: fit to be shown.
    remedy : str
        How to mend what most often goes wrong there.
    """
    try:
        yield
    except (LabelauditError, GeneratorExit):
        raise
    except PermissionError as error:
        raise EnvironmentalError(
            f"{place} cannot be opened: permission denied.", "Allow yourself to read it."
        ) from error
    except MemoryError as error:
        raise InputError(
            f"{place} needs more memory than there is: {reason(error)}.",
            "If the file is sound, write it again with smaller row groups.",
        ) from error
    except Exception as error:
        # What readers raise on hostile files is not one family: OSError, ValueError,
        # UnicodeDecodeError, NotImplementedError, KeyError have all been seen.
        raise InputError(f"{place} cannot be read: {reason(error)}.", remedy) from error


def reason(error: BaseException) -> str:
    """Return the first line of a library's message, fit to be shown in a sentence."""
    lines = str(error).strip().splitlines()
    return safe(lines[0] if lines else type(error).__name__, 200).rstrip(".")
