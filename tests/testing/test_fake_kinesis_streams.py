from __future__ import annotations

from typing import Any

import pytest

from airflow_netmera_kinesis.testing import FakeKinesisCore, Faults, Refused

ARN = "arn:aws:kinesis:eu-central-1:111122223333:stream/purchases"
ENTRY = {"PartitionKey": "ayse", "Data": b"{}"}


def summary(core: Any, stream: str) -> Any:
    return core.handle("DescribeStreamSummary", {"StreamName": stream})["StreamDescriptionSummary"]


def code_of(core: Any, action: str, **request: Any) -> str:
    with pytest.raises(Refused) as caught:
        core.handle(action, request)
    return caught.value.code


def test_a_new_stream_is_active_at_once(core: Any) -> None:
    core.handle("CreateStream", {"StreamName": "refunds", "ShardCount": 3, "MaxRecordSizeInKiB": 2048})
    described = summary(core, "refunds")
    assert described["StreamStatus"] == "ACTIVE"
    assert described["OpenShardCount"] == 3
    assert described["MaxRecordSizeInKiB"] == 2048
    assert described["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert described["EncryptionType"] == "NONE"
    assert "RecordDistributionStrategy" not in described, "AWS says it of streams on demand alone"


def test_a_stream_on_demand_says_whose_keys_place_its_records_and_an_encrypted_one_its_key(core: Any) -> None:
    core.create_stream("refunds", 2, on_demand=True, kms_key="alias/acme")
    described = summary(core, "refunds")
    assert described["RecordDistributionStrategy"] == "USER_PARTITION_KEY"
    assert (described["EncryptionType"], described["KeyId"]) == ("KMS", "alias/acme")


@pytest.mark.parametrize("creating", ["ResourceNotFoundException", "ResourceInUseException"])
def test_a_stream_that_is_being_created_takes_no_records_yet(clock: Any, creating: str) -> None:
    core = FakeKinesisCore(clock=clock, creating_seconds=30, faults=Faults(creating=creating))
    core.handle("CreateStream", {"StreamName": "purchases", "ShardCount": 1})
    assert summary(core, "purchases")["StreamStatus"] == "CREATING"
    assert summary(core, "purchases")["OpenShardCount"] == 0
    assert code_of(core, "PutRecords", StreamName="purchases", Records=[ENTRY]) == creating
    assert code_of(core, "ListShards", StreamName="purchases") == "ResourceInUseException"
    described = core.handle("DescribeStream", {"StreamName": "purchases"})["StreamDescription"]
    assert described["Shards"] == []
    clock.now += 30
    assert summary(core, "purchases")["StreamStatus"] == "ACTIVE"
    assert core.handle("PutRecords", {"StreamName": "purchases", "Records": [ENTRY]})["FailedRecordCount"] == 0


def test_a_name_is_taken_once(core: Any) -> None:
    assert code_of(core, "CreateStream", StreamName="purchases", ShardCount=1) == "ResourceInUseException"


@pytest.mark.parametrize(
    "request_",
    [
        {"ShardCount": 1},
        {"StreamName": "s", "ShardCount": 0},
        {"StreamName": "s"},
        {"StreamName": "s s", "ShardCount": 1},
        {"StreamName": "s", "ShardCount": 1, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
        {"StreamName": "s", "ShardCount": 1, "StreamModeDetails": {"StreamMode": "SOMETIMES"}},
        {"StreamName": "s", "ShardCount": 1, "StreamModeDetails": {}},
        {"StreamName": "s", "ShardCount": 1, "RecordDistributionStrategy": "AUTO"},
    ],
)
def test_a_stream_that_cannot_be_is_refused(core: Any, request_: dict[str, Any]) -> None:
    assert code_of(core, "CreateStream", **request_) in ("ValidationException", "InvalidArgumentException")
    assert core.handle("ListStreams", {})["StreamNames"] == ["purchases"]


def test_a_deleted_stream_is_gone_and_its_name_free(core: Any) -> None:
    core.handle("DeleteStream", {"StreamName": "purchases"})
    assert code_of(core, "DescribeStreamSummary", StreamName="purchases") == "ResourceNotFoundException"
    core.handle("CreateStream", {"StreamName": "purchases", "ShardCount": 1})


def test_an_on_demand_stream_has_four_shards_and_is_resharded_by_aws_alone(core: Any) -> None:
    core.handle("CreateStream", {"StreamName": "refunds", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}})
    assert summary(core, "refunds")["OpenShardCount"] == 4
    assert summary(core, "refunds")["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    request = {"StreamName": "refunds", "TargetShardCount": 8, "ScalingType": "UNIFORM_SCALING"}
    assert code_of(core, "UpdateShardCount", **request) == "ValidationException"
    core.reshard("refunds", 9)
    assert summary(core, "refunds")["OpenShardCount"] == 9


def test_a_stream_on_auto_ignores_keys_and_says_so(core: Any) -> None:
    core.handle("UpdateStreamMode", {"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}})
    core.handle("UpdateStreamRecordDistributionStrategy", {"StreamARN": ARN, "RecordDistributionStrategy": "AUTO"})
    assert summary(core, "purchases")["RecordDistributionStrategy"] == "AUTO"
    records = [ENTRY] * 10
    answer = core.handle("PutRecords", {"StreamName": "purchases", "Records": [*records, {"Data": b"no key"}]})
    shards = [record["ShardId"] for record in answer["Records"]]
    assert {shards.count(shard) for shard in shards} == {5, 6}


def test_a_provisioned_stream_cannot_ignore_keys(core: Any) -> None:
    request = {"StreamARN": ARN, "RecordDistributionStrategy": "AUTO"}
    assert code_of(core, "UpdateStreamRecordDistributionStrategy", **request) == "InvalidArgumentException"


def test_streams_are_listed_page_by_page(core: Any) -> None:
    for name in ("b", "a", "c"):
        core.create_stream(name)
    first = core.handle("ListStreams", {"Limit": 3})
    assert (first["StreamNames"], first["HasMoreStreams"]) == (["a", "b", "c"], True)
    rest = core.handle("ListStreams", {"NextToken": first["NextToken"]})
    assert (rest["StreamNames"], rest["HasMoreStreams"]) == (["purchases"], False)
    assert core.handle("ListStreams", {"ExclusiveStartStreamName": "b"})["StreamNames"] == ["c", "purchases"]


def test_a_stream_is_described_with_a_page_of_its_shards(core: Any) -> None:
    described = core.handle("DescribeStream", {"StreamName": "purchases", "Limit": 1})["StreamDescription"]
    assert ([s["ShardId"] for s in described["Shards"]], described["HasMoreShards"]) == (["shardId-000000000000"], True)
    after = {"StreamName": "purchases", "ExclusiveStartShardId": "shardId-000000000000"}
    described = core.handle("DescribeStream", after)["StreamDescription"]
    assert ([s["ShardId"] for s in described["Shards"]], described["HasMoreShards"]) == (
        ["shardId-000000000001"],
        False,
    )


def test_clearing_forgets_everything(core: Any) -> None:
    core.handle("PutRecords", {"StreamName": "purchases", "Records": [ENTRY]})
    core.clear()
    assert core.handle("ListStreams", {})["StreamNames"] == []
    assert core.books.counts("purchases").stored == 0
