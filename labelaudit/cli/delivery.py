"""Everything that leaves the process: files, standard output, and the report."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from labelaudit import __version__
from labelaudit.cli.next_steps import command_line, free_name, next_command, said_flags
from labelaudit.cli.publishing import PUBLICATIONS, published
from labelaudit.cli.terminal import colored, line_width
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    import typer

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.cli.gate_options import GateOutput
    from labelaudit.cli.manifest import RunRecord
    from labelaudit.cli.options import Output, Talk
    from labelaudit.cli.report import Again
    from labelaudit.cli.vote_options import VoteOutput
    from labelaudit.tables.outputs import Destination, Staging
    from labelaudit.tables.runs import RunContext

__all__ = [
    "Delivery",
    "IssuesDelivery",
    "command_line",
    "described",
    "destinations_of",
    "free_name",
    "look",
    "next_command",
    "put",
    "report_stream",
    "said_flags",
    "say",
]

_DOCUMENTS = (
    *("summary", "report", "manifest", "junit", "sarif", "gitlab", "markdown", "baseline"),
    *("run", *PUBLICATIONS),
)


def destinations_of(
    output: Output | VoteOutput | GateOutput | Again,
    talk: Talk,
    contents: Sequence[str],
    data: Sequence[str] = (),
    documents: Sequence[str] = (),
) -> tuple[Destination, ...]:
    """Parse and check everything that is to be written.

    Parameters
    ----------
    output, talk
        What the user asked for.
    contents : sequence of str
        The table that a bare path stands for, then those that are named before a path.
    data : sequence of str
        Inputs as the user named them: an output that is one of them is refused as that, rather
        than as a file that could be overwritten.
    documents : sequence of str
        Formats besides tables, summary and report.

    Raises
    ------
    UsageError, OutputError
        If something cannot be written, or two things go to standard output.
    """
    from labelaudit.tables.outputs import check_destinations, parse_destination, refuse_inputs

    main, *sides = contents
    texts = output.output or ()
    found = tuple(parse_destination(text, main, sides, documents) for text in texts)
    on_stdout = [each for each in found if each.path is None]
    if talk.json and on_stdout:
        raise UsageError(
            f"--json and the {on_stdout[0].content} both go to standard output.",
            "Give one of them a file, such as -o summary.json.",
        )
    _refuse_binary_on_terminal(on_stdout)
    if found:
        refuse_inputs(found, [each for name in data for each in (name, *_matched(name))])
    check_destinations(found, force=output.force)
    return found


def _matched(pattern: str) -> list[str]:
    from glob import glob

    return glob(pattern, recursive=True)  # noqa: PTH207 - names as typed


def _refuse_binary_on_terminal(on_stdout: Sequence[Destination]) -> None:
    for each in on_stdout:
        if each.format in ("parquet", "arrow") and sys.stdout.isatty():
            raise UsageError(
                f"Standard output is a terminal, which cannot show {each.format}.",
                "Redirect it, or write to a file.",
            )


class Delivery(ABC):
    """All outputs of one run.

    Parameters
    ----------
    destinations : sequence of Destination
    talk : Talk
    """

    result: Any = None

    def __init__(self, destinations: Sequence[Destination], talk: Talk) -> None:
        self.destinations = destinations
        self.talk = talk

    @property
    def context(self) -> RunContext:
        """What reports say besides the result."""
        return self.context_of({}, None)

    @abstractmethod
    def table(self, content: str) -> pa.Table:
        """Return the table of that name."""

    @abstractmethod
    def summary(self) -> str:
        """Return the summary as JSON text."""

    @abstractmethod
    def report(self, written: Sequence[str], **look: Any) -> str:
        """Return the report for people."""

    def document(self, content: str) -> str | None:
        """Return what is no table as text; None for a table."""
        if content == "summary":
            return self.summary()
        if content in PUBLICATIONS:
            return published(content, self.result, self.context)
        return self.report(self._written()) if content == "report" else None

    def all(self, *, excel: bool, record: RunRecord) -> None:
        """Write every file beside its place, standard output, then move the files, then report.

        Parameters
        ----------
        excel : bool
            Guard CSV against spreadsheets.
        record : RunRecord
            What a manifest tells besides the other outputs; it is written and moved last.

        Raises
        ------
        OutputError
            If a file cannot be written; then none is.
        """
        from labelaudit.tables.outputs import Staging

        with Staging() as staging:
            for each in sorted(self.destinations, key=_last):
                if each.content == "run":
                    self._save(str(each.path), staging)
                    continue
                with _binary_stdout() if each.path is None else staging.file(each.path) as sink:
                    if each.content == "manifest":
                        sink.write(_bytes(record.manifest(staging.staged, self.destinations)))
                    else:
                        self._write(each, sink, excel=excel)
            staging.commit()
        if self.talk.json:
            put(self.summary())
        self.tell()

    def tell(self) -> None:
        """Print the report, unless it is not wanted or has been written to standard output."""
        printed = any(each.content == "report" and not each.path for each in self.destinations)
        if not self.talk.quiet and not printed:
            stream = report_stream(self.destinations, self.talk)
            say(self.report(self._written(), **look(stream, self.talk)), stream)

    def _write(self, destination: Destination, sink: IO[bytes], *, excel: bool) -> None:
        text = self.document(destination.content)
        if text is not None:
            sink.write(_bytes(text))
        else:
            from labelaudit.tables.writing import write_table

            table = self.table(destination.content)
            write_table(table, destination.format, sink, excel=excel)

    def context_of(self, settings: dict[str, Any], next_command: str | None) -> RunContext:
        """Return what reports say besides the result, as this delivery knows it."""
        from labelaudit.tables.runs import RunContext

        return RunContext(
            version=__version__,
            settings=settings,
            outputs=tuple(described(each) for each in self.destinations),
            written=tuple(self._written()),
            next_command=next_command,
            verbose=self.talk.verbose > 0,
        )

    def _save(self, folder: str, staging: Staging) -> None:
        from labelaudit.tables.runs import SavedRun, save_run

        save_run(SavedRun(self.result, self.context), folder, staging)

    def _written(self) -> list[str]:
        return [self._line(each) for each in self.destinations if each.path is not None]

    def _line(self, destination: Destination) -> str:
        if destination.content in _DOCUMENTS:
            return f"{destination.name} ({destination.content})"
        rows = self.table(destination.content).num_rows
        return f"{destination.name} ({destination.content}, {rows:,} row{'s' * (rows != 1)})"


class IssuesDelivery(Delivery):
    """All outputs of one audit of labels.

    Parameters
    ----------
    ctx : typer.Context
    data : sequence of str
        Inputs as the user named them.
    result : LabelIssues or TagIssues
    settings : AuditSettings
    destinations : sequence of Destination
    talk : Talk
    """

    sides: tuple[str, ...] = ("classes", "pairs")
    """Side tables to ask for next."""

    def __init__(
        self,
        ctx: typer.Context,
        data: Sequence[str],
        result: Any,
        settings: AuditSettings,
        destinations: Sequence[Destination],
        talk: Talk,
    ) -> None:
        super().__init__(destinations, talk)
        self.result = result
        self.settings = settings
        self.next_command = next_command(ctx, data, destinations, self.sides)

    @property
    def context(self) -> RunContext:
        """What reports say besides the result."""
        return self.context_of(asdict(self.settings), self.next_command)

    def table(self, content: str) -> pa.Table:
        """Return the issues, or the side table of that name."""
        table: pa.Table = (
            self.result.table if content in ("issues", "tasks") else getattr(self.result, content)
        )
        return table

    def summary(self) -> str:
        """Return the summary as JSON text."""
        from labelaudit.reports.summary import summary_document, to_json

        document = summary_document(
            self.result,
            version=__version__,
            settings=asdict(self.settings),
            outputs=[described(each) for each in self.destinations],
        )
        return to_json(document)

    def report(self, written: Sequence[str], **look: Any) -> str:
        """Return the report for people."""
        from labelaudit.reports.text import audit_report

        return audit_report(
            self.result,
            written=written,
            next_command=self.next_command,
            verbose=self.talk.verbose > 0,
            **look,
        )


def _last(destination: Destination) -> tuple[bool, bool]:
    """Order outputs: files, standard output, the manifest of them all."""
    return destination.content == "manifest", destination.path is None


def described(destination: Destination) -> dict[str, str]:
    """Return a destination as the summary names it."""
    return {
        "content": destination.content,
        "format": destination.format,
        "path": destination.path or "-",
    }


@contextmanager
def _binary_stdout() -> Iterator[IO[bytes]]:
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def put(text: str) -> None:
    """Write text to standard output as UTF-8, whatever the locale."""
    with _binary_stdout() as sink:
        sink.write(_bytes(text))


def _bytes(text: str) -> bytes:
    """Encode the text; bytes of a path that are not UTF-8 become escapes, also in JSON."""
    return text.encode("utf-8", "backslashreplace")


def report_stream(destinations: Sequence[Destination], talk: Talk) -> Any:
    """Return where the report goes: standard output, to be paged, unless data goes there."""
    taken = talk.json or any(each.path is None for each in destinations)
    return sys.stderr if taken else sys.stdout


def look(stream: Any, talk: Talk) -> dict[str, Any]:
    """Width and style for the stream."""
    from labelaudit.reports.layout import Style

    return {"limit": line_width(stream), "style": Style(colored(stream, talk.color))}


def say(text: str, stream: Any) -> None:
    """Write text for people to one of the standard streams."""
    stream.write(text)
    stream.flush()
