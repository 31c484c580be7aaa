"""The file of accepted issues: made, read, updated, and broken in every way."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.errors import ConfigError
from labelaudit.gate.baseline import Baseline, read_baseline
from labelaudit.gate.judging import Accepted, judge_labels
from labelaudit.gate.rules import parsed_rules
from tests.reports import builders

if TYPE_CHECKING:
    from labelaudit.verdicts import Verdict

HEADER = '{"labelaudit": "accepted issues", "version": 1, "metrics": {"rows": 9}}'
LINE = '{"issue_id": "%s", "key": 1, "given_label": "cat", "issue_type": "label_error"}'


def run(
    baseline: Baseline, n: int = 3, rule: str = "rows > 1", **flags: bool
) -> tuple[Verdict, Baseline | None]:
    rules = parsed_rules([rule, "invalid_rows <= 2"], [])
    return judge_labels(builders.result(n), rules, Accepted(baseline, **flags))


def created(n: int = 3) -> Baseline:
    _, made = run(Baseline("b.jsonl"), n, update=True, accept_new=True)
    assert made is not None
    return made


def through_file(baseline: Baseline, folder: Path) -> Baseline:
    path = folder / "b.jsonl"
    path.write_text(baseline.text(), "utf-8")
    return read_baseline(str(path))


def test_text_is_a_header_and_sorted_lines() -> None:
    header, *lines = created().text().splitlines()
    assert json.loads(header) == {
        "labelaudit": "accepted issues",
        "version": 1,
        "metrics": {
            "rows": 1000,
            "invalid_rows": 2,
            "issues": 3,
            "error_rate": 0.03,
            "error_rate.low": 0.002,
            "error_rate.point": 0.03,
            "error_rate.high": 0.04,
            "class_error_rate.max": 0.06,
            "min_class_rows": 198,
            "mean_quality": 0.97,
        },
    }
    assert lines == [
        f'{{"issue_id": "{i:016x}", "key": "id-{i}", "given_label": "cat", '
        '"issue_type": "label_error"}'
        for i in range(3)
    ]


def test_file_gives_back_what_was_written(tmp_path: Path) -> None:
    made = created()
    found = through_file(made, tmp_path)
    assert found.entries == made.entries
    assert found.metrics == made.metrics
    assert found.metrics["error_rate.low"] == Fraction(2, 1000)


def test_new_and_resolved_issues(tmp_path: Path) -> None:
    baseline = through_file(created(2), tmp_path)
    verdict, written = run(baseline, 3, "new_issues == 1")
    assert written is None
    assert verdict.passed
    assert [line.issue_id for line in verdict.worst] == [f"{2:016x}"]
    match = verdict.baseline
    assert match is not None
    assert (match.accepted, match.matched, match.resolved, match.new) == (2, 2, 0, 1)
    fewer, _ = run(through_file(created(3), tmp_path), 2, "resolved_issues[class=cat] == 1")
    assert fewer.passed
    assert fewer.worst == ()


def test_metrics_of_the_baseline(tmp_path: Path) -> None:
    baseline = through_file(created(2), tmp_path)
    for rule in (
        "issues == baseline.issues + 1",
        "issues[class=cat] > baseline.issues[class=cat]",
        "error_rate <= baseline.error_rate",
        "error_rate.low / baseline.error_rate.low <= 1.1",
    ):
        assert run(baseline, 3, rule)[0].passed, rule


def test_update_drops_and_keeps_but_does_not_add(tmp_path: Path) -> None:
    made = created(3)
    reasons = tuple({**entry, "reason": "checked", "by": 7.5} for entry in made.entries)
    baseline = through_file(Baseline("b", reasons, made.metrics), tmp_path)
    verdict, written = run(baseline, 2, update=True)
    assert written is not None
    assert written.ids == (f"{0:016x}", f"{1:016x}")
    assert all(entry["reason"] == "checked" for entry in written.entries)
    assert '"by": 7.5' in written.text()
    assert verdict.baseline is not None
    assert verdict.baseline.written == "Updated: 1 dropped."
    verdict, written = run(through_file(created(1), tmp_path), 3, "new_issues == 2", update=True)
    assert written is not None
    assert len(written.entries) == 1
    assert verdict.passed
    assert verdict.baseline is not None
    assert verdict.baseline.written == (
        "Updated: nothing to change. 2 new not added, for want of --accept-new."
    )


def test_accepting_is_judged_by_what_is_written(tmp_path: Path) -> None:
    verdict, written = run(Baseline("b"), 3, "new_issues == 0", update=True, accept_new=True)
    assert verdict.passed
    assert verdict.baseline is not None
    assert verdict.baseline.written == "Updated: created, 3 added."
    assert written is not None
    assert len(written.entries) == 3
    baseline = through_file(created(1), tmp_path)
    verdict, _ = run(baseline, 3, "issues <= baseline.issues", update=True, accept_new=True)
    assert verdict.passed
    verdict, _ = run(
        Baseline("b", (), {"rows": Fraction(9)}), 3, "rows == baseline.rows", update=True
    )
    assert not verdict.passed


def test_changed_label_resolves_its_issue() -> None:
    from labelaudit.tables.issue_ids import issue_ids

    keys = pa.array(["a", "b"])
    cat, dog = (issue_ids([("label_error", "", name)], [0, 0], keys) for name in ("cat", "dog"))
    entries = tuple({"issue_id": each} for each in cat.to_pylist())
    assert set(Baseline("b", entries).ids).isdisjoint(dog.to_pylist())


def test_what_a_reviewer_could_not_see_is_spelled_out(tmp_path: Path) -> None:
    entry = {
        "issue_id": "0" * 16,
        "key": "a\u202eb",
        "given_label": "é\U000e0041",
        "issue_type": "x",
    }
    text = Baseline("b", (entry,), {}).text()
    assert '"a\\u202eb"' in text
    assert '"é\\udb40\\udc41"' in text
    assert through_file(Baseline("b", (entry,), {}), tmp_path).entries == (entry,)


def test_labels_that_are_no_text() -> None:
    entries: tuple[dict[str, Any], ...] = (
        {"issue_id": "a", "given_label": True, "class": None},
        {"issue_id": "b", "given_label": 3},
        {"issue_id": "c", "given_label": "present", "class": "sky"},
    )
    baseline = Baseline("b", entries)
    assert baseline.count({"given": "true"}) == 1
    assert baseline.count({"class": "3"}) == 1
    assert baseline.count({"class": "sky", "given": "present"}) == 1
    assert baseline.names == ("3", "present", "sky", "true")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1 is not the header of a file of accepted issues"),
        ("[]", "line 1 is not a JSON object"),
        ('{"labelaudit": "accepted issues", "version": 2}', "line 1 says version 2"),
        ('{"labelaudit": "accepted issues", "version": true}', "line 1 says version true"),
        ('{"labelaudit": "accepted issues", "version": "1"}', 'line 1 says version "1"'),
        (HEADER.replace("9", '"9"'), "line 1 has metrics that are no numbers"),
        (HEADER.replace("9", "1e999"), "line 1 has metrics that are no numbers"),
        (HEADER.replace("9", "NaN"), "line 1 is not JSON"),
        (f"{HEADER}\n{LINE % ('0' * 16)}\n{{", "line 3 is not JSON"),
        (f"{HEADER}\n\n" + '{"issue_id": "x"}', "line 3 has no key"),
        (f"{HEADER}\n{LINE % 'xyz'}", "line 2 has the id 'xyz', which is not one"),
        (f"{HEADER}\n{LINE % ('0' * 16)}\n{LINE % ('0' * 16)}", "line 3 repeats the id of line 2"),
        (f"{HEADER}\n<<<<<<< mine\n", "the mark of a merge conflict in line 2"),
        (f"{HEADER}\n{LINE % ('0' * 16)}\n=======\n", "the mark of a merge conflict in line 3"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_baseline(str(path))
    assert says in caught.value.found
    assert "b.jsonl" in caught.value.found


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_baseline(str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_baseline(str(tmp_path))
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_baseline(str(tmp_path / "b"))


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + created().text().replace("\n", "\r\n").encode())
    assert read_baseline(str(path)).entries == created().entries


@given(
    st.dictionaries(
        st.text("0123456789abcdef", min_size=16, max_size=16),
        st.tuples(st.text() | st.integers(), st.text() | st.booleans(), st.text()),
        max_size=4,
    )
)
def test_any_text_comes_back(named: dict[str, tuple[Any, Any, str]]) -> None:
    entries = tuple(
        {"issue_id": each, "key": key, "given_label": label, "issue_type": "x", "reason": reason}
        for each, (key, label, reason) in sorted(named.items())
    )
    with TemporaryDirectory() as folder:
        found = through_file(Baseline("b", entries, {"rows": Fraction(7, 20)}), Path(folder))
    assert found.entries == entries
    assert found.text() == Baseline("b", entries, {"rows": Fraction(7, 20)}).text()


def test_updating_again_changes_nothing(tmp_path: Path) -> None:
    once = through_file(created(3), tmp_path)
    _, again = run(once, 3, update=True, accept_new=True)
    assert again is not None
    assert again.text() == once.text()
