"""What a stream is decides how it is written; where asking is not allowed, the documented defaults do."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_netmera_kinesis.delivery.shard_map import ANY_SHARD, HASH_SPACE
from airflow_netmera_kinesis.delivery.stream_description import (
    StreamDescription,
    address_of,
    addresses_of,
    describe_stream,
    list_shards,
)
from airflow_netmera_kinesis.errors import CredentialsRefused, StreamRefused, StreamUnreachable
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.testing import FakeKinesis, Faults

PURCHASES = "netmera-purchases"
ADDRESS = {"StreamName": PURCHASES}
ARN = f"arn:aws:kinesis:eu-central-1:111122223333:stream/{PURCHASES}"
MIB = 1024 * 1024


def described(kinesis: FakeKinesis, **options: Any) -> StreamDescription:
    kinesis.core.create_stream(PURCHASES, 2, **options)
    return describe_stream(kinesis.client(), PURCHASES, ADDRESS)


def test_a_streams_record_limit_is_its_own(fake_kinesis: FakeKinesis) -> None:
    about = described(fake_kinesis, max_record_kib=10_240)
    assert (about.max_record_bytes, about.on_demand, about.ignores_keys) == (10 * MIB, False, False)


def test_a_stream_without_a_limit_of_its_own_takes_a_mebibyte(fake_kinesis: FakeKinesis) -> None:
    assert described(fake_kinesis).max_record_bytes == MIB


def test_a_stream_on_demand_is_told_from_a_provisioned_one(fake_kinesis: FakeKinesis) -> None:
    assert described(fake_kinesis, on_demand=True).on_demand


def test_a_stream_that_ignores_keys_says_so(fake_kinesis: FakeKinesis) -> None:
    assert described(fake_kinesis, ignores_keys=True).ignores_keys


def test_a_stream_may_be_named_by_its_arn(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 2)
    assert describe_stream(fake_kinesis.client(), PURCHASES, {"StreamARN": ARN}).described
    assert len(list_shards(fake_kinesis.client(), PURCHASES, {"StreamARN": ARN}).shards) == 2


def test_without_the_right_to_ask_the_documented_defaults_hold(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.faults = Faults(denied=frozenset({"DescribeStreamSummary", "ListShards"}))
    assert described(fake_kinesis, max_record_kib=2_048) == StreamDescription(MIB)
    shards = list_shards(fake_kinesis.client(), PURCHASES, ADDRESS)
    assert not shards
    assert shards.shard_of("ayşe") == ANY_SHARD


@pytest.mark.parametrize("code", ["UnknownOperationException", "AccessDenied", "InvalidAction", "NotImplemented"])
def test_an_endpoint_that_does_not_know_the_question_is_no_reason_to_fail(code: str) -> None:
    class Endpoint:
        def describe_stream_summary(self, **_: str) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": code}}, "DescribeStreamSummary")

    assert describe_stream(Endpoint(), PURCHASES, ADDRESS) == StreamDescription()


def test_a_stand_in_that_leaves_fields_out_or_null_is_read_by_the_defaults() -> None:
    class Endpoint:
        def describe_stream_summary(self, **_: str) -> dict[str, Any]:
            return {"StreamDescriptionSummary": {"MaxRecordSizeInKiB": None, "StreamModeDetails": None}}

    assert describe_stream(Endpoint(), PURCHASES, ADDRESS) == StreamDescription(described=True)


def test_a_missing_stream_is_refused_with_what_to_check(fake_kinesis: FakeKinesis) -> None:
    with pytest.raises(
        StreamRefused, match=f"{PURCHASES}: DescribeStreamSummary was refused with ResourceNotFound.*region"
    ):
        describe_stream(fake_kinesis.client(), PURCHASES, ADDRESS)


def test_expired_keys_are_refused(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.faults = Faults(expired_keys=frozenset({"AKIAFAKEKINESIS"}))
    with pytest.raises(CredentialsRefused, match="ExpiredTokenException: the keys have expired: put new ones"):
        describe_stream(fake_kinesis.client(), PURCHASES, ADDRESS)


@pytest.mark.parametrize(("code", "status"), [("LimitExceededException", 400), ("InternalFailure", 500), ("502", 502)])
def test_a_kinesis_that_is_too_busy_to_answer_may_be_asked_again(code: str, status: int) -> None:
    class Endpoint:
        def describe_stream_summary(self, **_: str) -> dict[str, Any]:
            answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "DescribeStreamSummary")  # type: ignore[arg-type,unused-ignore]

    with pytest.raises(StreamUnreachable, match=f"refused with {code}: it cannot be asked just now"):
        describe_stream(Endpoint(), PURCHASES, ADDRESS)


def test_an_endpoint_that_nobody_answers_is_said_in_one_sentence() -> None:
    client = boto3.client(
        "kinesis",
        region_name="eu-central-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(StreamUnreachable, match=f"{PURCHASES}: it could not be asked: Could not connect"):
        list_shards(client, PURCHASES, ADDRESS)


def test_the_open_shards_cover_the_hash_space_and_name_their_parents(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 2)
    fake_kinesis.core.reshard(PURCHASES, 4)
    listed = list_shards(fake_kinesis.client(), PURCHASES, ADDRESS)
    assert len(listed.shards) == 4
    assert (listed.shards[0].first_hash, listed.shards[-1].last_hash) == (0, HASH_SPACE - 1)
    for one, following in zip(listed.shards, listed.shards[1:], strict=False):
        assert following.first_hash == one.last_hash + 1
    assert {parent for shard in listed.shards for parent in shard.parents} == {
        "shardId-000000000000",
        "shardId-000000000001",
    }


class Paged:
    """An endpoint with small pages, which does not know the filter and lists closed shards, too."""

    def __init__(self, shards: int) -> None:
        self.asked: list[dict[str, Any]] = []
        self._shards = shards

    def list_shards(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        at = int(asked.get("NextToken", "0"))
        step = HASH_SPACE // self._shards
        shard = {
            "ShardId": f"shardId-{at:012d}",
            "HashKeyRange": {"StartingHashKey": str(step * at), "EndingHashKey": str(step * (at + 1) - 1)},
            "SequenceNumberRange": {"StartingSequenceNumber": "1"},
            "ParentShardId": None,
        }
        closed = {**shard, "ShardId": f"closed-{at}", "SequenceNumberRange": {"EndingSequenceNumber": "9"}}
        return {"Shards": [closed, shard], "NextToken": str(at + 1) if at + 1 < self._shards else None}


def test_every_page_is_read_and_closed_shards_are_left_out() -> None:
    endpoint = Paged(5)
    listed = list_shards(endpoint, PURCHASES, ADDRESS)
    assert [shard.shard_id for shard in listed.shards] == [f"shardId-{n:012d}" for n in range(5)]
    assert [shard.parents for shard in listed.shards] == [()] * 5
    # A token stands for the stream: naming both is an error.
    assert endpoint.asked[1:] == [{"NextToken": str(n)} for n in range(1, 5)]


def test_thousands_of_shards_are_read_page_by_page(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.create_stream(PURCHASES, 1_001)
    listed = list_shards(fake_kinesis.client(), PURCHASES, ADDRESS)
    assert len(listed.known) == 1_001


def test_a_hook_with_an_arn_is_addressed_by_it() -> None:
    by_name = HookDefinition("purchases", event_code="n:ph", stream_name=PURCHASES)
    by_arn = HookDefinition("refunds", event_code="n:rf", stream_arn=ARN)
    idle = HookDefinition("logins", event_code="n:cl", stream_name="netmera-logins", active=False)
    assert address_of(by_name) == ADDRESS
    assert address_of(by_arn) == {"StreamARN": ARN}
    for hooks in [(by_name, by_arn, idle), (by_arn, by_name, idle)]:
        assert addresses_of(hooks) == {PURCHASES: {"StreamARN": ARN}}
