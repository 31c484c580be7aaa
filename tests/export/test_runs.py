"""Whole exports of fixtures by the command line and from Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import ChangeLimitError, InvalidDataError, UsageError
from tests.in_process import FIXTURES, Finished, call

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = FIXTURES / "noisy" / "digits" / "data.parquet"
WIDE = FIXTURES / "noisy" / "digits-wide" / "data.csv"
LINES = FIXTURES / "noisy" / "digits-jsonl" / "data.jsonl"
PARTS = FIXTURES / "noisy" / "digits-parts" / "data"


@pytest.fixture
def export(tmp_path: Path) -> Any:
    def run(*arguments: str | Path, code: int = 0) -> Finished:
        done = call("export", *arguments, cwd=tmp_path)
        assert done.code == code, done.err
        return done

    return run


@pytest.fixture(scope="module")
def issues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Issues of the wide digits, in every format."""
    folder = tmp_path_factory.mktemp("issues")
    names = ["i.parquet", "i.csv", "i.jsonl", "i.arrow"]
    outputs = [word for name in names for word in ("-o", name)]
    assert call("find-issues", WIDE, "-q", *outputs, cwd=folder).code == 0
    assert call("find-issues", WIDE, "-q", "--all", "-o", "all.parquet", cwd=folder).code == 0
    return folder


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def ledger_of(path: Path) -> list[dict[str, Any]]:
    strings = pa_csv.ConvertOptions(column_types={"given_label": pa.string()})
    return pa_csv.read_csv(path, convert_options=strings).to_pylist()


def test_the_ledger_applied_to_the_input_gives_the_export(export: Any, tmp_path: Path) -> None:
    export(WIDE, "--policy", "relabel", "-o", "out.csv", "-o", "changes:ch.csv", "-q")
    changed = {each["row"]: each for each in ledger_of(tmp_path / "ch.csv")}
    before, after = lines_of(WIDE), lines_of(tmp_path / "out.csv")
    assert len(before) == len(after)
    assert len(changed) > 50
    for row, (old, new) in enumerate(zip(before[1:], after[1:], strict=True)):
        line = changed.get(row)
        label = old.split(",")[1].strip('"')
        if line is None:
            assert new.startswith(f"{old},{label},given,")
            continue
        assert (line["given_label"], line["action"]) == (label, "relabel")
        fields = old.split(",")
        fields[1] = line["new_label"]
        assert new.startswith(",".join([*fields, label, "suggested", ""]))


def test_dropped_rows_are_in_the_ledger(export: Any, tmp_path: Path) -> None:
    export(PARTS, "--policy", "drop", "-o", "out.parquet", "-o", "changes:ch.csv", "-q")
    dropped = {each["key"] for each in ledger_of(tmp_path / "ch.csv")}
    table = pa.concat_tables(pq.read_table(path) for path in sorted(PARTS.glob("*.parquet")))
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.num_rows + len(dropped) == table.num_rows
    kept = [key not in dropped for key in table["id"].to_pylist()]
    assert out.select(table.column_names).to_pylist() == table.filter(pa.array(kept)).to_pylist()
    assert set(out["label_source"].to_pylist()) == {"given"}


@pytest.mark.parametrize("name", ["i.parquet", "i.csv", "i.jsonl", "i.arrow", "all.parquet"])
def test_a_saved_run_does_what_the_audit_does(
    export: Any, issues: Path, tmp_path: Path, name: str
) -> None:
    more = ["--policy", "relabel", "-q", "--min-confidence", "0.6"]
    export(WIDE, *more, "-o", "audit.csv", "-o", "changes:a.csv")
    export(WIDE, *more, "-o", "saved.csv", "-o", "changes:s.csv", "--issues", issues / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "s.csv").read_bytes()
    audited, saved = lines_of(tmp_path / "audit.csv"), lines_of(tmp_path / "saved.csv")
    if name == "all.parquet":
        assert audited == saved
    assert [each.rsplit(",", 1)[0] for each in audited] == [
        each.rsplit(",", 1)[0] for each in saved
    ]


@pytest.mark.parametrize("policy", ["relabel", "drop", "flag"])
def test_exporting_twice_changes_nothing_more(
    export: Any, issues: Path, tmp_path: Path, policy: str
) -> None:
    more = ["--policy", policy, "--issues", issues / "i.parquet"]
    export(WIDE, *more, "-o", "once.csv", "-q")
    done = export("once.csv", *more, "-o", "twice.csv")
    assert (tmp_path / "once.csv").read_bytes() == (tmp_path / "twice.csv").read_bytes()
    assert "none were changed" in done.out


@pytest.mark.parametrize("data", [WIDE, DIGITS, LINES], ids=lambda path: path.suffix)
def test_a_row_that_was_changed_is_not_changed_again_by_a_new_audit(
    export: Any, tmp_path: Path, data: Path
) -> None:
    name = f"once{data.suffix}"
    export(data, "--policy", "relabel", "-o", name, "-o", "changes:one.csv", "-q")
    export(name, "--policy", "relabel", "-o", f"twice{data.suffix}", "-o", "changes:two.csv", "-q")
    first = {each["key"] for each in ledger_of(tmp_path / "one.csv")}
    second = {each["key"] for each in ledger_of(tmp_path / "two.csv")}
    assert first
    assert first & second == set()


@pytest.mark.parametrize("data", [WIDE, DIGITS, LINES], ids=lambda path: path.suffix)
def test_the_audit_of_cleaned_data_does_not_contradict_what_was_changed(
    export: Any, tmp_path: Path, data: Path
) -> None:
    name = f"once{data.suffix}"
    export(data, "--policy", "relabel", "-o", name, "-o", "changes:one.csv", "-q")
    changed = {each["key"]: str(each["given_label"]) for each in ledger_of(tmp_path / "one.csv")}
    found = labelaudit.find_issues(tmp_path / name, labels="label").table.to_pylist()
    again = [each for each in found if each["key"] in changed and each["severity"] == "high"]
    assert again == []
    back = [each for each in found if str(each["suggested_label"]) == changed.get(each["key"])]
    assert len(back) <= len(changed) // 20


def test_too_many_changes_write_nothing(export: Any, tmp_path: Path) -> None:
    done = export(DIGITS, "--policy", "drop", "--max-change", "5%", "-o", "o.csv", code=1)
    assert "152 of 1,797 rows (8.5 %)" in done.err
    assert list(tmp_path.iterdir()) == []
    done = export(DIGITS, "--policy", "drop", "--max-change", "8.45%", "-o", "o.csv", code=1)
    assert "more than the 8.45 % that are allowed" in done.err
    export(DIGITS, "--policy", "drop", "--max-change", "152/1797", "-o", "o.csv")


def test_a_dry_run_shows_the_changes_and_writes_nothing(export: Any, tmp_path: Path) -> None:
    done = export(DIGITS, "--policy", "relabel", "--dry-run", "-o", "o.csv")
    assert "given  new" in done.out
    assert "A dry run: nothing was written." in done.out
    assert list(tmp_path.iterdir()) == []


def test_the_summary(export: Any, tmp_path: Path) -> None:
    done = export(DIGITS, "--policy", "drop", "-o", "o.jsonl", "--json", "-q")
    summary = json.loads(done.out)
    assert summary["policy"] == "drop"
    counts = summary["counts"]
    assert counts["rows_in"] == counts["rows_out"] + counts["dropped"] == 1797
    assert summary["pairs"][0].keys() == {"given", "new", "rows"}
    assert len(lines_of(tmp_path / "o.jsonl")) == counts["rows_out"]


def test_flags_are_columns(export: Any, tmp_path: Path) -> None:
    export(DIGITS, "--policy", "flag", "-o", "o.parquet", "-q")
    out = pq.read_table(tmp_path / "o.parquet")
    assert out["label"].equals(pq.read_table(DIGITS)["label"])
    found = {row["row"]: row for row in labelaudit.find_issues(DIGITS).table.to_pylist()}
    marked = {row for row, mark in enumerate(out["label_issue"].to_pylist()) if mark}
    assert marked == set(found)
    for row, suggested in enumerate(out["label_suggested"].to_pylist()):
        assert suggested == (found[row]["suggested_label"] if row in found else None)


def test_other_data_than_the_issues_are_of(export: Any, issues: Path, tmp_path: Path) -> None:
    text = WIDE.read_text("utf-8").splitlines(keepends=True)
    found = pq.read_table(issues / "i.parquet").to_pylist()
    changed, gone = found[0], found[1]
    text = [
        line.replace(f'"{changed["given_label"]}"', '"ten"')
        if line.startswith(f"{changed['key']},")
        else line
        for line in text
        if not line.startswith(f"{gone['key']},")
    ]
    (tmp_path / "other.csv").write_text("".join(text), "utf-8")
    more = ["--policy", "drop", "--issues", issues / "i.parquet", "-o", "o.csv"]
    done = export("other.csv", *more, code=3)
    assert f"Keys that are not in the data (1): {gone['key']}." in done.err
    assert f"key {changed['key']} was {changed['given_label']} and is now ten" in done.err
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["-o", "o.csv"], 2, "Choose --policy"),
        (["--policy", "drop"], 2, "-o cleaned.parquet"),
        (["--policy", "reviewed", "-o", "o.csv"], 2, "--decisions"),
        (["--policy", "drop", "-o", "o.html.csv", "--min-confidence", "0.9"], 2, "relabel"),
        (["--policy", "drop", "--max-change", "10", "-o", "o.csv"], 2, "did you mean 10%"),
        (["--policy", "drop", "--excel", "-o", "o.parquet"], 2, "--excel guards CSV"),
        (["--policy", "drop", "--soft", "list", "--method", "both", "-o", "o.csv"], 2, "rcp"),
        (["--policy", "drop", "--issues", "no.csv", "-o", "o.csv"], 5, "no file"),
        (["--policy", "drop", "--issues", str(DIGITS), "-o", "o.csv"], 3, "issue_id"),
        (["--policy", "drop", "--issues", "x.csv", "--seed", "1", "-o", "o.csv"], 2, "--seed"),
        (["--policy", "drop", "--task", "multilabel", "-o", "o.csv"], 2, "several labels a row"),
        (["--policy", "drop", "-o", "argilla:o.jsonl"], 2, "find-issues"),
    ],
)
def test_what_cannot_be(export: Any, arguments: list[str], code: int, says: str) -> None:
    done = export(DIGITS, *arguments, code=code)
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_column_with_the_name_of_an_added_one(export: Any, tmp_path: Path) -> None:
    table = pq.read_table(DIGITS).append_column("label_source", pa.array(["web"] * 1797))
    pq.write_table(table, tmp_path / "in.parquet")
    done = export("in.parquet", "-l", "label", "--policy", "drop", "-o", "o.csv", code=2)
    assert "label_source" in done.err
    more = ["--prefix", "clean_", "-o", "o.parquet", "-q"]
    export("in.parquet", "-l", "label", "--policy", "drop", *more)
    out = pq.read_table(tmp_path / "o.parquet")
    assert out.column_names[-4:] == [
        "label_source",
        "clean_given",
        "clean_source",
        "clean_quality",
    ]


def test_formulas_are_guarded_on_request(export: Any, tmp_path: Path) -> None:
    table = pq.read_table(DIGITS).append_column("note", pa.array(["=1+1", "x,y", None] * 599))
    pq.write_table(table, tmp_path / "in.parquet")
    export("in.parquet", "--policy", "drop", "-o", "plain.csv", "-q")
    export("in.parquet", "--policy", "drop", "-o", "excel.csv", "-q", "--excel")
    assert ",=1+1," in lines_of(tmp_path / "plain.csv")[1]
    assert ",'=1+1," in lines_of(tmp_path / "excel.csv")[1]
    export("plain.csv", "--policy", "flag", "-o", "again.csv", "-q", "--excel", "--prefix", "x_")
    assert ",'=1+1," in lines_of(tmp_path / "again.csv")[1]


def test_metadata_that_is_still_true(export: Any, tmp_path: Path) -> None:
    names = [f"d{k}" for k in range(10)]
    features = {
        "id": {"dtype": "int64", "_type": "Value"},
        "label": {"names": names, "_type": "ClassLabel"},
        "pred_probs": {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"},
    }
    info = {"info": {"features": features, "dataset_size": 1}, "fingerprint": "x"}
    frame = pa.Table.from_pandas(pq.read_table(DIGITS).to_pandas())
    pandas = frame.schema.metadata[b"pandas"]
    metadata = {"huggingface": json.dumps(info), "pandas": pandas, "ours": "kept"}
    table = pq.read_table(DIGITS).replace_schema_metadata(metadata)
    pq.write_table(table, tmp_path / "in.parquet")
    export("in.parquet", "--policy", "drop", "--weights", "-o", "o.parquet", "-q")
    found = pq.read_schema(tmp_path / "o.parquet").metadata
    assert found[b"ours"] == b"kept"
    assert json.loads(found[b"pandas"])["index_columns"] == []
    mended = json.loads(found[b"huggingface"])["info"]
    assert list(mended) == ["features"]
    assert mended["features"]["label_given"] == features["label"]
    assert mended["features"]["label_source"] == {"dtype": "string", "_type": "Value"}
    assert mended["features"]["label_weight"] == {"dtype": "float64", "_type": "Value"}
    assert len(pq.read_table(tmp_path / "o.parquet").to_pandas()) == 1645


def test_from_python(tmp_path: Path) -> None:
    frame = pq.read_table(DIGITS)
    planned = labelaudit.export_labels(frame, policy="drop")
    assert planned.rows_in == planned.rows_out + planned.dropped == 1797
    assert planned.table().num_rows == planned.rows_out
    again = labelaudit.export_labels(DIGITS, tmp_path / "o.parquet", policy="drop")
    assert pq.read_table(tmp_path / "o.parquet").equals(planned.table())
    assert again.ledger.equals(planned.ledger)
    with pytest.raises(ChangeLimitError):
        labelaudit.export_labels(frame, policy="drop", max_change=0.01)
    with pytest.raises(UsageError, match=r"exists"):
        labelaudit.export_labels(DIGITS, tmp_path / "o.parquet", policy="drop")
    with pytest.raises(UsageError, match="no setting"):
        labelaudit.export_labels(frame, policy="drop", methods="rcp")


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "labelaudit.tables.cleaned.Cleaning.clean",
        lambda *_: (_ for _ in ()).throw(InvalidDataError(["It broke."], "Mend it.")),
    )
    with pytest.raises(InvalidDataError):
        labelaudit.export_labels(WIDE, tmp_path / "o.csv", policy="drop")
    assert list(tmp_path.iterdir()) == []


def test_the_same_bytes_whatever_the_row_groups(export: Any, tmp_path: Path) -> None:
    table = pq.read_table(DIGITS)
    for size in (100, 1797):
        pq.write_table(table, tmp_path / f"in-{size}.parquet", row_group_size=size)
        for suffix in ("csv", "jsonl"):
            name = f"{size}.{suffix}"
            export(f"in-{size}.parquet", "--policy", "relabel", "-q", "-o", name)
    for suffix in ("csv", "jsonl"):
        one, other = (tmp_path / f"{size}.{suffix}" for size in (100, 1797))
        assert one.read_bytes() == other.read_bytes()
