"""The program `timeline`, also run as `python -m timeline`."""

from __future__ import annotations

import atexit
import gc
import sys

SELDOM = 50_000
"""Objects made between two collections: what imports make stays, and looking at it often takes a third of the start."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(SELDOM)
    atexit.register(gc.freeze)  # nor is anything looked through at the end, when all of it goes
    try:
        from timeline.cli import app  # noqa: PLC0415  after the collector has been told

        app(prog_name="timeline")
    except KeyboardInterrupt:  # before the commands' own frame stood
        sys.exit(130)


if __name__ == "__main__":
    main()
