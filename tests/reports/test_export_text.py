"""What an export says, line by line."""

from __future__ import annotations

import pyarrow as pa

from labelaudit.reports.export_text import ExportFacts, export_report

COUNTS = {
    "rows_in": 2_831_000,
    "rows_out": 2_828_000,
    "relabelled": 3_000,
    "dropped": 3_000,
    "flagged": 0,
    "reviewed": 0,
    "settled": 0,
}


def test_long_lines_are_broken_and_warnings_stand_apart() -> None:
    pairs = pa.table({"given": ["a"], "new": ["b"], "rows": [3_000]})
    said = ("Look at it.",), ("2 flagged rows stay as they are: 2 not of high severity.",)
    facts = ExportFacts(("a.csv",), "reviewed", COUNTS, pairs, *said)
    assert export_report(facts).splitlines() == [
        "Policy    reviewed",
        "Flagged   0 rows",
        "",
        "Of 2,831,000 rows 0.21 % were changed: 3,000 labels replaced and 3,000 rows",
        "dropped; 2,828,000 left.",
        "2 flagged rows stay as they are: 2 not of high severity.",
        "",
        "Changes",
        "  given  new   rows",
        "  a      b    3,000",
        "",
        "Warning: Look at it.",
    ]
