"""Tables that change while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.audits.ground import LocalGround

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

__all__ = ["between_readings"]


def between_readings(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any]) -> None:
    """Do something to a table when it has been read once and is to be read again."""
    read, times = LocalGround.read, []

    def changing(*arguments: Any) -> Any:
        times.append(1)
        if len(times) == 2:
            change()
        return read(*arguments)

    monkeypatch.setattr(LocalGround, "read", changing)
