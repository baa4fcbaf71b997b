"""Measure everything and print one table: ``python -m benchmarks [--events N] [section …]``."""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Mapping

from benchmarks import forecast, memory, order, planning, reading, scale_out, shards, speed
from benchmarks.table import Row, print_section

EVENTS = 2_000_000

SECTIONS: Mapping[str, tuple[str, Callable[[int], list[Row]]]] = {
    "speed": ("CPU seconds per million matched events", speed.rows),
    "order": ("Events per second, 200 users, 25 ms a request", lambda _: order.rows()),
    "shards": ("Shards with Kinesis' own limits", shards.rows),
    "scale_out": ("Scale-out", lambda count: scale_out.rows(count // 2)),
    "memory": ("Peak memory of one process for the whole way", memory.rows),
    "planning": ("A folder of 100,000 files on a local path", lambda _: planning.rows()),
    "forecast": ("netmera-kinesis plan", lambda count: forecast.rows(count // 2)),
    "reading": ("CPU seconds per million rows read, from file to payload", lambda count: reading.rows(count // 4)),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many events the export has")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="only these")
    options = parser.parse_args()
    begun = time.monotonic()
    print(f"bench: {options.events:,} events, Python {platform.python_version()}, {platform.machine()}")
    rows: list[Row] = []
    for name in options.sections or SECTIONS:
        title, measure = SECTIONS[name]
        rows += print_section(title, lambda measure=measure: measure(options.events))  # type: ignore[misc]
    goals = [row for row in rows if row.goal is not None]
    met = sum(row.met is True for row in goals)
    print(f"\nbench: {met} of {len(goals)} goals met, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
