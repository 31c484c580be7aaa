from __future__ import annotations

import pyarrow as pa
import pytest

from labelaudit.errors import UsageError
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.tag_roles import assign_tag_roles, is_multilabel


def test_the_only_list_of_texts_is_the_labels() -> None:
    kinds = {
        "id": pa.int64(),
        "tags": pa.list_(pa.dictionary(pa.int8(), pa.string())),
        "probs": pa.list_(pa.float32()),
        "ids": pa.list_(pa.int64()),
    }
    schema = pa.schema(list(kinds.items()))
    assert is_multilabel(schema, ReadOptions())
    assert assign_tag_roles(schema, ReadOptions()).roles.labels == "tags"
    two = schema.append(pa.field("words", pa.large_list(pa.large_string())))
    assert not is_multilabel(two, ReadOptions())
    with pytest.raises(UsageError, match="Several columns could be the labels"):
        assign_tag_roles(two, ReadOptions(task="multilabel"))
