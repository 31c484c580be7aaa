"""All that an aggregation has found, as bytes."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelaudit.audits.crowd.aggregating import Aggregated

__all__ = ["everything", "leaves"]


def everything(found: Aggregated) -> list[bytes]:
    pieces = [astuple(piece) for piece in found.pieces()]
    tasks = [_joined(column) for column in zip(*map(_flat, pieces), strict=True)]
    workers = replace(found.workers, confusion=None)
    return list(
        leaves(
            [
                *tasks,
                astuple(workers),
                found.workers.confusion.dense(0, len(workers.n_votes)),
                found.confused,
                astuple(found.agreement),
                astuple(found.certificate),
                astuple(found.shape),
                found.typical,
                found.right and astuple(found.right),
                found.warnings,
                found.result.notes,
                found.result.bound,
                found.result.worker_quality,
            ]
        )
    )


def leaves(value: Any) -> Iterator[bytes]:
    """Yield everything that a result holds, as bytes."""
    if isinstance(value, np.ndarray):
        yield repr((value.shape, value.dtype)).encode() + value.tobytes()
    elif isinstance(value, tuple | list):
        for each in value:
            yield from leaves(each)
    else:
        yield repr(value).encode()


def _flat(piece: Any) -> list[Any]:
    if isinstance(piece, tuple):
        return [leaf for each in piece for leaf in _flat(each)]
    return [piece]


def _joined(parts: Sequence[Any]) -> Any:
    return None if parts[0] is None else np.concatenate(parts)
