"""What ``check`` writes and says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labelaudit import __version__
from labelaudit.cli.delivery import Delivery, command_line, said_flags
from labelaudit.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from labelaudit.cli.gating import Asked
    from labelaudit.gate.baseline import Baseline
    from labelaudit.tables.outputs import Destination
    from labelaudit.tables.runs import RunContext
    from labelaudit.verdicts import Verdict

__all__ = ["GateDelivery"]

_BASELINE = "labels-baseline.jsonl"
_RERUN = (
    *("labels", "probs", "key", "classes", "group", "where", "task", "method", "score"),
    "collision",
    *("compat", "min_examples_per_class", "frac_noise", "seed", "config", "warn"),
)


class GateDelivery(Delivery):
    """All outputs of one gate.

    Parameters
    ----------
    asked : Asked
    inner : Delivery
        Writes the tables and the summary of the audit.
    verdict : Verdict
    warnings : sequence of str
        Of the audit.
    destinations : sequence of Destination
    baseline : Baseline or None
        To be written.
    """

    def __init__(
        self,
        asked: Asked,
        inner: Delivery,
        verdict: Verdict,
        warnings: Sequence[str],
        destinations: Sequence[Destination],
        baseline: Baseline | None,
    ) -> None:
        super().__init__(_with_baseline(destinations, baseline), asked.talk)
        self.asked = asked
        self.inner = inner
        self.result = inner.result
        self.verdict = verdict
        self.warnings = tuple(warnings)
        self.baseline = baseline
        self.files: Mapping[str, str] = {}
        self.rows_left_out = 0
        """Every file that was read, by its name."""

    @property
    def context(self) -> RunContext:
        """What reports say besides the result, with the verdict."""
        own = self.context_of(dict(self.inner.context.settings), self._next())
        return replace(own, gate=self.verdict)

    def table(self, content: str) -> pa.Table:
        """Return the table of that name."""
        return self.inner.table(content)

    def summary(self) -> str:
        """Return the summary of the audit, with the verdict, as JSON text."""
        from labelaudit.reports.summary import to_json
        from labelaudit.reports.verdict import verdict_document

        code = ExitCode.DONE if self.verdict.passed else ExitCode.GATE_FAILED
        document = json.loads(self.inner.summary())
        return to_json(document | {"gate": verdict_document(self.verdict), "exit_code": int(code)})

    def report(self, written: Sequence[str], **look: Any) -> str:
        """Return the report for people."""
        from labelaudit.reports.verdict import verdict_report

        return verdict_report(
            self.verdict,
            warnings=self.warnings,
            written=written,
            next_command=self._next(),
            **look,
        )

    def document(self, content: str) -> str | None:
        """Return the verdict in the form of that name, or the baseline."""
        if content == "baseline" and self.baseline is not None:
            return self.baseline.text()
        if content == "junit":
            from labelaudit.reports.junit import junit

            return junit(self.verdict)
        if content == "sarif":
            from labelaudit.reports.sarif import sarif

            return sarif(self.verdict, __version__)
        if content == "gitlab":
            from labelaudit.reports.gitlab import code_quality

            return code_quality(self.verdict)
        if content == "markdown":
            from labelaudit.reports.markdown import markdown

            return markdown(self.verdict)
        return super().document(content)

    def _next(self) -> str | None:
        """Return what a user may want next: accept what there is, so that only new issues fail."""
        match, written = self.verdict.baseline, self.baseline is not None
        if self.verdict.data == "votes" or written or (match is None and self.verdict.passed):
            return None
        flags = said_flags(self.asked.ctx, _RERUN, ("adjust", "skip_invalid"))
        if match is None:
            rules = ["--require", "new_issues == 0", "--baseline", _BASELINE]
        else:
            rules = ["--baseline", match.path]
            for rule in self.asked.rules.require or ():
                rules += ["--require", rule]
        if match is not None and not match.new and not match.resolved:
            return None
        new = match is None or match.new
        flags += [*rules, "--update-baseline", *(["--accept-new"] if new else [])]
        return command_line("check", self.asked.data, flags, [])


def _with_baseline(
    destinations: Sequence[Destination], baseline: Baseline | None
) -> tuple[Destination, ...]:
    if baseline is None:
        return tuple(destinations)
    from labelaudit.tables.outputs import Destination

    return (*destinations, Destination("baseline", "jsonl", baseline.path))
