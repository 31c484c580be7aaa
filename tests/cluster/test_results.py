"""What comes of a run does not depend on where it ran: the same bytes in every format."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import labelaudit
from labelaudit import naming
from labelaudit.cluster.connecting import connected
from labelaudit.tables import issue_spill
from labelaudit.tables.issue_spill import IssueSpill
from tests.cluster.everywhere import Runs
from tests.in_process import FIXTURES, call

NOISY = FIXTURES / "noisy"
FILES = ("issues.parquet", "issues.arrow", "issues.csv", "issues.jsonl", "page.html", "report.txt")
TABLES = ("classes", "joint", "pairs")
RUNS = Runs("find-issues", FILES, TABLES)


@pytest.mark.parametrize(
    "arguments",
    [
        ("digits/data.parquet",),
        ("digits-parts/data", "--method", "prune_by_noise_rate", "--all"),
        ("digits-wide/data.csv", "--score", "confidence_weighted_entropy", "--top", "20"),
        ("digits-jsonl/data.jsonl", "--compat", "cleanlab", "--method", "both"),
        ("digits-ensemble/data.parquet",),
        ("digits/data.parquet", "--adjust", "--method", "predicted_neq_given", "--seed", "3"),
    ],
    ids=lambda arguments: arguments[0].split("/")[0],
)
def test_formats_and_methods(tmp_path, cluster, arguments):
    verdict = json.loads((NOISY / arguments[0].split("/")[0] / "expected.json").read_text("utf-8"))
    RUNS.same_everywhere(
        tmp_path,
        NOISY / arguments[0],
        *arguments[1:],
        *map(str, verdict["options"]),
        clusters=[cluster.shown],
    )


def digits(**columns):
    table = pq.read_table(NOISY / "digits" / "data.parquet")
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table


def row_groups(folder, table):
    pq.write_table(table, folder / "data.parquet", row_group_size=97)
    return [folder / "data.parquet"]


def many_files(folder, table):
    for at in range(0, len(table), 200):
        pq.write_table(table.slice(at, 200), folder / f"{at:04}.parquet", row_group_size=60)
    return [folder]


def arrow(folder, table):
    feather.write_feather(table, folder / "data.arrow", compression="zstd", chunksize=150)
    return [folder / "data.arrow"]


def folders(folder, table):
    for split in ("a", "b"):
        (folder / f"split={split}").mkdir()
    pq.write_table(table.slice(0, 900), folder / "split=a" / "0.parquet", row_group_size=250)
    pq.write_table(table.slice(900), folder / "split=b" / "0.parquet", row_group_size=250)
    return [folder, "--group", "split"]


def some_rows(folder, table):
    even = table.append_column("even", pa.array(np.arange(len(table)) % 2 == 0))
    pq.write_table(even, folder / "data.parquet", row_group_size=97)
    return [folder / "data.parquet", "--where", "even = true"]


def text(folder, table):
    probs = np.stack(table.column("pred_probs").to_numpy())
    wide = {f"p_{k}": probs[:, k] for k in range(probs.shape[1])}
    pa_csv.write_csv(pa.table({"label": table["label"], **wide}), folder / "data.csv")
    return [folder / "data.csv"]


@pytest.mark.parametrize("layout", [row_groups, many_files, arrow, folders, some_rows, text])
def test_partitionings(tmp_path, cluster, layout):
    (tmp_path / "data").mkdir()
    arguments = layout(tmp_path / "data", digits())
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown])


def test_one_worker_and_two(tmp_path, cluster):
    arguments = row_groups(tmp_path, digits())
    with connected("dask", threads=1) as one:
        RUNS.same_everywhere(tmp_path, *arguments, clusters=[one.shown, cluster.shown])


def test_rows_that_cannot_be_used(tmp_path, cluster):
    table = digits()
    labels = table.column("label").to_pylist()
    labels[5] = labels[1200] = None
    table = table.set_column(table.schema.get_field_index("label"), "label", pa.array(labels))
    arguments = [*row_groups(tmp_path, table), "--skip-invalid"]
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown])


def test_from_python(cluster):
    path = NOISY / "digits-parts" / "data"
    here = labelaudit.find_issues(path)
    there = labelaudit.find_issues(path, cluster=cluster.client)
    assert there.table.equals(here.table)
    assert labelaudit.report(there) == labelaudit.report(here)


def test_a_gate(cluster):
    arguments = ("check", NOISY / "digits" / "data.parquet", "--require", "error_rate.low <= 5%")
    here, there = call(*arguments), call(*arguments, "--cluster", cluster.shown)
    assert here.code == 1
    assert there == here


BROKEN = [
    folder.name
    for folder in sorted((FIXTURES / "broken").iterdir())
    if not folder.name.startswith("votes-")
]


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_said_in_the_same_words(tmp_path, cluster, name):
    case = FIXTURES / "broken" / name
    verdict = json.loads((case / "expected.json").read_text("utf-8"))
    output = tmp_path / "issues.csv"
    arguments = ("find-issues", case / verdict["data"], *verdict["options"], "-o", output)
    here, there = call(*arguments), call(*arguments, "--cluster", cluster.shown)
    assert here.code > 1
    assert there == here
    assert list(tmp_path.iterdir()) == []


def test_a_plan(cluster):
    done = call("find-issues", NOISY / "digits-parts" / "data", "--dry-run", "--cluster", "dask")
    assert "\nCluster   " in done.out
    assert " on this machine, " in done.out
    done = call(
        "find-issues", NOISY / "digits-parts" / "data", "--dry-run", "--cluster", cluster.shown
    )
    found = " ".join(done.out.split())
    assert f" Cluster {cluster.shown}, 2 workers, 2 threads; 3 parts, 9 passes or more " in found
    assert " Reads 89.8 kB, twice: workers keep what they know of rows, not the rows " in found
    assert " in each worker; here " in found


def planned(cluster, *arguments):
    return json.loads(
        call("find-issues", *arguments, "--dry-run", "--json", "--cluster", cluster.shown).out
    )


@pytest.mark.parametrize("method", ["rcp", "both", "predicted_neq_given"])
def test_passes_are_as_planned_or_more(cluster, method):
    arguments = (NOISY / "digits-parts" / "data", "--method", method)
    plan = planned(cluster, *arguments)
    cluster.traffic.clear()
    done = call("find-issues", *arguments, "-v", "--cluster", cluster.shown)
    named = [line.split("  ")[1] for line in done.err.splitlines()[2:]]
    passes = sum(int(name.split(", ")[1][:-1]) if ", " in name else 1 for name in named)
    assert plan["passes_at_least"] <= passes <= plan["passes_at_least"] + 6


def test_what_a_worker_needs(cluster):
    one = planned(cluster, NOISY / "digits" / "data.parquet")
    tags = planned(cluster, NOISY / "tags" / "data.parquet")
    assert (
        one["memory_expected_each_worker"] - tags["memory_expected_each_worker"] == 1797 * 90 // 2
    )
    assert one["memory_expected"] == (360 << 20) + 179 * 400
    assert one["bytes_spilled"] == 0


def test_what_travelled_is_said(cluster):
    data = NOISY / "digits-parts" / "data"
    done = call("find-issues", data, "-v", "--cluster", cluster.shown)
    first, heading, *passes = done.err.splitlines()
    assert first == f"Cluster at {cluster.shown}, 2 threads; what travelled:"
    assert " ".join(heading.split()) == "pass parts to a worker from a part to here"
    assert passes[0].split()[:2] == ["reading", "3"]
    assert len(passes) > 5
    assert max(map(len, done.err.splitlines())) <= 80


TAG_TABLES = ("classes", "rows", "groups", "missing", "candidates", "relations", "violations")


@pytest.mark.parametrize("data", ["tags/data.parquet", "tags-wide/data.csv"])
@pytest.mark.parametrize("more", [(), ("--compat", "cleanlab", "--all")], ids=["ours", "compat"])
def test_several_labels_a_row(tmp_path, cluster, data, more):
    verdict = json.loads((NOISY / data).with_name("expected.json").read_text("utf-8"))
    arguments = [NOISY / data, *map(str, verdict["options"]), *more]
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown], tables=("classes", "rows"))


def test_side_tables_of_several_labels_a_row(tmp_path, cluster):
    table = pq.read_table(NOISY / "tags" / "data.parquet")
    table = table.append_column("half", pa.array(np.arange(len(table)) % 2))
    pq.write_table(table, tmp_path / "data.parquet", row_group_size=150)
    arguments = [tmp_path / "data.parquet", "--group", "half"]
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown], tables=TAG_TABLES)


def test_several_labels_a_row_sorted_on_disk(tmp_path, cluster, monkeypatch):
    table = pq.read_table(NOISY / "tags" / "data.parquet")
    pq.write_table(table, tmp_path / "data.parquet", row_group_size=150)
    tables = ("rows", "candidates", "violations")
    here = RUNS.written(tmp_path / "here", tmp_path / "data.parquet", tables=tables)
    monkeypatch.setattr(naming, "BYTES_PER_ISSUE", 1 << 50)
    arguments = (tmp_path / "data.parquet", "--cluster", cluster.shown)
    report, files, summary = RUNS.written(tmp_path / "there", *arguments, tables=tables)
    assert (report, files) == here[:2]
    assert json.loads(summary)["temporary_bytes"] > 0


def test_a_table_in_memory_is_refused(cluster):
    with pytest.raises(labelaudit.LabelauditError) as raised:
        labelaudit.find_issues(digits(), cluster=cluster.client)
    assert str(raised.value).startswith("Workers of a cluster cannot read the table in memory.")


def test_keys_and_kept_columns(tmp_path, cluster):
    table = digits(note=[f"n{i}" for i in range(1797)])
    arguments = [*row_groups(tmp_path, table), "--key", "id", "--keep", "note"]
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown])


def test_issues_that_do_not_fit_go_to_files_as_they_come(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(issue_spill, "_LEAST_ROOM", 400_000)
    arguments = (NOISY / "digits-parts" / "data", "--all")
    here = RUNS.written(tmp_path / "here", *arguments)
    in_files, take = [], IssueSpill.take

    def taken(self, chunk):
        take(self, chunk)
        in_files.append(self.files is not None)

    monkeypatch.setattr(IssueSpill, "take", taken)
    more = ("--memory", "1MB", "--cluster", cluster.shown)
    there = RUNS.written(tmp_path / "there", *arguments, *more)
    assert there[1] == here[1]
    assert in_files == [False, True, True]
