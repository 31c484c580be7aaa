"""``python -m labelaudit``."""

from labelaudit.cli import run

if __name__ == "__main__":
    run()
