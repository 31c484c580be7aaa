"""Flag over environment over file over default; everything wrong is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import FakeApi


def settings_of(api: FakeApi) -> Any:
    return api.asked["settings"]


def test_precedence(pets: Any, api: FakeApi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pyproject.toml").write_text(
        '[tool.labelaudit]\nmethod = "both"\nseed = 5\ntop = 3\n'
    )
    assert pets().code == 0
    assert (settings_of(api).method, settings_of(api).seed) == ("both", 5)
    monkeypatch.setenv("LABELAUDIT_METHOD", "rcp")
    monkeypatch.setenv("LABELAUDIT_SEED", "6")
    assert pets().code == 0
    assert (settings_of(api).method, settings_of(api).seed) == ("rcp", 6)
    assert pets("--seed", "7").code == 0
    assert (settings_of(api).method, settings_of(api).seed, settings_of(api).top) == ("rcp", 7, 3)


def test_empty_variable_is_none(pets: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELAUDIT_METHOD", "")
    assert pets().code == 0
    assert settings_of(api).method == "rcp"


def test_own_file_wins_over_the_project(pets: Any, api: FakeApi, folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.labelaudit]\nseed = 5\ntop = 4\n")
    (folder / "labelaudit.toml").write_text("seed = 6\n")
    assert pets().code == 0
    assert settings_of(api).seed == 6
    assert settings_of(api).top is None


def test_found_above_but_not_above_the_repository(folder: Path, api: FakeApi) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (folder / "labelaudit.toml").write_text("seed = 6\n")
    assert call("find-issues", "../../pets.parquet", cwd=inner).code == 0
    assert settings_of(api).seed == 6
    (folder / "a" / ".git").mkdir()
    assert call("find-issues", "../../pets.parquet", cwd=inner).code == 0
    assert settings_of(api).seed == 0


def test_project_of_others_is_not_read(pets: Any, api: FakeApi, folder: Path) -> None:
    (folder / "pyproject.toml").write_text("this is no TOML, and none of our business")
    assert pets().code == 0


@pytest.mark.parametrize(
    "text",
    ["[tool]\nlabelaudit = 3\n", '[tool]\n"labelaudit" = []\n', "tool.labelaudit = true\n"],
)
def test_settings_that_are_no_table(pets: Any, folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)
    done = pets()
    assert done.code == 2
    assert done.err == (
        "labelaudit: pyproject.toml: tool.labelaudit is not a table.\n"
        "Mend or remove these settings.\n"
    )


@pytest.mark.parametrize("text", ["tool = 3\n", '[tool.x]\ny = "tool.labelaudit"\n'])
def test_projects_without_settings(pets: Any, api: FakeApi, folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)
    assert pets().code == 0


def test_tables_written_otherwise(pets: Any, api: FakeApi, folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[ tool . "labelaudit" ]\nseed = 5\n')
    assert pets().code == 0
    assert settings_of(api).seed == 5
    (folder / "pyproject.toml").write_text("[tool]\nlabelaudit.seed = 6\n")
    assert pets().code == 0
    assert settings_of(api).seed == 6


def test_classes_that_look_like_numbers(pets: Any, api: FakeApi, folder: Path) -> None:
    (folder / "labelaudit.toml").write_text('classes = [1, true, "a,b"]\nskip-invalid = true\n')
    assert pets().code == 0
    assert api.asked["source"].classes == ("1", "true", "a,b")


def test_named_file(pets: Any, api: FakeApi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "labelaudit.toml").write_text("seed = 1\n")
    (folder / "mine.toml").write_text("[tool.labelaudit]\nseed = 6\n")
    assert pets("--config", "mine.toml").code == 0
    assert settings_of(api).seed == 6
    monkeypatch.setenv("LABELAUDIT_CONFIG", "mine.toml")
    assert pets().code == 0
    assert settings_of(api).seed == 6


def test_table_of_a_command(pets: Any, api: FakeApi, folder: Path) -> None:
    (folder / "labelaudit.toml").write_text(
        "seed = 1\n[find-issues]\nseed = 2\ntop = 5\n[inspect]\nthreads = 9\n"
    )
    assert pets().code == 0
    assert (settings_of(api).seed, settings_of(api).top) == (2, 5)
    assert api.asked["threads"] is None


def test_setting_of_another_command_does_no_harm(folder: Path, api: FakeApi) -> None:
    (folder / "labelaudit.toml").write_text('method = "both"\nlabels = "label"\n')
    done = call("inspect", "pets.parquet", cwd=folder)
    assert done.code == 0
    assert "label (string), labelaudit.toml\n" in done.out


def test_byte_order_mark_and_misspelt_command(pets: Any, api: FakeApi, folder: Path) -> None:
    (folder / "labelaudit.toml").write_bytes(b'\xef\xbb\xbfmethod = "both"\r\n')
    assert pets().code == 0
    assert settings_of(api).method == "both"
    (folder / "labelaudit.toml").write_text("[find-issue]\ntop = 3\n")
    assert pets().err.startswith(
        "labelaudit: labelaudit.toml: there is no command 'find-issue'. Did you mean find-issues?"
    )


def test_kinds_of_values(pets: Any, api: FakeApi, folder: Path) -> None:
    (folder / "labelaudit.toml").write_text(
        'labels = "label"\nprobs = ["pred_probs"]\nkeep = "site,id"\n'
        'classes = ["cat", "dog", "fox"]\n'
        'all = true\nmemory = "2GiB"\nthreads = 2\nfrac-noise = 0.5\nmin_examples_per_class = 2\n'
        'quiet = true\noutput = ["x.csv", "y.json"]\nverbose = 1\n'
    )
    done = pets("--no-all")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert settings_of(api).every_row is False
    assert settings_of(api).frac_noise == 0.5
    assert settings_of(api).min_examples_per_class == 2
    assert api.asked["memory"] == 2**31
    assert api.asked["source"].roles.keep == ("site", "id")
    assert (folder / "y.json").is_file()


def test_variables_of_every_kind(pets: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "PROBS": "pred_probs",
        "KEEP": "site,id",
        "OUTPUT": 'x.csv,"y,z.json"',
        "ALL": "true",
        "MEMORY": "2GiB",
        "MIN_EXAMPLES_PER_CLASS": "3",
        "CLASSES": "cat,dog,fox",
        "VERBOSE": "1",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"LABELAUDIT_{name}", value)
    done = pets()
    assert done.code == 0, done.err
    assert settings_of(api).every_row
    assert settings_of(api).min_examples_per_class == 3
    assert api.asked["memory"] == 2**31
    assert "LABELAUDIT_PROBS\n" in done.out
    assert "Wrote y,z.json (summary)\n" in done.out
    assert "\nDetails\n" in done.out


def test_everything_wrong_at_once(
    pets: Any, api: FakeApi, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "labelaudit.toml").write_text(
        'labls = "x"\nthreads = "many"\nall = "yes"\nlabels = true\nversion = true\n'
        'method = ["both"]\n[find-issues]\ntopp = 3\n[inspect]\ntop = 3\n'
    )
    monkeypatch.setenv("LABELAUDIT_SEED", "x")
    done = pets()
    assert done.code == 2
    assert api.asked == {}
    lines = done.err.splitlines()
    assert lines[0] == (
        "labelaudit: labelaudit.toml: there is no setting 'labls'. Did you mean labels?"
    )
    assert lines[1:] == [
        "labelaudit.toml: threads: 'many' is not a whole number.",
        "labelaudit.toml: all: write true or false.",
        "labelaudit.toml: labels: true and false do not fit.",
        "labelaudit.toml: there is no setting 'version'. Did you mean decisions?",
        "labelaudit.toml: method: write one value, not a list.",
        "labelaudit.toml [find-issues]: there is no setting 'topp'. Did you mean top?",
        "labelaudit.toml [inspect]: there is no setting 'top'.",
        "LABELAUDIT_SEED: seed: 'x' is not a whole number.",
        "Mend or remove these settings.",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed = = 1", "The settings file mine.toml is not TOML: "),
        ("tool = 3", "mine.toml: tool.labelaudit is not a table."),
        ("find-issues = 3", "mine.toml [find-issues]: not a table."),
        (
            "frac-noise = 0.5\nfrac_noise = 0.2",
            "mine.toml: frac-noise and frac_noise are one setting; write one.",
        ),
        ('output = ["a.csv", ["b.csv"]]', "mine.toml: output: write a list of words."),
        ("seed = {a = 1}", "mine.toml: seed: a table is not a value of this setting."),
    ],
)
def test_files_that_are_wrong(pets: Any, folder: Path, text: str, says: str) -> None:
    (folder / "mine.toml").write_text(text)
    done = pets("--config", "mine.toml")
    assert done.code == 2
    assert says in done.err


def test_named_file_must_exist(pets: Any) -> None:
    done = pets("--config", "none.toml")
    assert done.code == 2
    assert done.err == (
        "labelaudit: The settings file none.toml cannot be read: No such file or directory.\n"
        "Name a readable TOML file, or leave --config out.\n"
    )


def test_misspelt_variable_is_told(pets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELAUDIT_METHD", "both")
    monkeypatch.setenv("LABELAUDIT_SOMETHING_OF_SOMEBODY_ELSE", "x")
    assert pets().err == (
        "labelaudit: warning: The environment variable LABELAUDIT_METHD is not read. "
        "Did you mean LABELAUDIT_METHOD?\n"
    )
    assert pets("-q").err == ""


def test_files_are_looked_for_from_the_folder_of_the_settings(folder: Path) -> None:
    inner = folder / "a"
    inner.mkdir()
    data = FIXTURES / "noisy/digits/data.parquet"
    (folder / "labelaudit.toml").write_text(
        '[gate]\nrequire = ["new_issues == 0"]\nbaseline = "lists/accepted.jsonl"\n'
        'classes = "@lists/classes.txt"\n[aggregate]\ngold = "gold"\n'
        '[export]\ndecisions = ["lists/decisions.csv"]\n'
    )
    (folder / "lists").mkdir()
    (folder / "lists/classes.txt").write_text("\n".join(map(str, range(10))) + "\n")
    (folder / "lists/decisions.csv").write_text("key,given_label,decision,new_label\n")
    update = ("--update-baseline", "--accept-new", "-q")
    assert call("check", data, *update, cwd=inner).code == 0
    assert (folder / "lists/accepted.jsonl").exists()
    for where, shown in ((inner, "../lists/"), (folder, "lists/")):
        done = call("check", data, cwd=where)
        assert (done.code, f"Baseline  {shown}accepted.jsonl: 152 of" in done.out) == (0, True)
        assert call("export", data, "--dry-run", cwd=where).code == 0
        shown_settings = call("config", "show", "aggregate", cwd=where).out.split("\n")
        assert ["gold", "gold"] in [line.split()[:2] for line in shown_settings]
    done = call("check", data, "--baseline", "lists/accepted.jsonl", cwd=inner)
    assert done.code == 2


def test_gold_labels_are_a_column_or_a_file(folder: Path) -> None:
    inner = folder / "a"
    inner.mkdir()
    (folder / "labelaudit.toml").write_text('[aggregate]\ngold = "gold.csv"\n')
    for shown in ("gold.csv", "../gold.csv"):
        lines = call("config", "show", "aggregate", cwd=inner).out.split("\n")
        assert ["gold", shown] in [line.split()[:2] for line in lines]
        (folder / "gold.csv").write_text("task,label\n1,2\n")
