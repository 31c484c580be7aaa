"""What an aggregation would do (``--dry-run``)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelaudit.reports.crowd_understood import votes_understood
from labelaudit.reports.layout import entry, paragraph, plural
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.crowd_findings import VoteUnderstanding

__all__ = ["CrowdPlan"]


@dataclass(frozen=True, slots=True)
class CrowdPlan:
    """What would be read, computed and written.

    Attributes
    ----------
    understanding : VoteUnderstanding
    method : str
    bytes_to_read, memory : int
    outputs : tuple of mapping
        Content, format and path of each.
    cluster : str or None
        The cluster it is to run on, in words.
    spilled : int
        Bytes in temporary files; 0 where the votes are expected to fit.
    folder : str
        Where these would be.
    """

    understanding: VoteUnderstanding
    method: str
    bytes_to_read: int
    memory: int
    outputs: tuple[Mapping[str, str], ...]
    cluster: str | None = None
    spilled: int = 0
    folder: str = ""

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it."""
        return {
            "inputs": list(self.understanding.files),
            "bytes_to_read": self.bytes_to_read,
            "rows": self.understanding.rows,
            "layout": self.understanding.layout,
            "method": self.method,
            "memory_expected": self.memory,
            "bytes_spilled": self.spilled,
            "cluster": self.cluster,
            "outputs": [dict(each) for each in self.outputs],
        }

    def json(self) -> str:
        """Return the plan as JSON text."""
        return json.dumps(self.document(), ensure_ascii=False, indent=2) + "\n"

    def text(self, limit: int) -> str:
        """Return the plan for people, in lines of at most ``limit`` cells."""
        outputs = [
            f"{each['content']} ({each['format']}) to {safe(each['path'], 200)}"
            for each in self.outputs
        ]
        kept = f", and about {self.spilled / 1e6:,.0f} MB in {safe(self.folder, 200)}"
        lines = votes_understood(self.understanding, limit)
        for title, text in (
            ("Method", self.method),
            ("Reads", f"{self.bytes_to_read / 1e6:,.1f} MB, once"),
            ("Memory", f"about {self.memory / 1e6:,.0f} MB" + (kept if self.spilled else "")),
            ("Cluster", self.cluster or ""),
            ("Writes", "; ".join(outputs) if outputs else "nothing"),
        ):
            lines += entry(title, text, limit) if text else []
        rows = plural(self.understanding.rows, "row")
        done = paragraph(f"A dry run: {rows} would be read, nothing was.", limit)
        return "\n".join([*lines, "", *done]) + "\n"
