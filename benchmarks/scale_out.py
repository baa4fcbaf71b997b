"""What four send tasks side by side make of two cores, against one.

The fake Kinesis costs more than the senders and would sit on the same cores: so the rate is that of the senders' own
CPU time, as on workers whose Kinesis is elsewhere. Events are packed: alone, those of each partition's hottest user go
one after another in small requests at the end, which cost CPU here, but no time where an answer takes a while.
"""

from __future__ import annotations

from benchmarks.exports import ndjson, scratch
from benchmarks.job import Job, run
from benchmarks.sink import sink
from benchmarks.table import Row

PARTITIONS = 4
CORES = 2
MIN_RATIO = 1.7


def rows(count: int) -> list[Row]:
    one, four = _cpu_seconds(count, 1), _cpu_seconds(count, PARTITIONS)
    return [
        Row("one partition: senders' CPU", one, "s"),
        Row("four partitions in four processes: senders' CPU", four, "s"),
        Row("    rate on two cores against one process", CORES * one / four, "", MIN_RATIO, at_least=True),
    ]


def _cpu_seconds(count: int, partitions: int) -> float:
    with sink() as kinesis, scratch("scale-out") as root:
        work = {"root": str(root), "exports": str(ndjson(count)), "endpoint_url": kinesis.endpoint_url}
        run("stages:match", **work, partitions=partitions, packing="ndjson")
        sending = [Job("stages:send", **work, partition=partition) for partition in range(partitions)]
        return sum(job.result()["send cpu"] for job in sending)
