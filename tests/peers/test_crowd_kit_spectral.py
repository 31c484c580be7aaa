"""KOS and M-MSR beside crowd-kit's, where it is installed and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelaudit.audits.crowd.methods import method
from labelaudit.audits.crowd.posterior import consensus
from tests.benchmarks.crowd_peer import peer_posterior
from tests.crowd_votes import real_votes, simulated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock

pytestmark = pytest.mark.peer
pytest.importorskip("crowdkit.aggregation")


def peers(name: str, votes: VoteBlock) -> npt.NDArray[np.int32]:
    try:
        return consensus(peer_posterior(name, votes))
    except Exception as error:  # the peer is no longer maintained: its crash is not our failure
        pytest.skip(f"crowd-kit's {name} crashes here: {type(error).__name__}")


@pytest.mark.parametrize(("name", "classes"), [("kos", 2), ("mmsr", 2), ("mmsr", 4)])
def test_labels_are_mostly_the_same(name: str, classes: int) -> None:
    votes, truth = simulated((150, 12, classes), 7, seed=12)
    ours, theirs = consensus(method(name)(votes).posterior), peers(name, votes)
    assert (ours == theirs).mean() >= 0.95
    assert (ours == truth).mean() >= (theirs == truth).mean() - 0.02


def test_kos_where_the_peer_labels_by_the_toss_of_a_coin() -> None:
    votes, truth = real_votes("tt_rte")
    ours = consensus(method("kos")(votes).posterior)
    assert (ours == truth).mean() > 0.9
    assert (peers("kos", votes) == truth).mean() < 0.6


def test_mmsr_on_real_votes_is_as_good() -> None:
    votes, truth = real_votes("cti_face")
    ours = consensus(method("mmsr")(votes).posterior)
    assert (ours == truth).mean() >= (peers("mmsr", votes) == truth).mean() - 0.01
