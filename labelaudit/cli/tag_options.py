"""What is known of labels that were not given, in multi-label data."""

# No postponed annotations here: typer reads them.
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from labelaudit.cli.options import Method, option
from labelaudit.cli.values import parse_list, parse_share
from labelaudit.errors import UsageError
from labelaudit.wording import safe

__all__ = ["TagMethod", "stated"]


@dataclass(frozen=True, slots=True)
class TagMethod(Method):
    """What is a label error, and how many of the labels that apply are given."""

    propensity: Annotated[
        str | None,
        option(
            "Method",
            "--propensity",
            metavar="SHARE|CLASS=SHARE,...",
            text="For missing positives: share of the labels that apply which are given; with "
            "--group, of the group that gives most.  [default: estimated]",
        ),
    ] = None
    prior: Annotated[
        str | None,
        option(
            "Method",
            "--prior",
            metavar="SHARE|CLASS=SHARE,...",
            text="For missing positives: share of the rows that a class truly applies to.",
        ),
    ] = None


def stated(text: str | None, flag: str) -> float | Mapping[str, float] | None:
    """Return the share, or the shares by class, of ``0.7``, ``70%`` or ``cat=0.7,dog=0.9``.

    Raises
    ------
    UsageError
        If it is neither, a share is not above 0, or a class is named twice.
    """
    if text is None:
        return None
    parts = parse_list(str(text), flag)
    if len(parts) == 1 and "=" not in parts[0]:
        return _share(parts[0], flag)
    shares: dict[str, float] = {}
    for part in parts:
        name, equals, share = part.rpartition("=")
        if not equals or name in shares:
            twice = f"names '{safe(name)}' twice" if equals else f"has no class in '{safe(part)}'"
            raise UsageError(f"{flag} {twice}.", "Write one share, or cat=0.7,dog=0.9.")
        shares[name] = _share(share, flag)
    return shares


def _share(text: str, flag: str) -> float:
    try:
        share = float(parse_share(text))
    except typer.BadParameter as error:
        raise UsageError(f"{flag}: {error.message}", "Write 0.7 or 70%.") from error
    if share == 0.0:
        raise UsageError(f"{flag} is 0 somewhere.", "Give a share above 0.")
    return share
