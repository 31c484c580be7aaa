"""The list of accepted issues: a file of JSON lines that a pull request can review.

The first line is a header with what was measured when the file was written; then comes a line for
each accepted issue, by id. Ids hold no score, so that they survive a new model.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from labelaudit.errors import ConfigError
from labelaudit.small_files import small_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from labelaudit.gate.measures import Issues

__all__ = ["Baseline", "read_baseline", "updated_baseline"]

_TITLE = "accepted issues"
_VERSION = 1
_MARKS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_NEEDED = ("issue_id", "key", "given_label", "issue_type")
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Baseline:
    """Accepted issues.

    Attributes
    ----------
    path : str
        As the user named it.
    entries : tuple of mapping
        One for each issue, with all that its line says.
    metrics : mapping of str to Fraction
        What was measured when the file was written.
    """

    path: str
    entries: tuple[Mapping[str, Any], ...] = ()
    metrics: Mapping[str, Fraction] | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the accepted issues."""
        return tuple(entry["issue_id"] for entry in self.entries)

    @property
    def names(self) -> tuple[str, ...]:
        """Given labels and classes that the lines name."""
        found = {_text(e[name]) for e in self.entries for name in _NAMED if e.get(name) is not None}
        return tuple(sorted(found))

    def count(self, wanted: Mapping[str, str], among: Iterable[str] | None = None) -> int:
        """Count the issues that the selectors pick, of all or of those with these ids."""
        ids = None if among is None else set(among)
        chosen = [e for e in self.entries if ids is None or e["issue_id"] in ids]
        return sum(all(_selected(e, *each) for each in wanted.items()) for e in chosen)

    def text(self) -> str:
        """Return the file's text, lines sorted by id."""
        metrics = {name: _number(value) for name, value in (self.metrics or {}).items()}
        header = {"labelaudit": _TITLE, "version": _VERSION, "metrics": metrics}
        entries = sorted(self.entries, key=lambda entry: str(entry["issue_id"]))
        return "".join(f"{_line(each)}\n" for each in (header, *entries))


_NAMED = ("given_label", "class")


def read_baseline(path: str) -> Baseline:
    """Read a baseline.

    Raises
    ------
    ConfigError
        If the file is missing or cannot be read, or a line of it is broken; with the line.
    """
    name = safe(path, 200)
    if not path:
        raise ConfigError("--baseline names no file.", "Name it with --baseline FILE.")
    try:
        text = small_text(path)
    except FileNotFoundError as error:
        raise ConfigError(
            f"The baseline {name} does not exist.",
            "Mend the path, or create it: add --update-baseline --accept-new once.",
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(
            f"The baseline {name} cannot be read: {safe(reason)}.",
            "Name a readable file, or restore it from version control.",
        ) from error
    # Only line feeds: a label may hold another separator.
    lines = [(i, line.strip()) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    _refuse_conflict(name, lines)
    parsed = [(number, _parsed(name, number, line)) for number, line in lines]
    metrics = _header(name, parsed[0][1] if parsed else {})
    return Baseline(path, _entries(name, parsed[1:]), metrics)


def updated_baseline(
    old: Baseline, issues: Issues, metrics: Mapping[str, Fraction | None], accept_new: bool
) -> Baseline:
    """Drop what is resolved, add what is new if that is wanted, and keep the rest as it is."""
    flagged = set(issues.table["issue_id"].to_pylist())
    kept = tuple(entry for entry in old.entries if entry["issue_id"] in flagged)
    added = tuple(_new_entries(issues)) if accept_new else ()
    known = {name: value for name, value in metrics.items() if value is not None}
    entries = kept + added
    return Baseline(old.path, entries, {**known, "issues": Fraction(len(entries))})


def _new_entries(issues: Issues) -> Iterable[dict[str, Any]]:
    import pyarrow as pa

    columns = [*_NEEDED, "class"]
    for row in issues.table.select(columns).filter(pa.array(issues.is_new)).to_pylist():
        label = row.pop("class")
        entry = {name: _storable(value) for name, value in row.items()}
        yield entry if label is None else {**entry, "class": _storable(label)}


def _refuse_conflict(name: str, lines: list[tuple[int, str]]) -> None:
    for number, line in lines:
        if line.startswith(_MARKS):
            raise ConfigError(
                f"The baseline {name} has the mark of a merge conflict in line {number}.",
                "Keep the lines of both sides and one header, then run check --update-baseline.",
            )


def _parsed(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _broken(name, number, "is not JSON") from error
    if not isinstance(found, dict):
        raise _broken(name, number, "is not a JSON object")
    return found


def _header(name: str, header: dict[str, Any]) -> dict[str, Fraction]:
    if header.get("labelaudit") != _TITLE:
        raise _broken(name, 1, f"is not the header of a file of {_TITLE}")
    version = header.get("version")
    if version != _VERSION or not isinstance(version, int) or isinstance(version, bool):
        found = safe(json.dumps(version))
        raise _broken(name, 1, f"says version {found}, and this labelaudit reads {_VERSION}")
    metrics = header.get("metrics", {})
    if not isinstance(metrics, dict) or not all(map(_is_number, metrics.values())):
        raise _broken(name, 1, "has metrics that are no numbers")
    return {key: Fraction(Decimal(repr(value))) for key, value in metrics.items()}


def _entries(name: str, lines: list[tuple[int, dict[str, Any]]]) -> tuple[dict[str, Any], ...]:
    seen: dict[str, int] = {}
    for number, entry in lines:
        missing = [each for each in _NEEDED if each not in entry]
        if missing:
            raise _broken(name, number, f"has no {missing[0]}")
        found = entry["issue_id"]
        if not isinstance(found, str) or len(found) != 16 or not _HEX.issuperset(found):
            raise _broken(name, number, f"has the id '{safe(found, 40)}', which is not one")
        if found in seen:
            raise _broken(name, number, f"repeats the id of line {seen[found]}")
        seen[found] = number
    return tuple(entry for _, entry in lines)


def _broken(name: str, number: int, what: str) -> ConfigError:
    return ConfigError(
        f"The baseline {name}: line {number} {what}.",
        "Restore the file from version control, or write it anew with --update-baseline "
        "--accept-new after moving it away.",
    )


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _selected(entry: Mapping[str, Any], selector: str, value: str) -> bool:
    found = entry.get("class") if selector == "class" else None
    found = entry["given_label"] if found is None else found
    return found is not None and _text(found) == value


def _text(value: object) -> str:
    """Return a label as rules name it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _storable(value: object) -> object:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _line(entry: Mapping[str, Any]) -> str:
    r"""Write the entry; what a reviewer could not see becomes ``\\u202e``."""
    text = json.dumps(entry, ensure_ascii=False)
    return "".join(each if safe(each) == each else json.dumps(each)[1:-1] for each in text)
