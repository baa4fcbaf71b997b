"""The fake and other people's stand-ins get the same requests; where those are right, the outcome is the same.

moto always takes part. kinesalite and kinesis-local come from npm, and are skipped where it is absent.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from stand_ins import ACCOUNT, REGION, moto, npm

from airflow_netmera_kinesis.testing import FakeKinesis, read_stream

MIB = 1024 * 1024


def record(**changes: Any) -> dict[str, Any]:
    return {"Data": b"{}", "PartitionKey": "ayse", **changes}


PUTS: dict[str, dict[str, Any]] = {
    "1 record": {"Records": [record()]},
    "500 records": {"Records": [record()] * 500},
    "501 records": {"Records": [record()] * 501},
    "no records": {"Records": []},
    "no list of records": {},
    "no stream": {"Records": [record()], "StreamName": "refunds"},
    "a name that cannot be": {"Records": [record()], "StreamName": "pur chases"},
    "an empty key": {"Records": [record(PartitionKey="")]},
    "a key of 256 characters": {"Records": [record(PartitionKey="ş" * 256)]},
    "a key of 257 characters": {"Records": [record(), record(PartitionKey="k" * 257)]},
    "no key": {"Records": [{"Data": b"{}"}]},
    "no data": {"Records": [{"PartitionKey": "ayse"}]},
    "empty data": {"Records": [record(Data=b"")]},
    "1 MiB with the key": {"Records": [record(Data=b"x" * (MIB - 4))]},
    "1 MiB of data and a key": {"Records": [record(Data=b"x" * MIB)]},
    "1 MiB and a byte of data": {"Records": [record(Data=b"x" * (MIB + 1))]},
    "5 MiB": {"Records": [record(Data=b"x" * (MIB - 4))] * 5},
    "10 MiB": {"Records": [record(Data=b"x" * (MIB - 4))] * 10},
    "10 MiB and a key": {"Records": [record(Data=b"x" * (MIB - 4))] * 10 + [record(Data=b"")]},
    "hash key 0": {"Records": [record(ExplicitHashKey="0")]},
    "hash key 2^128 - 1": {"Records": [record(ExplicitHashKey=str(2**128 - 1))]},
    "hash key 2^128": {"Records": [record(ExplicitHashKey=str(2**128))]},
    "hash key -1": {"Records": [record(ExplicitHashKey="-1")]},
    "hash key 007": {"Records": [record(ExplicitHashKey="007")]},
    "an ARN": {
        "Records": [record()],
        "StreamName": None,
        "StreamARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/purchases",
    },
}
# where a stand-in is wrong by testing.md or the API reference, or crashes
WRONG = {
    "moto": {
        "no records",
        "an empty key",
        "no data",
        "10 MiB",
        "hash key 2^128 - 1",
        "hash key 007",
        "an ARN",  # moto plays another account
    },
    "kinesalite": {"1 MiB of data and a key", "10 MiB", "hash key 007", "an ARN"},
    "kinesis-local": {
        "501 records",
        "no records",
        "1 MiB of data and a key",
        "1 MiB and a byte of data",  # it refuses that record alone
        "10 MiB and a key",
    },
}
# kinesis-local takes seconds for these
SLOW = set() if "NETMERA_KINESIS_LARGE_TESTS" in os.environ else {"5 MiB", "10 MiB"}
# what kinesalite says in other words than the API reference, which it is older than, or with a number of its own
OTHER_WORDS = WRONG["kinesalite"] | {
    "no records",  # lists and data are shown in the words of Java
    "501 records",
    "1 MiB and a byte of data",
    "10 MiB and a key",  # 413 above 7 MiB
    "hash key -1",  # its pattern is not anchored
    "iterate from somewhere",  # the same values in another order
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "describe no stream": lambda c: c.describe_stream_summary(StreamName="refunds"),
    "delete no stream": lambda c: c.delete_stream(StreamName="refunds"),
    "create it again": lambda c: c.create_stream(StreamName="purchases", ShardCount=1),
    "create without a shard": lambda c: c.create_stream(StreamName="refunds", ShardCount=0),
    "split no shard": lambda c: split(c, 9, 5),
    "split at the start": lambda c: split(c, 0, 0),
    "split one above the start": lambda c: split(c, 0, 1),
    "split in another shard": lambda c: split(c, 0, 2**128 - 1),
    "merge the wrong way round": lambda c: merge(c, 1, 0),
    "merge what is apart": lambda c: merge(c, 0, 2),
    "merge no shard": lambda c: merge(c, 0, 9),
    "iterate over no shard": lambda c: iterate(c, 9, ShardIteratorType="LATEST"),
    "iterate from no number": lambda c: iterate(c, 0, ShardIteratorType="AT_SEQUENCE_NUMBER"),
    "iterate from the latest number": lambda c: iterate(c, 0, ShardIteratorType="LATEST", StartingSequenceNumber="5"),
    "iterate from somewhere": lambda c: iterate(c, 0, ShardIteratorType="SOMEWHERE"),
    "read with a forged iterator": lambda c: c.get_records(ShardIterator="forged"),
    "read 10,001 records": lambda c: c.get_records(ShardIterator="forged", Limit=10_001),
    "list shards of no stream": lambda c: c.list_shards(StreamName="refunds"),
    "list shards by name and token": lambda c: c.list_shards(StreamName="purchases", NextToken="token"),
}


def shard_id(shard: int) -> str:
    return f"shardId-{shard:012d}"


def split(client: Any, shard: int, at: int) -> Any:
    return client.split_shard(StreamName="purchases", ShardToSplit=shard_id(shard), NewStartingHashKey=str(at))


def merge(client: Any, shard: int, adjacent: int) -> Any:
    return client.merge_shards(
        StreamName="purchases", ShardToMerge=shard_id(shard), AdjacentShardToMerge=shard_id(adjacent)
    )


def iterate(client: Any, shard: int, **more: str) -> Any:
    return client.get_shard_iterator(StreamName="purchases", ShardId=shard_id(shard), **more)


def connect(endpoint_url: str) -> Any:
    return boto3.client(
        "kinesis",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="AKIAFAKE",
        aws_secret_access_key="any",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def create(client: Any, name: str, shards: int) -> None:
    client.create_stream(StreamName=name, ShardCount=shards)
    settle(client, name)


def settle(client: Any, name: str) -> None:
    """Wait until a stand-in that takes its time has made or changed the stream."""
    deadline = time.monotonic() + 120
    while client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Pair:
    """The fake and another stand-in, each with the stream ``purchases`` of three shards."""

    def __init__(self, name: str, other: Any, ours: Any) -> None:
        self.name = name
        self.other = other
        self.ours = ours
        self.each(lambda client: create(client, "purchases", 3))

    def each(self, call: Callable[[Any], Any]) -> tuple[Any, Any]:
        return call(self.other), call(self.ours)

    def agree(self, call: Callable[[Any], Any]) -> None:
        other, ours = self.each(call)
        assert ours == other


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with FakeKinesis() as kinesis, moto() if request.param == "moto" else npm(request.param) as endpoint_url:
        other, ours = connect(endpoint_url), connect(kinesis.endpoint_url)
        yield Pair(request.param, other, ours)
        other.close()
        ours.close()


def against(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("pair", names, indirect=True)


def put(client: Any, changes: dict[str, Any]) -> Any:
    request = {"StreamName": "purchases", **changes}
    return client.put_records(**{field: value for field, value in request.items() if value is not None})


@against("moto", "kinesalite", "kinesis-local")
def test_the_same_requests_are_taken_and_refused(pair: Pair) -> None:
    def outcome(client: Any, name: str) -> Any:
        try:
            answer = put(client, PUTS[name])
        except ClientError:
            return "refused"
        return [placed.get("ShardId") for placed in answer["Records"]]

    compared = PUTS.keys() - WRONG[pair.name] - (SLOW if pair.name == "kinesis-local" else set())
    assert {name for name in compared if outcome(pair.other, name) != outcome(pair.ours, name)} == set()


@against("kinesalite")
def test_refusals_have_the_same_codes_and_words_as_kinesalites(pair: Pair) -> None:
    calls = CALLS | {name: partial(put, changes=changes) for name, changes in PUTS.items()}

    def outcome(client: Any, name: str) -> tuple[str, str]:
        try:
            calls[name](client)
        except ClientError as refused:
            return refused.response["Error"]["Code"], refused.response["Error"]["Message"]
        return "taken", ""

    theirs, ours = ({name: outcome(client, name) for name in calls} for client in (pair.other, pair.ours))
    assert {name: ours[name] for name in calls if ours[name] != theirs[name] and name not in OTHER_WORDS} == {}


@against("moto", "kinesalite", "kinesis-local")
def test_the_same_keys_go_to_the_same_shards(pair: Pair) -> None:
    dice = random.Random(0)
    alphabet = 'aşçÖüé中村🦊 -_/"\\\n'
    records = [record(PartitionKey="".join(dice.choices(alphabet, k=dice.randint(1, 40)))) for _ in range(500)]

    def route(client: Any, shards: int) -> list[str]:
        create(client, f"routed-{shards}", shards)
        answer = client.put_records(StreamName=f"routed-{shards}", Records=records)
        return [placed["ShardId"] for placed in answer["Records"]]

    for shards in (1, 2, 7):
        pair.agree(partial(route, shards=shards))


@against("moto", "kinesalite", "kinesis-local")
def test_what_was_written_is_read_back_the_same(pair: Pair) -> None:
    sent = [record(PartitionKey=f"user-{n % 50}", Data=f"{n} ş".encode()) for n in range(1000)]

    def read_back(client: Any) -> Any:
        create(client, "read-back", 3)
        for place in range(0, len(sent), 250):
            client.put_records(StreamName="read-back", Records=sent[place : place + 250])
        found = read_stream(client, "read-back")
        return {shard: [(r["PartitionKey"], r["Data"]) for r in records] for shard, records in found.items()}

    pair.agree(read_back)


def lineage(client: Any, stream: str) -> list[tuple[Any, ...]]:
    """Give what a stream's shards are and come from; only those that are open have no last number."""
    return [
        (
            shard["ShardId"],
            shard.get("ParentShardId"),
            shard.get("AdjacentParentShardId"),
            shard["HashKeyRange"]["StartingHashKey"],
            shard["HashKeyRange"]["EndingHashKey"],
            "EndingSequenceNumber" in shard["SequenceNumberRange"],
        )
        for shard in client.list_shards(StreamName=stream)["Shards"]
    ]


@against("kinesalite", "kinesis-local")  # moto writes to closed shards
def test_after_a_split_and_a_merge_records_go_to_the_same_children(pair: Pair) -> None:
    def reshard(client: Any) -> Any:
        create(client, "resharded", 3)
        middle = str(2**128 // 6)
        client.split_shard(StreamName="resharded", ShardToSplit=shard_id(0), NewStartingHashKey=middle)
        settle(client, "resharded")
        client.merge_shards(StreamName="resharded", ShardToMerge=shard_id(1), AdjacentShardToMerge=shard_id(2))
        settle(client, "resharded")
        records = [record(PartitionKey=f"user-{n}") for n in range(500)]
        answer = client.put_records(StreamName="resharded", Records=records)
        return lineage(client, "resharded"), [placed["ShardId"] for placed in answer["Records"]]

    pair.agree(reshard)


@against("kinesis-local")  # kinesalite has no UpdateShardCount, and moto's halves are not halves
def test_a_doubled_stream_has_the_same_shards(pair: Pair) -> None:
    def double(client: Any) -> Any:
        create(client, "doubled", 3)
        client.update_shard_count(StreamName="doubled", TargetShardCount=6, ScalingType="UNIFORM_SCALING")
        settle(client, "doubled")
        shards = lineage(client, "doubled")
        # kinesis-local is off by one where a range is odd
        return [(*shard[:3], *(round(int(edge) / 2**128, 9) for edge in shard[3:5]), shard[5]) for shard in shards]

    pair.agree(double)


@against("kinesis-local")  # moto knows no bounds
def test_a_count_beyond_twice_or_below_half_the_present_one_is_refused(pair: Pair) -> None:
    def update(client: Any, count: int) -> str:
        try:
            client.update_shard_count(StreamName="counted", TargetShardCount=count, ScalingType="UNIFORM_SCALING")
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        return "taken"

    pair.each(lambda client: create(client, "counted", 4))
    for count in (1, 9, 100):
        pair.agree(partial(update, count=count))
