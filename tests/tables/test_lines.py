"""Rows and lines of text files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelaudit.tables.lines import row_lines
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import open_labels

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "label,p_a,p_b\n"


def lines_of(*paths: Path) -> dict[str, int]:
    return row_lines(open_labels([str(path) for path in paths], ReadOptions()).tables)


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        (HEAD + "a,.9,.1\nb,.1,.9\n", 2),
        (HEAD + "a,.9,.1\nb,.1,.9", 2),
        (HEAD.replace("\n", "\r\n") + "a,.9,.1\r\nb,.1,.9\r\n", 2),
        (HEAD + "a,.9,.1\n\nb,.1,.9\n", None),
        (HEAD.replace("label,", "label,text,") + 'a,"x\ny",.9,.1\nb,z,.1,.9\n', None),
    ],
)
def test_csv(tmp_path: Path, text: str, shift: int | None) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    assert lines_of(path).get(str(path)) == shift


def test_json_lines_and_several_files(tmp_path: Path) -> None:
    for name, rows in (("a", 2), ("b", 3)):
        line = '{"label": "a", "probs": {"a": 0.9, "b": 0.1}}\n'
        (tmp_path / f"{name}.jsonl").write_text(line * (rows - 1) + line.replace(' "a",', ' "b",'))
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert lines_of(first, second) == {str(first): 1, str(second): -1}
