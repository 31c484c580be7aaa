"""Which column is what: said by the user, or inferred, never guessed between two candidates."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pyarrow.types as pt

from labelaudit.errors import UsageError
from labelaudit.tables.hugging_face import class_labels
from labelaudit.tables.layouts import (
    ProbColumns,
    list_layout,
    plain_type,
    struct_layout,
    wide_layout,
)
from labelaudit.tables.soft_labels import COLUMNS, are_soft_labels
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from labelaudit.tables.options import ReadOptions

__all__ = [
    "LABEL_NAMES",
    "WIDE_PREFIXES",
    "Roles",
    "assign_label_roles",
    "assign_roles",
    "can_be_label",
    "columns_named",
    "existing_column",
    "listed",
    "only_one",
    "other_roles",
    "prob_columns",
    "with_prefix",
]

_WORKERS = ("worker", "annotator", "rater", "user", "judge")
WORKER_NAMES = (*_WORKERS, *(f"{name}_id" for name in _WORKERS))
LABEL_NAMES = ("label", "labels", "given_label", "noisy_label", "target", "y", "class", "category")
PROB_NAMES = ("pred_probs", "probs", "proba", "probabilities", "predict_proba")
WIDE_PREFIXES = ("pred_probs_", "proba_", "prob_", "p_", "score_")
KEY_NAMES = ("id", "uid", "uuid", "guid", "key", "example_id", "sample_id")
PANDAS_INDEX = "__index_level_0__"


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column is what.

    Attributes
    ----------
    labels : str
    label_type : pyarrow.DataType
    probs : tuple of ProbColumns
    key, group : str or None
    keep : tuple of str
    class_names : tuple of str or None
        Names from a Hugging Face ClassLabel; label k is the k-th.
    origins : mapping of str to str
        For each role, how it was decided.
    """

    labels: str
    label_type: pa.DataType
    probs: tuple[ProbColumns, ...]
    key: str | None
    group: str | None
    keep: tuple[str, ...]
    class_names: tuple[str, ...] | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


def assign_roles(schema: pa.Schema, options: ReadOptions) -> Roles:
    """Decide which column is what.

    Raises
    ------
    UsageError
        If a column that was named is missing, or a role has no candidate, or several.
    """
    named = class_labels(schema)
    origins: dict[str, str] = {}
    labels = _label_column(schema, options, named, origins)
    _refuse_nested(schema.field(labels))
    probs = prob_columns(schema, options, (labels,), origins)
    used = {labels, *(column for model in probs for column in model.columns)}
    key, keep = other_roles(schema, options, labels, used, origins)
    label_type = schema.field(labels).type
    names = named.get(labels)
    return Roles(labels, label_type, probs, key, options.group, keep, names, origins)


def other_roles(
    schema: pa.Schema,
    options: ReadOptions,
    labels: str,
    used: set[str],
    origins: dict[str, str],
) -> tuple[str | None, tuple[str, ...]]:
    """Decide on the key and the columns to keep, check the group, and say where they come from."""
    key = _key_column(schema, options, labels, origins)
    if options.group is not None:
        _check_group(schema, options.group)
        origins["group"] = options.origin("group")
    keep = _kept_columns(schema, options, {key, *used})
    if keep:
        origins["keep"] = options.origin("keep")
    return key, keep


def assign_label_roles(
    schema: pa.Schema, options: ReadOptions
) -> tuple[str, str | None, tuple[str, ...] | None]:
    """Return the label column, the key column and ClassLabel names, where nothing else is needed.

    Raises
    ------
    UsageError
        As ``assign_roles`` says.
    """
    named = class_labels(schema)
    labels = _label_column(schema, options, named, {})
    _refuse_nested(schema.field(labels))
    return labels, _key_column(schema, options, labels, {}), named.get(labels)


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Return names as a list fit to be shown, cut when long."""
    shown = [safe(name) for name in names]
    more = f", and {len(shown) - limit} more" if len(shown) > limit else ""
    return ", ".join(shown[:limit]) + more


def existing_column(schema: pa.Schema, name: str, role: str) -> str:
    """Return the name, or raise ``UsageError`` with the nearest one if there is no such column."""
    if name in schema.names:
        return name
    near = difflib.get_close_matches(name, schema.names, n=1)
    folded = [each for each in schema.names if each.casefold() == name.casefold()]
    hint = f"Did you mean {safe((folded or near)[0])}? " if folded or near else ""
    raise UsageError(
        f"There is no column {safe(name)} for {role}.",
        f"{hint}The columns are {listed(schema.names)}.",
    )


def only_one(candidates: Sequence[str], role: str, flag: str) -> str | None:
    """Return the candidate, None without any; raise ``UsageError`` if there are several."""
    if len(candidates) > 1:
        raise UsageError(
            f"Several columns could be {role}: {listed(candidates)}.", f"Say which with {flag}."
        )
    return candidates[0] if candidates else None


def columns_named(schema: pa.Schema, names: Iterable[str]) -> list[str]:
    """Return the columns that have one of these names in any case."""
    wanted = set(names)
    return [name for name in schema.names if name.casefold() in wanted]


def _label_column(
    schema: pa.Schema,
    options: ReadOptions,
    named: Mapping[str, tuple[str, ...]],
    origins: dict[str, str],
) -> str:
    if options.labels is not None:
        origins["labels"] = options.origin("labels")
        return existing_column(schema, options.labels, "labels")
    label = only_one(list(named), "the labels", "--labels")
    origins["labels"] = "inferred from the Hugging Face ClassLabel"
    if label is None:
        label = only_one(columns_named(schema, LABEL_NAMES), "the labels", "--labels")
        origins["labels"] = "inferred from its name"
    if label is None:
        raise UsageError(
            f"No column looks like the labels among {listed(schema.names)}.",
            "Say which it is with --labels.",
        )
    return label


def _refuse_nested(label: pa.Field) -> None:
    kind = plain_type(label.type)
    if pt.is_nested(kind):
        raise UsageError(
            f"Column {safe(label.name)} is a {_kind_in_words(kind)}, not one label a row.",
            "Give a column with one label a row with --labels; lists of labels are audited with "
            "--task multilabel.",
        )
    if not can_be_label(kind):
        raise UsageError(
            f"Column {safe(label.name)} is of type {safe(kind)}, which cannot be labels.",
            "Give a column of strings, integers or booleans with --labels.",
        )


def _kind_in_words(kind: pa.DataType) -> str:
    return "struct or map" if pt.is_struct(kind) or pt.is_map(kind) else "list"


def can_be_label(kind: pa.DataType) -> bool:
    """Say whether values of this type can be labels: text, numbers, booleans."""
    text = pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)
    number = pt.is_integer(kind) or pt.is_floating(kind)
    return bool(text or number or pt.is_boolean(kind) or pt.is_null(kind))


def prob_columns(
    schema: pa.Schema, options: ReadOptions, labels: Sequence[str], origins: dict[str, str]
) -> tuple[ProbColumns, ...]:
    """Decide which columns hold the probabilities; ``labels`` do not."""
    if options.probs:
        origins["probs"] = options.origin("probs")
        return tuple(_said_probs(schema, name, options) for name in options.probs)
    for find in (_by_name, _by_struct, _by_prefix, _by_type):
        candidates = [found for found in find(schema) if not set(labels) & set(found.columns)]
        only_one([found.name for found in candidates], "the probabilities", "--probs")
        if candidates:
            origins["probs"] = _HOW[find.__name__]
            return (candidates[0],)
    raise UsageError(
        f"No column looks like probabilities among {listed(schema.names)}{_near_miss(schema)}.",
        "Say which it is with --probs: one list column, or a quoted glob of wide columns ('p_*')."
        + _votes_hint(schema),
    )


def _votes_hint(schema: pa.Schema) -> str:
    """Name the other audit to who brings votes to this one."""
    workers = columns_named(schema, WORKER_NAMES)
    return " For votes there is labelaudit aggregate." if workers else ""


def _near_miss(schema: pa.Schema) -> str:
    """Return which column would do if it held numbers, in words, or nothing."""
    for column in schema:
        by_prefix = column.name.casefold().startswith(WIDE_PREFIXES)
        if column.name.casefold() in PROB_NAMES or by_prefix:
            kind = plain_type(column.type)
            if not (pt.is_floating(kind) or pt.is_integer(kind) or pt.is_decimal(kind)):
                return f"; column {safe(column.name)} would, but is of type {safe(column.type)}"
    return ""


_HOW = {
    "_by_name": "inferred from its name",
    "_by_struct": "inferred: the only struct or map of numbers",
    "_by_prefix": "inferred from the common prefix",
    "_by_type": "inferred: the only list of floats",
}


def _said_probs(schema: pa.Schema, name: str, options: ReadOptions) -> ProbColumns:
    if name in schema.names:
        column = schema.field(name)
        layout = list_layout(column) or struct_layout(column)
        if layout is None:
            raise UsageError(
                f"Column {safe(name)} is of type {safe(column.type)}, not one probability per "
                "class.",
                "Give a list column, or a quoted glob of wide columns ('p_*') with --probs.",
            )
        return layout
    if not set("*?[") & set(name):
        existing_column(schema, name, "probabilities")
    return _said_glob(schema, name, options.setting("probs"))


def _said_glob(schema: pa.Schema, pattern: str, said: str) -> ProbColumns:
    fields = [column for column in schema if fnmatchcase(column.name, pattern)]
    single = list_layout(fields[0]) or struct_layout(fields[0]) if len(fields) == 1 else None
    start = next((i for i, c in enumerate(pattern) if c in "*?["), 0)
    end = len(pattern) - 1 - max(pattern.rfind("*"), pattern.rfind("?"), pattern.rfind("]"))
    suffixes = [column.name[start : len(column.name) - end] for column in fields]
    layout = single or wide_layout(pattern, fields, suffixes)
    if layout is not None:
        return layout
    what = f"columns {listed(c.name for c in fields)}" if fields else "no column"
    raise UsageError(
        f"{said} {safe(pattern)} matches {what}, not one number column per class.",
        f"Choose a glob that matches them alone. The columns are {listed(schema.names)}.",
    )


def _by_name(schema: pa.Schema) -> list[ProbColumns]:
    found = (list_layout(schema.field(name)) for name in columns_named(schema, PROB_NAMES))
    return [layout for layout in found if layout is not None]


def _by_struct(schema: pa.Schema) -> list[ProbColumns]:
    return [layout for layout in map(struct_layout, schema) if layout is not None]


def _by_prefix(schema: pa.Schema) -> list[ProbColumns]:
    found = (with_prefix(schema, prefix) for prefix in WIDE_PREFIXES)
    return [layout for layout in found if layout is not None]


def with_prefix(schema: pa.Schema, prefix: str) -> ProbColumns | None:
    """Return the layout of the columns with a prefix; None if they cannot be probabilities."""
    fields = [column for column in schema if column.name.casefold().startswith(prefix)]
    suffixes = [column.name[len(prefix) :] for column in fields]
    return wide_layout(prefix + "*", fields, suffixes)


def _by_type(schema: pa.Schema) -> list[ProbColumns]:
    found = (list_layout(column) for column in schema)
    return [each for each in found if each is not None and pt.is_floating(each.value_type)]


def _key_column(
    schema: pa.Schema, options: ReadOptions, labels: str, origins: dict[str, str]
) -> str | None:
    if options.key is not None:
        origins["key"] = options.origin("key")
        return _said_key(schema, options.key)
    found = [
        name
        for name in columns_named(schema, KEY_NAMES)
        if name != labels and _can_be_key(schema.field(name).type)
    ]
    if not found and PANDAS_INDEX in schema.names:
        found = [PANDAS_INDEX]
    if not found and are_soft_labels(schema):
        found = [name for name in COLUMNS[:1] if name in schema.names and name != labels]
    key = only_one(found, "the key", "--key")
    origins["key"] = "inferred from its name" if key is not None else "no key column: row numbers"
    return key


def _can_be_key(kind: pa.DataType) -> bool:
    """Say whether values of this type can be compared, and tell many rows apart."""
    kind = plain_type(kind)
    return not (pt.is_nested(kind) or pt.is_float16(kind) or _is_odd(kind))


def _is_odd(kind: pa.DataType) -> bool:
    """Say whether Arrow can hardly do more with such values than hold them."""
    return bool(pt.is_interval(kind) or pt.is_run_end_encoded(kind))


def _said_key(schema: pa.Schema, name: str) -> str:
    kind = schema.field(existing_column(schema, name, "the key")).type
    if not _can_be_key(kind):
        raise UsageError(
            f"Column {safe(name)} is of type {safe(kind)}, which cannot be the key.",
            "Give a column of numbers or strings with --key.",
        )
    return name


def _check_group(schema: pa.Schema, name: str) -> None:
    kind = schema.field(existing_column(schema, name, "group")).type
    values = kind.value_type if pt.is_dictionary(kind) else kind
    text_or_number = can_be_label(values) or pt.is_temporal(values) or pt.is_decimal(values)
    if not text_or_number or _is_odd(values):
        raise UsageError(
            f"Column {safe(name)} is of type {safe(kind)}, whose values cannot name groups.",
            "Give a column of strings, numbers or dates with --group.",
        )


def _kept_columns(
    schema: pa.Schema, options: ReadOptions, used: set[str | None]
) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for pattern in options.keep:
        if pattern in schema.names:
            kept[pattern] = None
            continue
        if not set("*?[") & set(pattern):
            existing_column(schema, pattern, options.setting("keep"))
        matches = [name for name in schema.names if fnmatchcase(name, pattern)]
        if not matches:
            raise UsageError(
                f"{options.setting('keep')} {safe(pattern)} matches no column.",
                f"The columns are {listed(schema.names)}.",
            )
        kept.update(dict.fromkeys(name for name in matches if name not in used))
    odd = [name for name in kept if _is_odd(schema.field(name).type)]
    if odd:
        raise UsageError(
            f"Column {safe(odd[0])} is of type {safe(schema.field(odd[0]).type)}, which cannot be "
            "written to every format.",
            "Convert it first, or leave it out of --keep.",
        )
    return tuple(kept)
