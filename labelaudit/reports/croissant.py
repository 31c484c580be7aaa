"""The audit as Croissant 1.0 metadata: JSON-LD whose record sets hold the figures themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from labelaudit.crowd_findings import CrowdConsensus
from labelaudit.reports.facts import figures, verdict
from labelaudit.reports.summary import plain, to_json
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from labelaudit.findings import LabelIssues

__all__ = ["croissant_text"]

_MOST = 1_000
_NUMBER, _TEXT, _WHOLE = "sc:Float", "sc:Text", "sc:Integer"

# The context that the specification asks for, word for word (Croissant 1.0, "Appendix 1").
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "equivalentProperty": "cr:equivalentProperty",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant_text(result: LabelIssues | CrowdConsensus, *, version: str) -> str:
    """Return Croissant metadata of the audit, to be merged into that of the dataset.

    Parameters
    ----------
    result : LabelIssues or CrowdConsensus
    version : str
        Of labelaudit.
    """
    said = verdict(result)
    return to_json(
        {
            "@context": _CONTEXT,
            "@type": "sc:Dataset",
            "name": _name(result.understanding.files),
            "description": f"Label quality, measured by labelaudit {safe(version)}. {said}",
            "conformsTo": "http://mlcommons.org/croissant/1.0",
            "rai:dataAnnotationAnalysis": said,
            "recordSet": _record_sets(result),
        }
    )


def _name(files: Sequence[str]) -> str:
    last = safe(files[0].rstrip("/").rsplit("/", 1)[-1], 100) if files else "data"
    return f"Label quality of {last}"


def _record_sets(result: LabelIssues | CrowdConsensus) -> list[dict[str, Any]]:
    facts = [
        {"figure": each.name, "title": each.title, "value": each.value}
        for each in figures(result)
        if math.isfinite(each.value)
    ]
    kinds = {"figure": _TEXT, "title": _TEXT, "value": _NUMBER}
    sets = [_record_set("label_quality", "Figures of the audit.", kinds, facts)]
    tables: list[tuple[str, str, pa.Table, dict[str, str]]]
    if isinstance(result, CrowdConsensus):
        kinds = {"true": _TEXT, "given": _TEXT, "expected": _NUMBER, "share": _NUMBER}
        tables = [("confused", "Most confused classes, expected votes.", result.pairs, kinds)]
    else:
        tables = [
            ("classes", "Rows and estimated noise of each class.", result.classes, _CLASS_KINDS),
            ("confused", "Most confused classes, estimated rows.", result.pairs, _PAIR_KINDS),
        ]
    for name, told, table, kinds in tables:
        records = [_record(row, kinds) for row in table.slice(0, _MOST).to_pylist()]
        if records:
            sets.append(_record_set(name, told, kinds, records))
    return sets


_CLASS_KINDS = {
    "class": _TEXT,
    "rows": _WHOLE,
    "issues": _WHOLE,
    "given_noise": _NUMBER,
    "true_noise": _NUMBER,
}
_PAIR_KINDS = {"given": _TEXT, "true": _TEXT, "estimated": _WHOLE, "share": _NUMBER}


def _record(row: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: safe(row[name], 200) if kind == _TEXT else plain(row[name])
        for name, kind in kinds.items()
    }


def _record_set(
    name: str, told: str, kinds: Mapping[str, str], records: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a record set with its records in it; fields are named after it, as is asked for."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": told,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": field,
                "description": field,
                "dataType": kind,
            }
            for field, kind in kinds.items()
        ],
        "data": [
            {f"{name}/{field}": value for field, value in record.items()} for record in records
        ],
    }
