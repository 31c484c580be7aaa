import decimal
import pickle
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.tables import ReadOptions, open_labels
from tests.tables.read_back import NAMES, fixed, listed, opened, probs_of, read, saved, small

P = probs_of(7)
CODES = np.array([0, 1, 2, 1, 0, 2, 2])

LABELS = {
    "int64": (CODES, {}),
    "int8": (CODES.astype(np.int8), {}),
    "uint16": (CODES.astype(np.uint16), {}),
    "uint64": (CODES.astype(np.uint64), {}),
    "float": (CODES.astype(np.float64), {}),
    "string": ([NAMES[c] for c in CODES], {"classes": NAMES}),
    "large string": (pa.array([NAMES[c] for c in CODES], pa.large_string()), {"classes": NAMES}),
    "sorted strings": ([NAMES[c] for c in CODES], {}),
    "dictionary": (pa.array([NAMES[c] for c in CODES]).dictionary_encode(), {"classes": NAMES}),
    "dictionary of ints": (pa.array(CODES + 5).dictionary_encode(), {"classes": ("5", "6", "7")}),
    "other ints": (CODES * 10 + 7, {}),
    "negative ints": (CODES - 9, {"classes": ("-9", "-8", "-7")}),
}


def layouts(probs):
    columns = [pa.array(np.ascontiguousarray(column)) for column in probs.T]
    k = probs.shape[1]
    names = NAMES[:k]
    value = pa.from_numpy_dtype(probs.dtype)
    maps = [list(zip(names, row.tolist(), strict=True)) for row in probs.astype(np.float64)]
    return {
        "fixed-size list": {"pred_probs": fixed(probs)},
        "list": {"pred_probs": listed(probs)},
        "large list": {"pred_probs": listed(probs, pa.large_list(value))},
        "struct": {"pred_probs": pa.StructArray.from_arrays(columns, names)},
        "map": {"pred_probs": pa.array(maps, pa.map_(pa.string(), value))},
        "wide": {f"p_{name}": column for name, column in zip(names, columns, strict=True)},
        "numbered": {f"prob_{i}": column for i, column in enumerate(columns)},
    }


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("layout", ["fixed-size list", "numbered"])
def test_label_types(tmp_path, label, layout):
    values, options = LABELS[label]
    path = saved(tmp_path / "t.parquet", pa.table({"label": values, **layouts(P)[layout]}))
    labels, probs = read(opened(path, **options))
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(probs, P)


@pytest.mark.parametrize("layout", layouts(P))
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_prob_layouts(tmp_path, layout, dtype):
    probs = probs_of(7, dtype=dtype)
    names = [NAMES[c] for c in CODES]
    path = saved(tmp_path / "t.parquet", pa.table({"label": names, **layouts(probs)[layout]}))
    source = opened(path)
    labels, found = read(source)
    assert labels.tolist() == CODES.tolist()
    assert found.dtype == (np.float64 if dtype == np.float64 else np.float32)
    assert np.array_equal(found, probs)
    assert source.understanding.prob_type == np.dtype(dtype).name


def test_tensor(tmp_path):
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(P)
    source = opened(saved(tmp_path / "t.parquet", pa.table({"label": CODES, "probs": tensors})))
    assert source.understanding.prob_layout == "tensor"
    assert np.array_equal(read(source)[1], P)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"p_0": [1, 0], "p_1": [0, 1]}, [[1, 0], [0, 1]]),
        (
            {"p_0": [decimal.Decimal("0.25")] * 2, "p_1": [decimal.Decimal("0.75")] * 2},
            [[0.25, 0.75]] * 2,
        ),
        ({"p_1": [0.75, 0.5], "p_0": [0.25, 0.5]}, [[0.25, 0.75], [0.5, 0.5]]),
    ],
    ids=["integers", "decimals", "another order"],
)
def test_wide_numbers_become_float64(tmp_path, columns, expected):
    source = opened(saved(tmp_path / "t.parquet", pa.table({"label": [0, 1], **columns})))
    probs = read(source)[1]
    assert probs.dtype == np.float64
    assert probs.tolist() == expected


def test_booleans(tmp_path):
    table = pa.table({"y": [True, False, None], "probs": fixed(probs_of(3, 2))})
    source = opened(saved(tmp_path / "t.parquet", table))
    assert source.classes == ("false", "true")
    assert read(source)[0].tolist() == [1, 0, -2]
    assert source.label_value(1).as_py() is True


@pytest.mark.parametrize(
    ("names", "codes"),
    [(("false", "true"), [1, 0]), (("yes", "no"), [0, 1]), (("True", "False"), [0, 1])],
)
def test_booleans_and_names(tmp_path, names, codes):
    columns = {f"p_{name}": [0.5, 0.5] for name in names}
    table = pa.table({"y": [True, False], **columns})
    assert read(opened(saved(tmp_path / "t.parquet", table)))[0].tolist() == codes


def test_a_label_of_another_class_is_unknown_and_null_is_null(tmp_path):
    table = small(["cat", None, "", "NA", "null", "dog"])
    source = opened(saved(tmp_path / "t.parquet", table), classes=("cat", "NA", ""))
    assert read(source)[0].tolist() == [0, -2, 2, 1, -3, -3]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int16(), pa.int64(), pa.uint64()])
def test_integers_outside_the_classes(tmp_path, kind):
    top = {"int8": 127, "uint8": 255, "int16": 2**15 - 1, "int64": 2**63 - 1, "uint64": 2**64 - 1}
    values = [0, top[str(kind)], None, 2, 3]
    table = small(pa.array(values, kind))
    source = opened(saved(tmp_path / "t.parquet", table))
    assert read(source)[0].tolist() == [0, -3, -2, 2, -3]


def test_negative_labels_are_unknown(tmp_path):
    source = opened(saved(tmp_path / "t.parquet", small([0, -1, 1, -(2**63)])))
    assert read(source)[0].tolist() == [0, -3, 1, -3]


def test_float_labels(tmp_path):
    table = small([0.0, float("nan"), None, 2.0, 7.0])
    source = opened(saved(tmp_path / "t.parquet", table))
    assert read(source)[0].tolist() == [0, -2, -2, 2, -3]


def test_wrong_probabilities_leave_the_row_out(tmp_path):
    probs = pa.array(
        [[0.5, 0.5], None, [0.1, 0.2, 0.7], [1.0], [0.25, None], [0.75, 0.25], []],
        pa.list_(pa.float64()),
    )
    table = pa.table({"label": [0, 1, 1, 0, 0, 1, 1], "probs": probs})
    labels, found = read(opened(saved(tmp_path / "t.parquet", table), classes=("0", "1")))
    assert labels.tolist() == [0, -4, -5, -5, -4, 1, -5]
    assert found.tolist() == [[0.5, 0.5], [0, 0], [0, 0], [0, 0], [0, 0], [0.75, 0.25], [0, 0]]


def test_ragged_rows_with_the_right_total(tmp_path):
    probs = [[0.5, 0.25, 0.25], [0.2, 0.2], [0.1, 0.2, 0.3, 0.4], [0.5, 0.25, 0.25]]
    table = pa.table({"label": [0, 1, 2, 0], "probs": probs})
    source = opened(saved(tmp_path / "t.parquet", table))
    assert len(source.classes) == 3
    labels, found = read(source)
    assert labels.tolist() == [0, -5, -5, 0]
    assert found[3].tolist() == [0.5, 0.25, 0.25]


def test_null_rows_hide_in_a_fixed_size_list(tmp_path):
    values = pa.array([0.5, 0.5, 9.0, 9.0, 0.25, 0.75])
    mask = pa.array([False, True, False])
    probs = pa.FixedSizeListArray.from_arrays(values, 2, mask=mask)
    table = pa.table({"label": [0, 1, 1], "probs": probs})
    labels, found = read(opened(saved(tmp_path / "t.parquet", table)))
    assert labels.tolist() == [0, -4, 1]
    assert found.tolist() == [[0.5, 0.5], [0.0, 0.0], [0.25, 0.75]]


def test_a_label_without_class_outranks_missing_probabilities(tmp_path):
    table = pa.table({"label": [None, 5, 1], "probs": [None, None, [0.5, 0.5]]})
    assert read(opened(saved(tmp_path / "t.parquet", table)))[0].tolist() == [-2, -3, 1]


def test_maps_in_any_order_but_each_class_once(tmp_path):
    rows = [
        [("a", 0.1), ("b", 0.9)],
        [("b", 0.3), ("a", 0.7)],
        [("a", 0.5), ("a", 0.5)],
        [("a", 1.0)],
        [("a", 0.5), ("c", 0.5)],
        None,
        [("a", None), ("b", 1.0)],
    ]
    table = pa.table(
        {"label": list("abababa"), "m": pa.array(rows, pa.map_(pa.string(), pa.float32()))}
    )
    labels, found = read(opened(saved(tmp_path / "t.parquet", table)))
    assert labels.tolist() == [0, 1, -5, -5, -5, -4, -4]
    assert found[:2].tolist() == [
        [np.float32(0.1), np.float32(0.9)],
        [np.float32(0.7), np.float32(0.3)],
    ]


def test_null_structs_and_null_fields(tmp_path):
    rows = [{"a": 0.5, "b": 0.5}, None, {"a": 1.0, "b": None}]
    table = pa.table({"label": ["a", "b", "b"], "scores": rows})
    labels, found = read(opened(saved(tmp_path / "t.parquet", table)))
    assert labels.tolist() == [0, -4, -4]
    assert found.tolist() == [[0.5, 0.5], [0, 0], [0, 0]]


def test_dictionaries_that_differ_between_row_groups(tmp_path):
    path = tmp_path / "t.parquet"
    first = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["dog", "cat", "emu"]))
    second = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["emu", "dog", "cat"]))
    tables = [small(each) for each in (first, second)]
    with pq.ParquetWriter(path, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    source = opened(path)
    assert source.classes == NAMES
    assert read(source)[0].tolist() == [1, 0, 2, 2, 1, 0]
    taken = source.take(np.array([0, 3, 5]), ["label"])
    assert taken.column("label").to_pylist() == ["dog", "emu", "cat"]


def test_an_ensemble(tmp_path):
    other = probs_of(7, seed=5)
    table = pa.table({"y": CODES, "a": fixed(P), **layouts(other)["numbered"]})
    source = opened(saved(tmp_path / "t.parquet", table), probs=("a", "prob_*"))
    assert source.understanding.prob_columns == ("a", "prob_*")
    assert np.array_equal(read(source, 0)[1], P)
    assert np.array_equal(read(source, 1)[1], other)


def test_an_ensemble_of_two_types_is_float64(tmp_path):
    table = pa.table({"y": CODES, "a": fixed(P), "b": fixed(P.astype(np.float64))})
    source = opened(saved(tmp_path / "t.parquet", table), probs=("a", "b"))
    block = next(source.partitions[0].blocks())
    assert [member.dtype for member in block.members] == [np.float64, np.float64]


def test_named_columns_follow_the_classes(tmp_path):
    swapped = {"p_emu": P[:, 2], "p_cat": P[:, 0], "p_dog": P[:, 1]}
    table = pa.table({"y": [NAMES[c] for c in CODES], **swapped})
    path = saved(tmp_path / "t.parquet", table)
    assert opened(path).classes == ("emu", "cat", "dog")
    source = opened(path, classes=NAMES)
    labels, found = read(source)
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(found, P)


codecs = st.sampled_from(["none", "snappy", "zstd", "gzip", "lz4"])


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 60),
    group=st.integers(1, 70),
    codec=codecs,
    dictionary=st.booleans(),
    version=st.sampled_from(["1.0", "2.0"]),
    cuts=st.lists(st.integers(0, 60), max_size=3),
    nulls=st.sets(st.integers(0, 59), max_size=5),
)
def test_layout_does_not_matter(
    tmp_path_factory, n, group, codec, dictionary, version, cuts, nulls
):
    folder = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(n)
    labels = [None if i in nulls else NAMES[c] for i, c in enumerate(rng.integers(0, 3, n))]
    probs = [None if i - 1 in nulls else row for i, row in enumerate(probs_of(n).tolist())]
    table = pa.table({"label": labels, "probs": pa.array(probs, pa.list_(pa.float32()))})
    bounds = sorted({0, n, *(cut for cut in cuts if cut < n)})
    for part, (low, high) in enumerate(pairwise(bounds)):
        saved(
            folder / f"{part}.parquet",
            table.slice(low, high - low),
            row_group_size=group,
            compression=codec,
            use_dictionary=dictionary,
            data_page_version=version,
        )
    found, members = read(opened(folder, classes=NAMES))
    expected = [
        -2 if label is None else -4 if row is None else NAMES.index(label)
        for label, row in zip(labels, probs, strict=True)
    ]
    assert found.tolist() == expected
    rows = [[0.0] * 3 if row is None else row for row in probs]
    assert np.array_equal(members, np.array(rows, np.float32))


def test_partitions_are_recipes(tmp_path):
    path = saved(tmp_path / "t.parquet", small(np.arange(3).repeat(100)), row_group_size=50)
    source = open_labels([path], ReadOptions())
    copies = pickle.loads(pickle.dumps(source.partitions))
    blocks = [block for each in copies for block in each.blocks()]
    assert sum(map(len, blocks)) == 300


def test_small_row_groups_are_joined_and_large_ones_are_not(tmp_path):
    probs = probs_of(40_000, 100)
    table = pa.table({"y": np.arange(40_000) % 100, "probs": fixed(probs)})
    path = saved(tmp_path / "t.parquet", table, row_group_size=2_000)
    source = opened(path)
    starts = [partition.first_row for partition in source.partitions]
    assert starts == [0, 12_000, 24_000, 36_000]
    sizes = [len(block) for block in source.partitions[0].blocks()]
    assert sizes == [2_000] * 6
    labels, found = read(source)
    assert np.array_equal(found, probs)
    assert np.array_equal(labels, np.arange(40_000) % 100)


@pytest.mark.parametrize(("k", "rows"), [(2, 65_536), (100, 8_192), (1000, 2_048), (100_000, 256)])
def test_blocks_are_some_megabytes(k, rows):
    from labelaudit.tables.memory import memory_labels

    probs = np.full((3, k), 1 / k, np.float32)
    assert memory_labels([0, 1, 0], probs).decoder.block_rows == rows
