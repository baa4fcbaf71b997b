"""Decide whether a PutRecords or PutRecord is looked into at all, by what its entries are."""

from __future__ import annotations

from airflow_netmera_kinesis.testing.constraint import check_entries
from airflow_netmera_kinesis.testing.faults import Oversize
from airflow_netmera_kinesis.testing.refusal import Refused, invalid
from airflow_netmera_kinesis.testing.request import Entry
from airflow_netmera_kinesis.testing.rules import (
    ENTRY_RULES,
    HASH_KEYS,
    KEYED_ENTRY_RULES,
    MAX_KEY_CHARACTERS,
    MAX_REQUEST_BYTES,
)
from airflow_netmera_kinesis.testing.stream import Stream


def admit(entries: list[Entry], stream: Stream, oversize: Oversize, prefix: str) -> None:
    """Refuse the whole request if one entry breaks a rule; ``prefix`` says where the n-th entry stands.

    A record above the stream's limit refuses the request only in the ways ``validation`` and ``argument``.
    """
    if any(_is_unusual(entry) for entry in entries):
        check_entries(entries, ENTRY_RULES if stream.ignores_keys else KEYED_ENTRY_RULES, prefix)
        _check_hash_keys(entries)
    total = 0
    for number, entry in enumerate(entries, 1):
        size = size_of(entry)
        total += size
        if size > stream.max_record_bytes and oversize is not Oversize.RECORD:
            raise _too_large(stream, oversize, size, prefix.format(number))
    if total > MAX_REQUEST_BYTES:
        raise invalid(f"Records size exceeds {MAX_REQUEST_BYTES // 1024**2} MB limit")


def size_of(entry: Entry) -> int:
    """Measure a record as Kinesis does: data before base64, and the key."""
    try:
        return len(entry.data or b"") + len((entry.partition_key or "").encode())
    except UnicodeEncodeError:  # half a surrogate pair
        raise Refused("SerializationException", "A partition key is not valid Unicode.") from None


def oversize_message(stream: Stream, size: int) -> str:
    return f"Record data size {size} exceeds the stream's max record size of {stream.max_record_bytes} bytes"


def _is_unusual(entry: Entry) -> bool:
    key = entry.partition_key
    return (
        key is None
        or not 0 < len(key) <= MAX_KEY_CHARACTERS
        or entry.data is None
        or entry.explicit_hash_key is not None
    )


def _check_hash_keys(entries: list[Entry]) -> None:
    for entry in entries:
        if entry.explicit_hash_key is not None and int(entry.explicit_hash_key) >= HASH_KEYS:
            raise invalid(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                f"Specified value was {entry.explicit_hash_key}"
            )


def _too_large(stream: Stream, way: Oversize, size: int, place: str) -> Refused:
    if way is Oversize.ARGUMENT:
        return invalid(oversize_message(stream, size))
    return Refused(
        "ValidationException",
        f"1 validation error detected: Value at '{place}data' failed to satisfy constraint: "
        f"Member must have length less than or equal to {stream.max_record_bytes}",
    )
