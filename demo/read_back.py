"""Read the streams back as a consumer would, and judge them against the export."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from demo.export import Firing


class Arrived(NamedTuple):
    """What a consumer finds in one stream."""

    stream: str
    shards: int
    records: int
    users: int
    missing: int  # firings of the export that never arrived
    unexpected: int  # records that no firing explains, second copies included
    users_out_of_order: int
    by_hook: Counter[str]
    payloads: list[str]

    @property
    def whole(self) -> bool:
        """Whether the stream holds what was to be sent, no more and no less, each user's events in order."""
        return not (self.missing or self.unexpected or self.users_out_of_order)


def consumer(endpoint_url: str) -> Any:
    """Return a client of the consumer's own; the sender's is not asked."""
    import boto3

    return boto3.client(
        "kinesis", endpoint_url=endpoint_url, region_name="eu-central-1",
        aws_access_key_id="AKIACONSUMER", aws_secret_access_key="any",
    )  # fmt: skip


def read_stream(client: Any, stream: str) -> dict[str, list[dict[str, Any]]]:
    """Return each shard's records; boto3 and nothing else, as any consumer has it."""
    shards = client.list_shards(StreamName=stream)["Shards"]
    return {shard["ShardId"]: read_shard(client, stream, shard["ShardId"]) for shard in shards}


def read_shard(client: Any, stream: str, shard: str) -> list[dict[str, Any]]:
    iterator = client.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    position, records = iterator["ShardIterator"], []
    while position:
        answer = client.get_records(ShardIterator=position)
        records += answer["Records"]
        position = answer.get("NextShardIterator") if answer["Records"] or answer["MillisBehindLatest"] else None
    return records


def judge(stream: str, shards: dict[str, list[dict[str, Any]]], sent: Iterable[Firing]) -> Arrived:
    """Compare what arrived with what was to be sent, as sets and, for each user, in order."""
    records = [record for shard in shards.values() for record in shard]
    found, due = defaultdict(list), defaultdict(list)
    for record in records:
        payload = json.loads(record["Data"])
        found[payload["userId"]].append((payload["hookName"], payload["eventId"]))
    for firing in sent:
        if firing.stream == stream:
            due[firing.user].append((firing.hook, firing.event_id))
    found_at_all, due_at_all = counted(found), counted(due)
    return Arrived(
        stream=stream,
        shards=len(shards),
        records=len(records),
        users=len(found),
        missing=(due_at_all - found_at_all).total(),
        unexpected=(found_at_all - due_at_all).total(),
        users_out_of_order=sum(found[user] != due[user] for user in found if set(found[user]) == set(due[user])),
        by_hook=Counter(hook for events in found.values() for hook, _ in events),
        payloads=[record["Data"].decode() for record in records[:1]],
    )


def counted(by_user: dict[str, list[tuple[str, str]]]) -> Counter[tuple[str, str, str]]:
    return Counter((user, *event) for user, events in by_user.items() for event in events)
