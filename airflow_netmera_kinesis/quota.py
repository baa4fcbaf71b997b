"""Decide how much may go wrong before a run fails: a share, a number, or the larger of the two."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from airflow_netmera_kinesis.errors import ConfigurationError

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_NUMBER = re.compile(r"[0-9]{1,15}")
ALLOWED = 'a share, a number, or both, such as "1%, 100" (the larger counts), "5%" or "0"'


class Quota(msgspec.Struct, frozen=True):
    """At most ``percent`` of all, or ``number``, whichever is larger."""

    percent: Decimal = Decimal(0)
    number: int = 0

    def is_exceeded(self, count: int, of: int) -> bool:
        return count > self.number and count * 100 > self.percent * of

    def __str__(self) -> str:
        return f"{self.percent}%, {self.number}"


def parse_quota(value: object, param: str) -> Quota:
    """Read the param ``param``: text such as "1%, 100", or a whole number. Raises ConfigurationError."""
    parts = [part.strip() for part in str(value).split(",")]
    shares = [match[1] for match in map(_SHARE.fullmatch, parts) if match]
    numbers = [match[0] for match in map(_NUMBER.fullmatch, parts) if match]
    readable = isinstance(value, (str, int)) and not isinstance(value, bool)
    if not readable or len(shares) + len(numbers) != len(parts) or len(shares) > 1 or len(numbers) > 1:
        raise ConfigurationError(f"{param} is {value!r}; allowed: {ALLOWED}")
    percent = Decimal(shares[0]) if shares else Decimal(0)
    if percent > 100:
        raise ConfigurationError(f"{param} is {value!r}; allowed: a share of at most 100%")
    return Quota(percent, int(numbers[0]) if numbers else 0)
