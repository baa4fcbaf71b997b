"""What it costs to get from the formats of exports to matched payloads."""

from __future__ import annotations

from pathlib import Path

from benchmarks.exports import csv_file, gzipped, ndjson, scratch
from benchmarks.job import Figures, run
from benchmarks.table import Row

MILLION = 1_000_000
MAX_CSV_SECONDS = 8.0
MAX_GZIP_RATIO = 1.15


def rows(count: int) -> list[Row]:
    baseline = run("baselines:csv_to_payload", exports=str(csv_file(count)))
    plain, packed = _match(ndjson(count)), _match(gzipped(count))
    return [
        Row("csv and json of the standard library", _per_million(baseline, "all cpu"), "s"),
        Row("CSV", _per_million(_match(csv_file(count)), "match cpu"), "s", MAX_CSV_SECONDS),
        Row("NDJSON", _per_million(plain, "match cpu"), "s"),
        Row("NDJSON, gzip", _per_million(packed, "match cpu"), "s"),
        Row("    times plain", packed["match cpu"] / plain["match cpu"], "", MAX_GZIP_RATIO),
    ]


def _match(exports: Path) -> Figures:
    with scratch("reading") as root:
        return run("stages:match", root=str(root), exports=str(exports))


def _per_million(figures: Figures, what: str) -> float:
    return figures[what] / figures["rows"] * MILLION
