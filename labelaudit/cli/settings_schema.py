"""A JSON Schema of the settings file, for editors and for checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.cli.completers import choices_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["settings_schema"]

_WORD: dict[str, Any] = {"type": ["string", "number"]}
_KINDS: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
}


def settings_schema(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the schema of ``labelaudit.toml`` and of the table in ``pyproject.toml``.

    Parameters
    ----------
    sections : mapping
        For each table that may stand in the file, the options of its command by name.
    """
    shared: dict[str, list[Any]] = {}
    for options in sections.values():
        for name, option in options.items():
            shared.setdefault(name, []).append(option)
    properties, patterns = _properties({name: _any_of(each) for name, each in shared.items()})
    tables = {name: _table(name, options) for name, options in sections.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of labelaudit",
        "description": "labelaudit.toml, or the table tool.labelaudit in pyproject.toml.",
        "type": "object",
        "properties": properties | tables,
        "patternProperties": patterns,
        "additionalProperties": False,
    }


def _table(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    properties, patterns = _properties({key: _setting(each) for key, each in options.items()})
    return {
        "type": "object",
        "description": f"Settings of labelaudit {'check' if name == 'gate' else name} alone.",
        "properties": properties,
        "patternProperties": patterns,
        "additionalProperties": False,
    }


def _properties(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Name settings as they are written; underscores may stand for the dashes."""
    named = {name.replace("_", "-"): each for name, each in sorted(settings.items())}
    also = {f"^{name}$": each for name, each in sorted(settings.items()) if "_" in name}
    return named, also


def _any_of(options: list[Any]) -> dict[str, Any]:
    """Describe a setting that several commands share."""
    found: list[dict[str, Any]] = []
    for each in map(_setting, options):
        if each not in found:
            found.append(each)
    if len(found) == 1:
        return found[0]
    kinds: list[dict[str, Any]] = []
    for each in found:
        kind = {key: value for key, value in each.items() if key not in ("description", "default")}
        if kind not in kinds:
            kinds.append(kind)
    same = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {"description": found[0]["description"], **same}


def _setting(option: Any) -> dict[str, Any]:
    text = " ".join((option.help or "").split())
    found = {"description": text, **_kind(option)}
    plain = isinstance(option.default, str | int | float)
    return found | ({"default": option.default} if plain else {})


def _kind(option: Any) -> dict[str, Any]:
    if option.name == "classes" or option.multiple:
        return {
            "anyOf": [_WORD, {"type": "array", "items": {"type": ["string", "number", "boolean"]}}]
        }
    if option.count:
        return {"type": "integer", "minimum": 0}
    words = choices_of(option)
    if words:
        return {"enum": list(words)}
    if option.type_descriptor.parameter_info.parser is not None:
        return _WORD
    kind = dict(_KINDS.get(option.type_descriptor.annotation, _WORD))
    return kind | ({"minimum": option.min} if option.min is not None else {})
