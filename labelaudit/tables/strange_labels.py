"""Labels that are none of the classes, by their names."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from labelaudit.errors import InvalidDataError, UsageError
from labelaudit.tables.scanning import seen_labels
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelaudit.tables.label_source import LabelSource

__all__ = ["naming_strange_labels"]

_NAMED = "a label that is none of the classes"
_MOST = 6


@contextmanager
def naming_strange_labels(source: LabelSource) -> Iterator[None]:
    """Add to a complaint about labels that are none of the classes which they are.

    Rows are checked as numbers; the names are looked for where there is something to complain of.
    """
    try:
        yield
    except InvalidDataError as error:
        named = tuple(_with_names(sentence, source) for sentence in error.problems)
        if named == error.problems:
            raise
        raise InvalidDataError(named, error.remedy) from error


def _with_names(sentence: str, source: LabelSource) -> str:
    found = _strange(source) if _NAMED in sentence else ()
    if not found:
        return sentence
    verb = "is" if len(found) == 1 else "are"
    return (
        f"{sentence.rstrip('.')}: {_listed(found)} {verb} not among "
        f"{_listed(source.class_list.names)}."
    )


def _strange(source: LabelSource) -> tuple[str, ...]:
    try:
        seen = seen_labels(source.tables, source.roles.labels).values
    except UsageError:  # more labels than classes can be: their names would help nobody
        return ()
    known = set(source.class_list.values.to_pylist())
    return tuple(str(label) for label in seen if label not in known)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(safe(name, 40) for name in names[:_MOST])
    rest = len(names) - _MOST
    return f"{shown} and {rest:,} more" if rest > 0 else shown
