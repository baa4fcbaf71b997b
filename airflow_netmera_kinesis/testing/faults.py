"""Say what can go wrong, and throw the dice for it."""

from __future__ import annotations

import random
from enum import Enum
from typing import TypeVar

import msgspec

Kind = TypeVar("Kind", bound=Enum)


class Misfortune(str, Enum):
    """What befalls a whole request.

    ``…_before``: nothing was stored. ``…_after``: everything was, and only the answer is lost.
    """

    THROTTLED = "throttled"
    ACCESS_DENIED = "access_denied"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of an error, not a secret
    KMS_THROTTLED = "kms_throttled"
    KMS_DENIED = "kms_denied"
    ERROR_500_BEFORE = "error_500_before"
    ERROR_500_AFTER = "error_500_after"
    ERROR_503_BEFORE = "error_503_before"
    ERROR_503_AFTER = "error_503_after"
    DROPPED_BEFORE = "dropped_before"
    DROPPED_AFTER = "dropped_after"
    ZOMBIE = "zombie"
    SLOW = "slow"


class RecordFate(str, Enum):
    """What befalls one record of a request that is otherwise answered."""

    REJECTED = "rejected"
    INTERNAL_FAILURE = "internal_failure"
    INTERNAL_FAILURE_STORED = "internal_failure_stored"
    UNHEARD_OF = "unheard_of"


class Oversize(str, Enum):
    """The three ways in which a record above the stream's limit is answered; which one AWS takes is not known."""

    VALIDATION = "validation"
    ARGUMENT = "argument"
    RECORD = "record"


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong, and how often. Numbers between 0 and 1 are probabilities; nothing goes wrong by default.

    A *zombie* is a request whose connection drops at once and whose records are stored later, ``zombie_seconds``
    (from, to) after it, when its sender may long have sent them again. ``slow`` answers come ``slow_seconds`` late,
    with everything stored at once.
    """

    rejected: float = 0.0
    internal_failure: float = 0.0
    internal_failure_stored: float = 0.0
    unheard_of: float = 0.0
    # fates of all records with a key, always
    keys: dict[str, RecordFate] = msgspec.field(default_factory=dict)
    # the records of a request are stored in another order than they have in it
    shuffled: bool = False
    # a successful entry carries "ErrorCode": null, a failed one "ShardId": null
    explicit_nulls: bool = False
    # FailedRecordCount says 1 for many
    miscounted: bool = False

    throttled: float = 0.0
    access_denied: float = 0.0
    expired_token: float = 0.0
    kms_throttled: float = 0.0
    kms_denied: float = 0.0
    error_500_before: float = 0.0
    error_500_after: float = 0.0
    error_503_before: float = 0.0
    error_503_after: float = 0.0
    dropped_before: float = 0.0
    dropped_after: float = 0.0
    zombie: float = 0.0
    slow: float = 0.0
    # the actions that the probabilities from throttled to slow are for
    actions: frozenset[str] = frozenset({"PutRecords", "PutRecord"})

    zombie_seconds: tuple[float, float] = (0.5, 2.0)
    slow_seconds: float = 70.0  # botocore gives up after 60
    latency: float = 0.0
    oversize: Oversize = Oversize.VALIDATION
    # what a put to a stream that is still being created gets; ResourceInUseException has been seen, too
    creating: str = "ResourceNotFoundException"
    # how often a PutRecords finds that the stream has just been resharded
    resharded: float = 0.0
    # actions that the caller has no right to, and access keys that have expired
    denied: frozenset[str] = frozenset()
    expired_keys: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for kind in (*Misfortune, *RecordFate):
            if not 0 <= getattr(self, kind.value) <= 1:
                raise ValueError(f"{kind.value} is a probability: from 0 to 1")

    def misfortune(self, dice: random.Random) -> Misfortune | None:
        """Throw the dice for a whole request."""
        return self._throw(Misfortune, dice)

    def strike_records(self) -> bool:
        """Say whether any record can be struck, so that the dice need not be thrown for each."""
        return bool(self.keys) or any(getattr(self, fate.value) for fate in RecordFate)

    def fate(self, key: str, dice: random.Random) -> RecordFate | None:
        """Throw the dice for one record."""
        return self.keys.get(key) or self._throw(RecordFate, dice)

    def _throw(self, kinds: type[Kind], dice: random.Random) -> Kind | None:
        thrown = dice.random()
        for kind in kinds:
            thrown -= getattr(self, kind.value)
            if thrown < 0:
                return kind
        return None
