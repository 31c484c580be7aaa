"""Which columns of a multi-label table are what, and whether a table is one."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pyarrow.types as pt

from labelaudit.errors import UsageError
from labelaudit.tables.hugging_face import class_labels, listed_class_labels
from labelaudit.tables.layouts import ProbColumns, plain_type
from labelaudit.tables.roles import (
    LABEL_NAMES,
    WIDE_PREFIXES,
    Roles,
    can_be_label,
    columns_named,
    existing_column,
    listed,
    only_one,
    other_roles,
    prob_columns,
    with_prefix,
)
from labelaudit.tables.tag_layouts import (
    TagColumns,
    is_list,
    tag_list,
    tag_pattern,
    tag_prefix,
    top_k_layout,
)
from labelaudit.wording import safe

if TYPE_CHECKING:
    import pyarrow as pa

    from labelaudit.tables.options import ReadOptions

__all__ = ["TagRoles", "assign_tag_roles", "is_multilabel"]

TAG_PREFIXES = ("labels_", "label_", "tags_", "tag_", "targets_", "target_", "is_", "y_")
TOP_K_NAMES = ("pred_ids", "pred_scores")
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class TagRoles:
    """Which column is what, with the layout of the tags.

    Attributes
    ----------
    roles : Roles
    tags : TagColumns
    """

    roles: Roles
    tags: TagColumns


def is_multilabel(schema: pa.Schema, options: ReadOptions) -> bool:
    """Decide by ``--task``, else by the label column: a list, or several columns of 0 and 1."""
    if options.task != "auto":
        return options.task == "multilabel"
    name = options.labels
    if name is not None:
        if name in schema.names:
            return is_list(schema.field(name).type)
        return bool(_GLOB & set(name))
    found = _named_columns(schema)
    if found:
        return len(found) == 1 and is_list(schema.field(found[0]).type)
    return bool(_pairs(schema)) or len(_lists_of_text(schema)) == 1


def _named_columns(schema: pa.Schema) -> list[str]:
    return (
        [*class_labels(schema)]
        or [*listed_class_labels(schema)]
        or columns_named(schema, LABEL_NAMES)
    )


def _lists_of_text(schema: pa.Schema) -> list[str]:
    return [
        field.name for field in schema if is_list(field.type) and _is_text(field.type.value_type)
    ]


def _is_text(kind: pa.DataType) -> bool:
    kind = plain_type(kind)
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def assign_tag_roles(schema: pa.Schema, options: ReadOptions) -> TagRoles:
    """Decide which column is what.

    Raises
    ------
    UsageError
        If a column that was named is missing, or a role has no candidate, or several.
    """
    origins: dict[str, str] = {}
    tags = _tag_columns(schema, options, origins)
    probs = _probs(schema, options, tags, origins)
    used = {*tags.columns, *(column for model in probs for column in model.columns)}
    key, keep = other_roles(schema, options, tags.name, used, origins)
    names = listed_class_labels(schema).get(tags.name)
    kind = tags.value_type
    roles = Roles(tags.name, kind, probs, key, options.group, keep, names, origins)
    return TagRoles(roles, tags)


def _tag_columns(schema: pa.Schema, options: ReadOptions, origins: dict[str, str]) -> TagColumns:
    if options.labels is not None:
        origins["labels"] = options.origin("labels")
        return _said_tags(schema, options.labels)
    found = _named_columns(schema)
    label = only_one(found, "the labels", "--labels")
    if label is not None:
        origins["labels"] = "inferred from its name"
        return _listed_tags(schema, label)
    pairs = _pairs(schema)
    chosen = only_one([tags.name for tags, _ in pairs], "the labels", "--labels")
    if chosen is None:
        chosen = only_one(_lists_of_text(schema), "the labels", "--labels")
        if chosen is not None:
            origins["labels"] = "inferred: the only list of texts"
            return _listed_tags(schema, chosen)
        raise UsageError(
            f"No column looks like lists of labels among {listed(schema.names)}.",
            "Say which it is with --labels: a list column, or a quoted glob of columns of 0 and 1 "
            "('label_*').",
        )
    origins["labels"] = "inferred: one column for each column of probabilities"
    return pairs[0][0]


def _said_tags(schema: pa.Schema, name: str) -> TagColumns:
    if name in schema.names or not _GLOB & set(name):
        return _listed_tags(schema, existing_column(schema, name, "labels"))
    tags = tag_pattern(schema, name)
    if tags is None:
        matched = [each for each in schema.names if fnmatchcase(each, name)]
        what = f"columns {listed(matched)}" if matched else "no column"
        raise UsageError(
            f"--labels {safe(name)} matches {what}, not one column of 0, 1 and null per class.",
            f"Choose a glob that matches them alone. The columns are {listed(schema.names)}.",
        )
    return tags


def _listed_tags(schema: pa.Schema, name: str) -> TagColumns:
    field = schema.field(name)
    if not is_list(field.type):
        raise UsageError(
            f"Column {safe(name)} is of type {safe(field.type)}, which cannot hold several labels "
            "a row.",
            "Give a column of lists, or a quoted glob of columns of 0 and 1, with --labels; or "
            "--task multiclass.",
        )
    tags = tag_list(field)
    if not can_be_label(plain_type(tags.value_type)):
        raise UsageError(
            f"Column {safe(name)} is a list of {safe(tags.value_type)}, which cannot be labels.",
            "Give lists of strings or integers with --labels.",
        )
    return tags


def _probs(
    schema: pa.Schema, options: ReadOptions, tags: TagColumns, origins: dict[str, str]
) -> tuple[ProbColumns, ...]:
    sparse = _top_k(schema, options)
    if sparse is not None:
        origins["probs"] = options.origin("probs") if options.probs else "inferred from their names"
        return (sparse,)
    if not options.probs and tags.layout == "wide columns":
        own = [model for found, model in _pairs(schema) if found.columns == tags.columns]
        only_one([model.name for model in own], "the probabilities", "--probs")
        if own:
            origins["probs"] = "inferred from the common prefix"
            return (own[0],)
    return prob_columns(schema, options, tags.columns, origins)


def _top_k(schema: pa.Schema, options: ReadOptions) -> ProbColumns | None:
    """Return two lists, of classes and of scores, if the options or the names say so."""
    names = options.probs or TOP_K_NAMES
    if len(names) != 2 or not set(names) <= set(schema.names):
        return None
    first, second = (schema.field(name) for name in names)
    if not options.probs:
        return top_k_layout(first, second)
    ids = [field for field in (first, second) if _holds_ids(field)]
    if len(ids) != 1:
        return None
    return top_k_layout(ids[0], second if ids[0] is first else first)


def _holds_ids(field: pa.Field) -> bool:
    if not is_list(field.type):
        return False
    value = plain_type(plain_type(field.type).value_type)
    return not pt.is_floating(value)


def _pairs(schema: pa.Schema) -> list[tuple[TagColumns, ProbColumns]]:
    """Find prefixes of 0/1 columns whose other parts are those of probability columns."""
    models = [model for prefix in WIDE_PREFIXES if (model := with_prefix(schema, prefix))]
    found: list[tuple[TagColumns, ProbColumns]] = []
    for prefix in TAG_PREFIXES:
        tags = tag_prefix(schema, prefix)
        found += [
            (tags, model)
            for model in models
            if tags is not None and set(tags.names or ()) == set(model.names or ())
        ]
    return found
