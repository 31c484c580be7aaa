"""``labelaudit check``, from rules to exit codes."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelaudit.errors import ExitCode
from labelaudit.gate.metrics import METRICS
from tests import realdata
from tests.in_process import FIXTURES, ROOT, Finished, call
from tests.reports import builders
from tests.reports.builders import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import FakeApi

CLEAN = FIXTURES / "noisy" / "digits" / "data.parquet"


@pytest.fixture
def gate(folder: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run ``labelaudit check pets.parquet ARGUMENTS`` in the folder; no row is invalid."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    api.result = builders.result(audit=builders.audit(valid_rows=1000), problems=(), warnings=())

    def run(*arguments: str) -> Finished:
        return call("check", "pets.parquet", *arguments, cwd=folder)

    return run


def test_passed(gate: Any) -> None:
    done = gate("--require", "issues <= 3")
    assert done.code == 0
    assert done.err == ""
    assert done.out == (
        "Data      pets.parquet (1,000 rows)\n"
        "\n"
        "PASSED: 3 required rules hold.\n"
        "\n"
        "        rule               value\n"
        "  pass  rows > 0           1,000\n"
        "  pass  invalid_rows == 0      0\n"
        "  pass  issues <= 3            3\n"
        "\n"
        "Worst of 3 issues\n"
        "  key   given  suggested    quality  severity\n"
        "  id-0  cat    dog            0.001  high\n"
        "  id-1  cat    dog            0.101  high\n"
        "  id-2  cat    (uncertain)    0.200  medium\n"
    )


def test_failed(gate: Any) -> None:
    done = gate("--require", "issues < 3", "--warn", "error_rate < 1%")
    assert done.code == 1
    assert "FAILED: 1 of 3 required rules does not hold. 1 warning.\n" in done.out
    assert "\nFailed: issues is 3, not less than 3.\nWarning: error_rate is 3 %, " in done.out
    assert done.out.endswith(
        "Next:\n"
        "  labelaudit check pets.parquet --warn 'error_rate < 1%' \\\n"
        "    --require 'new_issues == 0' --baseline labels-baseline.jsonl \\\n"
        "    --update-baseline --accept-new\n"
    )


def test_warnings_do_not_fail(gate: Any) -> None:
    done = gate("--warn", "issues < 3")
    assert done.code == 0
    assert "PASSED: 2 required rules hold. 1 warning." in done.out


def test_rule_that_no_data_can_break_is_warned_of(gate: Any) -> None:
    done = gate("--require", "error_rate <= 100%")
    assert done.code == 0
    assert "Warning: The rule error_rate <= 100% holds whatever the data are.\n" in done.out


def test_invalid_rows_fail_unless_a_rule_allows_them(gate: Any, api: FakeApi) -> None:
    api.result = builders.result()
    assert gate("--skip-invalid", "--require", "issues < 9").code == 1
    assert gate("--skip-invalid", "--require", "invalid_rows <= 2").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "There is no rule to check."),
        (("--baseline", "b.jsonl"), "There is no rule to check."),
        (("--require", "eror_rate < 2%"), "Did you mean error_rate?"),
        (("--require", "new_issues == 0"), "new_issues needs a baseline"),
        (("--require", "rows > 0", "--baseline", "b.jsonl"), "The baseline b.jsonl does not exist"),
        (("--require", "rows > 0", "--update-baseline"), "has no baseline to update"),
        (("--require", "rows > 0", "--accept-new"), "goes with --update-baseline"),
        (
            ("--update-baseline", "--accept-new", "--baseline", "b", "--ci", "github"),
            "in a CI job",
        ),
        (("--require", "rows > 0", "--ci", "jenkins"), "jenkins"),
        (("--require", "rows > 0", "--excel"), "no output is CSV"),
        (("--require", "rows > 0", "-o", "workers:w.csv"), "no table workers of labels"),
        (("--require", "rows > 0", "--worker-column", "w"), "--worker-column is for votes"),
        (("--require", "rows > 0", "-o", "juint:x"), "Did you mean junit?"),
        (("--require", "issues[class=cow] < 3"), "There is no class 'cow'"),
        (("--require", "issues / issues[class=dog] < 3%"), "divides by zero"),
    ],
)
def test_wrong_usage(gate: Any, folder: Path, arguments: tuple[str, ...], says: str) -> None:
    before = sorted(folder.iterdir())
    done = gate(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert says in done.err
    assert sorted(folder.iterdir()) == before


def test_bad_rules_are_refused_before_anything_is_read(gate: Any, api: FakeApi) -> None:
    assert gate("--require", "issues <= 2%").code == 2
    assert gate("--require", "issues[class=cow] < 3").code == 2
    assert api.asked == {}


def test_baseline_from_nothing_to_red_and_green(gate: Any, api: FakeApi, folder: Path) -> None:
    rule = ("--require", "new_issues == 0", "--baseline", "b.jsonl")
    made = gate(*rule, "--update-baseline", "--accept-new")
    assert made.code == 0
    assert "Baseline  b.jsonl: 0 of 0 ids matched, 0 resolved, 3 new issues." in made.out
    assert "Wrote b.jsonl (baseline)" in made.out
    before = (folder / "b.jsonl").read_bytes()
    green = gate(*rule)
    assert green.code == 0
    assert "Baseline  b.jsonl: 3 of 3 ids matched, 0 resolved, 0 new issues.\n" in green.out
    assert "Worst" not in green.out
    audit = builders.audit(4, valid_rows=1000)
    api.result = builders.result(4, audit=audit, problems=(), warnings=())
    red = gate(*rule)
    assert red.code == 1
    assert "Worst of 1 new issue\n" in red.out
    assert "--baseline b.jsonl" in red.out
    refused = gate(*rule, "--update-baseline")
    assert refused.code == 1
    assert "1 new not added, for want of --accept-new" in " ".join(refused.out.split())
    assert (folder / "b.jsonl").read_bytes() == before
    assert (folder / "b.jsonl").stat().st_nlink == 1
    assert gate(*rule, "--update-baseline", "--accept-new").code == 0
    assert gate(*rule).code == 0


def test_making_a_baseline_needs_no_rule_of_ones_own(gate: Any, folder: Path) -> None:
    done = gate("--baseline", "b.jsonl", "--update-baseline", "--accept-new")
    assert done.code == 0
    assert (folder / "b.jsonl").read_text().count("\n") == 4


def test_a_broken_baseline_is_left_as_it_is(gate: Any, folder: Path) -> None:
    (folder / "b.jsonl").write_text("<<<<<<< mine\n")
    done = gate("--baseline", "b.jsonl", "--update-baseline", "--accept-new")
    assert done.code == 2
    assert "merge conflict in line 1" in done.err
    assert (folder / "b.jsonl").read_text() == "<<<<<<< mine\n"


def test_no_output_takes_the_place_of_the_baseline(gate: Any, folder: Path) -> None:
    accepted = ("--baseline", "b.jsonl", "--require", "new_issues == 0")
    gate(*accepted, "--update-baseline", "--accept-new")
    before = (folder / "b.jsonl").read_bytes()
    done = gate(*accepted, "-o", "./b.jsonl", "--force")
    assert done.code == 2
    assert "The output ./b.jsonl is the baseline." in done.err
    assert (folder / "b.jsonl").read_bytes() == before


def test_doubts_about_the_baseline(gate: Any, folder: Path, api: FakeApi) -> None:
    table = pq.read_table(folder / "pets.parquet").drop_columns("id")
    pq.write_table(table, folder / "pets.parquet")
    accepted = ("--baseline", "b.jsonl", "--update-baseline", "--accept-new")
    assert "Warning: Row numbers are the keys, so the baseline holds only" in gate(*accepted).out
    ids = pa.array([f"{i:016x}" for i in range(7, 10)])
    api.result = replace(api.result, table=builders.issues().set_column(1, "issue_id", ids))
    other = gate(*accepted[:2], "--require", "new_issues == 0")
    assert other.code == 1
    assert "Warning: No id of the baseline matched: it may be that of other data.\n" in other.out


def test_baseline_in_no_folder(gate: Any, api: FakeApi) -> None:
    done = gate("--baseline", "none/b.jsonl", "--update-baseline", "--accept-new")
    assert done.code == 4
    assert api.asked == {}


def test_settings_file_with_a_baseline(gate: Any, folder: Path) -> None:
    (folder / "labelaudit.toml").write_text(
        '[gate]\nrequire = ["new_issues == 0"]\nbaseline = "b.jsonl"\n'
    )
    assert gate().code == 2
    assert gate("--update-baseline", "--accept-new").code == 0
    assert gate().code == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("odd"), 4),
        (SystemExit(1), 4),
        (ImportError("x"), 4),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (AssertionError(), 4),
    ],
)
def test_nothing_but_a_rule_gives_one(
    gate: Any, api: FakeApi, error: BaseException, code: int
) -> None:
    api.error = error
    assert gate("--require", "issues < 9").code == code


def test_every_output_at_once(gate: Any, folder: Path) -> None:
    outputs = (
        *("junit:j.xml", "sarif:s.sarif", "gitlab:g.json", "m.md", "r.txt", "s.json", "i.csv"),
        "classes:c.csv",
    )
    done = gate("--require", "issues < 1", *(word for each in outputs for word in ("-o", each)))
    assert done.code == 1
    assert "Wrote j.xml (junit)\nWrote s.sarif (sarif)\nWrote g.json (gitlab)\n" in done.out
    summary = json.loads((folder / "s.json").read_text())
    jsonschema.validate(summary, SCHEMA)
    assert summary["exit_code"] == 1
    assert summary["gate"]["passed"] is False
    assert summary["gate"]["rules"][2]["result"] == "failed"
    assert (folder / "r.txt").read_text().startswith("Data      pets.parquet")
    assert (folder / "i.csv").read_text().count("\n") == 4


def test_json_goes_to_standard_output(gate: Any) -> None:
    done = gate("--json", "--require", "issues < 1")
    assert done.code == 1
    jsonschema.validate(json.loads(done.out), SCHEMA)
    assert "FAILED" in done.err


def test_quiet(gate: Any) -> None:
    done = gate("-q", "--require", "issues < 1")
    assert (done.code, done.out, done.err) == (1, "", "")


def test_rules_from_the_settings_file(gate: Any, folder: Path) -> None:
    (folder / "pyproject.toml").write_text(
        '[tool.labelaudit.gate]\nrequire = ["issues < 1", "rows > 3"]\nwarn = ["error_rate < 1%"]\n'
    )
    done = gate()
    assert done.code == 1
    assert "FAILED: 1 of 4 required rules" in done.out
    assert gate("--require", "issues < 9").code == 0
    (folder / "pyproject.toml").write_text("[tool.labelaudit.gate]\nrequired = []\n")
    wrong = gate()
    assert wrong.code == 2
    assert wrong.err.startswith(
        "labelaudit: pyproject.toml [gate]: there is no setting 'required'. Did you mean require?\n"
    )


def test_github(gate: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    monkeypatch.setenv("GITHUB_OUTPUT", "outputs")
    (folder / "summary.md").write_text("before\n")
    done = gate("--require", "issues < 1")
    assert done.code == 1
    assert "::error title=issues < 1::issues is 3, not less than 1.\n" in done.out
    assert done.out.count("::warning ") == 3
    assert (folder / "summary.md").read_text().startswith("before\n## Labels: FAILED")
    assert (folder / "outputs").read_text().startswith("passed<<labelaudit_")
    silent = gate("--require", "issues < 1", "--ci", "none")
    assert "::error" not in silent.out
    data = gate("--require", "issues < 1", "--json")
    assert json.loads(data.out)["exit_code"] == 1
    assert "::error" in data.err
    monkeypatch.setenv("GITHUB_OUTPUT", str(folder / "none" / "outputs"))
    broken = gate("--require", "issues < 1")
    assert broken.code == 4
    assert "GITHUB_OUTPUT names" in broken.err


def test_gitlab(gate: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    assert gate("--require", "issues < 9").code == 0
    assert len(json.loads((folder / "gl-code-quality.json").read_text())) == 3
    assert gate("--require", "issues < 9", "-o", "gitlab:own.json").code == 0
    assert (folder / "own.json").is_file()


def test_output_that_cannot_be_written_wins_over_red(gate: Any) -> None:
    assert gate("--require", "issues < 1", "-o", "none/x.md").code == 4


def test_help_says_every_exit_code() -> None:
    text = call("check", "--help").out
    codes = re.findall(r"^ +(\d+)  +\S", text.split("Exit codes")[1], flags=re.MULTILINE)
    assert codes == [str(code.value) for code in ExitCode]
    assert "Rules:\n" in text
    assert [name for name in METRICS if f"    {name} " not in text] == []


def test_every_metric_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "check.md").read_text("utf-8")
    assert [name for name in METRICS if f"`{name}`" not in page] == []


def real(*arguments: str | Path) -> Finished:
    return call("check", *arguments, "--ci", "none")


def test_exit_codes_on_real_tables(tmp_path: Path) -> None:
    data = tmp_path / "data.parquet"
    shutil.copy(CLEAN, data)
    rule = ("--require", "error_rate.low <= 50%")
    assert real(data, *rule).code == 0
    assert real(data, "--require", "issues < 1").code == 1
    assert real(data, "--require", "eror_rate < 1%").code == 2
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(data.read_bytes()[:1000])
    assert real(broken, *rule).code == 3
    assert real(tmp_path / "none-*.parquet", *rule).code == 5
    empty = tmp_path / "empty.parquet"
    pq.write_table(pq.read_table(data).slice(0, 0), empty)
    assert real(empty, *rule).code == 5


def test_all_labels_null_is_not_green(tmp_path: Path) -> None:
    table = pq.read_table(CLEAN)
    place = table.schema.get_field_index("label")
    nulls = pa.nulls(table.num_rows, table.schema.field("label").type)
    pq.write_table(table.set_column(place, "label", nulls), tmp_path / "nulls.parquet")
    for flags in ((), ("--skip-invalid",)):
        done = real(tmp_path / "nulls.parquet", "--require", "rows > 0", *flags)
        assert done.code in (2, 3, 5), done.err
        assert "bug" not in done.err


def test_probabilities_of_other_rows_are_not_green(tmp_path: Path) -> None:
    table = pq.read_table(CLEAN)
    turned = pa.concat_tables([table.slice(700), table.slice(0, 700)])["label"]
    place = table.schema.get_field_index("label")
    data, baseline = tmp_path / "turned.parquet", tmp_path / "b.jsonl"
    pq.write_table(table.set_column(place, "label", turned), data)
    make = ("--baseline", baseline, "--update-baseline")
    assert real(CLEAN, "--require", "new_issues == 0", *make, "--accept-new").code == 0
    accepted = baseline.read_bytes()
    for rule in ("new_issues == 0", "issues[class=3] == 0", "error_rate.low <= 2%"):
        done = real(data, "--require", rule, "--baseline", baseline)
        assert done.code == 2
        assert "cannot be said of these data: the probabilities say nothing" in done.err
    assert real(data, "--require", "rows > 9").code == 0
    done = real(data, "--require", "rows > 9", *make)
    assert done.code == 2
    assert "The baseline cannot be updated" in done.err
    assert baseline.read_bytes() == accepted


def test_page_and_run_of_the_audit(tmp_path: Path) -> None:
    outputs = ("-o", tmp_path / "report.html", "-o", f"run:{tmp_path / 'run'}")
    assert real(CLEAN, "--require", "issues < 1", *outputs).code == 1
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    again = call("report", tmp_path / "run")
    assert again.code == 0, again.err
    assert "FAILED: 1 of 3" in again.out


def test_issues_are_shown_at_their_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    rows = [("a", 0.95, 0.05), ("b", 0.05, 0.95)] * 100
    for name, wrong in (("one.csv", 4), ("two.csv", 7)):
        label = {"a": "b", "b": "a"}[rows[wrong][0]]
        changed = [*rows[:wrong], (label, *rows[wrong][1:]), *rows[wrong + 1 :]]
        text = "".join(f"{given},{first},{second}\n" for given, first, second in changed)
        (tmp_path / name).write_text("label,p_a,p_b\n" + text)
    done = call(
        *("check", "one.csv", "two.csv", "--method", "predicted_neq_given", "--ci", "github"),
        *("--require", "issues < 1", "-o", "s.sarif", "-o", "gitlab:g.json"),
        cwd=tmp_path,
    )
    assert done.code == 1, done.err
    assert "file=one.csv,line=6::" in done.out
    assert "file=two.csv,line=9::" in done.out
    results = json.loads((tmp_path / "s.sarif").read_text())["runs"][0]["results"][1:]
    places = [each["locations"][0]["physicalLocation"] for each in results]
    assert sorted((p["artifactLocation"]["uri"], p["region"]["startLine"]) for p in places) == [
        ("one.csv", 6),
        ("two.csv", 9),
    ]
    entries = json.loads((tmp_path / "g.json").read_text())[1:]
    assert sorted(each["location"]["lines"]["begin"] for each in entries) == [6, 9]


def _vote(task: int, worker: int) -> str:
    """Alternating labels; the last worker errs on two tasks."""
    return "ab"[(task + (worker == 2 and task < 2)) % 2]


def test_votes_are_aggregated(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    lines = [f"t{t},w{w},{_vote(t, w)}" for t in range(9) for w in range(3)]
    path.write_text("task,worker,label\n" + "\n".join(lines) + "\n")
    done = real(path, "--require", "agreement.mean >= 90%", "--require", "votes == 27")
    assert done.code == 0, done.err
    assert real(path, "--require", "worker_accuracy.min > 99.9%").code == 1
    assert real(path, "--votes", "--require", "ties == 0", "-o", tmp_path / "c.csv").code == 0
    assert (tmp_path / "c.csv").read_text().startswith('"task","label"')
    summary = real(path, "--json", "--require", "ties == 1")
    assert summary.code == 1
    schema = files("labelaudit.reports").joinpath("crowd.schema.json").read_text("utf-8")
    jsonschema.validate(json.loads(summary.out), json.loads(schema))
    assert json.loads(summary.out)["gate"]["passed"] is False
    wrong = real(path, "--require", "issues < 3")
    assert wrong.code == 2
    assert "issues is measured on labels, and these are votes" in wrong.err
    assert "probabilities" in real(path, "--no-votes", "--require", "rows > 1").err
    assert real(path, "--require", "rows > 1", "--group", "task").code == 2
    assert real(path, "--require", "rows > 1", "-o", "joint:j.csv").code == 2
    baseline = ("--baseline", "b", "--update-baseline", "--accept-new")
    assert real(path, *baseline).code == 2


def test_handwritten_numerals() -> None:
    data = realdata.path("errors/roman--resnet18.parquet")
    assert real(data, "--require", "error_rate.low <= 50%").code == 0
    assert real(data, "--require", "error_rate.high <= 2%").code == 1


def test_tables_with_several_labels_per_row(tmp_path: Path) -> None:
    names, codes = ["sky", "sea"], range(200)
    labels = [[name for k, name in enumerate(names) if (i >> k) & 1] for i in codes]
    probs = [[0.95 if (i >> k) & 1 else 0.05 for k in range(2)] for i in codes]
    labels[0], labels[3] = ["sky"], ["sea"]
    table = pa.table({"id": codes, "labels": labels, "pred_probs": probs})
    pq.write_table(table, tmp_path / "tags.parquet")
    flags = ("--classes", "sky,sea", "--method", "predicted_neq_given", "--force")
    data = (tmp_path / "tags.parquet", *flags, "-o", tmp_path / "s.json")
    accepted = ("--baseline", tmp_path / "b.jsonl")
    rules = (
        *("--require", "issues[class=sky] == 2", "--require", "issues[class=sea] == 0"),
        *("--require", "issues[class=sky,given=present,suggested=absent] == 1"),
        *("--require", "rows[class=sky] == 100", "--require", "min_class_rows >= 100"),
    )
    done = real(*data, *rules, *accepted, "--update-baseline", "--accept-new")
    assert done.code == 0, done.out + done.err
    assert "(add it)" not in done.out
    summary = json.loads((tmp_path / "s.json").read_text())
    schema = files("labelaudit.reports").joinpath("tags.schema.json").read_text("utf-8")
    jsonschema.validate(summary, json.loads(schema))
    lines = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()[1:]]
    assert sorted((each["issue_type"], each["class"], each["key"]) for each in lines) == [
        ("extra_label", "sky", 0),
        ("missing_label", "sky", 3),
    ]
    assert real(*data, "--require", "new_issues == 0", *accepted).code == 0
    assert real(*data, "--require", "issues[given=sky] == 0").code == 2
    assert real(*data, "--require", "rows > 0", "-o", "joint:j.csv").code == 2
