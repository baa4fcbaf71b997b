"""Decide what a sequence number looks like: 56 digits, rising within a shard, as AWS gives them.

From the highest digit down (in hexadecimal): version 2 · when the shard was created (9) · shard (1) · position (16) ·
filler (2) · when the record arrived (9) · shard (8) · version 2. A child shard is created later than its parents, so
its numbers are higher than theirs.
"""

from __future__ import annotations

_VERSION = 2
_SHARD_SHIFT = 4
_TIME_SHIFT = 36
_POSITION_SHIFT = 80
_NIBBLE_SHIFT = 144
_CREATED_SHIFT = 148
_LEAD_SHIFT = 184
_LAST_POSITION = 0x7FFF_FFFF_FFFF_FFFF


def base_number(shard: int, created_seconds: int) -> int:
    """Give what all numbers of a shard have in common; also the lowest of them."""
    return (
        _VERSION << _LEAD_SHIFT
        | created_seconds << _CREATED_SHIFT
        | (shard & 0xF) << _NIBBLE_SHIFT
        | shard << _SHARD_SHIFT
        | _VERSION
    )


def number(base: int, position: int, now_seconds: int) -> int:
    return base + (position << _POSITION_SHIFT) + (now_seconds << _TIME_SHIFT)


def last_number(base: int, now_seconds: int) -> int:
    """Give the number that closes a shard, above all that it ever gave."""
    return number(base, _LAST_POSITION, now_seconds)


def shard_of(sequence_number: int) -> int:
    """Read which shard gave the number."""
    return sequence_number >> _SHARD_SHIFT & 0xFFFF_FFFF


def shard_name(shard: int) -> str:
    return f"shardId-{shard:012d}"
