"""labelaudit: find wrong labels in a dataset."""

__version__ = "0.1.0"
