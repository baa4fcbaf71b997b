"""Bring one user's records within a window together, so that packing finds them although nobody has to wait.

Only the order between users changes. Each user's own records stay in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airflow_netmera_kinesis.delivery.packing import MAX_PACKED_BYTES
from airflow_netmera_kinesis.record import StagedRecord

WINDOW_RECORDS = 20_000
WINDOW_BYTES = 32 * 1024 * 1024


class _Group:
    """The records of one key that the window holds, and the bytes of their payloads."""

    __slots__ = ("records", "size")

    def __init__(self) -> None:
        self.records: list[StagedRecord] = []
        self.size = 0


def gather(
    records: Iterable[StagedRecord],
    max_records: int = WINDOW_RECORDS,
    max_bytes: int = WINDOW_BYTES,
    enough_bytes: int = MAX_PACKED_BYTES,
) -> Iterator[StagedRecord]:
    """Yield a key's records one after another, those of the key that was met first in the window before the others'.

    A key's records leave when the window is full and they are the oldest in it, when they alone are ``enough_bytes``
    for a record, or at the end.
    """
    window: dict[str, _Group] = {}
    held = held_bytes = 0
    for record in records:
        group = window.get(record.key)
        if group is None:
            group = window[record.key] = _Group()
        size = len(record.payload)
        group.records.append(record)
        group.size += size
        held += 1
        held_bytes += size
        leaving = record.key if group.size >= enough_bytes else None
        while leaving is not None or held > max_records or held_bytes > max_bytes:
            left = window.pop(leaving if leaving is not None else next(iter(window)))
            leaving = None
            held -= len(left.records)
            held_bytes -= left.size
            yield from left.records
    for left in window.values():
        yield from left.records
