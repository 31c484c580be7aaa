"""What ``aggregate`` writes and says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit import __version__
from labelaudit.cli.delivery import Delivery, command_line, described, free_name, said_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    import typer

    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.cli.options import Talk
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.tables.outputs import Destination
    from labelaudit.tables.runs import RunContext
    from labelaudit.tables.votes import VoteSource

__all__ = ["ConsensusDelivery", "planned"]

_RERUN = (
    *("task_column", "worker_column", "label_column", "classes", "gold", "abstain", "duplicates"),
    "where",
    *("method", "ordered", "seed", "config"),
)


class ConsensusDelivery(Delivery):
    """All outputs of one aggregation.

    Parameters
    ----------
    ctx : typer.Context
    data : sequence of str
        Inputs as the user named them.
    result : CrowdConsensus
    destinations : sequence of Destination
    talk : Talk
    """

    def __init__(
        self,
        ctx: typer.Context,
        data: Sequence[str],
        result: CrowdConsensus,
        destinations: Sequence[Destination],
        talk: Talk,
    ) -> None:
        super().__init__(destinations, talk)
        self.result = result
        self.next_command = _next_command(ctx, data, destinations)

    @property
    def context(self) -> RunContext:
        """What reports say besides the result."""
        return self.context_of(dict(self.result.settings), self.next_command)

    def table(self, content: str) -> pa.Table:
        """Return the table of that name."""
        table: pa.Table = getattr(self.result, content.replace("-", "_"))
        return table

    def summary(self) -> str:
        """Return the summary as JSON text."""
        from labelaudit.reports.crowd_summary import crowd_document
        from labelaudit.reports.summary import to_json

        outputs = [described(each) for each in self.destinations]
        return to_json(crowd_document(self.result, version=__version__, outputs=outputs))

    def report(self, written: Sequence[str], **look: Any) -> str:
        """Return the report for people."""
        from labelaudit.reports.crowd_text import crowd_report

        return crowd_report(
            self.result,
            written=written,
            next_command=self.next_command,
            verbose=self.talk.verbose > 0,
            **look,
        )


def _next_command(
    ctx: typer.Context, data: Sequence[str], destinations: Sequence[Destination]
) -> str | None:
    """Return the command that a user may want next: the same votes with what is not yet written."""
    contents = {each.content for each in destinations}
    if "consensus" not in contents:
        outputs = [free_name("consensus.csv"), f"workers:{free_name('workers.csv')}"]
    elif "workers" not in contents:
        outputs = [f"workers:{free_name('workers.csv')}"]
    elif "soft" not in contents:
        outputs = [f"soft:{free_name('soft.parquet')}"]
    else:
        return None
    return command_line("aggregate", data, said_flags(ctx, _RERUN, ()), outputs)


def planned(
    source: VoteSource,
    settings: CrowdSettings,
    destinations: Sequence[Destination],
    limit: int | None,
    place: str | None = None,
    memory: int | None = None,
) -> str:
    """Say what would be read and written: as JSON, or for people in lines of ``limit`` cells.

    Raises
    ------
    EnvironmentalError
        If more memory is expected to be needed than is allowed.
    """
    from labelaudit.crowd.budget import check_memory, expected
    from labelaudit.reports.crowd_plan import CrowdPlan

    check_memory(source, settings, memory)
    needed, spilled, folder = expected(source, memory)
    plan = CrowdPlan(
        source.understanding,
        settings.method,
        source.bytes_to_read,
        needed,
        tuple(described(each) for each in destinations),
        place,
        spilled,
        folder,
    )
    return plan.json() if limit is None else plan.text(limit)
