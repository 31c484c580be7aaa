"""labelaudit: find wrong labels in a dataset."""
