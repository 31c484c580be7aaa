"""Times in CSV and JSON lines: a condition finds the rows that it finds in Parquet."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import UsageError

N = 60
START = dt.datetime(2024, 5, 30, tzinfo=dt.UTC)
SUFFIXES = ("csv", "jsonl")


def votes(**columns):
    """Return two votes a task, with these columns."""
    names = {"task": np.arange(N) // 2, "worker": ["v", "w"] * (N // 2), "label": ["a"] * N}
    return pa.table({**names, **columns})


def timed():
    moments = [START + dt.timedelta(hours=7 * (i * 37 % N), microseconds=i % 3) for i in range(N)]
    moments[5] = None
    local = [moment and moment.replace(tzinfo=None) for moment in moments]
    return votes(
        at=pa.array(moments, pa.timestamp("us", "UTC")),
        fine=pa.array(local, pa.timestamp("ns")),
        local=pa.array(local, pa.timestamp("us")),
        day=[moment and moment.date() for moment in moments],
    )


def saved(table, path, sep=" "):
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=7)
    elif path.suffix == ".csv":
        pc_csv.write_csv(table, path)
    else:
        lines = (json.dumps(row, default=lambda t: _text(t, sep)) for row in table.to_pylist())
        path.write_text("\n".join(lines) + "\n")
    return str(path)


def _text(moment, sep):
    return moment.isoformat(sep) if isinstance(moment, dt.datetime) else moment.isoformat()


def rows(path, where):
    found = labelaudit.aggregate(path, where=where, method="majority")
    return found.understanding.rows, found.consensus["task"].to_pylist()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("sep", [" ", "T"])
@pytest.mark.parametrize(
    "where",
    [
        "at >= '2024-06-01T00:00:00Z'",
        "at < '2024-06-01 02:00+02:00'",
        "at = '2024-05-30T00:00:00Z'",
        "at != '2024-05-30T02:00:00+0200'",
        "at in ('2024-05-30T00:00Z', '2024-06-07 23:00:00.000002Z')",
        "at not in ('2024-05-30T00:00Z')",
        "local < '2024-06-01T00:00:00'",
        "local < '2024-06-01 00:00'",
        "local <= '2024-06-05'",
        "local = '2024-05-30'",
        "not local > '2024-06-01T00:00:00' or local is null",
        "fine > '2024-06-01T00:00:00.000000'",
        "day >= '2024-06-01'",
        "day in ('2024-06-01', '2024-06-02')",
        "day != '2024-06-01'",
    ],
)
def test_the_rows_are_those_of_parquet(tmp_path, suffix, sep, where):
    table = timed().drop_columns("fine") if suffix == "jsonl" else timed()
    where = where.replace("fine", "local") if suffix == "jsonl" else where
    found = rows(saved(table, tmp_path / f"t.{suffix}", sep), where)
    assert found == rows(saved(table, tmp_path / "t.parquet"), where)
    assert 0 < found[0] < N


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "where",
    [
        "at >= '2024-06-01'",
        "local >= '2024-06-01T00:00:00Z'",
        "local >= '2024-6-1'",
        "local >= '2024-06-01' and local < 'x'",
        "day = '2024-02-30'",
    ],
)
def test_what_does_not_fit_is_refused_as_in_parquet(tmp_path, suffix, where):
    table = timed().drop_columns("fine")
    with pytest.raises(UsageError) as there:
        rows(saved(table, tmp_path / "t.parquet"), where)
    with pytest.raises(UsageError) as here:
        rows(saved(table, tmp_path / f"t.{suffix}"), where)
    assert (here.value.found, here.value.remedy) == (there.value.found, there.value.remedy)


def test_midnights_without_a_clock_are_times_too(tmp_path):
    days = votes(at=["2024-06-01"] * 20 + ["2024-06-02"] * 40)
    path = saved(days, tmp_path / "t.csv")
    assert rows(path, "at >= '2024-06-01T10:00:00'")[0] == 40
    assert rows(path, "at >= '2024-06-01T00:00'")[0] == 60


def test_years_far_away_and_nanoseconds(tmp_path):
    far = votes(at=["2024-06-01T00:00:00"] * 20 + ["9999-12-31 00:00:00"] * 40)
    assert rows(saved(far, tmp_path / "t.csv"), "at > '2024-06-01 00:00:00'")[0] == 40
    fine = votes(at=["2024-06-01T00:00:00.000000001"] * 20 + ["2024-06-01 00:00"] * 40)
    assert rows(saved(fine, tmp_path / "t.csv"), "at > '2024-06-01'")[0] == 20
    both = votes(at=["2024-06-01T00:00:00.000000001"] * 20 + ["9999-12-31 00:00"] * 40)
    with pytest.raises(UsageError, match=r"Column at of .* is compared with a date or time"):
        rows(saved(both, tmp_path / "t.csv"), "at > '2024-06-01'")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("odd", ["soon", "2024-02-30 10:00:00", "2024-06-01 10:00:00 EST"])
def test_what_is_no_time_is_refused_with_its_line(tmp_path, suffix, odd):
    texts = ["2024-06-01 10:00:00"] * N
    texts[40] = odd
    path = saved(votes(at=texts), tmp_path / f"t.{suffix}")
    with pytest.raises(UsageError) as error:
        rows(path, "at < '2024-06-01T12:00:00'")
    line = 42 if suffix == "csv" else 41
    assert f"'{odd}' in {path}, line {line} is none." in error.value.found
    assert rows(path, "at is not null")[0] == N


def test_a_column_is_settled_by_all_files(tmp_path):
    first = saved(votes(at=["2024-06-01 10:00:00"] * N), tmp_path / "a.csv")
    second = saved(votes(at=["2024-06-01T11:00:00"] * N), tmp_path / "b.csv")
    third = saved(votes(at=["2024-06-01T11:00:00Z"] * N), tmp_path / "c.csv")
    assert rows([first, second], "at < '2024-06-01T10:30:00'")[0] == N
    with pytest.raises(UsageError) as error:
        rows([first, second, third], "at < '2024-06-01T10:30:00'")
    assert f"in {third}, line 2 has a zone" in error.value.found
    assert f"in {first}, line 2 has none." in error.value.found


def test_other_text_is_compared_as_text(tmp_path):
    months = votes(at=["2024-05"] * 20 + ["2024-06"] * 40)
    assert rows(saved(months, tmp_path / "t.csv"), "at >= '2024-06'")[0] == 40
    versions = votes(at=["2024-06-01"] * 20 + ["2024-06-01-preview"] * 40)
    path = saved(versions, tmp_path / "v.csv")
    assert rows(path, "at = '2024-06-01'")[0] == 20
    assert rows(path, "at in ('2024-06-01-preview', 'x')")[0] == 40
    with pytest.raises(UsageError, match=r"'2024-06-01-preview' in .* is none"):
        rows(path, "at > '2024-06-01'")
