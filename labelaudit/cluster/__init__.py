"""Audits on a cluster of ``dask.distributed``.

Nothing here imports it before a cluster is asked for.
"""
