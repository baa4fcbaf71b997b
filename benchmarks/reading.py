"""What it costs to get from the formats of exports to matched payloads: the least of three runs each."""

from __future__ import annotations

from pathlib import Path

from benchmarks.exports import csv_file, gzipped, ndjson, scratch
from benchmarks.job import Figures, run
from benchmarks.table import Row

MILLION = 1_000_000
RUNS = 3
MAX_CSV_SECONDS = 8.0
MAX_GZIP_RATIO = 1.15


def rows(count: int) -> list[Row]:
    runs = [_run(count) for _ in range(RUNS)]
    baseline, table, plain, packed = (min(seconds) for seconds in zip(*runs, strict=True))
    return [
        Row("csv and json of the standard library", baseline, "s"),
        Row("CSV", table, "s", MAX_CSV_SECONDS),
        Row("NDJSON", plain, "s"),
        Row("NDJSON, gzip", packed, "s"),
        Row("    times plain", packed / plain, "", MAX_GZIP_RATIO),
    ]


def _run(count: int) -> tuple[float, float, float, float]:
    baseline = run("baselines:csv_to_payload", exports=str(csv_file(count)))
    return (
        _per_million(baseline, "all cpu"),
        _per_million(_match(csv_file(count)), "match cpu"),
        _per_million(_match(ndjson(count)), "match cpu"),
        _per_million(_match(gzipped(count)), "match cpu"),
    )


def _match(exports: Path) -> Figures:
    with scratch("reading") as root:
        return run("stages:match", root=str(root), exports=str(exports))


def _per_million(figures: Figures, what: str) -> float:
    return figures[what] / figures["rows"] * MILLION
