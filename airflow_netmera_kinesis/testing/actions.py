"""List the actions that the fake knows: what each takes, and who carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_netmera_kinesis.testing import administration, listing, reading, request, resharding, writing
from airflow_netmera_kinesis.testing.account import Account
from airflow_netmera_kinesis.testing.refusal import Body

Action = tuple[type[request.Request], Callable[[Account, Any], Body]]

PUTS = frozenset({"PutRecords", "PutRecord"})

ACTIONS: dict[str, Action] = {
    "CreateStream": (request.CreateStream, administration.create_stream),
    "DeleteStream": (request.Request, administration.delete_stream),
    "DescribeStream": (request.DescribeStream, listing.describe_stream),
    "DescribeStreamSummary": (request.Request, listing.describe_stream_summary),
    "GetRecords": (request.GetRecords, reading.get_records),
    "GetShardIterator": (request.GetShardIterator, reading.get_shard_iterator),
    "ListShards": (request.ListShards, listing.list_shards),
    "ListStreams": (request.ListStreams, listing.list_streams),
    "MergeShards": (request.MergeShards, resharding.merge_shards),
    "PutRecord": (request.PutRecord, writing.put_record),
    "PutRecords": (request.PutRecords, writing.put_records),
    "SplitShard": (request.SplitShard, resharding.split_shard),
    "UpdateMaxRecordSize": (request.UpdateMaxRecordSize, administration.update_max_record_size),
    "UpdateShardCount": (request.UpdateShardCount, resharding.update_shard_count),
    "UpdateStreamMode": (request.UpdateStreamMode, administration.update_stream_mode),
    "UpdateStreamRecordDistributionStrategy": (
        request.UpdateStreamRecordDistributionStrategy,
        administration.update_record_distribution,
    ),
}
