"""What is shown beside rows: text as it is, small pictures, and no file from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelaudit.errors import UsageError
from labelaudit.tables import ReadOptions, open_labels
from labelaudit.tables.showing import ALL_PICTURES, LARGEST_PICTURE, check_shown, shown_table
from tests.in_process import call

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
BIG = PNG + bytes(LARGEST_PICTURE)


def source(folder: Path, **columns: list[Any]) -> Any:
    n = len(next(iter(columns.values())))
    probs = np.full((n, 2), 0.2, np.float32)
    probs[np.arange(n), np.arange(n) % 2] = 0.8
    labels = [["cat", "dog"][i % 2] for i in range(n)]
    table = pa.table({"label": labels, "pred_probs": list(probs), **columns})
    pq.write_table(table, folder / "pets.parquet")
    return open_labels([str(folder / "pets.parquet")], ReadOptions())


def shown(folder: Path, rows: list[int], **columns: list[Any]) -> list[tuple[Any, Any]]:
    table = shown_table(source(folder, **columns), np.array(rows), list(columns))
    return [(cell["text"], cell["picture"]) for cell in table.column(0).to_pylist()]


def test_text_comes_in_the_order_of_the_rows(tmp_path: Path) -> None:
    found = shown(tmp_path, [2, 0, 1], text=["a", None, "c"])
    assert found == [("c", None), ("a", None), (None, None)]


def test_pictures_come_from_bytes(tmp_path: Path) -> None:
    cells = [{"bytes": PNG, "path": "a.png"}, {"bytes": BIG, "path": "b.png"}, None]
    expected = [("a.png", PNG), ("b.png", None), (None, None)]
    assert shown(tmp_path, [0, 1, 2], image=cells) == expected
    expected = [("108 bytes", PNG), ("6 bytes", None)]
    assert shown(tmp_path, [0, 1], image=[PNG, b"<svg/>"]) == expected


def test_pictures_come_from_beside_the_data_and_from_nowhere_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "images" / "a.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    (data / "link.png").symlink_to(tmp_path / "secret.png")
    (data / "notes.png").write_text("no picture")
    paths = [
        *("images/a.png", str(data / "images" / "a.png")),
        *("../secret.png", str(tmp_path / "secret.png"), "link.png", "notes.png"),
        *("https://example.org/a.png", "a\0b"),
    ]
    found = shown(data, list(range(len(paths))), path=paths)
    assert [text for text, _ in found] == paths
    assert [picture for _, picture in found] == [PNG, PNG, *[None] * 6]


def test_all_pictures_together_stay_small(tmp_path: Path) -> None:
    picture = PNG + bytes(LARGEST_PICTURE - len(PNG))
    found = shown(tmp_path, list(range(60)), image=[picture] * 60)
    most = ALL_PICTURES // LARGEST_PICTURE
    assert [held is not None for _, held in found] == [True] * most + [False] * (60 - most)


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no column txt for --show"):
        check_shown(source(tmp_path, text=["a", "b"]), ["txt"])


def test_show_goes_with_a_page(tmp_path: Path) -> None:
    source(tmp_path, text=["a", "b"] * 4)
    refused = call("find-issues", "pets.parquet", "--show", "text", cwd=tmp_path)
    assert refused.code == 2
    assert "--show is for the page" in refused.err
    words = ("--show", "text", "-q", "-o", "page.html", "-o", "run:saved")
    assert call("find-issues", "pets.parquet", *words, cwd=tmp_path).code == 0
    assert call("report", "saved", "-o", "again.html", cwd=tmp_path).code == 0
    again = (tmp_path / "again.html").read_bytes()
    assert again == (tmp_path / "page.html").read_bytes()
