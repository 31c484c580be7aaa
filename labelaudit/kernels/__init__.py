"""Loops over arrays. The only room that knows numba, and that only through ``jit``."""
