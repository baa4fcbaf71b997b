"""Decide how streams come, change and go: CreateStream, DeleteStream, UpdateMaxRecordSize and the modes."""

from __future__ import annotations

from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.refusal import Body, Refused, invalid
from airflow_netmera_kinesis.testing.request import (
    CreateStream,
    Request,
    UpdateMaxRecordSize,
    UpdateStreamMode,
    UpdateStreamRecordDistributionStrategy,
)
from airflow_netmera_kinesis.testing.rules import DEFAULT_MAX_RECORD_KIB
from airflow_netmera_kinesis.testing.stream import Stream

# https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
ON_DEMAND_SHARDS = 4


def create_stream(account: Account, request: CreateStream) -> Body:
    """Create a stream; it is CREATING for as long as the account was told."""
    name, now = request.stream_name or "", account.clock()
    if name in account.streams:
        message = f"Stream {name} under account {account.account_id} already exists."
        raise Refused("ResourceInUseException", message)
    mode = request.stream_mode_details
    on_demand = mode is not None and mode.stream_mode == "ON_DEMAND"
    if on_demand and request.shard_count is not None:
        raise invalid("ShardCount must not be given for a stream in On-Demand mode.")
    if not on_demand and request.shard_count is None:
        raise invalid("ShardCount must be given for a stream in Provisioned mode.")
    stream = Stream(name, account.arn(name), request.shard_count or ON_DEMAND_SHARDS, now)
    stream.on_demand = on_demand
    stream.max_record_kib = request.max_record_size_in_kib or DEFAULT_MAX_RECORD_KIB
    _distribute(stream, request.record_distribution_strategy)
    stream.keep_busy("CREATING", now, account.creating_seconds)
    account.streams[name] = stream
    return {}


def delete_stream(account: Account, request: Request) -> Body:
    """Delete a stream at once, with its records and its counts."""
    stream = account.find(request)
    del account.streams[stream.name]
    account.tallies.pop(stream.name, None)
    return {}


def update_max_record_size(account: Account, request: UpdateMaxRecordSize) -> Body:
    account.find_idle(request).max_record_kib = request.max_record_size_in_kib or DEFAULT_MAX_RECORD_KIB
    return {}


def update_stream_mode(account: Account, request: UpdateStreamMode) -> Body:
    """Change between provisioned and on-demand; the shards stay as they are."""
    stream = account.find_idle(request)
    mode = request.stream_mode_details
    stream.on_demand = mode is not None and mode.stream_mode == "ON_DEMAND"
    stream.ignores_keys = stream.ignores_keys and stream.on_demand
    return {}


def update_record_distribution(account: Account, request: UpdateStreamRecordDistributionStrategy) -> Body:
    _distribute(account.find_idle(request), request.record_distribution_strategy)
    return {}


def _distribute(stream: Stream, strategy: str | None) -> None:
    if strategy == "AUTO" and not stream.on_demand:
        raise invalid("RecordDistributionStrategy AUTO is only supported for streams in On-Demand mode.")
    stream.ignores_keys = strategy == "AUTO"
