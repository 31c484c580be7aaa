"""Sizes and lists as people write them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.cli.values import parse_classes, parse_list, parse_memory, parse_share
from labelaudit.errors import UsageError
from labelaudit.wording import comma_list

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4 * 2**30),
        ("4GB", 4 * 10**9),
        ("4g", 4 * 10**9),
        ("1.5 MiB", 3 * 2**19),
        ("500MB", 500_000_000),
        ("2t", 2 * 10**12),
        ("2000000", 2_000_000),
        ("2000000b", 2_000_000),
    ],
)
def test_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "4 apples", "1e9", "999kB", "4GiBB", "nan"])
def test_memory_refuses(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 4GiB"):
        parse_memory(text)


@pytest.mark.parametrize("text", ["", "%", "10%%", "nan", "1/0", "1_0%", "\uff11\uff10%", "0x1"])
def test_share_refuses(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"is not a share; write 10% or 0\.1\."):
        parse_share(text)


def test_share() -> None:
    assert [parse_share(text) for text in ("10%", "0.1", "1/10", "+10 %")] == [Fraction(1, 10)] * 4
    with pytest.raises(typer.BadParameter, match=r"between 0 and 100%; did you mean 10%\?"):
        parse_share("10")
    with pytest.raises(typer.BadParameter, match=r"between 0 and 100%\."):
        parse_share("101%")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b", ("a", "b")),
        ("a, b", ("a", "b")),
        ('"a,b",c', ("a,b", "c")),
        ('"say ""hi""",c', ('say "hi"', "c")),
        ("NA,", ("NA", "")),
    ],
)
def test_list(text: str, names: tuple[str, ...]) -> None:
    assert parse_list(text, "--keep") == names


def test_list_with_open_quotes() -> None:
    with pytest.raises(UsageError, match="--keep cannot be read"):
        parse_list('"a,b', "--keep")


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_joined_list_comes_apart_again(names: list[str]) -> None:
    assert parse_list(comma_list(names), "--keep") == tuple(names)


def test_classes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_bytes('\ufeffcat\r\n"dog, big"\r\n\r\nNA\r\n'.encode())
    assert parse_classes(f"@{path}") == ("cat", "dog, big", "NA")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        parse_classes(f"@{path}")


def test_no_classes() -> None:
    assert parse_classes(None) is None
    with pytest.raises(UsageError, match="names no class"):
        parse_classes("")
