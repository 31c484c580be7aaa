"""The audit for the card of the dataset: Markdown with front matter, as Hugging Face has it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from labelaudit.class_names import names_of
from labelaudit.crowd_findings import CrowdConsensus
from labelaudit.reports.facts import Figure, figures, verdict
from labelaudit.reports.layout import count, percent
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from labelaudit.findings import LabelIssues

__all__ = ["dataset_card", "inert"]

_CLASSES, _PAIRS, _WARNINGS = 50, 10, 20
_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
_SIZE_NAMES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B")


def dataset_card(result: LabelIssues | CrowdConsensus, *, version: str) -> str:
    """Return the section on label quality of a dataset card, with front matter.

    Names from the data stand in code spans, where nothing in them means anything.

    Parameters
    ----------
    result : LabelIssues or CrowdConsensus
    version : str
        Of labelaudit.
    """
    crowd = isinstance(result, CrowdConsensus)
    body = _crowd_body(result) if isinstance(result, CrowdConsensus) else _label_body(result)
    lines = [
        *_front_matter(result.understanding.rows, crowd=crowd),
        "",
        "## Label quality",
        "",
        *body,
        *_remarks(result.warnings),
        f"Measured by labelaudit {safe(version)}.",
    ]
    return "\n".join(lines) + "\n"


def _front_matter(rows: int, *, crowd: bool) -> list[str]:
    creators = ["annotations_creators:", "- crowdsourced"] if crowd else []
    size = ["size_categories:", f"- {json.dumps(_size(rows))}"]
    return ["---", *creators, *size, "tags:", "- label-quality", "- labelaudit", "---"]


def _size(rows: int) -> str:
    """Return the size as Hugging Face names it."""
    place = sum(rows >= size for size in _SIZES)
    if place == 0:
        return "n<1K"
    if place == len(_SIZES):
        return "n>1T" if rows > 10**12 else "1B<n<10B" if rows < 10**10 else "10B<n<100B"
    return f"{_SIZE_NAMES[place - 1]}<n<{_SIZE_NAMES[place]}"


def inert(text: object, limit: int = 60) -> str:
    """Return text from data as a code span that can stand in a table."""
    shown = safe("(null)" if text is None else text, limit).replace("|", r"\|") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table: the first column is text, the others are numbers unless they are code."""
    body = [list(row) for row in rows]
    right = [all("`" not in row[i] for row in body) for i in range(len(head))]
    marks = ["---:" if flush else "---" for flush in right]
    return [f"| {' | '.join(row)} |" for row in (list(head), marks, *body)] + [""]


def _figures(found: Iterable[Figure]) -> list[str]:
    lines = ["| | |", "|---|---:|"]
    return lines + [f"| {each.title} | {each.text} |" for each in found] + [""]


def _label_body(result: LabelIssues) -> list[str]:
    told = result.understanding
    lines = [f"**{verdict(result)}**", "", *_figures(figures(result))]
    classes, names = result.classes.slice(0, _CLASSES).to_pylist(), names_of(result)
    lines += [_heading("Classes", len(classes), result.classes.num_rows), ""]
    lines += _table(
        ("class", "rows", "flagged", "given, but wrong", "true, but labelled otherwise"),
        (
            (
                inert(names.get(row["class"], row["class"])),
                count(row["rows"]),
                count(row["issues"]),
                _share(row["given_noise"]),
                _share(row["true_noise"]),
            )
            for row in classes
        ),
    )
    pairs = result.pairs.slice(0, _PAIRS).to_pylist()
    if pairs:
        lines += [_heading("Most confused", len(pairs), result.pairs.num_rows), ""]
        lines += _table(
            ("given", "truly", "rows, about", "of given"),
            (
                (
                    inert(names.get(row["given"], row["given"])),
                    inert(names.get(row["true"], row["true"])),
                    count(row["estimated"]),
                    _share(row["share"]),
                )
                for row in pairs
            ),
        )
    source = (
        f"Labels are those of the column {inert(told.label_column)}, judged by out-of-sample "
        f"probabilities (method {inert(result.audit.method)}). Class order: "
        f"{inert(told.class_order, 120)}."
    )
    return [*lines, source, ""]


def _crowd_body(result: CrowdConsensus) -> list[str]:
    lines = [f"**{verdict(result)}**", "", *_figures(figures(result))]
    lines += [safe(result.certificate.sentence, 400), ""]
    pairs = result.pairs.slice(0, _PAIRS).to_pylist()
    if pairs:
        lines += [_heading("Most confused", len(pairs), result.pairs.num_rows), ""]
        lines += _table(
            ("truly", "voted", "votes, about", "of truly"),
            (
                (
                    inert(row["true"]),
                    inert(row["given"]),
                    count(row["expected"]),
                    _share(row["share"]),
                )
                for row in pairs
            ),
        )
    return [*lines, f"Labels are the consensus by the method {inert(result.method)}.", ""]


def _heading(title: str, shown: int, whole: int) -> str:
    return f"### {title}" + (f" ({count(shown)} of {count(whole)})" if shown < whole else "")


def _share(value: Any) -> str:
    return "-" if value is None else percent(value)


def _remarks(warnings: Sequence[str]) -> list[str]:
    if not warnings:
        return []
    return ["Warnings:", "", *(f"- {inert(text, 400)}" for text in warnings[:_WARNINGS]), ""]
