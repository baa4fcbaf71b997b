"""Decide what a request may carry: one type per action, read from JSON or from the arguments of a boto3 call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from airflow_netmera_kinesis.testing.refusal import Refused

_UNUSUAL_NAMES = {"stream_arn": "StreamARN", "max_record_size_in_kib": "MaxRecordSizeInKiB"}
Moment = float | dt.datetime
Wanted = TypeVar("Wanted", bound="Request")


def wire_name(field: str) -> str:
    """Give the name that a field has in JSON."""
    return _UNUSUAL_NAMES.get(field) or "".join(word.capitalize() for word in field.split("_"))


class Request(msgspec.Struct, kw_only=True, rename=wire_name):
    """What most actions have in common: the stream, by its name or its ARN."""

    stream_name: str | None = None
    stream_arn: str | None = None


class Entry(msgspec.Struct, rename=wire_name, gc=False):
    data: bytes | None = None
    partition_key: str | None = None
    explicit_hash_key: str | None = None


class PutRecords(Request):
    records: list[Entry] | None = None
    dry_run: bool = False


class PutRecord(Request):
    data: bytes | None = None
    partition_key: str | None = None
    explicit_hash_key: str | None = None
    sequence_number_for_ordering: str | None = None
    dry_run: bool = False


class StreamModeDetails(msgspec.Struct, rename=wire_name):
    stream_mode: str | None = None


class CreateStream(Request):
    shard_count: int | None = None
    stream_mode_details: StreamModeDetails | None = None
    max_record_size_in_kib: int | None = None
    record_distribution_strategy: str | None = None


class DescribeStream(Request):
    limit: int | None = None
    exclusive_start_shard_id: str | None = None


class ListStreams(Request):
    limit: int | None = None
    exclusive_start_stream_name: str | None = None
    next_token: str | None = None


class ShardFilter(msgspec.Struct, rename=wire_name):
    type: str | None = None
    shard_id: str | None = None
    timestamp: Moment | None = None


class ListShards(Request):
    next_token: str | None = None
    exclusive_start_shard_id: str | None = None
    max_results: int | None = None
    stream_creation_timestamp: Moment | None = None
    shard_filter: ShardFilter | None = None


class GetShardIterator(Request):
    shard_id: str | None = None
    shard_iterator_type: str | None = None
    starting_sequence_number: str | None = None
    timestamp: Moment | None = None
    dry_run: bool = False


class GetRecords(Request):
    shard_iterator: str | None = None
    limit: int | None = None
    dry_run: bool = False


class UpdateShardCount(Request):
    target_shard_count: int | None = None
    scaling_type: str | None = None


class SplitShard(Request):
    shard_to_split: str | None = None
    new_starting_hash_key: str | None = None


class MergeShards(Request):
    shard_to_merge: str | None = None
    adjacent_shard_to_merge: str | None = None


class UpdateMaxRecordSize(Request):
    max_record_size_in_kib: int | None = None


class UpdateStreamMode(Request):
    stream_mode_details: StreamModeDetails | None = None


class UpdateStreamRecordDistributionStrategy(Request):
    record_distribution_strategy: str | None = None


def parse(wanted: type[Wanted], request: Mapping[str, Any] | bytes) -> Wanted:
    """Read a request; unknown fields are ignored, as AWS does, and a wrong type is a SerializationException."""
    try:
        if isinstance(request, bytes):
            return msgspec.json.decode(request, type=wanted)
        return msgspec.convert(request, wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused("SerializationException", str(error)) from None


def seconds(moment: Moment) -> float:
    """Give a timestamp as seconds since the epoch, however it came."""
    return moment.timestamp() if isinstance(moment, dt.datetime) else moment
