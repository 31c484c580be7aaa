import io
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.feather
import pytest

from labelaudit.errors import (
    InputError,
    LabelauditError,
    MissingExtraError,
    NothingToAuditError,
)
from labelaudit.tables import spool
from labelaudit.tables.paths import find_files
from tests.tables.read_back import NAMES, fixed, opened, probs_of, read, saved, small

P = probs_of(40, 3, np.float64)
CODES = np.arange(40) * 7 % 3


def save_arrow(path, table, stream=False):
    start = pa.ipc.new_stream if stream else pa.ipc.new_file
    with start(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=16)
    return path


def save_jsonl(path, table):
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


def write(path, text):
    path.write_bytes(text.encode())
    return path


def wide(labels, **columns):
    probs = {f"p_{name}": P[:, k] for k, name in enumerate(NAMES)}
    return pa.table({**columns, "label": labels, **probs})


@pytest.mark.parametrize("stream", [False, True])
def test_arrow(tmp_path, stream):
    table = small(CODES, P, id=[f"k{i}" for i in range(40)])
    source = opened(save_arrow(tmp_path / "t.arrow", table, stream))
    labels, probs = read(source)
    assert source.understanding.format == "arrow"
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(probs, P)
    assert source.take(np.array([2, 39]), ["id"]).to_pylist() == [{"id": "k2"}, {"id": "k39"}]


@pytest.mark.parametrize("codec", ["lz4", "zstd", "uncompressed"])
def test_feather(tmp_path, codec):
    path = tmp_path / "t.feather"
    pyarrow.feather.write_feather(small(CODES, P), path, compression=codec, chunksize=7)
    labels, probs = read(opened(path))
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(probs, P)


def test_arrow_views(tmp_path):
    names = pa.array([NAMES[c] for c in CODES], pa.string_view())
    probs = pa.array(P.tolist(), pa.list_view(pa.float64()))
    table = pa.table({"label": names, "probs": probs})
    source = opened(save_arrow(tmp_path / "t.arrow", table))
    labels, found = read(source)
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(found, P)
    assert source.take(np.array([1]), ["label"]).to_pylist() == [{"label": "dog"}]


@pytest.mark.parametrize("kind", [pa.list_view(pa.float64()), pa.large_list_view(pa.float64())])
def test_list_views_in_any_order_and_shared(tmp_path, kind):
    rows = pa.array([[0.25, 0.75], [0.5, 0.5], None, [1.0]], kind)
    probs = rows.take(pa.array([3, 1, 0, 2, 1]))[1:]
    table = pa.table({"label": [0, 1, 0, 1], "probs": probs})
    labels, found = read(opened(save_arrow(tmp_path / "t.arrow", table), classes=("0", "1")))
    assert labels.tolist() == [0, 1, -4, 1]
    assert found.tolist() == [[0.5, 0.5], [0.25, 0.75], [0.0, 0.0], [0.5, 0.5]]


def test_a_truncated_arrow_file(tmp_path):
    for stream in (False, True):
        path = save_arrow(tmp_path / "t.arrow", small(CODES, P), stream)
        path.write_bytes(path.read_bytes()[:-900])
        with pytest.raises(InputError, match=r"t\.arrow.* cannot be read"):
            read(opened(path))


def test_csv(tmp_path):
    table = wide([NAMES[c] for c in CODES], id=[f"{i:03d}" for i in range(40)])
    path = tmp_path / "t.csv"
    pc_csv.write_csv(table, path)
    source = opened(path)
    labels, probs = read(source)
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(probs, P)
    taken = source.take(np.array([7, 8]), ["id", "label", "p_dog"])
    assert taken.to_pylist() == [
        {"id": "007", "label": "dog", "p_dog": P[7, 1]},
        {"id": "008", "label": "emu", "p_dog": P[8, 1]},
    ]


def test_csv_integers_are_integers_and_ids_as_written_are_text(tmp_path):
    text = "id,label,code,p_0,p_1\n9007199254740993,0,07,1,0\n9007199254740992,1,8,0,1\n"
    source = opened(write(tmp_path / "t.csv", text), keep=("code",))
    assert source.understanding.label_type == "int64"
    assert source.take(np.array([0, 1]), ["id", "code"]).to_pylist() == [
        {"id": 2**53 + 1, "code": "07"},
        {"id": 2**53, "code": "8"},
    ]
    assert source.check_keys() is None


def test_csv_whole_numbers_written_as_floats(tmp_path):
    text = "label,p_0,p_1\n0.0,1,0\n,1,0\n1.0,0,1\n"
    assert read(opened(write(tmp_path / "t.csv", text)))[0].tolist() == [0, -2, 1]


def test_csv_empty_and_na(tmp_path):
    text = 'label,p_a,p_b\n,1,0\n"",1,0\nNA,1,0\nnull,0,1\n"a\nb",nan,\n'
    source = opened(write(tmp_path / "t.csv", text), classes=("NA", ""))
    labels, probs = read(source)
    assert labels.tolist() == [-2, 1, 0, -3, -3]
    assert probs[:4].tolist() == [[1, 0], [1, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize("cell", ["[{}, {}]", "[{} {}]", "[{},{}]", "({};{})"])
def test_csv_lists_as_text(tmp_path, cell):
    if ";" in cell:
        cell = "[ {} ,  {} ]"
    rows = [cell.format(*pair) for pair in ([0.25, 0.75], [1e-3, 0.999])]
    text = "label,probs\n" + "".join(f'{i},"{row}"\n' for i, row in enumerate(rows))
    source = opened(write(tmp_path / "t.csv", text))
    assert source.understanding.prob_layout == "list"
    assert read(source)[1].tolist() == [[0.25, 0.75], [0.001, 0.999]]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_csv_with_another_delimiter(tmp_path, mark):
    text = "label,p_a,p_b\na,1,0\nb,0.5,0.5\n".replace(",", mark)
    assert read(opened(write(tmp_path / "t.csv", text)))[0].tolist() == [0, 1]


def test_csv_parts_of_which_one_is_text(tmp_path):
    write(tmp_path / "a.csv", "id,label,p_a,p_b\n1,a,1,0\n")
    write(tmp_path / "b.csv", "id,label,p_a,p_b\nx1,b,1,0\n")
    source = opened(tmp_path)
    assert source.take(np.array([0, 1]), ["id"]).to_pylist() == [{"id": "1"}, {"id": "x1"}]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (
            "t.csv",
            "label,p_a,p_b\na,1,0\nb,1\n",
            "CSV parse error: Row #3: Expected 3 columns, got 2: b,1",
        ),
        ("t.csv", "label,p_a,p_b\n\xe9,1,0\n".encode("latin-1"), "invalid UTF8 data"),
        (
            "t.jsonl",
            '{"label": 1, "probs": [1, 0]}\n{"label": 1, "probs": [1, 0]\n',
            "JSON parse error: Missing a comma or '}' after an object member. in line 2",
        ),
        (
            "t.jsonl",
            '{"label": 1, "probs": [1, 0]}\n{"label": "x", "probs": [1, 0]}\n',
            "JSON parse error: Column(/label) changed from number to string in line 2",
        ),
    ],
)
def test_text_that_cannot_be_parsed(tmp_path, name, text, found):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        opened(path)
    assert caught.value.found.startswith(f"{path} cannot be read: ")
    assert found in caught.value.found


def test_a_probability_that_is_no_number_far_down(tmp_path):
    rows = ["a,1,0\n"] * 700_000
    rows[690_000] = "a,many,0\n"
    path = write(tmp_path / "t.csv", "label,p_a,p_b\n" + "".join(rows))
    with pytest.raises(InputError) as caught:
        read(opened(path))
    assert "Row #690002: CSV conversion error to double: invalid value 'many'" in caught.value.found
    assert caught.value.remedy == "Mend that line, or write the file again."


@pytest.mark.parametrize("text", ["label,p_a,p_b\n", "label,p_a,p_b"])
def test_csv_without_rows(tmp_path, text):
    path = write(tmp_path / "t.csv", text)
    with pytest.raises(NothingToAuditError) as caught:
        opened(path)
    assert caught.value.found == f"{path} has no rows."


def test_csv_columns_of_one_name(tmp_path):
    path = write(tmp_path / "t.csv", "label,p_a,p_a\na,1,0\n")
    with pytest.raises(InputError) as caught:
        opened(path)
    assert caught.value.found == f"{path} has several columns named p_a."


def test_jsonl(tmp_path):
    table = small([NAMES[c] for c in CODES], P, id=list(range(2**53, 2**53 + 40)))
    source = opened(save_jsonl(tmp_path / "t.jsonl", table))
    labels, probs = read(source)
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(probs, P)
    assert source.take(np.array([1]), ["id"]).to_pylist() == [{"id": 2**53 + 1}]


def test_jsonl_dates_come_back_as_written(tmp_path):
    text = '{"label": 0, "probs": {"a": 1, "b": 0}, "day": "2024-01-01"}\n'
    source = opened(write(tmp_path / "t.jsonl", text), keep=("day",), classes=("a", "b"))
    assert source.take(np.array([0]), ["day"]).to_pylist() == [{"day": "2024-01-01"}]
    assert read(source)[1].tolist() == [[1.0, 0.0]]


def test_the_same_table_in_every_format(tmp_path):
    table = small([NAMES[c] for c in CODES], P)
    paths = [
        saved(tmp_path / "t.parquet", table),
        save_arrow(tmp_path / "t.arrow", table),
        save_jsonl(tmp_path / "t.jsonl", table),
    ]
    pc_csv.write_csv(wide([NAMES[c] for c in CODES]), tmp_path / "t.csv")
    for path in (*paths, tmp_path / "t.csv"):
        source = opened(path)
        labels, probs = read(source.held(10_000))
        assert labels.tolist() == CODES.tolist()
        assert np.array_equal(probs, P)


def test_folders_named_key_value(tmp_path):
    for split, n in (("train", 1), ("train", 2), ("t%20est", 1)):
        folder = tmp_path / f"split={split}" / f"n={n}"
        folder.mkdir(parents=True)
        saved(folder / "x.parquet")
    source = opened(tmp_path, keep=("n",), group="split")
    rows = source.take(np.array([0, 4, 11]), ["n", "label", "split"]).to_pylist()
    assert rows == [
        {"n": 1, "label": 0, "split": "t est"},
        {"n": 1, "label": 0, "split": "train"},
        {"n": 2, "label": 1, "split": "train"},
    ]
    assert source.take(np.array([11]), ["split"]).to_pylist() == [{"split": "train"}]
    assert read(source)[0].tolist() == [0, 1, 2, 1] * 3


def test_csv_in_folders_named_key_value(tmp_path):
    for split in ("a", "b"):
        (tmp_path / f"split={split}").mkdir()
        write(tmp_path / f"split={split}" / "x.csv", "label,p_a,p_b\na,1,0\nb,0,1\n")
    source = opened(tmp_path, group="split", key="split")
    assert source.take(np.array([1, 2]), ["split"]).to_pylist() == [{"split": "a"}, {"split": "b"}]
    assert source.check_keys().count == 2
    assert read(source)[0].tolist() == [0, 1, 0, 1]


def test_a_label_from_the_folder(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / f"label={label}").mkdir()
        saved(tmp_path / f"label={label}" / "x.parquet", pa.table({"probs": fixed(P[:2, :2])}))
    source = opened(tmp_path)
    assert source.classes == ("cat", "dog")
    assert read(source)[0].tolist() == [0, 0, 1, 1]


def test_hidden_files_and_loops_are_skipped(tmp_path):
    data = tmp_path / "data"
    (data / "b").mkdir(parents=True)
    (data / "_tmp").mkdir()
    saved(data / "b" / "1.parquet")
    for name in ("_tmp/2.parquet", ".hidden.parquet", "_SUCCESS.parquet"):
        saved(data / name)
    (data / "b" / "loop").symlink_to(data)
    (data / "again.parquet").symlink_to(data / "b" / "1.parquet")
    assert len(opened(data).understanding.files) == 1
    assert opened(data).rows == 4


def test_globs_and_repeated_paths(tmp_path):
    for name in ("c", "a", "b"):
        saved(tmp_path / f"{name}.parquet")
    glob = f"{tmp_path}/[ab].parquet"
    found = opened(glob, tmp_path / "b.parquet").understanding.files
    assert found == (f"{tmp_path}/a.parquet", f"{tmp_path}/b.parquet")
    bracket = saved(tmp_path / "x[1].parquet")
    assert opened(bracket).understanding.files == (bracket,)


def test_file_uris(tmp_path):
    path = saved(tmp_path / "a b.parquet")
    source = opened(f"file://{tmp_path}/a%20b.parquet")
    assert source.paths == (path,)


def test_uris_of_other_systems():
    fsspec = pytest.importorskip("fsspec")
    sink = io.BytesIO()
    pa.parquet.write_table(small(), sink)
    for part in ("split=a/x.parquet", "split=b/x.parquet", "_skip/x.parquet"):
        fsspec.filesystem("memory").pipe(f"labels/{part}", sink.getvalue())
    source = opened("memory://labels", group="split")
    assert read(source)[0].tolist() == [0, 1, 2, 1] * 2
    assert source.take(np.array([4]), ["split"]).to_pylist() == [{"split": "b"}]
    names = opened("memory://labels/*/x.parquet").understanding.files
    assert names == ("memory://labels/split=a/x.parquet", "memory://labels/split=b/x.parquet")
    with pytest.raises(LabelauditError, match="begin with nosuch://"):
        opened("nosuch://x/y")


@pytest.mark.parametrize(
    ("address", "absent", "command"),
    [
        ("http://127.0.0.1:9/x.parquet", "aiohttp", "pip install fsspec aiohttp"),
        ("https://127.0.0.1:9/x.parquet", "aiohttp", "pip install fsspec aiohttp"),
        ("memory://x.parquet", "fsspec", "pip install fsspec"),
    ],
)
def test_address_that_needs_a_package(monkeypatch, address, absent, command):
    pytest.importorskip("fsspec")
    for name in [name for name in sys.modules if name.startswith("fsspec.implementations.http")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(MissingExtraError, match="needs") as error:
        opened(address)
    assert error.value.remedy == command
    assert error.value.exit_code == 4


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_standard_input(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"t.{suffix}"
    table = small(probs=probs_of(4, 3, np.float64))
    if suffix == "parquet":
        saved(path, table)
    elif suffix == "csv":
        path.write_text("label,p_a,p_b,p_c\na,1,0,0\nb,1,0,0\nc,1,0,0\nb,1,0,0\n")
    else:
        save_jsonl(path, table)
    spooled = []
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(path.read_bytes())))
    monkeypatch.setattr(spool.atexit, "register", lambda *call, **_: spooled.append(call[0]))
    source = opened("-")
    assert source.understanding.files == ("standard input",)
    assert source.understanding.format == suffix
    assert read(source)[0].tolist() == [0, 1, 2, 1]
    for remove in spooled:
        remove()


def test_a_run_imports_neither_pandas_nor_other_formats(tmp_path):
    path = saved(tmp_path / "t.parquet", small(["a", None, "c", "b"], id=["x", "y", "z", "z"]))
    code = f"""
import sys, numpy as np
from labelaudit.tables import ReadOptions, open_labels
source = open_labels([{path!r}], ReadOptions(keep=("id",)))
blocks = [block for each in source.partitions for block in each.blocks()]
assert source.check_keys() is not None
source.take(np.arange(2), ["id", "label"]), source.label_value(1), source.bytes_to_read
heavy = {{"pandas", "pyarrow.dataset", "pyarrow.csv", "pyarrow.json"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_unused_columns_are_not_looked_at(tmp_path):
    path = tmp_path / "t.csv"
    write(path, "note,label,p_a,p_b\n1,a,1,0\nno number,b,1,0\n")
    assert read(opened(path))[0].tolist() == [0, 1]
    table = pa.table({"label": [0, 1], "probs": fixed(P[:2, :2].copy()), "x": [{"a": 1}, None]})
    assert read(opened(saved(tmp_path / "t.parquet", table)))[0].tolist() == [0, 1]


@pytest.mark.parametrize("place", ["folder", "relative", "memory"])
@pytest.mark.parametrize(
    ("glob", "hive"),
    [
        ("hive", ("fold", "split")),
        ("hive/split=t*/*/*.csv", ("fold", "split")),
        ("hive/split=t*", ("fold", "split")),
        ("hive/**/fold=1/x.csv", ("fold", "split")),
        ("h*/split=train/fold=*/x.csv", ("fold", "split")),
        ("hive/split=train/*/x.csv", ("fold",)),
        ("hive/split=train/fold=1/x.csv", ()),
    ],
)
def test_folders_of_globs_are_columns_as_those_of_a_folder(
    tmp_path, monkeypatch, place, glob, hive
):
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    far = place == "memory"
    files, top = fsspec.filesystem("memory" if far else "file"), f"{tmp_path}/"
    for part in ("split=train/fold=1", "split=test/fold=2"):
        files.makedirs(f"{top}hive/{part}", exist_ok=True)
        files.pipe_file(f"{top}hive/{part}/x.csv", b"label,p_a,p_b\na,1,0\nb,0,1\n")
    given = {"folder": top, "relative": "", "memory": f"memory:/{top}"}[place] + glob
    assert {tuple(sorted(dict(file.hive))) for file in find_files([given])} == {hive}
    if hive and not far:  # whose files of text begin where they were read last
        assert opened(given, group="fold").tables[0].schema.field("fold").type == pa.int64()


def test_a_folder_named_like_a_glob_is_a_folder(tmp_path):
    (tmp_path / "a=[1]").mkdir()
    (tmp_path / "a=[1]" / "x.csv").write_text("label,p_a,p_b\na,1,0\nb,0,1\n")
    (file,) = find_files([str(tmp_path / "a=[1]")])
    assert file.hive == ()
