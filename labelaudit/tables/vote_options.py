"""What the user may say about a table of votes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["DUPLICATES", "VoteOptions"]

DUPLICATES = ("last", "first", "all", "error")
"""What counts when an annotator has voted on a task several times."""


@dataclass(frozen=True, slots=True)
class VoteOptions:
    """Which column is what, and which votes count; what is not said is inferred.

    Attributes
    ----------
    task, label : str or None
        Columns of a long table; a wide one has no label column.
    workers : tuple of str
        The column that names annotators; or columns, or globs of columns, one per annotator.
    duplicates : str
        One of ``DUPLICATES``.
    abstain : tuple of str
        Labels that are no votes.
    gold : str or None
        Column, or file with ``task`` and ``label``, of known labels.
    known : pyarrow.Table or None
        Known labels in memory: ``task`` and ``label``.
    classes : tuple of str or None
        Class names in order; None: ClassLabel names, ordered categories, or sorted labels.
    where : str or None
        Condition that rows must meet to be read.
    origins : mapping of str to str
        For each role that is set, where: ``--label-column``, a settings file, ...
    """

    task: str | None = None
    workers: tuple[str, ...] = ()
    label: str | None = None
    duplicates: str = "last"
    abstain: tuple[str, ...] = ()
    gold: str | None = None
    known: pa.Table | None = None
    classes: tuple[str, ...] | None = None
    where: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    def origin(self, role: str) -> str:
        """Return where a role was set, in words."""
        return self.origins.get(role, "given")
