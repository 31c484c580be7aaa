"""What stands on the pages of the docs."""

from __future__ import annotations

from tests.docs.examples import DOCS

__all__ = ["section"]


def section(title: str, name: str = "files") -> str:
    """Return what stands under a heading of the page about files, or about votes."""
    page = (DOCS / "reference" / f"{name}.md").read_text("utf-8")
    return page[page.index(f"## {title}\n") :].split("\n## ")[0]
