"""Read a whole stream back with plain boto3, parents before children."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Record = dict[str, Any]


def read_stream(client: Any, stream: str) -> dict[str, list[Record]]:
    """Read all records of a stream, by shard; a key's records are in order when the shards are read one after another.

    ``stream`` is a name or an ARN. A record is as boto3 gives it, with ``Data``, ``PartitionKey`` and
    ``SequenceNumber``. Reads each open shard up to its present end.
    """
    address = _address(stream)
    return {shard["ShardId"]: list(_records(client, address, shard["ShardId"])) for shard in _shards(client, address)}


def stream_records(client: Any, stream: str) -> Iterator[Record]:
    """Read all records of a stream one by one, each key's in order, for streams that are too large for memory."""
    address = _address(stream)
    for shard in _shards(client, address):
        yield from _records(client, address, shard["ShardId"])


def _address(stream: str) -> dict[str, str]:
    return {"StreamARN" if stream.startswith("arn:") else "StreamName": stream}


def _shards(client: Any, address: dict[str, str]) -> list[Record]:
    """List the shards so that each comes after the ones it was made of."""
    page = client.list_shards(**address)
    shards = list(page["Shards"])
    while page.get("NextToken"):
        page = client.list_shards(NextToken=page["NextToken"])
        shards += page["Shards"]
    by_id = {shard["ShardId"]: shard for shard in shards}
    return sorted(shards, key=lambda shard: (_generation(shard, by_id), shard["ShardId"]))


def _generation(shard: Record, by_id: dict[str, Record]) -> int:
    """Count the reshards behind a shard; parents that have expired count for nothing."""
    parents = (by_id.get(shard.get(field, "")) for field in ("ParentShardId", "AdjacentParentShardId"))
    return max((1 + _generation(parent, by_id) for parent in parents if parent), default=0)


def _records(client: Any, address: dict[str, str], shard_id: str) -> Iterator[Record]:
    iterator = client.get_shard_iterator(**address, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    while iterator:
        answer = client.get_records(ShardIterator=iterator)
        yield from answer["Records"]
        if not answer["Records"] and not answer.get("MillisBehindLatest"):
            return
        iterator = answer.get("NextShardIterator")
