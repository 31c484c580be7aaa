"""What travels between processes of one audit."""

from __future__ import annotations

import pickle
from typing import Any

__all__ = ["packed", "unpacked"]


def packed(value: Any) -> bytes:
    """Return a value as bytes."""
    return pickle.dumps(value, protocol=5)


def unpacked(parcel: bytes) -> Any:
    """Return the value that was packed."""
    # Both ends run this audit, and whoever reaches a worker of an engine runs code there anyway.
    return pickle.loads(parcel)  # noqa: S301 - as the comment above says
