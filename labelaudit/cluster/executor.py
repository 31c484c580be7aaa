"""A cluster as an executor: anything with ``map``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.tasks import Findings, Traffic, stage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from labelaudit.cluster.tasks import Tasks

__all__ = ["ClusterExecutor"]


@dataclass(frozen=True, slots=True)
class ClusterExecutor:
    """Maps functions over items that are recipes; only results come back.

    Attributes
    ----------
    tasks : Tasks
    """

    tasks: Tasks

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        """Apply the function to the items, giving results in the items' order.

        The function is sent once, with all that it knows.
        """
        parcel = packed(function)
        held = self.tasks.held(parcel)
        futures = [
            self.tasks.task("map", _applied, held, packed(items))
            for items in zip(*iterables, strict=False)
        ]
        traffic = Traffic(stage_of(function), len(parcel))
        self.tasks.cluster.traffic.append(traffic)
        for result in self.tasks.gathered(futures):
            traffic.take(Findings.of(result))
            yield unpacked(result)


def _applied(function: Callable[..., Any], items: bytes) -> bytes:
    return packed(function(*unpacked(items)))
