"""Every answer of Kinesis has one meaning: delivered, rejected, unknown or permanent."""

from __future__ import annotations

import pytest

from airflow_netmera_kinesis.delivery.outcome import (
    EntryAnswer,
    Faulty,
    Lost,
    Refused,
    Throttled,
    Verdict,
    outcome_of_error,
)

THROTTLED = "ProvisionedThroughputExceededException"


def test_a_shard_and_a_sequence_number_are_a_delivery() -> None:
    assert EntryAnswer("4951", "shardId-000000000000").verdict() is Verdict.DELIVERED


@pytest.mark.parametrize("code", [None, ""])
def test_an_error_code_without_a_word_is_none(code: str | None) -> None:
    assert EntryAnswer("4951", "shardId-000000000000", code, code).verdict() is Verdict.DELIVERED


@pytest.mark.parametrize(
    "half", [EntryAnswer(), EntryAnswer("4951"), EntryAnswer(None, "shardId-000000000000"), EntryAnswer("", "", "", "")]
)
def test_an_entry_without_a_whole_receipt_and_without_an_error_is_unknown(half: EntryAnswer) -> None:
    assert half.verdict() is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (THROTTLED, Verdict.REJECTED),
        ("KMSThrottlingException", Verdict.REJECTED),
        ("LimitExceededException", Verdict.REJECTED),
        ("InternalFailure", Verdict.UNKNOWN),
        ("ServiceUnavailable", Verdict.UNKNOWN),
        ("RequestTimeout", Verdict.UNKNOWN),
        ("InvalidArgumentException", Verdict.PERMANENT),
        ("A code that nobody has heard of", Verdict.PERMANENT),
    ],
)
def test_a_record_is_judged_by_its_own_code(code: str, verdict: Verdict) -> None:
    assert EntryAnswer(ErrorCode=code, ErrorMessage="as Kinesis puts it").verdict() is verdict


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (THROTTLED, 400, Throttled),
        ("KMSThrottlingException", 400, Throttled),
        ("ResourceInUseException", 400, Throttled),
        ("429", 429, Throttled),
        ("InternalFailure", 500, Lost),
        ("ServiceUnavailable", 503, Lost),
        ("503", 503, Lost),
        ("502", 502, Lost),
        ("408", 408, Lost),
        ("RequestTimeoutException", 400, Lost),
        ("SomethingNew", 500, Lost),
        ("ValidationException", 400, Faulty),
        ("InvalidArgumentException", 400, Faulty),
        ("SerializationException", 400, Faulty),
        ("413", 413, Faulty),
        ("AccessDeniedException", 400, Refused),
        ("ResourceNotFoundException", 400, Refused),
        ("KMSAccessDeniedException", 400, Refused),
        ("SomethingNew", 400, Refused),
        ("", 0, Refused),
    ],
)
def test_a_whole_request_is_judged_by_code_and_status(code: str, status: int, expected: type) -> None:
    assert type(outcome_of_error(code, "", status)) is expected


@pytest.mark.parametrize(
    ("code", "credentials"),
    [
        ("ExpiredTokenException", True),
        ("UnrecognizedClientException", True),
        ("InvalidSignatureException", True),
        ("AccessDeniedException", True),
        ("ResourceNotFoundException", False),
        ("KMSDisabledException", False),
    ],
)
def test_renewing_may_help_where_the_credentials_are_refused(code: str, credentials: bool) -> None:
    assert outcome_of_error(code, "no", 400) == Refused(code, "no", credentials=credentials)


def test_throttling_is_told_by_its_code_whatever_the_status() -> None:
    assert isinstance(outcome_of_error(THROTTLED, "", 500), Throttled)


@pytest.mark.parametrize(
    ("words", "position"),
    [
        ("1 validation error detected: Value at 'records.1.member.data' failed to satisfy constraint", 0),
        ("Value at 'records.500.member.partitionKey' failed to satisfy constraint", 499),
        ("2 validation errors: 'records.3.member.data' is too long; 'records.7.member.data' is too long", 2),
        ("Value at 'records' failed to satisfy constraint: Member must have length less than or equal to 500", None),
        ("'records.0.member.data'", None),
        ("'records.-1.member.data'", None),
        ("'records.٣.member.data'", None),
        ("'records..member.data'", None),
        ("'records.3.size'", None),
        ("Record data size 1048577 exceeds the stream's max record size of 1048576 bytes", None),
        ("", None),
    ],
)
def test_the_entry_that_makes_a_request_faulty_is_read_from_kinesis_own_words(words: str, position: int | None) -> None:
    assert outcome_of_error("ValidationException", words, 400) == Faulty("ValidationException", words, position)
