"""What the user may say about a table: which column is what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReadOptions"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which column is what, as far as the user said so; the rest is inferred.

    Attributes
    ----------
    labels : str or None
        Column with the given labels.
    probs : tuple of str
        Columns with probabilities, or globs of wide columns; several are one ensemble.
    key : str or None
        Column that names rows.
    classes : tuple of str or None
        Class names in the order of the probabilities.
    keep : tuple of str
        Columns, or globs of columns, to carry over into the issues table.
    group : str or None
        Column whose values are slices of the data.
    where : str or None
        Condition that rows must meet to be read.
    task : str
        ``auto``, ``multiclass`` or ``multilabel``.
    origins : mapping of str to str
        For each role that is set, where: ``--labels``, ``config``, ...
    """

    labels: str | None = None
    probs: tuple[str, ...] = ()
    key: str | None = None
    classes: tuple[str, ...] | None = None
    keep: tuple[str, ...] = ()
    group: str | None = None
    where: str | None = None
    task: str = "auto"
    origins: Mapping[str, str] = field(default_factory=dict)

    def origin(self, role: str) -> str:
        """Return where a role was set, in words."""
        return self.origins.get(role, "given")

    def setting(self, role: str) -> str:
        """Return what a message calls a role that was set: where it was, else the role."""
        return self.origins.get(role, role)
