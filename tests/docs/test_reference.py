"""The command reference is what its script writes."""

from __future__ import annotations

import importlib.util
import json

from tests.docs.examples import DOCS, ROOT


def test_the_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "run python docs/make_reference.py"


def test_every_key_of_the_summary_is_described() -> None:
    path = ROOT / "labelaudit" / "reports" / "summary.schema.json"
    keys = json.loads(path.read_text("utf-8"))["properties"]
    page = (DOCS / "reference" / "files.md").read_text("utf-8")
    section = page[page.index("## Summary") :]
    assert len(keys) > 10
    assert [key for key in keys if f"`{key}`" not in section] == []
