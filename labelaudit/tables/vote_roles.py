"""Which column of a table of votes is what: long (a row per vote) or wide (a column per worker)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pyarrow.types as pt

from labelaudit.errors import UsageError
from labelaudit.tables.hugging_face import class_labels
from labelaudit.tables.layouts import plain_type
from labelaudit.tables.roles import (
    PANDAS_INDEX,
    WORKER_NAMES,
    can_be_label,
    columns_named,
    existing_column,
    listed,
    only_one,
)
from labelaudit.tables.selecting import filter_columns
from labelaudit.tables.text import TextColumns
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from labelaudit.tables.vote_options import VoteOptions

__all__ = ["ALL_OTHERS", "VoteRoles", "assign_vote_roles", "vote_text_columns"]

_TASKS = ("task", "item", "question", "example")
_LABELS = ("label", "answer", "vote")
TASK_NAMES = (*_TASKS, *(f"{name}_id" for name in _TASKS))
ROW_NAMES = ("id", "uid", "uuid", "guid", "key")
"""Names of tasks in a table that has none of ``TASK_NAMES``."""

ALL_OTHERS = "inferred: all other columns"
BY_NAME = "inferred from its name"
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class VoteRoles:
    """Which column is what.

    Attributes
    ----------
    task : str or None
        None: every row of a wide table is a task of its own.
    worker, label : str or None
        Columns of a long table.
    wide : tuple of str
        Columns of a wide table, one per annotator; empty in a long one.
    gold : str or None
        Column with known labels.
    class_names : tuple of str or None
        Names from a Hugging Face ClassLabel.
    origins : mapping of str to str
        For each role, how it was decided.
    """

    task: str | None
    worker: str | None
    label: str | None
    wide: tuple[str, ...] = ()
    gold: str | None = None
    class_names: tuple[str, ...] | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns that hold votes."""
        return self.wide or ((self.label,) if self.label is not None else ())

    @property
    def columns(self) -> tuple[str, ...]:
        """What to read, each column once."""
        named = (self.task, self.worker, self.gold, *self.labels)
        return tuple(dict.fromkeys(name for name in named if name is not None))


def assign_vote_roles(schema: pa.Schema, options: VoteOptions) -> VoteRoles:
    """Decide which column is what.

    Raises
    ------
    UsageError
        If a column that was named is missing, or a role has no candidate, or several.
    """
    gold = options.gold if options.gold in schema.names else None
    if _is_wide(schema, options):
        return _wide(schema, options, gold)
    return _long(schema, options, gold)


def _is_wide(schema: pa.Schema, options: VoteOptions) -> bool:
    if options.workers:
        return len(options.workers) > 1 or bool(
            options.workers[0] not in schema.names and _GLOB & set(options.workers[0])
        )
    if options.label is not None:
        return False
    return not (columns_named(schema, WORKER_NAMES) or columns_named(schema, _LABELS))


def _task(schema: pa.Schema, options: VoteOptions, origins: dict[str, str]) -> str | None:
    if options.task is not None:
        origins["task"] = options.origin("task")
        return existing_column(schema, options.task, "tasks")
    named = columns_named(schema, TASK_NAMES) or columns_named(schema, ROW_NAMES)
    taken = {*options.workers, options.label, options.gold}
    found = [name for name in named if name not in taken]
    task = only_one(found, "the tasks", "--task-column")
    if task is not None:
        origins["task"] = BY_NAME
    return task


def _long(schema: pa.Schema, options: VoteOptions, gold: str | None) -> VoteRoles:
    origins: dict[str, str] = {}
    said = options.workers[0] if options.workers else None
    _refuse_repeats(
        {"tasks": options.task, "workers": said, "labels": options.label, "gold labels": gold}
    )
    task = _task(schema, options, origins)
    if task is None:
        raise _nobody(schema, "tasks", "--task-column")
    worker = _said_or_named(schema, options, "worker", said, origins)
    label = _said_or_named(schema, options, "label", options.label, origins)
    _refuse_repeats({"tasks": task, "workers": worker, "labels": label, "gold labels": gold})
    _check_ids(schema, [task, worker])
    _check_labels(schema, [label, *([gold] if gold else [])])
    if gold is not None:
        origins["gold"] = options.origin("gold")
    names = class_labels(schema).get(label)
    return VoteRoles(task, worker, label, (), gold, names, origins)


def _said_or_named(
    schema: pa.Schema, options: VoteOptions, role: str, said: str | None, origins: dict[str, str]
) -> str:
    if said is not None:
        origins[role] = options.origin(role)
        return existing_column(schema, said, f"{role}s")
    names = _LABELS if role == "label" else WORKER_NAMES
    found = only_one(columns_named(schema, names), f"the {role}s", f"--{role}-column")
    if found is None:
        raise _nobody(schema, f"{role}s", f"--{role}-column")
    origins[role] = BY_NAME
    return found


def _nobody(schema: pa.Schema, role: str, flag: str) -> UsageError:
    return UsageError(
        f"No column looks like the {role} among {listed(schema.names)}.",
        f"Say which it is with {flag}; a table with a column per worker needs "
        "--worker-column 'rater_*'.",
    )


def _refuse_repeats(roles: Mapping[str, str | None]) -> None:
    seen: dict[str, str] = {}
    for role, column in roles.items():
        if column is not None and column in seen:
            raise UsageError(
                f"Column {safe(column)} cannot be both the {seen[column]} and the {role}.",
                "Name a column of its own for each.",
            )
        if column is not None:
            seen[column] = role


def _check_labels(schema: pa.Schema, columns: Sequence[str]) -> None:
    for name in columns:
        kind = plain_type(schema.field(name).type)
        if not can_be_label(kind):
            raise UsageError(
                f"Column {safe(name)} is of type {safe(kind)}, which cannot be labels.",
                "Give a column of strings, numbers or booleans.",
            )


def _wide(schema: pa.Schema, options: VoteOptions, gold: str | None) -> VoteRoles:
    if options.label is not None:
        raise UsageError(
            "A table with a column per worker has no label column.",
            "Leave --label-column out, or name the one column of workers.",
        )
    origins: dict[str, str] = {}
    for name in options.workers:
        _refuse_repeats({"tasks": options.task, "gold labels": gold, "votes of a worker": name})
    task = _task(schema, options, origins)
    if task is None and PANDAS_INDEX in schema.names:
        task, origins["task"] = PANDAS_INDEX, "the index of the data frame"
    if options.workers:
        origins["worker"] = options.origin("worker")
        wide = _said_columns(schema, options.workers, {task, gold})
    elif task is None:
        raise _nobody(schema, "tasks", "--task-column")
    else:
        origins["worker"] = ALL_OTHERS
        wide = _all_others(schema, {task, gold, *filter_columns(options.where, schema)})
    if task is None:
        origins["task"] = "no task column: row numbers"
    if gold is not None:
        origins["gold"] = options.origin("gold")
    _check_ids(schema, [task])
    _check_labels(schema, [*wide, *([gold] if gold else [])])
    names = {class_labels(schema).get(column) for column in wide}
    return VoteRoles(
        task, None, None, wide, gold, names.pop() if len(names) == 1 else None, origins
    )


def _check_ids(schema: pa.Schema, columns: Sequence[str | None]) -> None:
    for name in columns:
        kind = None if name is None else plain_type(schema.field(name).type)
        if kind is not None and pt.is_nested(kind):
            raise UsageError(
                f"Column {safe(name)} is of type {safe(kind)}, which cannot be ids.",
                "Give a column of strings or numbers.",
            )


def _said_columns(
    schema: pa.Schema, patterns: Sequence[str], taken: set[str | None]
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern in schema.names or not _GLOB & set(pattern):
            found[existing_column(schema, pattern, "workers")] = None
            continue
        matches = [name for name in schema.names if fnmatchcase(name, pattern)]
        if not matches:
            raise UsageError(
                f"--worker-column '{safe(pattern)}' matches no column.",
                f"The columns are {listed(schema.names)}.",
            )
        found.update(dict.fromkeys(matches))
    return tuple(name for name in found if name not in taken)


def _all_others(schema: pa.Schema, taken: set[str | None]) -> tuple[str, ...]:
    others = tuple(name for name in schema.names if name not in taken and name != PANDAS_INDEX)
    if len(others) < 2:
        raise _nobody(schema, "workers", "--worker-column")
    return others


def vote_text_columns(options: VoteOptions, schema: pa.Schema) -> TextColumns:
    """Say which columns of a file without types are looked at."""
    roles = assign_vote_roles(schema, options)
    gold = (roles.gold,) if roles.gold is not None else ()
    plain = (*roles.columns, *filter_columns(options.where, schema))
    return TextColumns(plain=plain, labels=(*roles.labels, *gold))
