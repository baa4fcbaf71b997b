"""Decide what a consumer reads: GetShardIterator and GetRecords.

Records never expire, and the read quotas (5 calls and 2 MB a second) are not kept: the fake is there to try writers.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_left, bisect_right
from operator import attrgetter

import msgspec

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.refusal import Body, Refused, dry_run_passed, invalid
from airflow_netmera_kinesis.testing.request import GetRecords, GetShardIterator, seconds
from airflow_netmera_kinesis.testing.sequence_number import shard_of
from airflow_netmera_kinesis.testing.shard import Shard, StoredRecord
from airflow_netmera_kinesis.testing.stream import Stream

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
MAX_RECORDS = 10_000
MAX_BYTES = 10 * 1024 * 1024
ITERATOR_SECONDS = 300.0


class _Iterator(msgspec.Struct, frozen=True, array_like=True):
    """Where a consumer stands; clients see it in base64 and must not look inside."""

    stream: str
    stream_created_at: float
    shard: int
    place: int
    issued_at: float

    def token(self) -> str:
        return b64encode(msgspec.json.encode(self)).decode()


def get_shard_iterator(account: Account, request: GetShardIterator) -> Body:
    """Give an iterator at the place in the shard that was asked for."""
    stream = account.find(request)
    shard = stream.shard_named(request.shard_id or "")
    if shard is None:
        where = f"in stream {stream.name} under account {account.account_id}"
        raise Refused("ResourceNotFoundException", f"Shard {request.shard_id} {where} does not exist")
    place = _place(account, shard, request)
    if request.dry_run:
        raise dry_run_passed()
    return {"ShardIterator": _Iterator(stream.name, stream.created_at, shard.index, place, account.clock()).token()}


def get_records(account: Account, request: GetRecords) -> Body:
    """Give the records from the iterator on, and the next iterator unless the shard is closed and read to its end."""
    iterator = _read_token(request.shard_iterator or "", account.clock())
    stream = account.streams.get(iterator.stream)
    if stream is None or stream.created_at != iterator.stream_created_at:
        where = f"stream {iterator.stream} under account {account.account_id}"
        raise Refused("ResourceNotFoundException", f"Shard of {where} does not exist")
    if request.dry_run:
        raise dry_run_passed()
    shard = stream.shards[iterator.shard]
    records = _within_limits(shard.records, iterator.place, request.limit or MAX_RECORDS)
    place = iterator.place + len(records)
    body: Body = {"Records": [_shown(record) for record in records], "MillisBehindLatest": 0}
    if place < len(shard.records):
        body["MillisBehindLatest"] = max(1, int((account.clock() - shard.records[place].arrived) * 1000))
    if place < len(shard.records) or shard.closed_at is None:
        body["NextShardIterator"] = msgspec.structs.replace(iterator, place=place, issued_at=account.clock()).token()
    else:
        body["ChildShards"] = _children(stream, shard)
    return body


def _place(account: Account, shard: Shard, request: GetShardIterator) -> int:
    kind, number = request.shard_iterator_type, request.starting_sequence_number
    if kind in ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP") and number is not None:
        raise invalid(_needs(f"{kind} and also a StartingSequenceNumber"))
    if kind == "TRIM_HORIZON":
        return 0
    if kind == "LATEST":
        return len(shard.records)
    if kind == "AT_TIMESTAMP":
        return _place_in_time(account, shard, request)
    if number is None:
        raise invalid(_needs(f"{kind} and no StartingSequenceNumber"))
    if shard_of(int(number)) != shard.index:
        message = f"Invalid StartingSequenceNumber. It was used in a call to a shard with {shard.name}"
        raise invalid(message)
    bisect = bisect_left if kind == "AT_SEQUENCE_NUMBER" else bisect_right
    return bisect(shard.records, int(number), key=attrgetter("sequence_number"))


def _place_in_time(account: Account, shard: Shard, request: GetShardIterator) -> int:
    if request.timestamp is None:
        raise invalid("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.")
    moment = seconds(request.timestamp)
    if moment > account.clock():
        raise invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.")
    return bisect_left(shard.records, moment, key=attrgetter("arrived"))


def _needs(specified: str) -> str:
    return (
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
        f"(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {specified}."
    )


def _read_token(token: str, now: float) -> _Iterator:
    try:
        iterator = msgspec.json.decode(b64decode(token, validate=True), type=_Iterator)
    except (ValueError, msgspec.MsgspecError):
        raise invalid("Invalid ShardIterator.") from None
    if now - iterator.issued_at > ITERATOR_SECONDS:
        raise Refused(
            "ExpiredIteratorException",
            f"Iterator expired. It was created {now - iterator.issued_at:.0f} s ago, which is further than the "
            f"tolerated delay of {ITERATOR_SECONDS:.0f} s.",
        )
    return iterator


def _within_limits(records: list[StoredRecord], place: int, limit: int) -> list[StoredRecord]:
    """Take at most ``limit`` records and MAX_BYTES of data, but one record at least."""
    taken = records[place : place + limit]
    total = 0
    for count, record in enumerate(taken):
        total += len(record.data)
        if total > MAX_BYTES and count:
            return taken[:count]
    return taken


def _shown(record: StoredRecord) -> Body:
    return {
        "SequenceNumber": str(record.sequence_number),
        "ApproximateArrivalTimestamp": record.arrived,
        "Data": record.data,
        "PartitionKey": record.partition_key,
        "EncryptionType": "NONE",
    }


def _children(stream: Stream, shard: Shard) -> list[Body]:
    return [
        {
            "ShardId": child.name,
            "ParentShards": [parent.name for parent in child.parents],
            "HashKeyRange": child.hash_key_range(),
        }
        for child in stream.children(shard)
    ]
