"""Peak memory, whatever the size of the export and however hot a user."""

from __future__ import annotations

from pathlib import Path

from benchmarks.exports import logins_of, ndjson, ndjson_twice, scratch
from benchmarks.job import run
from benchmarks.sink import sink
from benchmarks.table import Row

MAX_MB = 300
MAX_GROWTH = 1.1
# Below this the read-ahead is not even full.
FLAT_FROM_EVENTS = 1_000_000


def rows(count: int) -> list[Row]:
    half, double = _peak(ndjson(count // 2)), _peak(ndjson_twice(count))
    hot = count // 10
    growth = MAX_GROWTH if count // 2 >= FLAT_FROM_EVENTS else None
    return [
        Row(f"{count // 2:,} events", half, "MB", MAX_MB),
        Row(f"{2 * count:,} events", double, "MB", MAX_MB),
        Row("    four times the events, times the memory", double / half, "", growth),
        Row(f"one user with {hot:,} events", _peak(logins_of(1, hot), packing="ndjson"), "MB", MAX_MB),
    ]


def _peak(exports: Path, packing: str = "none") -> float:
    with sink() as kinesis, scratch("memory") as root:
        work = {"root": str(root), "exports": str(exports), "endpoint_url": kinesis.endpoint_url}
        return run("stages:whole", **work, packing=packing)["rss"]
