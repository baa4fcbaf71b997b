"""Decide how many waiting events of one user travel in one record, in order and within the record's limit.

A packed record is one unit for everything that comes after: sent, rejected, sent again and receipted whole.
"""

from __future__ import annotations

from collections import deque

from airflow_netmera_kinesis.delivery.kpl import aggregate, size_of_frame, size_of_payload
from airflow_netmera_kinesis.delivery.ordering import Entry, Packer, one_by_one, size_of
from airflow_netmera_kinesis.delivery.put_units import PUT_UNIT_BYTES
from airflow_netmera_kinesis.delivery.shard_map import digest_of
from airflow_netmera_kinesis.netmera.hook_definition import Packing
from airflow_netmera_kinesis.record import StagedRecord

# Five PUT payload units. More would not save any, and a shard takes 1 MB in a second: records of 1 MiB have to wait for
# a shard that nobody else writes to, and were measured to use a quarter less of a stream than these do.
MAX_PACKED_BYTES = 5 * PUT_UNIT_BYTES
NEWLINE = b"\n"


def packer_of(packing: Packing, max_bytes: int) -> Packer:
    """The packer for records of at most ``max_bytes`` or MAX_PACKED_BYTES, data and key together, as Kinesis counts."""
    limit = min(max_bytes, MAX_PACKED_BYTES)
    if packing is Packing.NDJSON:
        return LinePacker(limit)
    if packing is Packing.KPL:
        return AggregatePacker(limit)
    return one_by_one


class LinePacker:
    """A payload a line, with a newline between two and none at the end, so that one event alone is just its payload."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def __call__(self, head: StagedRecord, waiting: deque[StagedRecord] | None) -> Entry:
        size = size_of(head)
        joining = 0
        for record in waiting or ():
            grown = size + len(NEWLINE) + len(record.payload)
            if grown > self._max_bytes:
                break
            size = grown
            joining += 1
        records = _taken(head, waiting, joining)
        return _entry(NEWLINE.join([_on_one_line(record.payload) for record in records]), size, records)


class AggregatePacker:
    """A KPL aggregate of two events or more; one event alone goes as it is, as the KPL itself sends it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def __call__(self, head: StagedRecord, waiting: deque[StagedRecord] | None) -> Entry:
        if not waiting:
            return one_by_one(head, None)
        key_bytes = size_of(head) - len(head.payload)
        size = key_bytes + size_of_frame(key_bytes) + size_of_payload(len(head.payload))
        joining = 0
        for record in waiting:
            grown = size + size_of_payload(len(record.payload))
            if grown > self._max_bytes:
                break
            size = grown
            joining += 1
        if not joining:
            return one_by_one(head, None)
        records = _taken(head, waiting, joining)
        return _entry(aggregate(head.key, [record.payload for record in records]), size, records)


def _entry(data: bytes, size: int, records: tuple[StagedRecord, ...]) -> Entry:
    key = records[0].key
    return Entry(key, data, size, records, digest_of(key.encode("utf-8", "surrogatepass")))


def _taken(head: StagedRecord, waiting: deque[StagedRecord] | None, joining: int) -> tuple[StagedRecord, ...]:
    if waiting is None:
        return (head,)
    return (head, *[waiting.popleft() for _ in range(joining)])


def _on_one_line(payload: bytes) -> bytes:
    """In JSON a line break can only stand between two tokens, where a space says the same."""
    return payload.replace(b"\n", b" ").replace(b"\r", b" ")
