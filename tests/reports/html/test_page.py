"""The page as text: it is inert, it stands alone, it stays small, and it is the same each time."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labelaudit.findings import JointCells
from labelaudit.reports.html import page
from labelaudit.verdicts import BaselineMatch, RuleOutcome, Verdict
from tests.reports import builders, crowd_builders
from tests.reports.builders import HOSTILE


class Seen(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] and self.tags[-1][0] not in ("script", "style"):
            self.text += data


def seen(text: str) -> Seen:
    parser = Seen()
    parser.feed(text)
    return parser


def made(result: Any = None) -> str:
    result = builders.result(audit=builders.audit_with_bins()) if result is None else result
    return page(result, version="9.9", settings={"seed": 0})


def data_of(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_page_says_what_was_found() -> None:
    text = seen(made()).text
    for said in (
        "Between 4 and 30 of 998 labels are wrong (0.40 % to 3.0 %).",
        "0.40 %, 4 rows",
        "The class order was assumed: sorted.",
        "2 rows have NaN among their probabilities",
        "Review 28 rows to find 80 % of the 30 labels expected to be wrong",
    ):
        assert said in re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(("expected", "promised"), [(1.0, False), (4.9, False), (5.1, True)])
def test_no_share_is_promised_where_hardly_any_label_is_expected_wrong(
    expected: float, promised: bool
) -> None:
    audit = builders.audit_with_bins()
    assert audit.quality is not None
    errors = audit.quality.expected * (expected / audit.quality.expected.sum())
    few = replace(audit, quality=replace(audit.quality, expected=errors))
    text = re.sub(r"\s+", " ", seen(made(builders.result(audit=few))).text)
    assert ("to find 80 %" in text) is promised
    assert ("Review the 3 rows flagged, worst first" in text) is not promised


def test_the_page_is_the_same_each_time() -> None:
    assert made() == made()


def test_the_policy_names_the_script_and_the_style() -> None:
    text = made()
    policy = next(
        attributes["content"]
        for tag, attributes in seen(text).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert style is not None
    assert script is not None
    for name, content in (("style", style[1]), ("script", script[1])):
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("make", [made, lambda: made(crowd_builders.consensus())])
def test_the_page_asks_for_nothing(make: Any) -> None:
    for tag, attributes in seen(make()).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        assert not {name for name in attributes if name.startswith("on")}
        assert "style" not in attributes
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")


def test_hostile_names_are_text() -> None:
    result = builders.result(classes=HOSTILE, audit=builders.audit_with_bins())
    files = ("<b>/&\u202e.parquet",)
    text = made(replace(result, understanding=replace(result.understanding, files=files)))
    found = seen(text)
    assert [tag for tag, _ in found.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in found.tags]
    assert "49" not in found.text
    assert "\u202e" not in text.replace(json.dumps(HOSTILE[2], ensure_ascii=False)[1:-1], "")
    names = data_of(text)["names"]
    assert [each[0] for each in names if each[0] in HOSTILE] == [each[0] for each in names]
    assert names[0] == [HOSTILE[0]]


def many(k: int, n: int, name: Any) -> Any:
    """A result of k classes and n rows, every text of it as long as ``name`` makes it."""
    classes = tuple(name(i) for i in range(k))
    rng = np.random.default_rng(0)
    given = rng.integers(0, k, n)
    other = (given + 1 + rng.integers(0, k - 1, n)) % k
    names = pa.array(classes)
    table = pa.table(
        {
            **{each: pa.array([None] * n, pa.string()) for each in ("issue_type", "class")},
            "rank": np.arange(1, n + 1),
            "issue_id": [f"{i:016x}" for i in range(n)],
            "key": [name(i) for i in range(n)],
            "given_label": names.take(given),
            "suggested_label": names.take(other),
            "label_quality": np.linspace(0, 1, n),
            "severity": pa.array(["high"] * n),
        }
    )
    cells = k * 20
    joint = JointCells(
        k,
        rng.integers(0, k, cells).astype(np.int32),
        rng.integers(0, k, cells).astype(np.int32),
        rng.integers(1, 10**6, cells),
    )
    pairs = pa.table(
        {
            "given": names.take(joint.given),
            "true": names.take(joint.true),
            "estimated": joint.count,
            "share": np.full(cells, 0.1),
            "issues": joint.count,
        }
    )
    numbers = np.full(k, 0.2)
    table_of_classes = pa.table(
        {
            "class": names,
            **{each: np.full(k, 1000) for each in ("rows", "issues", "suggested")},
            **dict.fromkeys(
                ("threshold", "given_noise", "true_noise", "prior_given", "prior_true"), numbers
            ),
            "mean_quality": numbers,
        }
    )
    audit = builders.audit(
        counts=np.full(k, 1000), calibrated_joint=joint, n_issues=n, rows=k * 1000
    )
    return replace(
        builders.result(),
        understanding=replace(builders.UNDERSTANDING, classes=classes),
        audit=audit,
        table=table,
        classes=table_of_classes,
        pairs=pairs,
        groups=pa.table(
            {"group": names, "rows": [9] * k, "issues": [1] * k, "issue_rate": numbers}
        ),
        warnings=tuple(name(i) for i in range(100)),
    )


@pytest.mark.parametrize(
    ("k", "n", "length", "rows"),
    [(1000, 100_000, 8, 1500), (1000, 3000, 4096, 4), (2, 3000, 4096, 10), (10, 0, 4096, 0)],
)
def test_the_page_stays_below_a_megabyte(k: int, n: int, length: int, rows: int) -> None:
    text = made(many(k, n, lambda i: f"{i}".rjust(length, "<")))
    assert len(text.encode()) < 1_000_000
    found = data_of(text)
    assert rows <= len(found["rows"]) <= 2000
    assert all(len(each[0]) == length for each in found["names"])


def test_the_worst_block_is_shown_of_many_classes() -> None:
    text = seen(made(many(1000, 10, str))).text
    assert "This is the worst block, 20 of 1,000 classes" in re.sub(r"\s+", " ", text)
    assert "980 more classes are in the classes table" in re.sub(r"\s+", " ", text)


def test_rows_hold_what_the_decisions_need() -> None:
    found = data_of(made())
    assert found["names"][:2] == [["cat"], ["dog"]]
    assert found["rows"][0] == [1, "0" * 16, "id-0", 0, 1, 0.001, "high"]
    assert found["rows"][2][4] == -1
    assert found["likely"] == {"0": [1]}


def test_pictures_and_texts_are_shown_beside_the_row() -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(20)
    shown = pa.table(
        {
            "image": [
                {"text": "a.png", "picture": png},
                {"text": "b.png", "picture": b"<svg onload=alert(1)>"},
                {"text": "https://example.org/c.png", "picture": None},
            ]
        }
    )
    found = data_of(made(builders.result(shown=shown)))
    assert found["columns"] == ["image"]
    assert found["rows"][0][7] == [f"data:image/png;base64,{b64encode(png).decode()}", "a.png"]
    assert [row[7] for row in found["rows"][1:]] == ["b.png", "https://example.org/c.png"]


def test_a_crowd_page_says_what_was_found() -> None:
    text = re.sub(r"\s+", " ", seen(made(crowd_builders.consensus())).text)
    for said in ("How good the workers are", "Krippendorff", "What is taken for what"):
        assert said in text


def test_the_gate_stands_above_the_verdict() -> None:
    verdict = Verdict(
        outcomes=(
            RuleOutcome("rows > 0", "always", True, "1,000", "0", "1,000 rows"),
            RuleOutcome("issues == 0", "require", False, "3", "0", "3 <b>issues</b>"),
        ),
        data="labels",
        files=("pets.parquet",),
        rows=1000,
        issues=3,
        baseline=BaselineMatch("labels.jsonl", accepted=4, matched=2, resolved=2, new=1),
    )
    text = page(builders.result(), version="9.9", settings={}, gate=verdict)
    found = re.sub(r"\s+", " ", seen(text).text)
    assert "FAILED: 1 of 2 required rules does not hold." in found
    assert "labels.jsonl: 2 of 4 ids matched, 2 resolved, 1 new issue." in found
    assert found.index("issues == 0 3 <b>issues</b>") < found.index("rows > 0 1,000 rows")
    assert found.index("rows > 0 1,000 rows") < found.index("labels are wrong")
