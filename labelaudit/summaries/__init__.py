"""Sufficient statistics of some rows. Every class here has ``+``, and ``+`` is exact."""
