"""Recipes travel, and mean the same rows where they arrive."""

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.portions import Portion, opened
from labelaudit.errors import InvalidDataError, LabelauditError
from tests.tables.read_back import opened as source_of
from tests.tables.read_back import probs_of

ROWS = 400


def table(wide=False):
    probs = probs_of(ROWS)
    columns = {f"p_{k}": probs[:, k] for k in range(3)}
    if not wide:
        columns = {"probs": pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), 3)}
    return pa.table({"y": np.arange(ROWS) % 3, "even": np.arange(ROWS) % 2 == 0, **columns})


def parquet(folder):
    pq.write_table(table(), folder / "t.parquet", row_group_size=70)
    return {}


def parquet_where(folder):
    pq.write_table(table(), folder / "t.parquet", row_group_size=70)
    return {"where": "even = true"}


def arrow(folder):
    feather.write_feather(table(), folder / "t.arrow", compression="zstd", chunksize=70)
    return {}


def csv(folder):
    pa_csv.write_csv(table(wide=True), folder / "t.csv")
    return {}


def jsonl(folder):
    rows = table().to_pandas().to_json(orient="records", lines=True)
    (folder / "t.jsonl").write_text(rows, "utf-8")
    return {}


def hive(folder):
    for split in "ab":
        (folder / f"split={split}").mkdir()
        pq.write_table(table(), folder / f"split={split}" / "t.parquet", row_group_size=70)
    return {"where": "split = 'b' and even = true"}


@pytest.mark.parametrize("stored", [parquet, parquet_where, arrow, csv, jsonl, hive])
def test_every_format_travels(tmp_path, stored):
    source = source_of(tmp_path, labels="y", **stored(tmp_path))
    here = Portion(tuple(source.partitions))
    there = unpacked(packed(here))
    assert there.first_row == 0
    pairs = list(zip(here.blocks(), there.blocks(), strict=True))
    assert sum(len(mine) for mine, _ in pairs) == source.rows > 0
    for mine, theirs in pairs:
        assert mine.first_row == theirs.first_row
        assert np.array_equal(mine.labels, theirs.labels)
        assert np.array_equal(mine.probs, theirs.probs)


def test_a_recipe_says_where_rows_are_not_what_they_say(tmp_path):
    pq.write_table(pa.concat_tables([table()] * 200), tmp_path / "t.parquet")
    source = source_of(tmp_path, labels="y")
    assert len(packed(source.partitions[0])) < 8_000


def test_portions_are_put_together_from_what_they_share(tmp_path):
    parquet(tmp_path)
    source = source_of(tmp_path, labels="y")
    parts = [(0, each.first_row, each.rows, each.groups) for each in source.partitions]
    portion = opened(source.decoder, source.tables, parts)
    assert sum(len(block) for block in portion.blocks()) == ROWS


@pytest.mark.parametrize(
    "error",
    [
        LabelauditError("Found.", "Mend."),
        InvalidDataError(["1 row is bad.", "2 rows are worse."], "Mend them."),
    ],
)
def test_errors_travel(error):
    there = unpacked(packed(error))
    assert type(there) is type(error)
    assert str(there) == str(error)
    assert vars(there) == vars(error)
