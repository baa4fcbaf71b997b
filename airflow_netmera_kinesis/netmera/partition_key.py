"""Choose the partition key of a record, and the send task that owns it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from airflow_netmera_kinesis.netmera.event import Event, MessageLog
from airflow_netmera_kinesis.netmera.hashing import HashKey

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html: Unicode characters, not bytes
MAX_KEY_CHARACTERS = 256


def choose_key(event: Event | MessageLog, fields: Sequence[str]) -> str | None:
    """Return the first of the ids named by ``fields`` that the event has; None if it has none.

    A key that is too long becomes its SHA-256 in hexadecimal digits: cut, it would merge users.
    """
    for field in fields:
        key = _id(event, field)
        if key is not None:
            return key if len(key) <= MAX_KEY_CHARACTERS else hashlib.sha256(key.encode()).hexdigest()
    return None


def choose_hashed_key(event: Event | MessageLog, fields: Sequence[str], hash_key: HashKey) -> str | None:
    """Return the keyed hash of the id itself, however long: the same text that a payload has where it is hashed."""
    for field in fields:
        key = _id(event, field)
        if key is not None:
            return hash_key.of_text(key)
    return None


def partition_of(key: str, partitions: int) -> int:
    """Return the partition that owns the key: a range of the hash space in which Kinesis finds the key's shard."""
    if partitions == 1:
        return 0
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big") * partitions >> 128


def _id(event: Event | MessageLog, field: str) -> str | None:
    if field == "userId":
        return event.user_id
    return event.identities.ext_id if field == "extId" else event.identities.installation_id
