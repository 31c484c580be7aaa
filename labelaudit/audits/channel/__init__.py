"""The recalibrated channel posterior: which labels a model contradicts, and how many."""

from labelaudit.audits.channel.counting import ChannelSums, count, drawn_interval, error_interval
from labelaudit.audits.channel.fitting import fit
from labelaudit.audits.channel.model import ChannelModel, ChannelRows
from labelaudit.audits.channel.posteriors import block_posteriors
from labelaudit.audits.channel.sample import sample_bound, sample_size
from labelaudit.audits.channel.scoring import score_block
from labelaudit.kernels.channel import sample_hash

__all__ = [
    "ChannelModel",
    "ChannelRows",
    "ChannelSums",
    "block_posteriors",
    "count",
    "drawn_interval",
    "error_interval",
    "fit",
    "sample_bound",
    "sample_hash",
    "sample_size",
    "score_block",
]
