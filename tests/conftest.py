"""One setting for all tests: deterministic examples, and none of the developer's own settings."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

_TALK = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES")

hypothesis.settings.register_profile(
    "local",
    deadline=None,
    max_examples=40,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.register_profile(
    "ci", hypothesis.settings.get_profile("local"), derandomize=True, database=None
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the developer's shell or a build server sets; LABELAUDIT_DATA stays."""
    for name in list(os.environ):
        if name in _TALK or (name.startswith("LABELAUDIT_") and name != "LABELAUDIT_DATA"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _interrupts() -> None:
    """Take interrupts, and let processes that are started take them, in the background too.

    Shells have jobs in the background ignore them, and what is ignored stays so in children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
