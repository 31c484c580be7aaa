"""Our aggregation methods beside crowd-kit's, where it is installed and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from labelaudit.audits.crowd.methods import method
from labelaudit.audits.crowd.posterior import consensus
from tests.benchmarks.crowd_peer import peer_posterior
from tests.crowd_votes import real_votes, simulated

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock

pytestmark = pytest.mark.peer
pytest.importorskip("crowdkit.aggregation")

Floats = npt.NDArray[np.float64]


def peers(name: str, votes: VoteBlock) -> Floats:
    try:
        return peer_posterior(name, votes)
    except Exception as error:  # the peer is no longer maintained: its crash is not our failure
        pytest.skip(f"crowd-kit's {name} crashes here: {type(error).__name__}")


def test_majority_is_the_same() -> None:
    votes, _ = simulated((120, 10, 4), 5, seed=11)
    np.testing.assert_allclose(
        method("majority")(votes).posterior, peers("majority", votes), atol=1e-9
    )


@pytest.mark.parametrize("name", ["dawid-skene", "one-coin", "glad", "mace", "wawa", "zbs"])
def test_labels_are_mostly_the_same(name: str) -> None:
    """Priors differ, so that single uncertain tasks may; the truth is planted and easy."""
    votes, truth = simulated((150, 12, 3), 7, seed=12)
    ours, theirs = consensus(method(name)(votes, seed=1).posterior), consensus(peers(name, votes))
    assert (ours == theirs).mean() >= 0.95
    assert (ours == truth).mean() >= (theirs == truth).mean() - 0.02


@pytest.mark.parametrize("name", ["dawid-skene", "one-coin"])
def test_real_votes_are_labelled_as_well(name: str) -> None:
    votes, truth = real_votes("tt_rte")
    ours, theirs = consensus(method(name)(votes, seed=1).posterior), consensus(peers(name, votes))
    assert (ours == truth).mean() >= (theirs == truth).mean() - 0.01
