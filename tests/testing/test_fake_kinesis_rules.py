from __future__ import annotations

from typing import Any

import pytest

from airflow_netmera_kinesis.testing import Answer, Faults, Oversize, Refused

MIB = 1024 * 1024
ARN = "arn:aws:kinesis:eu-central-1:111122223333:stream/purchases"


def entry(key: str | None = "ayse", data: bytes | None = b"{}", **more: str) -> dict[str, Any]:
    return {"PartitionKey": key, "Data": data, **more}


def put(core: Any, *entries: dict[str, Any], **request: Any) -> Any:
    return core.handle("PutRecords", {"StreamName": "purchases", "Records": list(entries), **request})


def refusal(core: Any, *entries: dict[str, Any], **request: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        put(core, *entries, **request)
    return caught.value


@pytest.mark.parametrize("count", [1, 500])
def test_a_request_of_1_to_500_records_is_taken(core: Any, count: int) -> None:
    answer = put(core, *[entry()] * count)
    assert answer["FailedRecordCount"] == 0
    assert len(answer["Records"]) == count


def test_a_request_of_501_records_is_refused(core: Any) -> None:
    refused = refusal(core, *[entry()] * 501)
    assert refused.code == "ValidationException"
    assert refused.message == (
        "1 validation error detected: Value at 'records' failed to satisfy constraint: "
        "Member must have length less than or equal to 500"
    )
    assert core.books.counts("purchases").stored == 0


def test_a_request_without_records_is_refused(core: Any) -> None:
    assert "length greater than or equal to 1" in refusal(core).message
    with pytest.raises(Refused, match="Value null at 'records' failed to satisfy constraint: Member must not be null"):
        core.handle("PutRecords", {"StreamName": "purchases"})


def test_a_request_of_10_mib_is_taken_and_one_byte_more_is_refused(core: Any) -> None:
    full = [entry(data=b"x" * (MIB - 4))] * 10
    assert put(core, *full)["FailedRecordCount"] == 0
    refused = refusal(core, *full, entry(key="a", data=b""))
    assert (refused.code, refused.message) == ("InvalidArgumentException", "Records size exceeds 10 MB limit")


def test_a_record_of_1_mib_counts_its_key_in_bytes(core: Any) -> None:
    assert put(core, entry(key="şule", data=b"x" * (MIB - 5)))["FailedRecordCount"] == 0
    assert refusal(core, entry(key="şule", data=b"x" * (MIB - 4))).code == "ValidationException"


def test_a_stream_may_take_larger_records(core: Any) -> None:
    core.handle("UpdateMaxRecordSize", {"StreamARN": ARN, "MaxRecordSizeInKiB": 10_240})
    assert put(core, entry(key="a", data=b"x" * (10 * MIB - 1)))["FailedRecordCount"] == 0
    summary = core.handle("DescribeStreamSummary", {"StreamName": "purchases"})["StreamDescriptionSummary"]
    assert summary["MaxRecordSizeInKiB"] == 10_240


@pytest.mark.parametrize("size", [1023, 10_241])
def test_the_limit_of_a_record_is_1_to_10_mib(core: Any, size: int) -> None:
    with pytest.raises(Refused, match="maxRecordSizeInKiB"):
        core.handle("UpdateMaxRecordSize", {"StreamARN": ARN, "MaxRecordSizeInKiB": size})


def test_an_oversize_record_refuses_the_request_as_validation_error(core: Any) -> None:
    refused = refusal(core, entry(), entry(data=b"x" * MIB))
    assert refused.code == "ValidationException"
    assert refused.message == (
        "1 validation error detected: Value at 'records.2.member.data' failed to satisfy constraint: "
        "Member must have length less than or equal to 1048576"
    )


def test_an_oversize_record_refuses_the_request_as_invalid_argument(core: Any) -> None:
    core.faults = Faults(oversize=Oversize.ARGUMENT)
    assert refusal(core, entry(), entry(data=b"x" * MIB)).code == "InvalidArgumentException"


def test_an_oversize_record_is_refused_alone(core: Any) -> None:
    core.faults = Faults(oversize=Oversize.RECORD)
    answer = put(core, entry(), entry(data=b"x" * MIB), entry())
    assert [record.get("ErrorCode") for record in answer["Records"]] == [None, "InvalidArgumentException", None]
    assert answer["FailedRecordCount"] == 1


@pytest.mark.parametrize("key", ["a", "ş" * 256])
def test_a_key_has_1_to_256_characters(core: Any, key: str) -> None:
    assert put(core, entry(key))["FailedRecordCount"] == 0


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("", "Member must have length greater than or equal to 1"),
        ("k" * 257, "Member must have length less than or equal to 256"),
        (None, "Member must not be null"),
    ],
)
def test_other_keys_refuse_the_request(core: Any, key: str | None, rule: str) -> None:
    refused = refusal(core, entry(), entry(key))
    assert refused.code == "ValidationException"
    assert "'records.2.member.partitionKey'" in refused.message
    assert refused.message.endswith(rule)


def test_all_faults_of_a_request_are_told_at_once_up_to_ten(core: Any) -> None:
    assert refusal(core, entry("", None)).message.startswith("2 validation errors detected: ")
    assert refusal(core, *[entry("")] * 20).message.startswith("10 validation errors detected: ")


@pytest.mark.parametrize("hash_key", ["007", "-1", "abc", "1" * 40])
def test_a_hash_key_is_a_decimal_number(core: Any, hash_key: str) -> None:
    assert "explicitHashKey" in refusal(core, entry(ExplicitHashKey=hash_key)).message


def test_a_hash_key_is_below_2_to_the_128(core: Any) -> None:
    assert put(core, entry(ExplicitHashKey=str(2**128 - 1)))["FailedRecordCount"] == 0
    refused = refusal(core, entry(ExplicitHashKey=str(2**128)))
    assert refused.code == "InvalidArgumentException"
    assert refused.message.startswith("Invalid ExplicitHashKey.")


def test_a_stream_is_found_by_its_name_its_arn_or_both(core: Any) -> None:
    for address in ({"StreamName": "purchases"}, {"StreamARN": ARN}, {"StreamName": "purchases", "StreamARN": ARN}):
        assert core.handle("PutRecords", {**address, "Records": [entry()]})["FailedRecordCount"] == 0


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ({"StreamName": "refunds"}, "ResourceNotFoundException"),
        ({"StreamARN": ARN.replace("eu-central-1", "eu-west-1")}, "ResourceNotFoundException"),
        ({"StreamARN": ARN.replace("111122223333", "444455556666")}, "ResourceNotFoundException"),
        ({"StreamName": "refunds", "StreamARN": ARN}, "InvalidArgumentException"),
        ({"StreamName": "pur chases"}, "ValidationException"),
        ({"StreamARN": "arn:nonsense"}, "ValidationException"),
        ({}, "InvalidArgumentException"),
    ],
)
def test_any_other_address_is_refused(core: Any, address: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as caught:
        core.handle("PutRecords", {**address, "Records": [entry()]})
    assert caught.value.code == code


def test_a_missing_stream_is_named_with_its_account(core: Any) -> None:
    with pytest.raises(Refused, match=r"Stream refunds under account 111122223333 not found\."):
        core.handle("DescribeStreamSummary", {"StreamName": "refunds"})


@pytest.mark.parametrize("record", [{"Data": "no base64!", "PartitionKey": "a"}, {"Data": b"x", "PartitionKey": 7}])
def test_a_field_of_the_wrong_type_is_a_serialization_error(core: Any, record: dict[str, Any]) -> None:
    assert refusal(core, record).code == "SerializationException"


def test_a_key_that_is_not_unicode_is_a_serialization_error(core: Any) -> None:
    assert refusal(core, entry("\ud83e")).code == "SerializationException"


def test_an_unknown_field_is_ignored(core: Any) -> None:
    assert put(core, entry(Colour="red"), Taste="sweet")["FailedRecordCount"] == 0


def test_an_unknown_action_is_refused(core: Any) -> None:
    with pytest.raises(Refused, match="UnknownOperationException"):
        core.handle("PutRecordings", {})


def test_a_dry_run_checks_everything_and_writes_nothing(core: Any) -> None:
    refused = refusal(core, entry(), DryRun=True)
    assert (refused.code, refused.status) == ("DryRunOperationException", 400)
    assert refusal(core, entry(""), DryRun=True).code == "ValidationException"
    core.faults = Faults(denied=frozenset({"PutRecords"}))
    assert refusal(core, entry(), DryRun=True).code == "AccessDeniedException"
    assert core.books.counts("purchases").stored == 0


def test_put_record_keeps_the_rules_of_put_records(core: Any) -> None:
    answer = core.handle("PutRecord", {"StreamName": "purchases", **entry()})
    assert answer["ShardId"].startswith("shardId-")
    for record, place in ((entry(""), "'partitionKey'"), (entry(data=b"x" * MIB), "'data'")):
        with pytest.raises(Refused, match=place):
            core.handle("PutRecord", {"StreamName": "purchases", **record})


def test_put_record_refuses_where_put_records_answers_inside(core: Any) -> None:
    statuses = {}
    for fate in ("rejected", "internal_failure", "unheard_of"):
        core.inject({0: fate})
        with pytest.raises(Refused) as caught:
            core.handle("PutRecord", {"StreamName": "purchases", **entry()})
        statuses[caught.value.code] = caught.value.status
    assert statuses == {
        "ProvisionedThroughputExceededException": 400,
        "InternalFailure": 500,
        "UnforeseenRecordException": 400,
    }


def test_a_refusal_is_a_value_until_its_result_is_asked_for(core: Any) -> None:
    answer = core.answer("PutRecords", {"StreamName": "refunds", "Records": [entry()]})
    assert isinstance(answer, Answer)
    assert isinstance(answer.failure, Refused)
    with pytest.raises(Refused):
        answer.result()
