import os
import socket

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelaudit.errors import InputError, LabelauditError, NothingToAuditError, UsageError
from labelaudit.wording import safe
from tests.tables.read_back import fixed, opened, probs_of, read, saved, small

AGAIN = "Write or download the file again; it is damaged or is not what its name says."


def refusal(error, *paths, **options):
    """What is said of a broken input, whether it shows on opening or on reading."""
    with pytest.raises(error) as caught:
        read(opened(*paths, **options))
    assert type(caught.value) is error
    return str(caught.value).splitlines()


def patched(path, before, after):
    """Replace bytes that occur once by as many others."""
    data = path.read_bytes()
    assert data.count(before) == 1
    assert len(before) == len(after)
    path.write_bytes(data.replace(before, after))


def test_a_truncated_file(tmp_path):
    path = tmp_path / "t.parquet"
    saved(path)
    path.write_bytes(path.read_bytes()[:-20])
    found, remedy = refusal(InputError, path)
    assert found.startswith(f"{path} cannot be read: Parquet magic bytes not found in footer.")
    assert remedy == AGAIN


def test_a_flipped_bit_in_a_page(tmp_path):
    path = tmp_path / "t.parquet"
    probs = probs_of(200, 3)
    table = small(np.arange(200) % 3, probs)
    saved(path, table, use_dictionary=False, compression="none", row_group_size=100)
    data = bytearray(path.read_bytes())
    place = data.index(probs[150].tobytes())
    data[place + 2] ^= 1
    path.write_bytes(bytes(data))
    found, remedy = refusal(InputError, path)
    assert found == (
        f"{path}, row group 1, after row 0 of it cannot be read: could not verify page "
        "integrity, CRC checksum verification failed for page_ordinal 0."
    )
    assert remedy == AGAIN


def test_every_truncation_and_flip_is_refused_or_harmless(tmp_path):
    path = tmp_path / "t.parquet"
    saved(path, small(np.arange(30) % 3), row_group_size=10)
    whole = path.read_bytes()
    labels, probs = read(opened(path))
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.integers(4, len(whole), 150).tolist():
        data = bytearray(whole)
        data[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(data))
        try:
            found = read(opened(path, labels="label", probs=("pred_probs",)))
        except LabelauditError:
            refused += 1
        else:
            assert np.array_equal(found[0], labels), place
            assert np.array_equal(found[1], probs), place
    assert refused > 50


def footer_of(path, **changes):
    """Rewrite the footer with other numbers in it, through thrift's own encoding of them."""
    data = path.read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - size], data[-8 - size : -8]


def test_a_footer_with_a_wrong_number_of_rows(tmp_path):
    path = tmp_path / "t.parquet"
    saved(path, small(np.arange(300) % 3), row_group_size=300, store_schema=False)
    pages, footer = footer_of(path)
    # num_rows is the third field of FileMetaData: a zigzag varint after the schema; 300 -> 301.
    before = b"\x16\xd8\x04\x19"
    assert footer.count(before) == 1
    changed = footer.replace(before, b"\x16\xda\x04\x19")
    path.write_bytes(pages + changed + len(changed).to_bytes(4, "little") + b"PAR1")
    found, remedy = refusal(InputError, path)
    assert found == f"{path} declares 301 rows, and its row groups 300."
    assert remedy == AGAIN


def test_a_row_group_that_claims_fewer_rows(tmp_path):
    path = tmp_path / "t.parquet"
    saved(path, small(np.arange(300) % 3), row_group_size=300, store_schema=False)
    pages, footer = footer_of(path)
    total, group = b"\x16\xd8\x04\x19", b"\x16\xd8\x04\x26"
    assert (footer.count(total), footer.count(group)) == (1, 1)
    changed = footer.replace(total, b"\x16\xc8\x01\x19").replace(group, b"\x16\xc8\x01\x26")
    path.write_bytes(pages + changed + len(changed).to_bytes(4, "little") + b"PAR1")
    assert pq.ParquetFile(path).metadata.num_rows == 100
    found, _ = refusal(InputError, path)
    assert found == f"{path}, row group 0 declares 100 rows, but 300 in one of its columns."


@pytest.mark.parametrize(
    ("name", "content", "found", "remedy"),
    [
        (
            "t.parquet",
            b"label,p_a,p_b\na,1,0\n",
            "{} is text, not parquet as its suffix says.",
            "Give it the right suffix, or write it again as parquet.",
        ),
        (
            "t.csv",
            b"PAR1\x15\x04",
            "{} is Parquet data, not csv as its suffix says.",
            "Give it the right suffix, or write it again as csv.",
        ),
        (
            "t.pkl",
            b"\x80\x04\x95\x00",
            "{} is of no known kind, which cannot be read.",
            "Convert it to Parquet, Arrow, CSV or JSONL, with the suffix that says so.",
        ),
        (
            "t.npy",
            b"\x93NUMPY\x01\x00",
            "{} is NumPy data, which cannot be read.",
            "Convert it to Parquet, Arrow, CSV or JSONL, with the suffix that says so.",
        ),
        (
            "t.csv",
            b"PK\x03\x04rest",
            "{} is zip data, not csv as its suffix says.",
            "Give it the right suffix, or write it again as csv.",
        ),
        (
            "t.jsonl",
            b"\xff\xfe{\0",
            "{} is UTF-16 data, not jsonl as its suffix says.",
            "Give it the right suffix, or write it again as jsonl.",
        ),
        (
            "t.csv.gz",
            b"\x1f\x8b\x08\x00",
            "{} is gzip data, which cannot be read.",
            "Convert it to Parquet, Arrow, CSV or JSONL, with the suffix that says so.",
        ),
    ],
)
def test_not_what_it_seems(tmp_path, name, content, found, remedy):
    path = tmp_path / name
    path.write_bytes(content)
    assert refusal(InputError, path) == [found.format(path), remedy]


@pytest.mark.parametrize("path", ["", "a\0b.csv"])
def test_no_path(path):
    assert refusal(UsageError, path)[0] == f"{safe(repr(path))} is not a path."


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]"), ("[[],", "]")])
def test_json_nested_deeply_does_not_end_the_process(tmp_path, opening, closing):
    path = tmp_path / "t.jsonl"
    line = '{"label": 0, "x": ' + opening * 50_000 + "1" + closing * 50_000 + "}\n"
    path.write_text('{"label": 0, "x": 1}\n' + line)
    assert refusal(InputError, path) == [
        f"{path}, line 2 is nested more than 1,000 levels deep.",
        AGAIN,
    ]


def test_brackets_in_text_nest_nothing(tmp_path):
    path = tmp_path / "t.jsonl"
    row = '{"label": %d, "probs": [%s], "text": "' + '\\"[{' * 5_000 + '"}\n'
    path.write_text(row % (0, "0.9, 0.1") + row % (1, "0.2, 0.8"))
    assert read(opened(path))[0].tolist() == [0, 1]


def test_magic_bytes_decide_without_a_suffix(tmp_path):
    assert opened(saved(tmp_path / "data")).understanding.format == "parquet"


def test_an_empty_file(tmp_path):
    path = tmp_path / "t.parquet"
    path.touch()
    assert refusal(NothingToAuditError, path) == [
        f"{path} is empty.",
        "Give a file with rows in it.",
    ]


def test_no_rows(tmp_path):
    path = saved(tmp_path / "t.parquet", small().slice(0, 0))
    assert refusal(NothingToAuditError, path) == [
        f"{path} has no rows.",
        "Give a table with at least one row.",
    ]


def test_a_missing_file(tmp_path):
    path = tmp_path / "t.parquet"
    assert refusal(NothingToAuditError, path)[0] == f"There is no file {path}."


def test_an_empty_folder_and_a_glob_without_matches(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    for path in (tmp_path, tmp_path / "*.parquet"):
        found, remedy = refusal(NothingToAuditError, path)
        assert found == "No file matched."
        assert remedy == (
            "Check the path; a glob must be quoted, and a folder must hold .parquet, .arrow, "
            ".csv or .jsonl files."
        )


def test_a_named_pipe_does_not_hang(tmp_path):
    path = tmp_path / "t.parquet"
    os.mkfifo(path)
    assert refusal(InputError, path) == [
        f"{path} is a named pipe, not a file.",
        "Save its content to a file and give that one.",
    ]
    assert refusal(InputError, tmp_path)[0] == f"{path} is a named pipe, not a file."


def test_devices_and_sockets(tmp_path):
    assert refusal(InputError, "/dev/null")[0] == "/dev/null is a device, not a file."
    path = tmp_path / "s.parquet"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert refusal(InputError, path)[0] == f"{path} is a socket, not a file."


def test_two_columns_of_one_name(tmp_path):
    table = small()
    twice = pa.Table.from_arrays(
        [*table.columns, table.column(0)], names=[*table.column_names, "label"]
    )
    path = saved(tmp_path / "t.parquet", twice)
    assert refusal(InputError, path) == [
        f"{path} has several columns named label.",
        "Give each column a name of its own.",
    ]


DIFFERENT_WIDTHS = (
    "Column pred_probs is fixed_size_list<item: float>[4] in {b}, but "
    "fixed_size_list<item: float>[3] in {a}."
)


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (
            {"label": ["0", "1"], "pred_probs": fixed(probs_of(2))},
            "Column label is string in {b}, but int64 in {a}.",
        ),
        ({"label": [0, 1]}, "{b} has no column pred_probs, unlike {a}."),
        (
            {"label": [0, 1], "pred_probs": fixed(probs_of(2, 4))},
            DIFFERENT_WIDTHS,
        ),
    ],
)
def test_parts_that_disagree(tmp_path, second, found):
    a, b = tmp_path / "a.parquet", tmp_path / "b.parquet"
    saved(a)
    saved(b, pa.table(second))
    names = {"a": a, "b": b}
    assert refusal(InputError, tmp_path)[0].replace("element:", "item:") == found.format(**names)


def test_parts_that_differ_harmlessly(tmp_path):
    saved(tmp_path / "a.parquet", small(pa.array(["cat", "dog", "emu"]), id=["x", "y", "z"]))
    encoded = pa.array(["emu", "dog", "cat"]).dictionary_encode()
    saved(tmp_path / "b.parquet", small(encoded, id=["u", "v", "w"], extra=[1, 2, 3]))
    source = opened(tmp_path)
    assert read(source)[0].tolist() == [0, 1, 2, 2, 1, 0]
    taken = source.take(np.array([0, 3]), ["label", "id"])
    assert taken.to_pylist() == [{"label": "cat", "id": "x"}, {"label": "emu", "id": "u"}]
    assert source.file_of(np.array([0, 3])).to_pylist() == list(source.understanding.files)


def test_mixed_formats(tmp_path):
    a, b = tmp_path / "a.parquet", tmp_path / "b.csv"
    saved(a)
    b.write_text("label,p_a,p_b\na,1,0\n")
    assert refusal(UsageError, tmp_path)[0] == f"{a} is parquet, but {b} is csv."


def test_a_file_that_changes_while_it_is_read(tmp_path):
    path = tmp_path / "t.parquet"
    source = opened(saved(path))
    saved(path, small([0, 1]))
    with pytest.raises(InputError) as caught:
        read(source)
    assert caught.value.found == f"{path} was changed while it was read."
    path.unlink()
    with pytest.raises(InputError) as caught:
        read(source)
    assert caught.value.found == f"{path} has gone away while it was read."


def test_names_from_the_file_are_made_safe(tmp_path):
    path = saved(tmp_path / "t.parquet", pa.table({"la\x1b[31mbel": [1], "b\u202ea": [2]}))
    found, _ = refusal(UsageError, path)
    assert found == "No column looks like the labels among la\\x1b[31mbel, b\\u202ea."


def test_invalid_text_in_a_label(tmp_path):
    path = tmp_path / "t.parquet"
    table = small(["cat", "dog", "emuemuemu", "cat"])
    saved(path, table, compression="none", use_dictionary=False, write_statistics=False)
    pq.write_table(table, path, compression="none", use_dictionary=False, write_statistics=False)
    patched(path, b"emuemuemu", b"emu\xff\xfeemux")
    found, remedy = refusal(InputError, path)
    assert found.startswith(f"{path}, row group 0, after row 0 of it cannot be read: ")
    assert "UTF8" in found
    assert remedy == AGAIN
