"""A data set of a few rows, and an audit that takes no time."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelaudit
from tests.in_process import Finished, call
from tests.reports import builders

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class FakeApi:
    """Stands in for ``labelaudit.api``: keeps what it was asked, gives what it was told to."""

    result: Any = field(default_factory=builders.result)
    inspection: Any = field(default_factory=builders.inspection)
    error: BaseException | None = None
    asked: dict[str, Any] = field(default_factory=dict)

    def audit(self, source: Any, settings: Any, **more: Any) -> Any:
        self.asked = {"source": source, "settings": settings, **more}
        if self.error is not None:
            raise self.error
        more["progress"]("counting", 1, 2)
        return replace(self.result, understanding=source.understanding)

    def inspect(self, source: Any, settings: Any, **more: Any) -> Any:
        self.asked = {"source": source, "settings": settings, **more}
        if self.error is not None:
            raise self.error
        return replace(self.inspection, understanding=source.understanding)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake, module = FakeApi(), ModuleType("labelaudit.api")
    vars(module).update(audit=fake.audit, inspect=fake.inspect)
    monkeypatch.setitem(sys.modules, "labelaudit.api", module)
    monkeypatch.setattr(labelaudit, "api", module, raising=False)
    return fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ``pets.parquet``: 9 rows, 3 classes, columns id, label, pred_probs, site."""
    (tmp_path / ".git").mkdir()  # settings files are not looked for above
    labels = ["cat", "dog", "fox"] * 3
    probs = np.full((9, 3), 0.1, np.float32)
    probs[np.arange(9), np.arange(9) % 3] = 0.8
    pq.write_table(
        pa.table(
            {
                "id": [f"id-{i}" for i in range(9)],
                "label": labels,
                "pred_probs": list(probs),
                "site": ["a", "b", "c"] * 3,
            }
        ),
        tmp_path / "pets.parquet",
    )
    return tmp_path


@pytest.fixture
def pets(folder: Path, api: FakeApi) -> Any:
    """Run ``labelaudit find-issues pets.parquet ARGUMENTS`` in the folder."""

    def run(*arguments: str) -> Finished:
        return call("find-issues", "pets.parquet", *arguments, cwd=folder)

    return run
