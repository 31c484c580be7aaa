"""``labelaudit inspect``: what was understood of the data, and what is wrong with it."""

# No postponed annotations here: the options are read from them.
import sys

import typer

from labelaudit import __version__
from labelaudit.audits.settings import AuditSettings
from labelaudit.cli import delivery
from labelaudit.cli.options import Columns, Data, Run, Talk, Task
from labelaudit.cli.sources import open_source, warn_of_variables
from labelaudit.cli.terminal import Progress
from labelaudit.errors import ExitCode

__all__ = ["inspect"]


def inspect(
    *, ctx: typer.Context, data: Data, columns: Columns, task: Task = "auto", run: Run, talk: Talk
) -> int:
    """Show how the data is understood, and all that is wrong with it.

    Nothing is written. The exit code is 0 when the data can be audited, else 3.
    """
    from labelaudit.reports.inspection import inspection_report
    from labelaudit.reports.summary import inspection_document, to_json

    warn_of_variables(ctx, talk)
    source = open_source(ctx, data, columns, task)
    from labelaudit import api

    with Progress(quiet=talk.quiet) as progress:
        inspection = api.inspect(
            source,
            AuditSettings(),
            threads=run.threads,
            memory=run.memory,
            progress=progress,
        )
    code = ExitCode.INVALID_INPUT if inspection.problems else ExitCode.DONE
    if talk.json:
        document = inspection_document(inspection, version=__version__, exit_code=code)
        delivery.put(to_json(document))
    if not talk.quiet:
        stream = sys.stderr if talk.json else sys.stdout
        look = delivery.look(stream, talk)
        delivery.say(inspection_report(inspection, verbose=talk.verbose > 0, **look), stream)
    return code
