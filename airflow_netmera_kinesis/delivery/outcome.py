"""Tell apart what an answer of PutRecords says about each record: delivered, rejected, unknown or permanent."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from airflow_netmera_kinesis.delivery.credential_advice import CREDENTIAL_CODES

# Surely not stored, and worth sending again: throttling of the shard, the stream, the account or the stream's key.
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html, and what AWS' own clients take for it
THROTTLING_CODES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "BandwidthLimitExceeded",
        "KMSThrottlingException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ResourceInUseException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# Perhaps stored: the service itself does not know.
UNKNOWN_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalFailureException",
        "InternalServerError",
        "PriorRequestNotComplete",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
    }
)
# About the content of the request: some record in it is not acceptable, the others are.
CONTENT_CODES = frozenset({"InvalidArgumentException", "SerializationException", "ValidationException"})
# What a proxy says in its own words, without a code of Kinesis.
REQUEST_TIMEOUT = 408
TOO_LARGE_FOR_A_REQUEST = 413
TOO_MANY_REQUESTS = 429


class Verdict(enum.Enum):
    """What became of one record."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    PERMANENT = "permanent"


class EntryAnswer(msgspec.Struct, frozen=True, gc=False):
    """The answer to one entry: a receipt, or an error. Some endpoints spell absent fields as null."""

    SequenceNumber: str | None = None
    ShardId: str | None = None
    ErrorCode: str | None = None
    ErrorMessage: str | None = None

    def verdict(self) -> Verdict:
        """Judge this record by its own answer; a code that nobody has heard of is permanent."""
        if not self.ErrorCode:
            return Verdict.DELIVERED if self.SequenceNumber and self.ShardId else Verdict.UNKNOWN
        return verdict_of_code(self.ErrorCode)


def verdict_of_code(code: str) -> Verdict:
    """Judge a per-record error code."""
    if code in THROTTLING_CODES:
        return Verdict.REJECTED
    return Verdict.UNKNOWN if code in UNKNOWN_CODES else Verdict.PERMANENT


class Answered(msgspec.Struct, frozen=True, gc=False):
    """Kinesis took the request and answers each entry, in the order of the request."""

    entries: Sequence[EntryAnswer]

    def all_delivered(self) -> bool:
        """Whether every verdict is DELIVERED, as it nearly always is."""
        return True not in (
            [said.ErrorCode is not None or not said.SequenceNumber or not said.ShardId for said in self.entries]
        )


class Throttled(msgspec.Struct, frozen=True):
    """The whole request is refused by a throttling code: surely nothing is stored."""

    code: str
    message: str


class Lost(msgspec.Struct, frozen=True):
    """No answer, or a 5xx: everything in the request is perhaps stored.

    ``bug`` is an error that no network explains: sending again would only meet it again.
    """

    code: str
    message: str
    bug: Exception | None = None


class Faulty(msgspec.Struct, frozen=True):
    """Some record makes the whole request unacceptable: nothing is stored. ``position`` names it where Kinesis does."""

    code: str
    message: str
    position: int | None = None


class Refused(msgspec.Struct, frozen=True):
    """Rights, a missing stream, KMS or credentials: nothing is stored, and sending it again as it is does not help."""

    code: str
    message: str
    credentials: bool = False


class Withheld(msgspec.Struct, frozen=True):
    """The request did not leave: ``why`` forbids this task to send anything more."""

    why: Exception


Outcome = Answered | Throttled | Lost | Faulty | Refused | Withheld


def outcome_of_error(code: str, message: str, status: int) -> Outcome:
    """Classify a whole-request error by its code, its text and its HTTP status."""
    if code in THROTTLING_CODES or status == TOO_MANY_REQUESTS:
        return Throttled(code, message)
    if code in UNKNOWN_CODES or status >= 500 or status == REQUEST_TIMEOUT:
        return Lost(code, message)
    if code in CONTENT_CODES or status == TOO_LARGE_FOR_A_REQUEST:
        return Faulty(code, message, _position(message))
    return Refused(code, message, credentials=code in CREDENTIAL_CODES)


def _position(message: str) -> int | None:
    """Read the entry from Kinesis' own words: ``Value at 'records.3.member.data' failed to satisfy constraint``.

    Kinesis counts members from 1.
    """
    _, marker, rest = message.partition("records.")
    digits, dot, _ = rest.partition(".member")
    if marker and dot and digits.isascii() and digits.isdigit() and int(digits) > 0:
        return int(digits) - 1
    return None
