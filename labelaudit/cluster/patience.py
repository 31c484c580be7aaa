"""How long to wait for a cluster that may be gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from labelaudit.errors import EnvironmentalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future as Promise

    from labelaudit.cluster.connecting import Cluster

__all__ = ["Patience"]

R = TypeVar("R")

_GLANCE_SECONDS = 0.2
_LOOK_SECONDS = 5.0
_LOOKS = 6
_AWAY_SECONDS = 5.0


@dataclass(slots=True)
class Patience:
    """Waits, and looks now and then whether there is anybody left to wait for.

    Attributes
    ----------
    cluster : Cluster
    """

    cluster: Cluster
    _looked: float = field(default_factory=monotonic)
    _idle: int = 0
    _away: float | None = None

    def wait(self, found: Promise[R], glance: Callable[[], None]) -> R:
        """Return what is waited for.

        Parameters
        ----------
        found : concurrent.futures.Future
        glance : callable
            Called several times a second.

        Raises
        ------
        EnvironmentalError
            If the scheduler, or all workers, are gone.
        """
        while True:
            try:
                return found.result(_GLANCE_SECONDS)
            except TimeoutError:
                if found.done():  # it is what was waited for that has timed out
                    raise
                self._demand_scheduler()
                self._demand_workers()
                glance()

    def _demand_scheduler(self) -> None:
        """Give a connection that is lost a few seconds to come back."""
        if self.cluster.client.status == "running":
            self._away = None
            return
        now = monotonic()
        self._away = self._away or now
        if now - self._away > _AWAY_SECONDS:
            raise EnvironmentalError(
                "The scheduler of the cluster went away during the audit.",
                "Start it again, and look at what it wrote when it ended.",
            )

    def _demand_workers(self) -> None:
        if monotonic() - self._looked < _LOOK_SECONDS or self._away is not None:
            return
        self._looked = monotonic()
        self._idle = 0 if self._anybody() else self._idle + 1
        if self._idle == _LOOKS:
            raise EnvironmentalError(
                f"All workers of the cluster at {self.cluster.shown} are gone.",
                "Start workers with more memory, and look at what they wrote when they ended.",
            )

    def _anybody(self) -> bool:
        try:
            return bool(self.cluster.client.nthreads())
        except OSError:  # the scheduler does not answer either; what was asked of it will fail
            return False
