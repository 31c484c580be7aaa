"""What comes out of a gate: frozen results, which reports only read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BaselineMatch", "IssueLine", "RuleOutcome", "Verdict"]


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """How one rule came out.

    Attributes
    ----------
    rule : str
        As it was written.
    level : str
        ``require``, ``warn`` or ``always``.
    passed : bool
    value, threshold : str
        Both sides in words, such as ``3.1 %`` and ``2 %``.
    why : str
        One line, with what was measured.
    """

    rule: str
    level: str
    passed: bool
    value: str
    threshold: str
    why: str

    @property
    def failed(self) -> bool:
        """Whether this fails the gate: a warning does not."""
        return not self.passed and self.level != "warn"

    @property
    def result(self) -> str:
        """``passed``, ``warning`` or ``failed``."""
        return "passed" if self.passed else "failed" if self.failed else "warning"


@dataclass(frozen=True, slots=True)
class BaselineMatch:
    """Which baseline the issues were compared with, and what became of its ids.

    Attributes
    ----------
    path : str
        As the user named it.
    accepted : int
        Ids in it.
    matched : int
        Those that are flagged now.
    resolved : int
        Those that are not.
    new : int
        Flagged now, and not in it.
    written : str
        What was done to the file, in words; empty: nothing.
    """

    path: str
    accepted: int
    matched: int
    resolved: int
    new: int
    written: str = ""


@dataclass(frozen=True, slots=True)
class IssueLine:
    """One flagged label, as reports show it; text is as in the data, and must be made safe.

    Attributes
    ----------
    issue_id : str
    key : str
    row : int
        0-based row in the whole input.
    file : str
    kind : str
        ``label_error``, ``extra_label`` or ``missing_label``.
    given, suggested : str or None
        For ``extra_label`` and ``missing_label`` the class is ``given``.
    quality : float
    severity : str
    new : bool
        Not in the baseline; true without one.
    line : int
        Line of the file, from 1; 1 where rows are not lines.
    """

    issue_id: str
    key: str
    row: int
    file: str
    kind: str
    given: str | None
    suggested: str | None
    quality: float
    severity: str
    new: bool
    line: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate says.

    Attributes
    ----------
    outcomes : tuple of RuleOutcome
        Rules that are always on first, then in the order they were given.
    data : str
        ``labels`` or ``votes``.
    files : tuple of str
    rows, issues : int
    baseline : BaselineMatch or None
    worst : tuple of IssueLine
        The worst issues, new ones only when there is a baseline.
    """

    outcomes: tuple[RuleOutcome, ...]
    data: str
    files: tuple[str, ...]
    rows: int
    issues: int
    baseline: BaselineMatch | None = None
    worst: tuple[IssueLine, ...] = ()

    @property
    def failed(self) -> tuple[RuleOutcome, ...]:
        """The rules that fail the gate."""
        return tuple(each for each in self.outcomes if each.failed)

    @property
    def warned(self) -> tuple[RuleOutcome, ...]:
        """The warnings that did not hold."""
        return tuple(each for each in self.outcomes if each.result == "warning")

    @property
    def passed(self) -> bool:
        """Whether every required rule holds."""
        return not self.failed
