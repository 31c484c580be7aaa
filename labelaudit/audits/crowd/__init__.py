"""From the votes of several annotators to labels: one file per method, all of one shape."""
