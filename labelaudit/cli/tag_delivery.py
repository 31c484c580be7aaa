"""Everything that an audit of multi-label data writes and says."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from labelaudit import __version__
from labelaudit.cli.delivery import IssuesDelivery, described
from labelaudit.cli.tag_options import stated
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.cli.tag_options import TagMethod
    from labelaudit.tables.outputs import Destination

__all__ = ["TagDelivery", "refuse_other_tables", "result_contents", "with_statistics"]


def result_contents() -> tuple[str, ...]:
    """Return the table that a bare path stands for, then those that are named before a path."""
    from labelaudit.tables.outputs import SIDE_TABLES, TAG_TABLES

    return ("issues", *dict.fromkeys((*SIDE_TABLES, *TAG_TABLES)))


def refuse_other_tables(destinations: Sequence[Destination], *, multilabel: bool) -> None:
    """Refuse a side table that only the other kind of data has.

    Raises
    ------
    UsageError
        Naming the tables that there are.
    """
    from labelaudit.tables.outputs import SIDE_TABLES, TAG_TABLES

    there, other = (TAG_TABLES, SIDE_TABLES) if multilabel else (SIDE_TABLES, TAG_TABLES)
    for each in destinations:
        if each.content in set(other) - set(there):
            kind = "multi-label" if multilabel else "single-label"
            raise UsageError(
                f"There is no {each.content} table of {kind} data.",
                f"Choose one of {', '.join(there)}.",
            )


def with_statistics(
    settings: AuditSettings,
    destinations: Sequence[Destination],
    known: TagMethod,
    *,
    multilabel: bool,
) -> AuditSettings:
    """Return the settings with the statistics that the outputs need.

    Raises
    ------
    UsageError
        If something is stated of missing labels, and nothing can come of it.
    """
    wanted = {each.content for each in destinations}
    page = {"page", "run"} if multilabel else set[str]()
    said = [name for name in ("propensity", "prior") if getattr(known, name) is not None]
    if said and not multilabel:
        raise UsageError(
            f"--{said[0]} is about missing labels, and these data have one label a row.",
            "Leave it out.",
        )
    return replace(
        settings,
        missing=bool(({"missing", "candidates"} | page) & wanted) or bool(said),
        candidates=bool(({"candidates"} | page - {"page"}) & wanted),
        relations=bool(({"relations", "violations"} | page) & wanted),
        propensity=stated(known.propensity, "--propensity"),
        prior=stated(known.prior, "--prior"),
    )


class TagDelivery(IssuesDelivery):
    """All outputs of one audit of multi-label data."""

    sides = ("classes", "missing", "relations")

    def summary(self) -> str:
        """Return the summary as JSON text."""
        from labelaudit.reports.summary import to_json
        from labelaudit.reports.tag_summary import tag_document

        return to_json(
            tag_document(
                self.result,
                version=__version__,
                settings=asdict(self.settings),
                outputs=[described(each) for each in self.destinations],
            )
        )

    def report(self, written: Sequence[str], **look: Any) -> str:
        """Return the report for people."""
        from labelaudit.reports.tag_text import tag_report

        return tag_report(
            self.result,
            written=written,
            next_command=self.next_command,
            verbose=self.talk.verbose > 0,
            **look,
        )
