"""People are shown the names of classes whose labels are codes in the data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from labelaudit.class_names import named_labels, names_of
from labelaudit.gate.judging import judge_labels
from labelaudit.gate.rules import parsed_rules
from labelaudit.reports.card import dataset_card
from labelaudit.reports.html import page
from labelaudit.reports.text import audit_report
from tests.reports import builders
from tests.reports.html.test_page import data_of, seen

CODES = (0, 1, 2)


def coded(codes: tuple[Any, ...] = CODES) -> Any:
    found = builders.result(3, codes)
    return replace(found, understanding=builders.UNDERSTANDING)


@pytest.mark.parametrize(
    ("codes", "names"),
    [
        (CODES, {0: "cat", 1: "dog", 2: "fox"}),
        ((2, 0, 1), {2: "cat", 0: "dog", 1: "fox"}),
        (builders.CLASSES, {}),
    ],
)
def test_names_of_labels(codes: tuple[Any, ...], names: dict[Any, str]) -> None:
    assert names_of(coded(codes)) == names


def test_labels_that_are_their_names_stay() -> None:
    numbers = replace(builders.UNDERSTANDING, classes=("0", "1", "2"))
    assert names_of(replace(coded(), understanding=numbers)) == {}


def test_tables_with_names() -> None:
    named, plain = named_labels(coded().table, names_of(coded())), builders.result().table
    assert named.select(["given_label", "suggested_label"]) == plain.select(
        ["given_label", "suggested_label"]
    )
    assert named.column_names == plain.column_names
    chunks = pa.concat_tables([coded().table.slice(0, 1), coded().table.slice(1)])
    assert named_labels(chunks, names_of(coded())).to_pylist() == named.to_pylist()
    assert named_labels(plain, {}) is plain


def test_reports_of_codes_are_those_of_names() -> None:
    assert audit_report(coded()) == audit_report(builders.result())
    cards = [dataset_card(each, version="9.9") for each in (coded(), builders.result())]
    assert cards[0] == cards[1]


def test_the_page_shows_names_and_decides_by_what_stands_in_the_data() -> None:
    found = page(coded(), version="9.9", settings={"seed": 0})
    data, plain = data_of(found), data_of(page(builders.result(), version="9.9", settings={}))
    assert data["names"] == [["0", "cat"], ["1", "dog"], ["2", "fox"]]
    assert plain["names"] == [["cat"], ["dog"], ["fox"]]
    for name in ("rows", "likely", "classes"):
        assert data[name] == plain[name]
    assert "cat" in seen(found).text


@pytest.mark.parametrize(
    "rule",
    [
        "issues[given=cat] == 3",
        "issues[class=cat, suggested=dog] == 2",
        "issues[given=0] == 0",
        "rows[class=dog] == 300",
        "class_error_rate[class=cat] == 6%",
    ],
)
def test_rules_know_classes_by_name(rule: str) -> None:
    verdict, _ = judge_labels(coded(), parsed_rules([rule, "invalid_rows <= 2"], []))
    assert verdict.passed
    assert [line.given for line in verdict.worst] == ["cat"] * 3
