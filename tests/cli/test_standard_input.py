"""``-`` is standard input, which can be read once."""

from __future__ import annotations

from tests.in_process import call


def test_twice() -> None:
    for command in (
        ["find-issues"],
        ["aggregate"],
        ["inspect"],
        ["check", "--require", "rows > 1"],
    ):
        done = call(*command, "-", "-")
        assert (done.code, done.err) == (
            2,
            "labelaudit: Standard input is named twice.\nWrite - once: it is read to its end.\n",
        )
