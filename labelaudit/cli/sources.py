"""From options to an opened table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from labelaudit.cli.config import origin, unread_variables
from labelaudit.cli.values import parse_classes

if TYPE_CHECKING:
    import typer

    from labelaudit.cli.options import Columns, Talk
    from labelaudit.tables import LabelSource

__all__ = ["open_source", "warn_of_variables"]

_ROLES = ("labels", "probs", "key", "classes", "keep", "group", "task")


def open_source(ctx: typer.Context, data: list[str], columns: Columns, task: str) -> LabelSource:
    """Open the tables, with what the user said about their columns.

    Raises
    ------
    LabelauditError
        If they cannot be read, or the columns cannot be told apart.
    """
    classes = parse_classes(columns.classes)
    from labelaudit.tables import ReadOptions, open_labels

    found = ((role, origin(ctx, role)) for role in _ROLES)
    options = ReadOptions(
        labels=columns.labels,
        probs=tuple(columns.probs or ()),
        key=columns.key,
        classes=classes,
        keep=columns.kept,
        group=columns.group,
        where=columns.where,
        task=task,
        origins={role: where for role, where in found if where is not None},
    )
    return open_labels(data, options)


def warn_of_variables(ctx: typer.Context, talk: Talk) -> None:
    """Tell of environment variables that look like settings and are none."""
    if not talk.quiet:
        for sentence in unread_variables(ctx):
            sys.stderr.write(f"labelaudit: warning: {sentence}\n")
