"""Sizes of tables, without anything heavy.

The peak memory that the kernel reports for a process is at least that of the process which started
it, so the one that measures must stay small.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GROUP_BYTES = 32_000_000
UNITS = {"": 1, "k": 1_000, "M": 1_000_000}


@dataclass(frozen=True, slots=True)
class Size:
    """Rows and classes of a table, written as 10Mx100."""

    rows: int
    classes: int

    @classmethod
    def parse(cls, text: str) -> Size:
        found = re.fullmatch(r"(\d+)([kM]?)x(\d+)", text)
        if found is None:
            raise ValueError(f"{text!r} is not a size such as 1Mx10 or 50kx1000")
        return cls(int(found[1]) * UNITS[found[2]], int(found[3]))

    def __str__(self) -> str:
        for unit in ("M", "k"):
            if self.rows % UNITS[unit] == 0:
                return f"{self.rows // UNITS[unit]}{unit}x{self.classes}"
        return f"{self.rows}x{self.classes}"

    @property
    def numbers(self) -> int:
        return self.rows * self.classes

    @property
    def group_rows(self) -> int:
        return max(1_000, GROUP_BYTES // (4 * self.classes))
