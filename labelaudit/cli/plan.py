"""What a run would do (``--dry-run``)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from labelaudit.cli.delivery import described
from labelaudit.reports.layout import count, entry, paragraph, plural
from labelaudit.reports.understood import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.findings import Understanding
    from labelaudit.planning import Expectation
    from labelaudit.tables.outputs import Destination

__all__ = ["Plan"]

_TOO_LARGE = "it does not fit in memory"


class Plan:
    """What would be read, computed and written.

    Parameters
    ----------
    source : LabelSource
    settings : AuditSettings
    destinations : sequence of Destination
    expected : Expectation
        What the audit expects to need.
    cluster : str or None
        The cluster it is to run on, in words.
    """

    def __init__(
        self,
        source: Any,
        settings: AuditSettings,
        destinations: Sequence[Destination],
        expected: Expectation,
        cluster: str | None = None,
    ) -> None:
        self.understanding: Understanding = source.understanding
        self.bytes_to_read = int(source.bytes_to_read)
        self.warnings: tuple[str, ...] = source.warnings
        self.settings = settings
        self.destinations = destinations
        self.passes, self.each_worker = expected.passes, expected.each_worker
        self.cluster = cluster
        self.fits, self.memory = expected.held, expected.memory
        self.readings, self.spilled, self.folder = (
            expected.readings,
            expected.spilled,
            expected.folder,
        )

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it."""
        return {
            "inputs": list(self.understanding.files),
            "bytes_to_read": self.bytes_to_read,
            "rows": self.understanding.rows,
            "classes": len(self.understanding.classes),
            "method": self.settings.method,
            "score": self.settings.ranking,
            "decoded_data_fits": self.fits,
            "memory_expected": self.memory,
            "readings": self.readings,
            "bytes_spilled": self.spilled,
            "cluster": self.cluster,
            "memory_expected_each_worker": self.each_worker or None,
            "passes_at_least": self.passes or None,
            "outputs": [described(each) for each in self.destinations],
            "warnings": list(self.warnings),
        }

    @property
    def _again(self) -> str:
        """How often the table is read."""
        if self.fits:
            return "once: it fits in memory"
        times = {1: "once", 2: "twice"}.get(self.readings, f"{self.readings} times")
        why = "workers keep what they know of rows, not the rows" if self.passes else _TOO_LARGE
        return times if self.readings == 1 else f"{times}: {why}"

    @property
    def _memory(self) -> str:
        kept = f", and about {_size(self.spilled)} in {self.folder}" if self.spilled else ""
        if self.passes:
            return (
                f"about {_size(self.each_worker)} in each worker; here {_size(self.memory)}{kept}"
            )
        return f"about {_size(self.memory)}{kept}"

    @property
    def _cluster(self) -> str:
        return f"{self.cluster}, {self.passes} passes or more" if self.passes else ""

    def json(self) -> str:
        """Return the plan as JSON text."""
        return json.dumps(self.document(), ensure_ascii=False, indent=2) + "\n"

    def text(self, limit: int) -> str:
        """Return the plan for people, in lines of at most ``limit`` cells."""
        outputs = [f"{each.content} ({each.format}) to {each.name}" for each in self.destinations]
        lines = understood(self.understanding, limit)
        for title, text in (
            ("Method", f"{self.settings.method}, ranked by {self.settings.ranking}"),
            ("Reads", f"{_size(self.bytes_to_read)}, {self._again}"),
            ("Memory", self._memory),
            ("Cluster", self._cluster),
            ("Writes", "; ".join(outputs) if outputs else "nothing"),
        ):
            lines += entry(title, text, limit) if text else []
        for warning in self.warnings:
            lines += paragraph(f"Warning: {warning}", limit)
        found = plural(self.understanding.rows, "row")
        done = paragraph(f"A dry run: {found} would be audited, nothing was.", limit)
        return "\n".join([*lines, "", *done]) + "\n"


def _size(number: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{count(number)} bytes"
