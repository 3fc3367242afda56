"""Compares this store with others, and with SQL written by hand, on one machine and one server.

Run as `scripts/bench [--events N] [--small N] [--only NAME…] [--json FILE] [--memory]`. Everything happens in a
temporary folder, with an embedded Postgres of its own that writes through to the disk (fsync). The data follow from a
seed. Each figure stands beside the goal that was set for it, and a ratio is that of two figures of the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benching import asking, keeping, recording
from benching.figures import machine
from benching.shape import Shape
from benching.store import Store

from timeline import server

if TYPE_CHECKING:
    from collections.abc import Iterator

MEASURES = {
    "bulk": recording.bulk,
    "rebuild": keeping.rebuilding,
    "key": asking.key,
    "view": asking.view,
    "disk": keeping.disk,
    "one": recording.one,
    "correction": recording.correction,
    "writers": recording.eight,
    "memory": keeping.memory,
}
"""The measures in the order in which they are taken: those that add to the log come last."""


def main() -> int:
    """Take the measures; return 1 where one failed."""
    given = _given()
    wanted = [name for name in MEASURES if (name in given.only if given.only else name != "memory" or given.memory)]
    with _stores(given) as (large, small):
        version = large.sql.execute("SELECT current_setting('server_version')").fetchone()
        told: dict[str, Any] = {
            "machine": machine() | {"postgres": version[0] if version else ""},
            "given": {"events": given.events, "small": given.small, "seed": given.seed},
            "measures": {},
        }
        sys.stdout.write(", ".join(f"{name} {value}" for name, value in told["machine"].items()) + "\n")
        for name in wanted:
            told["measures"][name] = _measured(name, large, small)
            if given.json:
                given.json.write_text(json.dumps(told, indent=1) + "\n")
    return any(measure["failed"] for measure in told["measures"].values())


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events in the log (default 1,000,000)")
    parser.add_argument("--small", type=int, default=10_000, help="events in the log that it is compared with (10,000)")
    parser.add_argument("--seed", type=int, default=20231226, help="what the data follow from")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), help="take only these measures")
    parser.add_argument("--memory", action="store_true", help="also rebuild a log three times as long")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    return parser.parse_args()


@contextmanager
def _stores(given: argparse.Namespace) -> Iterator[tuple[Store, Store]]:
    """Run a server in a temporary folder, with a database for each log."""
    folder = Path(tempfile.mkdtemp(prefix="timeline-bench-"))
    folder.chmod(0o711)  # root's server runs as another user, who must be able to pass
    try:
        with server.running(folder / "home") as url:
            stores = [
                Store.made(url, name, Shape(events, given.seed), folder)
                for name, events in (("large", given.events), ("small", given.small))
            ]
            try:
                yield stores[0], stores[1]
            finally:
                for store in stores:
                    store.close()
    finally:
        shutil.rmtree(folder)


def _measured(name: str, large: Store, small: Store) -> dict[str, Any]:
    """Take a measure and print its figures as they come; what goes wrong ends only this one."""
    sys.stdout.write(f"{name}: {(MEASURES[name].__doc__ or '').strip()}\n")
    began = time.perf_counter()
    figures: list[dict[str, Any]] = []
    failed = ""
    try:
        for figure in MEASURES[name](large, small):
            figures.append(figure.to_dict())
            sys.stdout.write(f"{figure}\n")
            sys.stdout.flush()
    except Exception as error:  # noqa: BLE001  whatever it is, the other measures can be taken
        failed = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        sys.stdout.write(f"  FAILED: {failed}\n")
        traceback.print_exc()
    seconds, load = time.perf_counter() - began, os.getloadavg()[0]
    sys.stdout.write(f"  {seconds:,.0f} s, load average {load:.1f}\n")
    return {"figures": figures, "failed": failed, "seconds": seconds, "load_average": load}


if __name__ == "__main__":
    sys.exit(main())
