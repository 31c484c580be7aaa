import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from labelaudit.errors import InputError, UsageError
from tests.tables.read_back import NAMES, fixed, listed, opened, probs_of, read, saved, small

P = probs_of(3)


def source_of(tmp_path, columns, metadata=None, **options):
    table = pa.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata(metadata)
    return opened(saved(tmp_path / "t.parquet", table), **options)


def refusal(tmp_path, columns, error=UsageError, **options):
    with pytest.raises(error) as caught:
        source_of(tmp_path, columns, **options)
    assert type(caught.value) is error
    return [caught.value.found, caught.value.remedy]


def hugging_face(**features):
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def class_label(*names):
    return {"_type": "ClassLabel", "names": list(names)}


@pytest.mark.parametrize(
    "name",
    ["label", "Labels", "GIVEN_LABEL", "noisy_label", "target", "y", "Class", "category"],
)
def test_label_names(tmp_path, name):
    source = source_of(tmp_path, {name: [0, 1, 2], "probs": fixed(P)})
    assert source.understanding.label_column == name
    assert source.understanding.origins["labels"] == "inferred from its name"


def test_a_label_that_was_said(tmp_path):
    columns = {"y": [0, 1, 2], "z": [2, 1, 0], "probs": fixed(P)}
    source = source_of(tmp_path, columns, labels="z", origins={"labels": "--labels"})
    assert read(source)[0].tolist() == [2, 1, 0]
    assert source.understanding.origins["labels"] == "--labels"


def test_two_labels(tmp_path):
    assert refusal(tmp_path, {"label": [0], "y": [0], "probs": fixed(P[:1])}) == [
        "Several columns could be the labels: label, y.",
        "Say which with --labels.",
    ]


def test_no_label(tmp_path):
    assert refusal(tmp_path, {"truth": [0], "probs": fixed(P[:1])}) == [
        "No column looks like the labels among truth, probs.",
        "Say which it is with --labels.",
    ]


@pytest.mark.parametrize(
    ("said", "hint"),
    [("lable", "Did you mean label? "), ("LABEL", "Did you mean label? "), ("qq", "")],
)
def test_a_label_that_is_not_there(tmp_path, said, hint):
    assert refusal(tmp_path, {"label": [0], "probs": fixed(P[:1])}, labels=said) == [
        f"There is no column {said} for labels.",
        f"{hint}The columns are label, probs.",
    ]


@pytest.mark.parametrize(
    ("labels", "task", "found"),
    [
        ([[0], [1, 2]], "multiclass", "a list"),
        ([{"a": 1}, {"a": 2}], "auto", "a struct or map"),
    ],
)
def test_nested_labels(tmp_path, labels, task, found):
    assert refusal(tmp_path, {"label": labels, "probs": fixed(P[:2])}, task=task) == [
        f"Column label is {found}, not one label a row.",
        (
            "Give a column with one label a row with --labels; lists of labels are audited with "
            "--task multilabel."
        ),
    ]


def test_labels_of_a_type_that_cannot_be_labels(tmp_path):
    days = pa.array([0, 1, 2], pa.date32())
    assert refusal(tmp_path, {"label": days, "probs": fixed(P)}) == [
        "Column label is of type date32[day], which cannot be labels.",
        "Give a column of strings, integers or booleans with --labels.",
    ]


def test_hugging_face_names(tmp_path):
    columns = {"emotion": [2, 0, 1], "y": [0, 0, 0], "probs": fixed(P)}
    metadata = hugging_face(emotion=class_label(*NAMES), y={"_type": "Value", "dtype": "int64"})
    source = source_of(tmp_path, columns, metadata)
    assert source.understanding.label_column == "emotion"
    assert source.classes == NAMES
    assert (
        source.understanding.class_order == "Hugging Face ClassLabel; label k is the k-th, from 0"
    )
    assert read(source)[0].tolist() == [2, 0, 1]


def test_two_hugging_face_labels(tmp_path):
    columns = {"coarse": [0], "fine": [0], "probs": fixed(P[:1])}
    table = pa.table(columns).replace_schema_metadata(
        hugging_face(coarse=class_label("a", "b"), fine=class_label("a", "b", "c"))
    )
    with pytest.raises(UsageError, match="Several columns could be the labels: coarse, fine"):
        opened(saved(tmp_path / "t.parquet", table))


@pytest.mark.parametrize("metadata", [b"{", b"[]", b'{"info": null}', b'{"info": {"features": 3}}'])
def test_hugging_face_metadata_that_is_none(tmp_path, metadata):
    columns = {"label": [0, 1, 2], "probs": fixed(P)}
    assert source_of(tmp_path, columns, {b"huggingface": metadata}).classes == ("0", "1", "2")


@pytest.mark.parametrize("name", ["pred_probs", "probs", "Proba", "probabilities", "predict_proba"])
def test_prob_names_come_before_other_lists(tmp_path, name):
    source = source_of(tmp_path, {"y": [0, 1, 2], "embedding": listed(P + 1), name: listed(P)})
    assert source.understanding.prob_columns == (name,)
    assert np.array_equal(read(source)[1], P)


def test_the_only_list_of_floats(tmp_path):
    columns = {"y": [0, 1, 2], "tags": [[1], [2], [3]], "model_output": listed(P)}
    source = source_of(tmp_path, columns)
    assert source.understanding.prob_columns == ("model_output",)
    assert source.understanding.origins["probs"] == "inferred: the only list of floats"


@pytest.mark.parametrize(
    ("columns", "candidates"),
    [
        ({"probs": listed(P), "pred_probs": listed(P)}, "probs, pred_probs"),
        ({"a": listed(P), "b": listed(P)}, "a, b"),
        (
            {"p_a": [0.5], "p_b": [0.5], "score_a": [0.5], "score_b": [0.5]},
            "p_*, score_*",
        ),
    ],
)
def test_two_candidates_for_probabilities(tmp_path, columns, candidates):
    rows = len(next(iter(columns.values())))
    assert refusal(tmp_path, {"y": [0] * rows, **columns}) == [
        f"Several columns could be the probabilities: {candidates}.",
        "Say which with --probs.",
    ]


def test_no_probabilities(tmp_path):
    found, remedy = refusal(tmp_path, {"y": [0], "p_a": ["x"], "p_b": ["y"]})
    assert found == (
        "No column looks like probabilities among y, p_a, p_b; column p_a would, but is of type "
        "string."
    )
    assert remedy == (
        "Say which it is with --probs: one list column, or a quoted glob of wide columns ('p_*')."
    )


def test_a_glob_of_wide_columns(tmp_path):
    columns = {f"m{i}_out": pa.array(P[:, i]) for i in (2, 0, 1)}
    source = source_of(tmp_path, {"y": [0, 1, 2], **columns}, probs=("m*_out",))
    assert source.understanding.prob_layout == "wide columns"
    assert np.array_equal(read(source)[1], P)


def test_eleven_numbered_columns_are_in_the_order_of_their_numbers(tmp_path):
    probs = probs_of(3, 11)
    order = sorted(range(11), key=str)
    columns = {f"p_{i}": pa.array(probs[:, i]) for i in order}
    source = source_of(tmp_path, {"y": [0, 1, 10], **columns})
    assert np.array_equal(read(source)[1], probs)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("zz*", "probs zz* matches no column, not one number column per class."),
        ("y", "Column y is of type int64, not one probability per class."),
        ("t*", "probs t* matches columns text, not one number column per class."),
    ],
)
def test_probabilities_that_are_none(tmp_path, said, found):
    columns = {"y": [0, 1, 2], "text": ["a", "b", "c"], "probs": fixed(P)}
    assert refusal(tmp_path, columns, probs=(said,), labels="y")[0] == found


def test_keys(tmp_path):
    columns = {"y": [0, 1, 2], "probs": fixed(P)}
    assert source_of(tmp_path, columns).understanding.key_column is None
    source = source_of(tmp_path, {**columns, "UID": ["a", "b", "c"]})
    assert (source.understanding.key_column, source.key_is_inferred) == ("UID", True)
    source = source_of(tmp_path, {**columns, "__index_level_0__": [5, 6, 7]})
    assert source.understanding.key_column == "__index_level_0__"
    source = source_of(tmp_path, {**columns, "id": [1, 2, 3], "path": ["x", "y", "z"]}, key="path")
    assert (source.understanding.key_column, source.key_is_inferred) == ("path", False)
    assert source.without_key().understanding.key_column is None
    assert refusal(tmp_path, {**columns, "id": [1, 2, 3], "uuid": [1, 2, 3]}) == [
        "Several columns could be the key: id, uuid.",
        "Say which with --key.",
    ]


@pytest.mark.parametrize("values", [[[1], [2], [3]], [{"a": 1}] * 3, pa.array([1, 2, 3], "f2")])
def test_keys_are_numbers_or_text(tmp_path, values):
    columns = {"y": [0, 1, 2], "probs": fixed(P), "id": values}
    assert source_of(tmp_path, columns).understanding.key_column is None
    found, remedy = refusal(tmp_path, columns, key="id")
    assert (
        found
        == f"Column id is of type {pa.array(values).type}, which cannot be the key.".replace(
            "item", "element"
        )
    )
    assert remedy == "Give a column of numbers or strings with --key."


@pytest.mark.parametrize("values", [[[1], [2], [3]], [{"a": 1}] * 3, [b"a", b"\xff", b"c"]])
def test_groups_are_numbers_or_text(tmp_path, values):
    columns = {"y": [0, 1, 2], "probs": fixed(P), "g": values}
    found, remedy = refusal(tmp_path, columns, group="g")
    assert found.endswith(", whose values cannot name groups.")
    assert remedy == "Give a column of strings, numbers or dates with --group."


def test_odd_columns_are_not_kept(tmp_path):
    odd = pa.RunEndEncodedArray.from_arrays(pa.array([3], pa.int32()), pa.array(["a"]))
    table = pa.table({"y": [0, 1, 2], "probs": fixed(P), "odd": odd})
    path = tmp_path / "t.arrow"
    feather.write_feather(table, path, compression="uncompressed")
    with pytest.raises(UsageError, match=r"^Column odd is of type run_end_encoded") as caught:
        opened(path, keep=("*",))
    assert caught.value.remedy == "Convert it first, or leave it out of --keep."


def test_kept_columns(tmp_path):
    columns = {"y": [0], "probs": fixed(P[:1]), "id": [1], "meta_a": [1], "meta_b": [2], "x": [3]}
    assert source_of(tmp_path, columns, keep=("meta_*", "x")).roles.keep == (
        "meta_a",
        "meta_b",
        "x",
    )
    assert source_of(tmp_path, columns, keep=("*",)).roles.keep == ("meta_a", "meta_b", "x")
    assert refusal(tmp_path, columns, keep=("q*",))[0] == "keep q* matches no column."
    assert refusal(tmp_path, columns, keep=("metaa",))[1].startswith("Did you mean meta_a? ")
    assert refusal(tmp_path, columns, group="w")[0] == "There is no column w for group."


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (pa.array(list("bcab")).dictionary_encode(), "assumed: sorted labels"),
        (pa.DictionaryArray.from_arrays([1, 2, 0, 1], list("abc")), "assumed: sorted labels"),
        (pa.DictionaryArray.from_arrays([1, 2, 0, 1], list("cba")), "dictionary categories"),
        (list("bcab"), "assumed: sorted labels"),
    ],
    ids=["encoded as they come", "sorted", "chosen", "strings"],
)
def test_class_order_of_strings(tmp_path, labels, order):
    source = source_of(tmp_path, {"label": labels, "probs": fixed(probs_of(4))})
    chosen = order == "dictionary categories"
    assert source.classes == (("c", "b", "a") if chosen else ("a", "b", "c"))


def test_class_order_is_said_when_assumed(tmp_path):
    source = source_of(tmp_path, {"label": list("bca"), "probs": fixed(P)})
    assert source.understanding.class_order == "assumed: sorted labels"
    (warning,) = source.warnings
    assert warning == (
        "Class order assumed: sorted (a, b, c). If the columns of probs stand in another order, "
        "say so with --classes."
    )


def test_too_few_labels_to_sort(tmp_path):
    assert refusal(tmp_path, {"label": list("bba"), "probs": fixed(P)}) == [
        "Column label holds 2 different labels, but probs holds 3 probabilities a row.",
        "Name the classes in the order of the probabilities with --classes.",
    ]
    found, _ = refusal(tmp_path, {"label": list("bbb"), "probs": fixed(P)})
    assert found.startswith("Column label holds only one label, but probs holds 3")


@pytest.mark.parametrize(
    ("labels", "remedy"),
    [
        ([0, 1, 2, 3, 3], "1 class has no probabilities: give those of every class with --probs."),
        ([0.0, 1.0, 4.0, 2.0, 3.0], "2 classes have no probabilities: give those of every class"),
        (list("dcbae"), "2 classes have no probabilities: give those of every class"),
        ([f"id-{i}" for i in range(1200)], "Say which column holds the labels with --labels"),
    ],
)
def test_more_labels_than_probabilities(tmp_path, labels, remedy):
    columns = {"label": labels, "probs": [[0.2, 0.3, 0.5]] * len(labels)}
    found, said = refusal(tmp_path, columns)
    assert found == (
        f"Column label holds {len(set(labels)):,} different labels, but probs holds 3 "
        "probabilities a row."
    )
    assert said.startswith(remedy)


def test_one_label_too_many_in_many_rows_is_a_slip(tmp_path):
    labels = [0, 1, 2] * 100 + [3]
    source = source_of(tmp_path, {"label": labels, "probs": [[0.2, 0.3, 0.5]] * 301})
    assert source.classes == ("0", "1", "2")


def test_classes_that_were_said(tmp_path):
    columns = {"label": list("bba"), "probs": fixed(P)}
    source = source_of(tmp_path, columns, classes=("b", "z", "a"), origins={"classes": "--classes"})
    assert read(source)[0].tolist() == [0, 0, 2]
    assert source.understanding.class_order == "--classes"
    assert refusal(tmp_path, columns, classes=("a", "b")) == [
        "There are 2 classes (given), but probs holds 3 probabilities a row.",
        "Name the classes in the order of the probabilities with --classes.",
    ]
    assert refusal(tmp_path, columns, classes=("a", "b", "a")) == [
        "The classes (given) name a more than once.",
        "Name each class once.",
    ]


def test_names_for_numbers(tmp_path):
    source = source_of(tmp_path, {"label": [2, 0, 1], "probs": fixed(P)}, classes=NAMES)
    assert source.classes == NAMES
    assert read(source)[0].tolist() == [2, 0, 1]
    assert source.label_value(2).as_py() == 2


ONE_BASED = (
    "The labels in column label run from 1 to 3, but class numbers start at 0: they look 1-based."
)


@pytest.mark.parametrize("classes", [None, NAMES])
def test_labels_that_start_at_1(tmp_path, classes):
    columns = {"label": [1, 2, 3], "probs": fixed(P)}
    assert refusal(tmp_path, columns, InputError, classes=classes) == [
        ONE_BASED,
        "Subtract 1 from them, or list the numbers as they are with --classes 1,2,3.",
    ]
    source = source_of(tmp_path, columns, classes=("1", "2", "3"))
    assert read(source)[0].tolist() == [0, 1, 2]


def test_other_numbers(tmp_path):
    source = source_of(tmp_path, {"label": [30, 10, 20], "probs": fixed(P)})
    assert source.classes == ("10", "20", "30")
    assert read(source)[0].tolist() == [2, 0, 1]
    assert source.warnings[0].startswith("Class order assumed: sorted (10, 20, 30).")


def test_minus_one_and_one(tmp_path):
    source = source_of(tmp_path, {"label": [1, -1, 1], "probs": fixed(probs_of(3, 2))})
    assert source.classes == ("-1", "1")
    assert read(source)[0].tolist() == [1, 0, 1]


@pytest.mark.parametrize("kind", [pa.uint64(), pa.int64()])
def test_numbers_of_64_bits(tmp_path, kind):
    values = [2**53, 2**53 + 1, 2**63 - 1]
    source = source_of(tmp_path, {"label": pa.array(values, kind), "probs": fixed(P)})
    assert source.classes == tuple(map(str, values))
    assert read(source)[0].tolist() == [0, 1, 2]


def test_unsigned_numbers_are_not_negative_ones(tmp_path):
    labels = pa.array([2**64 - 1, 5, 2**63], pa.uint64())
    columns = {"label": labels, "probs": fixed(P)}
    source = source_of(tmp_path, columns, classes=("5", "-1", str(-(2**63))))
    assert read(source)[0].tolist() == [-3, 0, -3]
    source = source_of(tmp_path, columns)
    assert source.classes == ("5", str(2**63), str(2**64 - 1))
    assert read(source)[0].tolist() == [2, 0, 1]


def test_infinite_labels(tmp_path):
    columns = {"y": [float("inf"), 1.0, 0.0], "probs": fixed(P)}
    assert refusal(tmp_path, columns)[0] == (
        "Column y holds fractions such as inf, which cannot be labels."
    )


def test_a_number_out_of_range_is_a_mistake_not_a_name(tmp_path):
    source = source_of(tmp_path, {"label": [0, 9, 1], "probs": fixed(P)})
    assert source.classes == ("0", "1", "2")
    assert read(source)[0].tolist() == [0, -3, 1]


def test_fractions_are_no_labels(tmp_path):
    assert refusal(tmp_path, {"y": [0.5, 1.0], "probs": fixed(P[:2])})[0] == (
        "Column y holds fractions such as 0.5, which cannot be labels."
    )


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.float64(), pa.null()])
def test_labels_that_are_all_null(tmp_path, kind):
    columns = {"label": pa.nulls(3, kind), "probs": fixed(P)}
    assert refusal(tmp_path, columns, InputError) == [
        "Column label holds no label: it is null in every row.",
        "Give another column with --labels.",
    ]


def test_one_class(tmp_path):
    assert refusal(tmp_path, {"label": [0], "probs": fixed(P[:1, :1])}, InputError) == [
        "Column probs holds one probability a row, so there is only one class.",
        "Give the probability of each class, also with two classes.",
    ]


def test_probabilities_that_are_all_null(tmp_path):
    columns = {"label": [0, 1], "probs": pa.nulls(2, pa.list_(pa.float32()))}
    assert refusal(tmp_path, columns, InputError)[0] == "Column probs holds no probabilities."


def test_boolean_labels_and_three_classes(tmp_path):
    assert refusal(tmp_path, {"label": [True], "probs": fixed(P[:1])})[0] == (
        "Column label is boolean, but there are 3 classes."
    )


def test_struct_fields_that_partly_agree(tmp_path):
    rows = [{"cat": 0.5, "dog": 0.5}]
    found, remedy = refusal(tmp_path, {"label": ["cat"], "probs": rows}, classes=("cat", "emu"))
    assert found == "probs has no probabilities of emu."
    assert remedy == "Name the classes as the columns do, or none of them alike."


def test_models_of_different_classes(tmp_path):
    columns = {"label": [0, 1, 2], "a": fixed(P), "b": fixed(probs_of(3, 4))}
    assert refusal(tmp_path, columns, probs=("a", "b"))[0] == (
        "b holds 4 probabilities a row, but there are 3 classes."
    )


def test_more_labels_than_classes_can_be(tmp_path):
    labels = [str(i) for i in range(100_001)]
    columns = {"label": labels, "probs": fixed(probs_of(100_001, 2))}
    assert refusal(tmp_path, columns)[0] == (
        "Column label holds more than 100,000 different values, which cannot be classes."
    )


def test_names_from_labels_called_na(tmp_path):
    table = small(["NA", "None", ""], P)
    source = opened(saved(tmp_path / "t.parquet", table))
    assert source.classes == ("", "NA", "None")
    assert read(source)[0].tolist() == [1, 2, 0]
