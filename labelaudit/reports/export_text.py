"""What an export changes, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelaudit.reports.layout import (
    Column,
    Style,
    count,
    entry,
    paragraph,
    plural,
    remarks,
    table,
    titled,
    value_text,
)
from labelaudit.wording import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

__all__ = ["ExportFacts", "export_document", "export_report"]

SCHEMA_VERSION = 1
MOST_PAIRS = 10


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What an export changes.

    Attributes
    ----------
    inputs : tuple of str
    policy : str
    counts : mapping of str to int
        ``rows_in``, ``rows_out``, ``relabelled``, ``dropped``, ``flagged``, ``reviewed``,
        ``settled``.
    pairs : pyarrow.Table
        ``given``, ``new``, ``rows``.
    warnings, notes : tuple of str
    """

    inputs: tuple[str, ...]
    policy: str
    counts: Mapping[str, int]
    pairs: pa.Table
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()


def export_document(
    facts: ExportFacts, *, version: str, outputs: Sequence[Mapping[str, str]], exit_code: int
) -> dict[str, Any]:
    """Return the summary as JSON can hold it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "labelaudit", "version": version},
        "inputs": list(facts.inputs),
        "policy": facts.policy,
        "counts": dict(facts.counts),
        "pairs": facts.pairs.to_pylist(),
        "warnings": list(facts.warnings),
        "notes": list(facts.notes),
        "outputs": [dict(each) for each in outputs],
        "exit_code": exit_code,
    }


def export_report(
    facts: ExportFacts,
    *,
    written: Sequence[str] = (),
    dry: bool = False,
    limit: int = 80,
    style: Style | None = None,
) -> str:
    """Return the report, in lines of at most ``limit`` cells."""
    style = style or Style(False)
    counts = facts.counts
    lines = [*entry("Policy", facts.policy, limit)]
    lines += entry("Flagged", plural(counts["flagged"], "row"), limit)
    if counts["reviewed"]:
        lines += entry("Reviewed", plural(counts["reviewed"], "row"), limit)
    if counts["settled"]:
        said = f"{plural(counts['settled'], 'row')} by an earlier export, left as they are"
        lines += entry("Settled", said, limit)
    lines += ["", *map(style.bold, paragraph(_headline(counts, dry=dry), limit))]
    for note in facts.notes:
        lines += paragraph(note, limit)
    lines += _pairs(facts.pairs, limit, style)
    doubts = remarks(facts.warnings, (), limit, style)
    lines += ["", *doubts] if doubts else []
    if written:
        lines += ["", *(f"Wrote {each}" for each in written)]
    if dry:
        lines += ["", "A dry run: nothing was written."]
    return "\n".join(lines) + "\n"


def _headline(counts: Mapping[str, int], *, dry: bool) -> str:
    rows = counts["rows_in"]
    changed = counts["relabelled"] + counts["dropped"]
    would = "would be" if dry else "were"
    if not changed:
        return f"Of {plural(rows, 'row')} none {would} changed."
    share = percent(changed / max(rows, 1))
    said = [
        f"{plural(counts['relabelled'], 'label')} replaced" if counts["relabelled"] else "",
        f"{plural(counts['dropped'], 'row')} dropped" if counts["dropped"] else "",
    ]
    what = " and ".join(filter(None, said))
    left = count(counts["rows_out"])
    return f"Of {plural(rows, 'row')} {share} {would} changed: {what}; {left} left."


def _pairs(pairs: pa.Table, limit: int, style: Style) -> list[str]:
    shown = pairs.slice(0, MOST_PAIRS).to_pylist()
    if not shown:
        return []
    cells = [
        (
            value_text(pair["given"]),
            "(dropped)" if pair["new"] is None else value_text(pair["new"]),
            count(pair["rows"]),
        )
        for pair in shown
    ]
    columns = [
        Column("given", flexible=True),
        Column("new", flexible=True),
        Column("rows", right=True),
    ]
    found = titled("Changes", table(columns, cells, limit), style)
    rest = pairs.num_rows - len(shown)
    more = [f"  and {plural(rest, 'further pair')} of labels"] if rest > 0 else []
    return ["", *found, *more]
