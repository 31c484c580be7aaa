"""What a CI service is told, besides the exit code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelaudit.errors import OutputError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.verdicts import Verdict

__all__ = ["GITLAB_FILE", "ci_service", "tell_github"]

GITLAB_FILE = "gl-code-quality.json"
_OFF = ("", "0", "false")


def ci_service(choice: str, environment: Mapping[str, str]) -> str:
    """Return ``github``, ``gitlab`` or ``none``."""
    if choice != "auto":
        return choice
    for name, service in (("GITHUB_ACTIONS", "github"), ("GITLAB_CI", "gitlab")):
        if environment.get(name, "").lower() not in _OFF:
            return service
    return "none"


def tell_github(verdict: Verdict, stream: Any, environment: Mapping[str, str]) -> None:
    """Write annotations to the stream, and to the files that GitHub names: summary and outputs.

    Raises
    ------
    OutputError
        If one of the files cannot be written.
    """
    from labelaudit.reports.github import outputs, step_summary, workflow_commands

    stream.write(workflow_commands(verdict))
    stream.flush()
    _append(environment, "GITHUB_STEP_SUMMARY", lambda taken: step_summary(verdict, taken))
    _append(environment, "GITHUB_OUTPUT", lambda _: outputs(verdict))


def _append(environment: Mapping[str, str], variable: str, text: Any) -> None:
    name = environment.get(variable)
    if not name:
        return
    path = Path(name)
    try:
        taken = path.stat().st_size if path.exists() else 0
        with path.open("ab") as sink:
            sink.write(text(taken).encode("utf-8", "backslashreplace"))
            sink.flush()
            os.fsync(sink.fileno())
    except OSError as error:
        raise OutputError(
            f"{variable} names {safe(name, 200)}, which cannot be written: {safe(error.strerror)}.",
            "Mend the variable, or pass --ci none.",
        ) from error
