"""Audits of tables whose rows have any number of labels (tags)."""
