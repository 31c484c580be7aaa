"""``labelaudit aggregate`` end to end."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.audits.crowd.methods import METHODS
from labelaudit.cli.vote_options import _METHODS, _SOFT
from tests import realdata
from tests.crowd_votes import SETS
from tests.in_process import FIXTURES, Finished, call

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads(files("labelaudit.reports").joinpath("crowd.schema.json").read_text("utf-8"))
CONSENSUS = [
    *("task", "label", "confidence", "runner_up", "runner_up_confidence", "n_votes"),
    *("agreement", "entropy", "tie", "majority_label"),
]
WORKERS = [
    *("worker", "n_votes", "accuracy", "accuracy_low", "accuracy_high", "agreement"),
    *("spammer_score", "worst_pair"),
]
DIGITS = FIXTURES / "noisy" / "votes" / "data.parquet"


def some_votes(n: int = 60, seed: int = 0) -> pa.Table:
    """Votes of five workers on ``n`` tasks with three classes, in no order."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    task = np.repeat(np.arange(n), 5)
    worker = np.tile(np.arange(5), n)
    right = rng.random(len(task)) < np.array([0.9, 0.8, 0.75, 0.6, 0.34])[worker]
    label = np.where(right, truth[task], rng.integers(0, 3, len(task)))
    kept = rng.permutation(len(task))[: 4 * n]
    names = np.array(["cat", "dog", "fox"])[label[kept]]
    ids = np.array([f"t{i:03d}" for i in range(n)])[task[kept]]
    people = np.array(["ann", "bob", "cy", "di", "eve"])[worker[kept]]
    return pa.table({"task": ids, "worker": people, "label": names})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()  # settings files are not looked for above
    pq.write_table(some_votes(), tmp_path / "votes.parquet")
    return tmp_path


def run(folder: Path, *arguments: str) -> Finished:
    return call("aggregate", "votes.parquet", *arguments, cwd=folder)


def summary(folder: Path, *arguments: str) -> dict[str, Any]:
    done = run(folder, *arguments, "--json", "-q")
    assert (done.code, done.err) == (0, "")
    document: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(document, SCHEMA)
    return document


def test_all_outputs(folder: Path) -> None:
    outputs = ["c.parquet", "workers:w.csv", "confusion:conf.csv", "soft:s.parquet"]
    outputs += ["top-two:t.csv", "s.json", "r.txt"]
    done = run(folder, *[word for name in outputs for word in ("-o", name)])
    assert done.code == 0, done.err
    assert (folder / "r.txt").read_text("utf-8") == done.out
    consensus = pq.read_table(folder / "c.parquet")
    assert consensus.column_names == CONSENSUS
    assert consensus["task"].to_pylist() == sorted(consensus["task"].to_pylist())
    assert pa_csv.read_csv(folder / "w.csv").column_names == WORKERS
    confusion = pa_csv.read_csv(folder / "conf.csv")
    assert confusion.column_names == ["worker", "true", "given", "probability"]
    assert confusion.num_rows == 5 * 3 * 3
    by_row = confusion.group_by(["worker", "true"]).aggregate([("probability", "sum")])
    np.testing.assert_allclose(by_row["probability_sum"], 1.0)
    top_two = pa_csv.read_csv(folder / "t.csv").to_pylist()
    assert all(row["first"] != row["second"] for row in top_two)
    jsonschema.validate(json.loads((folder / "s.json").read_text("utf-8")), SCHEMA)
    for name in outputs:
        assert f"Wrote {name.split(':')[-1]}" in done.out


def test_soft_labels_are_probabilities_for_find_issues(folder: Path) -> None:
    assert run(folder, "-q", "-o", "soft:soft.parquet", "--soft", "dawid-skene").code == 0
    soft = pq.read_table(folder / "soft.parquet")
    assert soft.column_names == ["task", "label", "probs"]
    assert json.loads(soft.schema.metadata[b"classes"]) == ["cat", "dog", "fox"]
    np.testing.assert_allclose([sum(row) for row in soft["probs"].to_pylist()], 1.0)
    done = call("find-issues", "soft.parquet", "--json", "-q", cwd=folder)
    assert done.code == 0, done.err
    mapping = json.loads(done.out)["mapping"]
    assert mapping["classes"] == ["cat", "dog", "fox"]
    assert mapping["class_order"] == "Hugging Face ClassLabel"


def test_top_two_has_confusion_probabilities(folder: Path) -> None:
    assert run(folder, "-q", "-o", "c.csv", "--method", "top-two").code == 0
    consensus = pa_csv.read_csv(folder / "c.csv")
    assert consensus.column_names == [*CONSENSUS[:5], "confusion_probability", *CONSENSUS[5:]]
    assert all(0.5 <= q <= 1.0 for q in consensus["confusion_probability"].to_pylist())


def test_report_fits_and_says_what_matters(folder: Path) -> None:
    done = run(folder)
    assert done.code == 0
    assert max(map(len, done.out.splitlines()[:-1])) <= 80
    assert "240 votes by 5 workers give 60 labels for 60 tasks." in done.out
    for words in ("Krippendorff's alpha", "majority vote", "Most confused", "another vote"):
        assert words in done.out
    assert done.out.splitlines()[-1] == (
        "  labelaudit aggregate votes.parquet -o consensus.csv -o workers:workers.csv"
    )


def test_next_command_works(folder: Path) -> None:
    done = run(folder, "--method", "majority", "--duplicates", "first")
    words = done.out.split("Next:\n")[1].replace(" \\\n", " ").split()
    assert words[3:7] == ["--duplicates", "first", "--method", "majority"]
    assert call(*words[1:], cwd=folder).code == 0
    assert (folder / "consensus.csv").exists()


def tables(folder: Path, data: str, *arguments: str) -> tuple[bytes, bytes]:
    outputs = ["-o", "c.csv", "-o", "workers:w.csv", "--force", "-q", *arguments]
    done = call("aggregate", data, *outputs, cwd=folder)
    assert done.code == 0, done.err
    return (folder / "c.csv").read_bytes(), (folder / "w.csv").read_bytes()


def to_wide(long: pa.Table) -> pa.Table:
    rows: dict[str, dict[str, str]] = {}
    for row in long.to_pylist():
        rows.setdefault(row["task"], {})[row["worker"]] = row["label"]
    names = sorted(set(long["worker"].to_pylist()), reverse=True)
    columns = {name: [votes.get(name) for votes in rows.values()] for name in names}
    return pa.table({"task": list(rows), **columns})


@pytest.mark.parametrize("method", sorted(METHODS))
def test_format_layout_and_order_do_not_matter(folder: Path, method: str) -> None:
    votes = some_votes()
    expected = tables(folder, "votes.parquet", "--method", method)
    mixed = votes.take(pa.array(np.random.default_rng(1).permutation(votes.num_rows)))
    pa_csv.write_csv(mixed, folder / "mixed.csv")
    pq.write_table(to_wide(mixed), folder / "wide.parquet", row_group_size=7)
    rows = [json.dumps(row) for row in votes.rename_columns(["id", "rater", "vote"]).to_pylist()]
    (folder / "votes.jsonl").write_text("\n".join(rows), "utf-8")
    for name in ("mixed.csv", "wide.parquet", "votes.jsonl"):
        assert tables(folder, name, "--method", method, "--threads", "1") == expected, name


def test_names_of_tasks_and_workers_do_not_matter(folder: Path) -> None:
    votes = some_votes()
    ids = [9_007_199_254_740_993 - int(name[1:]) for name in votes["task"].to_pylist()]
    people = [{"ann": "z", "eve": "b"}.get(name, name) for name in votes["worker"].to_pylist()]
    renamed = pa.table({"task": ids, "worker": people, "label": votes["label"]})
    pq.write_table(renamed, folder / "renamed.parquet")
    tables(folder, "votes.parquet")
    before = pa_csv.read_csv(folder / "c.csv").to_pylist()
    tables(folder, "renamed.parquet")
    after = pa_csv.read_csv(folder / "c.csv").to_pylist()
    assert [row["task"] for row in after] == sorted(set(ids))
    assert [{**row, "task": 0} for row in after] == [{**row, "task": 0} for row in before[::-1]]


def test_python_gives_the_same(folder: Path) -> None:
    votes = some_votes()
    run(folder, "-q", "-o", "c.parquet", "-o", "workers:w.parquet", "-o", "confusion:f.parquet")
    by_path = labelaudit.aggregate(folder / "votes.parquet")
    by_table = labelaudit.aggregate(votes)
    by_array = labelaudit.aggregate(*(votes[name].to_numpy() for name in votes.column_names))
    for result in (by_path, by_table, by_array):
        assert result.consensus.equals(pq.read_table(folder / "c.parquet"))
        assert result.workers.equals(pq.read_table(folder / "w.parquet"))
        assert result.confusion is not None
        assert result.confusion.equals(pq.read_table(folder / "f.parquet"))
    assert len(by_path) == 60
    assert by_path.to_pandas().columns.tolist() == CONSENSUS


def test_gold_clamps_and_is_told(folder: Path) -> None:
    (folder / "gold.csv").write_text("task,label\nt000,fox\nt001,cat\n", "utf-8")
    found = summary(folder, "--gold", "gold.csv", "-o", "c.csv")
    first = pa_csv.read_csv(folder / "c.csv").slice(0, 2).to_pylist()
    assert [row["label"] for row in first] == ["fox", "cat"]
    assert [row["confidence"] for row in first] == pytest.approx([1.0, 1.0])
    assert found["counts"]["gold"] == 2
    assert found["gold_accuracy"]["tasks"] == 2
    for way in ("method", "majority"):
        assert found["gold_accuracy"][way]["value"] in (0.0, 0.5, 1.0)
    done = run(folder, "--gold", "gold.csv")
    assert "Of 2 known labels, when they are hidden, auto" in " ".join(done.out.split())


def test_counts_of_what_is_left_out(folder: Path) -> None:
    extra = pa.table(
        {
            "task": ["t000", "t000", "new", None],
            "worker": ["ann", "ann", "bob", "bob"],
            "label": ["cat", "dog", "skip", "cat"],
        }
    )
    pq.write_table(pa.concat_tables([some_votes(), extra]), folder / "votes.parquet")
    found = summary(folder, "--abstain", "skip")
    counts = found["counts"]
    assert (counts["tasks"], counts["labelled_tasks"], counts["rows"]) == (61, 60, 244)
    assert (counts["abstained"], counts["nameless"], counts["dropped"]) == (1, 1, 1)
    assert counts["votes"] == 241
    assert any("1 task has no votes" in warning for warning in found["warnings"])


def test_levels_of_agreement(folder: Path) -> None:
    done = summary(folder, "--ordered", "ordinal", "--classes", "fox,cat,dog")
    assert done["agreement"]["level"] == "ordinal"
    assert done["mapping"]["class_order"] == "--classes"


def test_warnings_about_the_shape(folder: Path) -> None:
    lonely = some_votes().slice(0, 30).set_column(1, "worker", pa.array(["ann"] * 30))
    pq.write_table(lonely, folder / "votes.parquet")
    done = run(folder, "--duplicates", "first")
    assert done.code == 0
    assert "Warning: All votes are by one annotator" in done.out
    one = some_votes().set_column(2, "label", pa.array(["cat"] * 240))
    pq.write_table(one, folder / "votes.parquet")
    done = run(folder)
    assert done.code == 0
    assert "nothing to decide" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--method", "dawid"), 2, "Did you mean dawid-skene?"),
        (("--method", "ds"), 2, "Choose one of auto"),
        (("--soft", "glad"), 2, "-o soft:soft.parquet"),
        (("--excel", "-o", "c.parquet"), 2, "no output is CSV"),
        (("--duplicates", "some"), 2, "last, first, all, error"),
        (("-o", "votes.parquet"), 2, "is the input votes.parquet"),
        (("-o", "votes.parquet", "--force"), 2, "never overwritten"),
        (("-o", "worker:w.csv"), 2, "Did you mean workers?"),
        (("-o", "foo:w.csv"), 2, "Choose of consensus, workers"),
        (("-o", "issues.pdf"), 2, ".pdf"),
        (("-w", "task", "-l", "task"), 2, "both the workers and the labels"),
        (("--json", "-o", "-"), 2, "both go to standard output"),
        (("-w", "rater_*"), 2, "matches no column"),
        (("--classes", "cat,dog"), 3, "fox"),
        (("--classes", "cat,dog,fox", "--abstain", "fox"), 2, "no vote (--abstain)"),
        (("--memory", "10MB"), 4, "Raise --memory"),
    ],
)
def test_refused(folder: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    before = sorted(folder.iterdir())
    done = run(folder, *arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert len(done.err.splitlines()) == 2
    assert sorted(folder.iterdir()) == before


def test_dry_run_reads_and_writes_nothing(folder: Path) -> None:
    done = run(folder, "--dry-run", "-o", "c.csv")
    assert done.code == 0
    assert "240 rows would be read, nothing was" in done.out
    assert not (folder / "c.csv").exists()
    plan = json.loads(run(folder, "--dry-run", "--json").out)
    assert (plan["rows"], plan["layout"], plan["method"]) == (240, "long", "auto")


def test_settings_file_and_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[aggregate]\nmethod = "majority"\nduplicates = "first"\nabstain = ["dog"]\n'
    (folder / "labelaudit.toml").write_text(text, "utf-8")
    assert summary(folder)["method"] == "majority"
    assert summary(folder)["mapping"]["classes"] == ["cat", "fox"]
    monkeypatch.setenv("LABELAUDIT_METHOD", "wawa")
    assert summary(folder)["method"] == "wawa"
    assert summary(folder, "--method", "zbs")["method"] == "zbs"


def test_text_from_data_is_made_safe(folder: Path) -> None:
    odd = {"ann": "\x1b[31mred", "bob": "[/]", "cy": "=1+1"}
    votes = some_votes()
    people = [odd.get(name, name) for name in votes["worker"].to_pylist()]
    labels = ["a\x1bb" if name == "cat" else name for name in votes["label"].to_pylist()]
    pq.write_table(
        pa.table({"task": votes["task"], "worker": people, "label": labels}),
        folder / "votes.parquet",
    )
    done = run(folder, "-o", "workers:w.csv", "--excel")
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert '"\'=1+1"' in (folder / "w.csv").read_text("utf-8")


def test_every_method_is_named_in_the_help() -> None:
    from labelaudit.audits.crowd.aggregating import SOFT

    assert sorted(_METHODS) == sorted(METHODS)
    assert _SOFT == SOFT


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_on_real_votes(tmp_path: Path, name: str, method: str) -> None:
    data = realdata.path(f"crowd/{name}.parquet")
    truth = pq.read_table(realdata.path(f"crowd/{name}.truth.parquet"))
    target = tmp_path / "c.parquet"
    done = call("aggregate", data, "--method", method, "--json", "-q", "-o", target)
    assert done.code == 0, done.err
    jsonschema.validate(json.loads(done.out), SCHEMA)
    labels = dict(
        zip(*pq.read_table(target, columns=["task", "label"]).to_pydict().values(), strict=True)
    )
    known = dict(zip(truth["task"].to_pylist(), truth["truth"].to_pylist(), strict=True))
    given = [task for task in known if labels.get(task) is not None]
    right = sum(labels[task] == known[task] for task in given)
    assert right >= 0.5 * len(given)


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("classes", [1, 2])
def test_few_classes(folder: Path, method: str, classes: int) -> None:
    votes = some_votes()
    labels = [
        name if classes == 2 and name == "cat" else "dog" for name in votes["label"].to_pylist()
    ]
    pq.write_table(votes.set_column(2, "label", pa.array(labels)), folder / "votes.parquet")
    warnings = summary(folder, "--method", method, "-o", "top-two:t.csv")["warnings"]
    said = "nothing to decide" if classes == 1 else "top-two is for three classes or more"
    assert [warning for warning in warnings if said in warning]


def test_digits(tmp_path: Path) -> None:
    done = call("aggregate", DIGITS, cwd=tmp_path)
    assert done.code == 0
    assert "Workers at or near chance" in done.out
    assert "  zed " in done.out


def test_soft_labels_that_contradict_the_consensus_are_told(folder: Path) -> None:
    outputs = ("-o", "soft:s.parquet", "-o", "consensus:c.parquet")
    found = summary(folder, *outputs, "--soft", "share", "--classes", "fox,dog,cat")
    soft, labels = pq.read_table(folder / "s.parquet"), pq.read_table(folder / "c.parquet")["label"]
    best = np.array(["fox", "dog", "cat"])[np.argmax(soft["probs"].to_pylist(), axis=1)]
    apart = int((best != np.array(labels.to_pylist())).sum())
    assert found["counts"]["soft_differs"] == apart > 0
    assert [note for note in found["notes"] if f"on {apart} of 60 tasks their most" in note]
    same = summary(folder, "-o", "soft:same.parquet", "--soft", "auto")
    assert same["counts"]["soft_differs"] == 0
    assert not [note for note in same["notes"] if "soft labels" in note]


def test_the_top_two_table_under_another_method_is_explained(folder: Path) -> None:
    notes = summary(folder, "-o", "top-two:t.csv", "-m", "majority")["notes"]
    assert [note for note in notes if note.startswith("The top-two table is made by top-two")]
    notes = summary(folder, "-o", "top-two:u.csv", "-m", "top-two")["notes"]
    assert not [note for note in notes if "The top-two table" in note]


@pytest.mark.parametrize("form", ["parquet", "arrow", "csv", "jsonl"])
def test_find_issues_knows_soft_labels(folder: Path, form: str) -> None:
    assert run(folder, "-q", "-o", f"soft:s.{form}").code == 0
    done = call("find-issues", f"s.{form}", "--json", "-q", cwd=folder)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["mapping"]["key"] == "task"
    assert [words for words in found["warnings"] if "no model's out-of-sample" in words]
    soft = labelaudit.aggregate(folder / "votes.parquet", soft="average").soft
    assert soft is not None
    mine = soft.append_column("mine", soft["probs"])
    assert labelaudit.find_issues(mine, probs="mine").warnings == ()


def test_an_abstention_that_nobody_gave_is_told(folder: Path) -> None:
    warnings = summary(folder, "--abstain", "Fox", "--abstain", "dog")["warnings"]
    assert "No label is 'Fox', which --abstain names. Did you mean 'fox'?" in warnings


def test_shares_of_votes_are_exact(folder: Path) -> None:
    run(folder, "-q", "-o", "c.csv", "-m", "majority")
    rows = pa_csv.read_csv(folder / "c.csv").to_pylist()
    assert [row["confidence"] for row in rows] == [row["agreement"] for row in rows]


def test_convergence_is_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert summary(folder)["converged"]
    monkeypatch.setattr("labelaudit.audits.crowd.ebcc.STEPS", 2)
    found = summary(folder)
    assert not found["converged"]
    assert [note for note in found["notes"] if "stopped in 3 of 3 starts after 2 steps" in note]
    assert found["warnings"] == []


@pytest.mark.parametrize("classes", [3, 2])
def test_the_page_shows_the_two_best_answers(folder: Path, classes: int) -> None:
    votes = some_votes()
    keep = [label != "fox" or classes == 3 for label in votes["label"].to_pylist()]
    pq.write_table(votes.filter(keep), folder / "few.parquet")
    done = call("aggregate", "few.parquet", "-q", "-o", "page.html", "-o", "run:saved", cwd=folder)
    assert done.code == 0, done.err
    assert "three classes or more" not in (folder / "saved" / "run.json").read_text("utf-8")
    page = (folder / "page.html").read_text("utf-8")
    assert ("Tasks with two answers" in page) == (classes == 3)
