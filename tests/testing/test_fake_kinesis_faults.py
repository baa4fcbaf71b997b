from __future__ import annotations

from typing import Any

import pytest

from airflow_netmera_kinesis.testing import (
    ConnectionDropped,
    FakeKinesisCore,
    Faults,
    Misfortune,
    RecordFate,
    Refused,
)

USERS = ["ayse", "fatma", "mehmet", "zeynep"]


def put(core: Any, *keys: str, access_key: str = "") -> Any:
    records = [{"PartitionKey": key, "Data": key.encode()} for key in keys or USERS]
    return core.handle("PutRecords", {"StreamName": "purchases", "Records": records}, access_key)


def stored(core: Any) -> list[str]:
    return [record.partition_key for record in core.books.in_order("purchases")]


def codes(answer: Any) -> list[str | None]:
    return [record.get("ErrorCode") for record in answer["Records"]]


def test_nothing_goes_wrong_by_default(core: Any) -> None:
    for _ in range(100):
        assert codes(put(core)) == [None] * 4


def test_a_rejected_record_is_not_stored_and_its_message_names_the_shard(core: Any) -> None:
    core.inject({1: "rejected"})
    answer = put(core)
    (other,) = [record["ShardId"] for record in put(core, "fatma")["Records"]]
    assert answer["FailedRecordCount"] == 1
    assert answer["Records"][1] == {
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": f"Rate exceeded for shard {other} in stream purchases under account 111122223333.",
    }
    assert stored(core) == ["ayse", "mehmet", "zeynep", "fatma"]
    assert core.books.counts("purchases").rejected == {other: 1}


def test_records_are_rejected_at_random_as_often_as_was_said(core: Any) -> None:
    core.faults = Faults(rejected=0.2)
    failed = sum(put(core, *USERS * 100)["FailedRecordCount"] for _ in range(10))
    assert 640 < failed < 960
    assert len(stored(core)) == 4000 - failed


def test_a_record_with_an_internal_failure_is_stored_or_not(core: Any) -> None:
    core.inject({0: "internal_failure", 1: "internal_failure_stored"})
    answer = put(core)
    assert codes(answer) == ["InternalFailure", "InternalFailure", None, None]
    assert stored(core) == ["fatma", "mehmet", "zeynep"]
    counts = core.books.counts("purchases")
    assert (counts.offered, counts.stored, counts.unanswered) == (4, 3, 1)


def test_a_key_may_meet_a_code_that_nobody_has_heard_of_every_time(core: Any) -> None:
    core.faults = Faults(keys={"zeynep": RecordFate.UNHEARD_OF})
    for _ in range(3):
        assert codes(put(core)) == [None, None, None, "UnforeseenRecordException"]
    assert core.books.counts("purchases").failed == {"UnforeseenRecordException": 3}


def test_a_shuffled_request_is_stored_in_another_order_and_answered_in_its_own(core: Any) -> None:
    core.faults = Faults(shuffled=True)
    answer = put(core, *USERS * 5)
    assert stored(core) != USERS * 5
    assert sorted(stored(core)) == sorted(USERS * 5)
    by_number = {str(record.sequence_number): record.partition_key for record in core.books.in_order("purchases")}
    assert [by_number[record["SequenceNumber"]] for record in answer["Records"]] == USERS * 5


def test_answers_may_carry_explicit_nulls(core: Any) -> None:
    core.faults = Faults(explicit_nulls=True)
    core.inject({1: "rejected"})
    answer = put(core)
    assert answer["Records"][0]["ErrorCode"] is None
    assert answer["Records"][0]["SequenceNumber"]
    assert answer["Records"][1]["ShardId"] is None
    assert answer["FailedRecordCount"] == 1


def test_an_answer_may_count_its_failures_wrongly(core: Any) -> None:
    core.faults = Faults(miscounted=True, rejected=1)
    answer = put(core)
    assert (answer["FailedRecordCount"], len([code for code in codes(answer) if code])) == (1, 4)


@pytest.mark.parametrize(
    ("misfortune", "code", "status"),
    [
        ("throttled", "ProvisionedThroughputExceededException", 400),
        ("access_denied", "AccessDeniedException", 400),
        ("expired_token", "ExpiredTokenException", 400),
        ("kms_throttled", "KMSThrottlingException", 400),
        ("kms_denied", "KMSAccessDeniedException", 400),
        ("error_500_before", "InternalFailure", 500),
        ("error_503_before", "ServiceUnavailable", 503),
    ],
)
def test_a_request_may_be_refused_as_a_whole(core: Any, misfortune: str, code: str, status: int) -> None:
    core.inject(misfortune)
    with pytest.raises(Refused) as caught:
        put(core)
    assert (caught.value.code, caught.value.status) == (code, status)
    assert stored(core) == []
    assert core.books.counts("purchases").refused == {code: 1}
    put(core)
    assert stored(core) == USERS


@pytest.mark.parametrize(("misfortune", "status"), [("error_500_after", 500), ("error_503_after", 503)])
def test_a_server_error_may_hide_that_everything_was_stored(core: Any, misfortune: str, status: int) -> None:
    core.inject(misfortune)
    with pytest.raises(Refused) as caught:
        put(core)
    assert caught.value.status == status
    assert stored(core) == USERS
    assert core.books.counts("purchases").unanswered == 4


@pytest.mark.parametrize(("misfortune", "kept"), [("dropped_before", []), ("dropped_after", USERS)])
def test_a_connection_drops_before_or_after_the_records_were_stored(
    core: Any, misfortune: str, kept: list[str]
) -> None:
    core.inject(misfortune)
    with pytest.raises(ConnectionDropped) as caught:
        put(core)
    assert caught.value.stored is bool(kept)
    assert stored(core) == kept
    counts = core.books.counts("purchases")
    assert (counts.lost_answers, counts.unanswered) == (1, len(kept))


def test_a_zombie_is_stored_after_its_sender_has_sent_it_again(core: Any, clock: Any) -> None:
    core.faults = Faults(zombie_seconds=(1.0, 2.0))
    core.inject("zombie")
    with pytest.raises(ConnectionDropped) as caught:
        put(core, "ayse")
    assert (caught.value.stored, caught.value.zombie) == (False, True)
    put(core, "ayse")
    put(core, "fatma")
    assert stored(core) == ["ayse", "fatma"]
    clock.now += 2
    put(core, "mehmet")
    assert stored(core) == ["ayse", "fatma", "ayse", "mehmet"]
    counts = core.books.counts("purchases")
    assert (counts.zombies, counts.unanswered) == (1, 1)


def test_zombies_can_be_called_in(core: Any) -> None:
    core.inject("zombie", "zombie")
    for user in USERS[:2]:
        with pytest.raises(ConnectionDropped):
            put(core, user)
    assert core.store_zombies() == 2
    assert sorted(stored(core)) == ["ayse", "fatma"]
    assert core.store_zombies() == 0


def test_a_zombie_of_a_stream_that_is_gone_harms_nobody(core: Any) -> None:
    core.inject("zombie")
    with pytest.raises(ConnectionDropped):
        put(core)
    core.handle("DeleteStream", {"StreamName": "purchases"})
    assert core.store_zombies() == 1


def test_a_late_answer_says_how_late_and_the_records_are_stored_at_once(core: Any) -> None:
    core.faults = Faults(slow_seconds=70, latency=0.02)
    core.inject("slow")
    request = {"StreamName": "purchases", "Records": [{"PartitionKey": "ayse", "Data": b"{}"}]}
    assert core.answer("PutRecords", request).delay == pytest.approx(70.02)
    assert core.answer("PutRecords", request).delay == pytest.approx(0.02)
    assert len(stored(core)) == 2


def test_each_misfortune_strikes_as_often_as_was_said(core: Any) -> None:
    core.faults = Faults(throttled=0.5)
    outcomes = [core.answer("PutRecords", {"StreamName": "purchases", "Records": []}).failure for _ in range(3)]
    assert all(isinstance(outcome, Refused) and outcome.code == "ValidationException" for outcome in outcomes)
    request = {"StreamName": "purchases", "Records": [{"PartitionKey": "ayse", "Data": b"{}"}]}
    failures = [core.answer("PutRecords", request).failure for _ in range(1000)]
    assert 420 < sum(failure is not None for failure in failures) < 580


def test_reading_and_describing_are_spared_unless_told_otherwise(core: Any) -> None:
    core.faults = Faults(throttled=1)
    core.handle("DescribeStreamSummary", {"StreamName": "purchases"})
    core.faults = Faults(throttled=1, actions=frozenset({"DescribeStreamSummary"}))
    put(core)
    with pytest.raises(Refused, match="Rate exceeded for stream purchases under account"):
        core.handle("DescribeStreamSummary", {"StreamName": "purchases"})


def test_the_same_seed_gives_the_same_faults(clock: Any) -> None:
    def run(seed: int) -> list[Any]:
        faults = Faults(rejected=0.1, dropped_after=0.1, error_500_before=0.1, shuffled=True, resharded=0.2)
        core = FakeKinesisCore({"purchases": 2}, clock=clock, seed=seed, faults=faults)
        request = {"StreamName": "purchases", "Records": [{"PartitionKey": key, "Data": b"{}"} for key in USERS]}
        answers = [core.answer("PutRecords", request) for _ in range(50)]
        return [(answer.body, str(answer.failure)) for answer in answers]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_right_that_is_missing_is_named(core: Any) -> None:
    core.faults = Faults(denied=frozenset({"DescribeStreamSummary", "ListShards"}))
    put(core)
    for action in ("DescribeStreamSummary", "ListShards"):
        with pytest.raises(Refused, match=f"not authorized to perform: kinesis:{action} on resource: arn:aws:kinesis:"):
            core.handle(action, {"StreamName": "purchases"})


def test_an_expired_access_key_is_refused_until_another_is_used(core: Any) -> None:
    core.faults = Faults(expired_keys=frozenset({"AKIAOLD"}))
    with pytest.raises(Refused, match="ExpiredTokenException"):
        put(core, access_key="AKIAOLD")
    put(core, access_key="AKIANEW")
    assert stored(core) == USERS


def test_a_stream_may_be_resharded_under_the_sender(core: Any) -> None:
    core.faults = Faults(resharded=0.5)
    for _ in range(100):
        put(core)
    assert len(core.books.by_shard("purchases")) > 20
    assert len(stored(core)) == 400
    assert (
        1
        <= len(core.handle("ListShards", {"StreamName": "purchases", "ShardFilter": {"Type": "AT_LATEST"}})["Shards"])
        <= 16
    )


def test_injected_fortunes_take_the_place_of_the_dice_in_their_order(core: Any) -> None:
    core.faults = Faults(throttled=1)
    core.inject(None, Misfortune.DROPPED_BEFORE)
    put(core)
    with pytest.raises(ConnectionDropped):
        put(core)
    with pytest.raises(Refused, match="Rate exceeded"):
        put(core)


@pytest.mark.parametrize("wrong", [{"rejected": 1.5}, {"zombie": -0.1}])
def test_a_probability_is_from_0_to_1(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is a probability"):
        Faults(**wrong)


def test_fates_that_were_told_are_for_one_request_even_if_it_is_refused(core: Any) -> None:
    core.inject("zombie", {0: "rejected"})
    with pytest.raises(ConnectionDropped):
        put(core, "ayse")
    with pytest.raises(Refused, match="ValidationException"):
        put(core, "")
    assert core.store_zombies() == 1
    assert stored(core) == ["ayse"]


def test_an_unknown_misfortune_is_an_error_at_once(core: Any) -> None:
    with pytest.raises(ValueError, match="meteorite"):
        core.inject("meteorite")
