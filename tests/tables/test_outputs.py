"""Destinations are checked before the work; files appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from labelaudit.errors import OutputError, UsageError
from labelaudit.tables.outputs import (
    PUBLICATIONS,
    Destination,
    Staging,
    check_destinations,
    parse_destination,
    refuse_inputs,
)


@pytest.mark.parametrize(
    ("text", "content", "form", "path"),
    [
        ("issues.parquet", "issues", "parquet", "issues.parquet"),
        ("ISSUES.PQ", "issues", "parquet", "ISSUES.PQ"),
        ("a/b.feather", "issues", "arrow", "a/b.feather"),
        ("x.ndjson", "issues", "jsonl", "x.ndjson"),
        ("summary.json", "summary", "json", "summary.json"),
        ("summary:out", "summary", "json", "out"),
        ("json:-", "summary", "json", None),
        ("-", "issues", "csv", None),
        ("parquet:-", "issues", "parquet", None),
        ("csv:out.txt", "issues", "csv", "out.txt"),
        ("report.txt", "report", "text", "report.txt"),
        ("text:-", "report", "text", None),
        ("classes:c.csv", "classes", "csv", "c.csv"),
        ("joint:arrow:j", "joint", "arrow", "j"),
        ("pairs:-", "pairs", "csv", None),
        ("groups:g.jsonl", "groups", "jsonl", "g.jsonl"),
        ("run 2:b.csv", "issues", "csv", "run 2:b.csv"),
        ("C:b.csv", "issues", "csv", "C:b.csv"),
        ("./odd:name.csv", "issues", "csv", "./odd:name.csv"),
        ("odd2:name.csv", "issues", "csv", "odd2:name.csv"),
        ("issues:odd.csv", "issues", "csv", "odd.csv"),
        ("issues:parquet:-", "issues", "parquet", None),
        ("csv:pairs:p", "pairs", "csv", "p"),
        ("report:r", "report", "text", "r"),
        ("classes:/a/c.csv", "classes", "csv", "/a/c.csv"),
    ],
)
def test_parse(text: str, content: str, form: str, path: str | None) -> None:
    assert parse_destination(text) == Destination(content, form, path)


@pytest.mark.parametrize(
    ("text", "content", "form", "path"),
    [
        ("report.html", "page", "html", "report.html"),
        ("html:-", "page", "html", None),
        ("card.md", "card", "card", "card.md"),
        ("card:README", "card", "card", "README"),
        ("croissant:croissant.json", "croissant", "croissant", "croissant.json"),
        ("run:audit", "run", "run", "audit"),
        ("audits/today/", "run", "run", "audits/today/"),
    ],
)
def test_publications(text: str, content: str, form: str, path: str | None) -> None:
    parsed = parse_destination(text, documents=PUBLICATIONS)
    assert parsed == Destination(content, form, path)


def test_a_run_does_not_fit_on_standard_output() -> None:
    with pytest.raises(UsageError, match="A run is a folder"):
        parse_destination("run:-", documents=PUBLICATIONS)


@pytest.mark.parametrize(
    ("text", "found", "remedy"),
    [
        ("x.parqet", "The output x.parqet ends in .parqet", "Did you mean .parquet?"),
        ("issues", "The output issues has no suffix", "csv:issues."),
        ("parqet:x.csv", "There is no output 'parqet'.", "Did you mean parquet?"),
        ("isues:x.csv", "There is no output 'isues'.", "Did you mean issues?"),
        ("odd:name.csv", "There is no output 'odd'.", "written as ./odd:name.csv."),
        ("odd:name.csv", "There is no output 'odd'.", "Choose of issues, classes, joint,"),
        ("pairs:joint:x.csv", "There is no output 'joint'.", "./joint:x.csv"),
        ("gs://bucket/x.csv", "gs://bucket/x.csv is not a local path.", "local file"),
        ("csv:", "The output 'csv:' has no path.", "Give a path"),
        ("", "The output '' has no path.", "Give a path"),
        ("a\0b.csv", r"The output 'a\x00b.csv' holds a NUL byte", "Take it out"),
        ("s3://bucket/x.csv", "s3://bucket/x.csv is not a local path.", "local file"),
        (
            "joint:j.json",
            "the joint table cannot be written as json.",
            "parquet, arrow, csv, jsonl",
        ),
        ("x.\x1b[31m", r"ends in .\x1b[31m", "Use one of .parquet"),
    ],
)
def test_parse_refuses(text: str, found: str, remedy: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_destination(text)
    assert found in error.value.found
    assert remedy in error.value.remedy


def at(path: Path | str, form: str = "csv") -> Destination:
    return Destination("issues", form, str(path))


def check(*destinations: Destination, force: bool = False) -> None:
    check_destinations(destinations, force=force)


def test_check_leaves_nothing_behind(tmp_path: Path) -> None:
    check(at(tmp_path / "a.csv"), at(tmp_path / "b.csv"), Destination("issues", "csv", None))
    assert list(tmp_path.iterdir()) == []


def test_existing_output(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(UsageError, match=r"a\.csv exists\.\nAdd --force"):
        check(at(tmp_path / "a.csv"))
    check(at(tmp_path / "a.csv"), force=True)
    assert (tmp_path / "a.csv").read_text() == "old"


def test_folder_as_output(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder\.\nName a file inside"):
        check(at(tmp_path), force=True)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"does not exist\.\nMake the folder first"):
        check(at(tmp_path / "none" / "a.csv"))


def test_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"Not a directory|does not exist"):
        check(at(tmp_path / "file" / "a.csv"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write to")
def test_unwritable_folder() -> None:
    with pytest.raises(OutputError, match=r"The output /proc/a\.csv cannot be written: "):
        check(at("/proc/a.csv"))


def test_two_outputs_with_one_path(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UsageError, match=r"Two outputs go to .*link/a\.csv\."):
        check(at(tmp_path / "a.csv"), at(tmp_path / "link" / "a.csv"))
    with pytest.raises(UsageError, match="Two outputs go to standard output"):
        check(Destination("issues", "csv", None), Destination("joint", "csv", None))


def test_output_is_an_input_under_another_name(tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_text("x")
    (tmp_path / "hard.csv").hardlink_to(source)
    (tmp_path / "soft.csv").symlink_to(source)
    for name in ("data.csv", "hard.csv", "soft.csv", "../" + tmp_path.name + "/data.csv"):
        with pytest.raises(UsageError, match=r"is the input (.|\n)*an input is never overwritten"):
            refuse_inputs([at(tmp_path / name)], [str(source)])
    refuse_inputs([at(tmp_path / "new.csv"), Destination("issues", "csv", None)], [str(source)])


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    long = at(tmp_path / f"{'x' * 300}.csv")
    refuse_inputs([long], ["a.csv"])
    with pytest.raises(OutputError, match="cannot be written: File name too long"):
        check_destinations([long], force=False)


def test_an_open_pipe_is_written_to(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    destination = at(Path(f"/dev/fd/{writer}"))
    check_destinations([destination], force=False)
    with Staging() as staging:
        write(staging, Path(destination.path or ""), b"x")
        staging.commit()
    os.close(writer)
    assert os.read(reader, 9) == b"x"
    os.close(reader)
    assert list(tmp_path.iterdir()) == []


def test_input_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    refuse_inputs([at(tmp_path / "a.csv")], ["s3://bucket/a.csv", "-"])


def write(staging: Staging, path: Path, data: bytes) -> None:
    with staging.file(str(path)) as sink:
        sink.write(data)


def test_files_appear_together(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"old")
    with Staging() as staging:
        write(staging, tmp_path / "a", b"1")
        write(staging, tmp_path / "b", b"2")
        assert not (tmp_path / "a").exists()
        assert (tmp_path / "b").read_bytes() == b"old"
        staging.commit()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_stays_after_a_failure(tmp_path: Path, failure: type[BaseException]) -> None:
    def work() -> None:
        with Staging() as staging:
            write(staging, tmp_path / "a", b"1")
            with staging.file(str(tmp_path / "b")) as sink:
                sink.write(b"half")
                raise failure

    with pytest.raises(failure):
        work()
    assert list(tmp_path.iterdir()) == []


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with Staging() as staging:
            write(staging, tmp_path / "a", b"1")
            staging.commit()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with Staging() as staging:
        write(staging, tmp_path / "link", b"new")
        staging.commit()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_devices_are_written_to_not_replaced() -> None:
    check(at("/dev/null"))
    with Staging() as staging:
        write(staging, Path("/dev/null"), b"1")
        staging.commit()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_full_disk_names_the_output() -> None:
    with (
        pytest.raises(OutputError, match="/dev/full cannot be written: No space left on device"),
        Staging() as staging,
    ):
        write(staging, Path("/dev/full"), b"1")


def test_folder_that_vanishes(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    check(at(folder / "a"))
    folder.rmdir()
    with pytest.raises(OutputError, match="cannot be written: No such file"), Staging() as staging:
        write(staging, folder / "a", b"1")
