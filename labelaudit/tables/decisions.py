"""What reviewers decided: from a decisions file, from Label Studio, or from Argilla."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelaudit.changes import DECISIONS
from labelaudit.errors import InputError, NothingToAuditError
from labelaudit.small_files import small_text
from labelaudit.tables.boundary import reading
from labelaudit.tables.records import column_texts, read_records
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Decision", "read_decisions"]

_WHAT = "a decisions file, an export of Label Studio (JSON) or of Argilla (records)"
_CSV_COLUMNS = ("given_label", "decision", "new_label")


@dataclass(frozen=True, slots=True)
class Decision:
    """What one reviewer decided about one issue.

    Attributes
    ----------
    place : str
        Where it stands, fit to be shown.
    issue_id, key : str or None
        At least one of them says what it is about.
    given : str or None
        The label that the reviewer saw.
    decision : str
        One of ``DECISIONS``.
    new : str or None
        The label that a fix puts in place.
    """

    place: str
    issue_id: str | None
    key: str | None
    given: str | None
    decision: str
    new: str | None


def read_decisions(path: str) -> list[Decision]:
    """Read decisions; lines that decide nothing are passed over.

    Parameters
    ----------
    path : str
        A table with the columns ``issue_id`` or ``key`` (or both), ``given_label``, ``decision``
        and ``new_label``; or JSON as Label Studio exports it (also its short form), or records of
        Argilla, as one list or one on each line.

    Raises
    ------
    InputError
        If it is none of these, or a decision is not one of fix, keep, drop, unsure.
    NothingToAuditError
        If there is no such file.
    """
    if Path(path).suffix.lower() in (".json", ".jsonl", ".ndjson"):
        documents = _documents(path)
        if not all(isinstance(each, dict) for each in documents):
            raise InputError(f"{safe(path, 300)} holds no objects.", f"Give {_WHAT}.")
        if not documents or "decision" not in documents[0]:
            name = safe(path, 300)
            parts = (_exported(each, f"{name}, record {i}") for i, each in enumerate(documents))
            return [decision for part in parts for decision in part]
    return list(_from_table(path))


def _documents(path: str) -> list[Any]:
    name = safe(path, 300)
    if not Path(path).exists():
        raise NothingToAuditError(f"There is no file {name}.", "Check the path.")
    with reading(name, f"Give {_WHAT}."):
        text = small_text(path)
        if text.lstrip().startswith("["):
            whole: list[Any] = json.loads(text)
            return whole
        return [json.loads(line) for line in text.split("\n") if line.strip()]


def _from_table(path: str) -> Iterator[Decision]:
    table, name = read_records(path, _CSV_COLUMNS, "a decisions file")
    columns = ("issue_id", "key", "given_label", "decision", "new_label")
    rows = zip(*(column_texts(table, column) for column in columns), strict=True)
    for row, (issue_id, key, given, decision, new) in enumerate(rows):
        if decision:
            place = f"{name}, row {row}"
            _check(decision, place)
            yield Decision(place, issue_id or None, key, given, decision, new or None)


def _check(decision: str, place: str) -> None:
    if decision not in DECISIONS:
        raise InputError(
            f"{place}: {safe(repr(decision))} is not a decision.",
            f"Write one of {', '.join(DECISIONS)}, or nothing where nothing is decided.",
        )


def _exported(record: dict[str, Any], place: str) -> Iterator[Decision]:
    """Read one task of Label Studio, in either form, or one record of Argilla."""
    if "responses" in record and "metadata" in record:
        yield from _argilla(record, place)
    elif "annotations" in record and "data" in record:
        yield from _label_studio(record, place)
    elif "labelaudit_id" in record:
        answers = {"label": record.get("label"), "decision": record.get("decision")}
        yield from _answered(record, answers, place)
    else:
        raise InputError(
            f"{place} holds neither labelaudit_id nor annotations of such a task.",
            f"Give {_WHAT}, made of what find-issues wrote for it.",
        )


def _label_studio(task: dict[str, Any], place: str) -> Iterator[Decision]:
    with reading(place, f"Give {_WHAT}."):
        done = [each for each in task["annotations"] if not each.get("was_cancelled")]
        sure = [each for each in done if each.get("ground_truth")]
        chosen = [_choices(each) for each in sure or done]
        data = dict(task["data"])
    for answers in chosen:
        yield from _answered(data, answers, place)


def _choices(annotation: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for part in annotation.get("result", ()):
        choices = part.get("value", {}).get("choices")
        if choices:
            answers[part["from_name"]] = choices
    return answers


def _argilla(record: dict[str, Any], place: str) -> Iterator[Decision]:
    with reading(place, f"Give {_WHAT}."):
        by_user: dict[str, dict[str, Any]] = {}
        for question, responses in (record["responses"] or {}).items():
            for response in responses:
                if response.get("status", "submitted") == "submitted":
                    user = by_user.setdefault(str(response.get("user_id")), {})
                    user[question] = response["value"]
        metadata = dict(record["metadata"] or {})
    for answers in by_user.values():
        yield from _answered(metadata, answers, place)


def _answered(data: dict[str, Any], answers: dict[str, Any], place: str) -> Iterator[Decision]:
    """Turn a reviewer's answers into a decision: the label chosen, or what else was decided."""
    issue_id, key = _text(data.get("labelaudit_id")), _text(data.get("labelaudit_key"))
    given = _text(data.get("given_label"))
    if issue_id is None:
        raise InputError(
            f"{place} has no labelaudit_id.", "Review what find-issues wrote for that tool."
        )
    other = _one(answers.get("decision"), place)
    if other is not None and other != "fix":
        _check(other, place)
        yield Decision(place, issue_id, key, given, other, None)
        return
    label = _one(answers.get("label"), place)
    if label is not None:
        decision = "keep" if label == given else "fix"
        yield Decision(place, issue_id, key, given, decision, None if label == given else label)


def _one(answer: Any, place: str) -> str | None:
    """Return the only choice."""
    if isinstance(answer, dict):
        answer = answer.get("choices")
    if isinstance(answer, list):
        if len(answer) > 1:
            raise InputError(
                f"{place} has {len(answer)} choices for one label.", "Choose one label a row."
            )
        answer = answer[0] if answer else None
    return _text(answer)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
