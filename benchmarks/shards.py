"""How much of a stream's capacity is used when its shards have Kinesis' own limits, and how much is rejected."""

from __future__ import annotations

import time

import msgspec

from airflow_netmera_kinesis.testing import FakeKinesisProcess
from benchmarks.exports import ndjson, scratch
from benchmarks.job import Job, run
from benchmarks.sink import STREAM, sink
from benchmarks.table import Row

SHARDS = (2, 8, 16)
RECORDS_PER_SECOND = 1_000
# Long enough to tell, short enough for the smallest stream.
SECONDS = 20.0
# A full bucket lets more than the limit through at first, and at last some shards have nothing left to do.
WARM_UP_SECONDS = 3.0
BUSY_UNTIL = 0.8
LOOK_EVERY_SECONDS = 0.25
MIN_USED = 95.0
MAX_REJECTED = 2.0


class _Sight(msgspec.Struct, frozen=True):
    at: float
    stored: int
    rejected: int


def rows(count: int) -> list[Row]:
    found: list[Row] = []
    for shards in SHARDS:
        used, rejected = _measure(shards, count)
        found += [
            Row(f"{shards} shards: capacity used", used, "%", MIN_USED, at_least=True),
            Row(f"{shards} shards: records rejected", rejected, "%", MAX_REJECTED),
        ]
    return found


def _measure(shards: int, count: int) -> tuple[float, float]:
    wanted = min(count, int(shards * RECORDS_PER_SECOND * SECONDS / 0.28))
    with sink("--quota", shards=shards) as kinesis, scratch("shards") as root:
        work = {"root": str(root), "exports": str(ndjson(wanted)), "endpoint_url": kinesis.endpoint_url}
        run("stages:match", **work)
        sending = Job("stages:send", **work)
        sights = _watch(kinesis, sending)
        matched = sending.result()["matched"]
    last = [sight for sight in sights if sight.stored <= BUSY_UNTIL * matched][-1]
    first = next(sight for sight in sights if sight.at >= sights[0].at + WARM_UP_SECONDS)
    used = (last.stored - first.stored) / (last.at - first.at) / (shards * RECORDS_PER_SECOND)
    rejected = last.rejected / (last.rejected + last.stored)
    return used * 100, rejected * 100


def _watch(kinesis: FakeKinesisProcess, sending: Job) -> list[_Sight]:
    """Look at the sink's own books from the first record on."""
    sights: list[_Sight] = []
    while sending.is_running:
        tally = kinesis.counts(STREAM)
        if tally.stored:
            sights.append(_Sight(time.monotonic(), tally.stored, sum(tally.rejected.values())))
        time.sleep(LOOK_EVERY_SECONDS)
    return sights
