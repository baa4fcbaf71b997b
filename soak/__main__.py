"""Kill the sender at random moments while everything goes wrong: ``python -m soak [--events N] [--kills N] …``."""

from __future__ import annotations

import argparse
import sys
import tempfile

from soak.report import report
from soak.run import Plan, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--packing", choices=("none", "ndjson", "kpl"), default="none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netmera-soak-") as root:
        figures = run(root, Plan(**vars(options)), say=lambda words: print(f"soak: {words}", flush=True))
    print(report(figures))
    sys.exit(0 if figures.holds else "soak: the promise does not hold")


if __name__ == "__main__":
    main()
