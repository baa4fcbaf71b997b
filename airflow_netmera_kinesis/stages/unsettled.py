"""Read what is left to send of a stream's parts, in the order in which it goes."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import chain

from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.state.ledger import Ledger
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.state.staging import PartRef, records_of
from airflow_netmera_kinesis.storage import Folder


def unsettled(staging: Folder, current: Slice, refs: Sequence[PartRef], ledger: Ledger) -> Iterator[StagedRecord]:
    """Return, in the slice's order, the records of some parts that earlier tries have not settled."""
    parts = [records_of(staging, part) for part in refs]
    records = _by_time(parts) if current.order == "timestamp" else chain.from_iterable(parts)
    if ledger.is_empty:
        return records
    return (record for record in records if not ledger.settled(record.file, record.line, record.hook))


def _by_time(parts: list[Iterator[StagedRecord]]) -> Iterator[StagedRecord]:
    """Merge files by event time; within a file lines stay as they stand, so its time never goes back."""

    def timed(part: Iterator[StagedRecord]) -> Iterator[tuple[int, int, int, StagedRecord]]:
        latest = 0
        for record in part:
            latest = max(latest, record.time_ms or 0)
            yield latest, record.file, record.line, record

    merged = heapq.merge(*map(timed, parts), key=lambda each: each[:3])
    return (record for *_, record in merged)
