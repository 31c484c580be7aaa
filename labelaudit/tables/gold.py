"""Known labels of some tasks: a column of the votes, or a table of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.errors import InvalidDataError, UsageError
from labelaudit.tables.arrays import numbers
from labelaudit.tables.memory import MemoryTable
from labelaudit.tables.paths import find_files
from labelaudit.tables.roles import columns_named, listed, only_one
from labelaudit.tables.text import TextColumns
from labelaudit.tables.vote_codes import NO_CODE, Encoder, as_text
from labelaudit.tables.vote_roles import ROW_NAMES, TASK_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.tables.table import InputTable
    from labelaudit.tables.vote_classes import VoteClasses
    from labelaudit.tables.votes import VoteSource

    Codes = npt.NDArray[np.int32]

__all__ = [
    "SOME",
    "GoldTable",
    "gold_codes",
    "gold_table",
    "has_gold",
    "one_of_each",
    "refuse_gold_alone",
    "refuse_strange_gold",
    "refuse_torn_gold",
]

SOME = 5
"""Tasks that are named of those that have something wrong with them."""

GOLD_NAMES = ("label", "gold", "truth", "answer", "true_label", "gold_label", "y", "class")
_BATCH_ROWS = 1 << 17
_BY_NAME = "the names task and label in the gold file"


def gold_codes(
    column: Encoder, task: Codes, tasks: pa.Array, classes: VoteClasses, source: VoteSource
) -> Codes:
    """Return the known class of each task, -1 where there is none.

    Parameters
    ----------
    column : Encoder
        Took the gold column beside the votes, if there is one.
    task : (rows,) int32
        Task of each row that the encoder took.
    tasks : pyarrow.Array
        (N,) ids.
    classes : VoteClasses
    source : VoteSource

    Raises
    ------
    UsageError
        If gold is neither a column nor a file.
    InvalidDataError
        If a gold label is no class, a task has two, or tasks are none of the votes'.
    """
    if not has_gold(source):
        return np.full(len(tasks), NO_CODE, np.int32)
    if source.roles.gold is not None:
        values, said = column.finish(pa.string())
    else:
        values, said, task = _from_table(source, tasks)
    known = (said >= 0) & (task >= 0)
    label = np.append(classes.codes_of(values), np.int32(NO_CODE))[said[known]]
    refuse_strange_gold(values, np.unique(said[known][label < 0]), classes)
    return _one_each(task[known], label, tasks)


def has_gold(source: VoteSource) -> bool:
    """Say whether labels of some tasks are known."""
    return source.options.gold is not None or source.options.known is not None


def refuse_strange_gold(values: pa.Array, strange: npt.NDArray[Any], classes: VoteClasses) -> None:
    """Refuse gold labels that are no classes; ``strange`` are their places among the values."""
    if len(strange):
        names = as_text(values.take(numbers(strange)))
        raise InvalidDataError(
            [f"Gold labels {listed(names, 6)} are none of the classes {listed(classes.names, 6)}."],
            "Mend them, or name all classes with --classes.",
        )


def _one_each(task: Codes, label: Codes, tasks: pa.Array) -> Codes:
    gold, torn = one_of_each(task, label, len(tasks))
    refuse_torn_gold(len(torn), as_text(tasks.take(numbers(torn[:SOME]))))
    return gold


def one_of_each(task: Codes, label: Codes, n_tasks: int) -> tuple[Codes, Codes]:
    """Return the known class of each task, and the tasks that have several."""
    gold = np.full(n_tasks, NO_CODE, np.int32)
    gold[task] = label
    return gold, np.unique(task[gold[task] != label])


def refuse_torn_gold(torn: int, some: Sequence[str]) -> None:
    """Refuse gold labels if that many tasks have several, some of which are named."""
    if torn:
        raise InvalidDataError(
            [f"{_tasks(torn)} with several gold labels: {listed(some)}."],
            "Give each task one gold label.",
        )


def _from_table(source: VoteSource, tasks: pa.Array) -> tuple[pa.Array, Codes, Codes]:
    gold = gold_table(source)
    code = {text: k for k, text in enumerate(as_text(tasks))}
    of_id = np.array(
        [*(code.get(text, NO_CODE) for text in as_text(gold.tasks)), NO_CODE], np.int32
    )
    refuse_gold_alone(gold.tasks, np.flatnonzero(of_id[:-1] < 0))
    return gold.values, gold.said, of_id[gold.task]


@dataclass(frozen=True, slots=True)
class GoldTable:
    """Known labels from a table of their own.

    Attributes
    ----------
    tasks, values : pyarrow.Array
        The different tasks, and labels.
    task, said : (rows,) int32
        Place of each row's task and label among them; negative where there is none.
    """

    tasks: pa.Array
    values: pa.Array
    task: Codes
    said: Codes


def gold_table(source: VoteSource) -> GoldTable:
    """Read the known labels that are in a table of their own."""
    ids, labels = Encoder(), Encoder()
    for table in _gold_tables(source):
        names = _gold_columns(source, table.schema)
        for batch in table.read(range(len(table.group_rows)), names, _BATCH_ROWS):
            ids.add(batch.column(0))
            labels.add(batch.column(1))
    tasks, task = ids.finish(pa.string())
    values, said = labels.finish(pa.string())
    return GoldTable(tasks, values, task, said)


def refuse_gold_alone(tasks: pa.Array, strange: npt.NDArray[np.int64]) -> None:
    """Refuse gold labels of tasks that are none of the votes'."""
    if len(strange):
        some = as_text(tasks.take(numbers(strange[:SOME])))
        raise InvalidDataError(
            [f"{_tasks(len(strange))} with a gold label and no vote: {listed(some)}."],
            "Leave them out of the gold labels, or give the votes on them.",
        )


def _tasks(number: int) -> str:
    return f"{number:,} task{'' if number == 1 else 's'}"


def _gold_tables(source: VoteSource) -> tuple[InputTable, ...]:
    from labelaudit.tables.opening import open_files

    if source.options.known is not None:
        return (MemoryTable(source.options.known),)
    files = find_files([str(source.options.gold)])
    return open_files(files, partial(_gold_text_columns, source))


def _gold_text_columns(source: VoteSource, schema: pa.Schema) -> TextColumns:
    task, label = _gold_columns(source, schema)
    return TextColumns(plain=(task, label), labels=(label,))


def _gold_columns(source: VoteSource, schema: pa.Schema) -> tuple[str, str]:
    """Find tasks and labels, by the names they have beside the votes or by usual ones."""
    names = schema.names
    same = [source.roles.task] if source.roles.task in names else []
    found = same or columns_named(schema, TASK_NAMES) or columns_named(schema, ROW_NAMES)
    task = only_one([str(name) for name in found], "the tasks of the gold labels", _BY_NAME)
    asked = [source.options.label] if source.options.label in names else []
    labels = [str(name) for name in asked or columns_named(schema, GOLD_NAMES)]
    label = only_one(labels, "the gold labels", _BY_NAME)
    if task is None or label is None:
        raise UsageError(
            f"The gold labels have the columns {listed(schema.names)}, not a task and a label.",
            "Name two of them task and label.",
        )
    return task, label
