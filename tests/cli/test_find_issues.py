"""``labelaudit find-issues``, from arguments to outputs; the audit itself is a stand-in."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING, Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelaudit.audits.settings import AuditSettings
from labelaudit.errors import InvalidDataError
from tests.in_process import call
from tests.reports import builders
from tests.reports.builders import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import FakeApi


def test_report_goes_to_standard_output(pets: Any) -> None:
    done = pets()
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("Data      pets.parquet (Parquet, 9 rows)\n")
    assert "Between 4 and 30 of 998 labels are wrong" in done.out
    assert done.out.endswith("Next:\n  labelaudit find-issues pets.parquet -o issues.csv\n")


def test_json_goes_to_standard_output_and_the_report_to_stderr(pets: Any) -> None:
    done = pets("--json")
    jsonschema.validate(json.loads(done.out), SCHEMA)
    assert done.err.startswith("Data      pets.parquet")


def test_table_on_standard_output(pets: Any) -> None:
    done = pets("-o", "-")
    assert done.out.startswith('"rank","issue_id","key"')
    assert done.out.count("\n") == 4
    assert "Between 4 and 30" in done.err


def test_quiet(pets: Any, folder: Path) -> None:
    done = pets("-q", "-o", "issues.csv")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (folder / "issues.csv").is_file()


def test_every_output_at_once(pets: Any, folder: Path, api: FakeApi) -> None:
    groups = pa.table({"group": ["a"], "rows": [9], "issues": [3], "issue_rate": [1 / 3]})
    api.result = builders.result(groups=groups)
    outputs = [
        "a.parquet",
        "a.arrow",
        "a.csv",
        "a.jsonl",
        "a.json",
        "a.txt",
        "classes:c.csv",
        "joint:j.parquet",
        "pairs:p.jsonl",
        "groups:g.csv",
    ]
    done = pets("--group", "site", *(word for each in outputs for word in ("-o", each)))
    assert done.code == 0
    assert pq.read_table(folder / "a.parquet").equals(api.result.table)
    assert (folder / "c.csv").read_text().startswith('"class","rows","threshold"')
    assert (folder / "g.csv").read_text().splitlines()[1] == '"a",9,3,0.3333333333333333'
    summary = json.loads((folder / "a.json").read_text())
    jsonschema.validate(summary, SCHEMA)
    assert [each["path"] for each in summary["outputs"]] == [o.split(":")[-1] for o in outputs]
    assert summary["joint"]["path"] == "j.parquet"
    assert "Most confused\n" in (folder / "a.txt").read_text()
    assert "Wrote a.parquet (issues, 3 rows)\n" in done.out
    assert "Wrote a.json (summary)\n" in done.out
    assert "Next:" not in done.out
    assert {p.name for p in folder.iterdir()} == {
        *(each.split(":")[-1] for each in outputs),
        "pets.parquet",
        ".git",
    }


OPTIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["--method", "both"], {"method": "both"}),
    (["--method", "both", "--score", "normalized_margin"],
     {"method": "both", "score": "normalized_margin"}),
    (["--method", "both", "--adjust"], {"method": "both", "adjust": True}),
    (["--collision", "cleanlab"], {"collision": "cleanlab"}),
    (["--compat", "cleanlab"],
     {"compat": True, "collision": "cleanlab", "method": "prune_by_noise_rate"}),
    (["--compat", "cleanlab", "--method", "both"],
     {"compat": True, "collision": "cleanlab", "method": "both"}),
    (["--min-examples-per-class", "5"], {"min_examples_per_class": 5}),
    (["--frac-noise", "0.5"], {"frac_noise": 0.5}),
    (["--seed", "7"], {"seed": 7}),
    (["--skip-invalid"], {"skip_invalid": True}),
    (["--all"], {"every_row": True}),
    (["--top", "2"], {"top": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "settings"), OPTIONS, ids=" ".join)
def test_options_reach_the_audit(
    pets: Any, api: FakeApi, flags: list[str], settings: dict[str, Any]
) -> None:
    assert pets(*flags).code == 0
    assert api.asked["settings"] == AuditSettings(**settings)


def test_run_and_column_options_reach_the_audit(pets: Any, api: FakeApi) -> None:
    done = pets(
        "-l", "label", "-p", "pred_probs", "-k", "id", "--classes", "cat,dog,fox",
        "--keep", "site,id", "--keep", "label", "--group", "site", "--task", "multiclass",
        "--threads", "2", "--memory", "1GiB",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert api.asked["source"].roles.keep == ("site", "id", "label")
    assert api.asked["source"].roles.group == "site"
    assert api.asked["threads"] == 2
    assert api.asked["memory"] == 2**30
    assert "label (string), --labels\n" in done.out
    assert "id, --key\n" in done.out


def test_class_order_given(pets: Any, api: FakeApi) -> None:
    assert pets("--classes", "fox,dog,cat").code == 0
    assert api.asked["source"].understanding.classes == ("fox", "dog", "cat")


def proposed(report: str) -> str:
    """The command after ``Next:``, on one line."""
    return re.sub(r" \\\n +", " ", report.split("Next:\n")[1]).strip()


def test_next_command_repeats_what_matters(pets: Any, folder: Path, api: FakeApi) -> None:
    (folder / "issues.csv").write_text("mine")
    done = pets("-l", "label", "--keep", "site", "--adjust", "--method=both", "-v", "--top", "3")
    command = proposed(done.out)
    assert command == (
        "labelaudit find-issues pets.parquet --labels label --keep site --method both --adjust "
        "-o issues-2.csv"
    )
    again = call(*shlex.split(command)[1:], cwd=folder)
    assert again.code == 0
    assert (folder / "issues-2.csv").is_file()
    assert proposed(again.out).endswith("-o classes:classes.csv -o pairs:pairs.csv")


def test_next_command_quotes_names(folder: Path, api: FakeApi) -> None:
    (folder / "pets.parquet").rename(folder / "my 'pets'.parquet")
    done = call("find-issues", "my 'pets'.parquet", cwd=folder)
    command = shlex.split(proposed(done.out))
    assert command[:3] == ["labelaudit", "find-issues", "my 'pets'.parquet"]


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--method", "bth"], 2, "There is no method 'bth'.\nDid you mean both?"),
        (["--score", "x"], 2, "There is no score 'x'."),
        (["--adjust"], 2, "The score rcp has no adjusted form."),
        (["--compat", "cleanlab", "--collision", "paper"], 2, "contradict each other"),
        (["--compat", "other"], 2, "'--compat'"),
        (["--frac-noise", "2"], 2, "--frac-noise 2.0 is no share."),
        (["--threads", "0"], 2, "'--threads'"),
        (["--threads", "two"], 2, "'--threads'"),
        (["--memory", "much"], 2, "'much' is not a size; write 4GiB"),
        (["--memory", "10"], 2, "'10' is less than 1 MB"),
        (["--top", "0"], 2, "'--top'"),
        (["--labels", "labl"], 2, "labl"),
        (["--classes", "a,a,b"], 2, "--classes names 'a' twice."),
        (["--classes", "@none.txt"], 2, "--classes cannot read none.txt: No such file"),
        (["--classes", "cat"], 2, "--classes names 1 class."),
        (["--methd", "x"], 2, "No such option"),
        (["--excel"], 2, "--excel guards CSV, and no output is CSV."),
        (["--excel", "-o", "x.parquet"], 2, "no output is CSV."),
        (["-o", "groups:g.csv"], 2, "needs a column to group by"),
        (["--json", "-o", "-"], 2, "--json and the issues both go to standard output."),
        (["-o", "-", "-o", "text:-"], 2, "Two outputs go to standard output."),
        (["-o", "pets.parquet"], 2, "is the input pets.parquet."),
        (["-o", "pets.parquet", "--force"], 2, "is the input pets.parquet."),
        (["-o", "x.cvs"], 2, "Did you mean .csv?"),
        (["-o", "none/x.csv"], 4, "does not exist."),
        (["--color", "sometimes"], 2, "'--color'"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else None,
)
def test_refusals(
    pets: Any, api: FakeApi, folder: Path, flags: list[str], code: int, says: str
) -> None:
    before = sorted(folder.iterdir())
    done = pets(*flags)
    assert done.code == code
    assert done.out == ""
    assert done.err.startswith("labelaudit: ")
    assert says in done.err
    assert api.asked == {}
    assert sorted(folder.iterdir()) == before


def test_what_exists_is_not_overwritten_and_an_input_never(folder: Path, api: FakeApi) -> None:
    (folder / "x.csv").write_text("old")
    done = call("find-issues", "pets.parquet", "-o", "x.csv", cwd=folder)
    assert (done.code, done.err.split("\n")[0]) == (2, "labelaudit: The output x.csv exists.")
    done = call("find-issues", "p*.parquet", "-o", "pets.parquet", cwd=folder)
    assert done.code == 2
    assert "is the input pets.parquet." in done.err


def test_usage_line(folder: Path) -> None:
    done = call("find-issues", "--help", cwd=folder)
    assert done.out.startswith("Usage: labelaudit find-issues [OPTIONS] DATA...\n")


def test_force_overwrites(pets: Any, folder: Path) -> None:
    (folder / "x.csv").write_text("old")
    assert pets("-o", "x.csv", "--force").code == 0
    assert (folder / "x.csv").read_text().startswith('"rank"')


def test_excel(pets: Any, folder: Path, api: FakeApi) -> None:
    api.result = builders.result(classes=("=cat()", "dog", "fox"))
    assert pets("-o", "x.csv", "--excel").code == 0
    assert '"\'=cat()"' in (folder / "x.csv").read_text()


def test_failed_audit_leaves_nothing(pets: Any, folder: Path, api: FakeApi) -> None:
    api.error = InvalidDataError(["2 rows have NaN.", "1 label is \x1b[31mred."], "Mend them.")
    before = sorted(folder.iterdir())
    done = pets("-o", "x.csv", "--json")
    assert done.code == 3
    assert done.out == ""
    assert done.err == "labelaudit: 2 rows have NaN.\n1 label is \\x1b[31mred.\nMend them.\n"
    assert sorted(folder.iterdir()) == before


def test_dry_run(pets: Any, folder: Path, api: FakeApi) -> None:
    done = pets("--dry-run", "-o", "x.csv", "--method", "both", "--memory", "2MB")
    assert done.code == 0
    assert api.asked == {}
    assert "Method    both, ranked by self_confidence\n" in done.out
    assert "Writes    issues (csv) to x.csv\n" in done.out
    assert done.out.endswith("A dry run: 9 rows would be audited, nothing was.\n")
    assert not (folder / "x.csv").exists()


def test_dry_run_as_json(pets: Any) -> None:
    plan = json.loads(pets("--dry-run", "--json", "-o", "x.csv").out)
    assert plan["rows"] == 9
    assert plan["classes"] == 3
    assert plan["bytes_to_read"] > 0
    assert plan["outputs"] == [{"content": "issues", "format": "csv", "path": "x.csv"}]


def test_colour_of_the_report(pets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1mBetween" in pets("--color", "always").out
    assert "\x1b" not in pets("--color", "never").out
    assert "\x1b" not in pets().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in pets("--color", "always").out


def test_report_is_not_said_twice(pets: Any) -> None:
    done = pets("-o", "text:-")
    assert done.err == ""
    assert done.out.count("Between 4 and 30") == 1


def test_path_that_is_not_text(pets: Any, folder: Path) -> None:
    odd = os.fsdecode(b"\xff.csv")
    done = pets("-o", odd, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["outputs"][0]["path"] == odd
    assert r"Wrote \udcff.csv" in done.err
    assert (folder / odd).is_file()


def test_width_of_the_report(pets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert max(map(len, pets().out.split("\n\n")[1].splitlines())) <= 50


def test_no_input(folder: Path, api: FakeApi) -> None:
    done = call("find-issues", "none.parquet", cwd=folder)
    assert done.code == 5
    assert "none.parquet" in done.err
    assert call("find-issues", cwd=folder).code == 2
