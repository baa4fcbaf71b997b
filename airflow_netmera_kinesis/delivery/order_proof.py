"""Prove from receipts that Kinesis stored each user's records in order.

Sequence numbers of one key must rise within a shard. A key may change its shard only because the stream was resharded:
to a descendant of the old shard where ListShards tells, and never back to a shard that it left in any case.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from sys import intern
from typing import Generic, TypeVar

import msgspec

# How many keys are remembered while sending; the receipts of all keys are checked before the slice is committed.
RECENT_KEYS = 65_536

Key = TypeVar("Key", bound=Hashable)


class Break(msgspec.Struct, frozen=True):
    """Two receipts of one key that contradict its order, the earlier record's first; positions are the caller's."""

    reason: str
    earlier: tuple[str, str]
    later: tuple[str, str]


class _Last(msgspec.Struct, gc=False):
    shard: str
    sequence: str
    left: tuple[str, ...] = ()


class Lineage:
    """Which shard came from which, as far as ListShards has told."""

    def __init__(self, parents: Mapping[str, Iterable[str]] | None = None) -> None:
        self._parents = {shard: tuple(of) for shard, of in (parents or {}).items()}

    def learn(self, parents: Mapping[str, Iterable[str]]) -> None:
        """Add what a newer listing shows; what it no longer shows stays known."""
        self._parents.update({shard: tuple(of) for shard, of in parents.items()})

    def explains(self, old: str, new: str) -> bool:
        """Whether a key may have moved from ``old`` to ``new``.

        A listing shows open shards: one that was closed between two listings is not known, and then anything may be.
        """
        seen: set[str] = set()
        shards = [new]
        while shards:
            shard = shards.pop()
            if shard == old or shard not in self._parents:
                return True
            if shard not in seen:
                seen.add(shard)
                shards.extend(self._parents[shard])
        return old not in self._parents


class OrderProof(Generic[Key]):
    """Check receipts as they come, in the order of each key's records."""

    def __init__(self, lineage: Lineage, keys: int | None = RECENT_KEYS) -> None:
        self._lineage = lineage
        self._keys = keys
        self._last: dict[Key, _Last] = {}

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._last)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._last)

    def check_all(
        self, keys: Sequence[Key], shards: Sequence[str], sequences: Sequence[str]
    ) -> list[tuple[int, Break]]:
        """Take the receipts of one answer, in columns; return the contradictions, each with its place."""
        found: list[tuple[int, Break]] = []
        last_of = self._last.get
        for place, (key, shard, sequence) in enumerate(zip(keys, shards, sequences, strict=True)):
            last = last_of(key)
            # Nearly all: the same shard, and a greater number of as many digits.
            if (
                last is not None
                and last.shard == shard
                and sequence > last.sequence
                and len(sequence) == len(last.sequence)
            ):
                last.sequence = sequence
            elif (contradiction := self.check(key, shard, sequence)) is not None:
                found.append((place, contradiction))
        return found

    def check(self, key: Key, shard: str, sequence: str) -> Break | None:
        """Take the receipt of a key's next record; return the contradiction, if it is one."""
        last = self._last.get(key)
        if last is None:
            if self._keys is not None and len(self._last) >= self._keys:
                self._forget_oldest(self._keys)
            # Few shards, many keys: one text for all of them.
            self._last[key] = _Last(intern(shard), sequence)
            return None
        if last.shard != shard:
            return self._move(last, shard, sequence)
        # Decimal numbers without leading zeros: compared as integers, without paying for 56 digits.
        if (len(sequence), sequence) > (len(last.sequence), last.sequence):
            last.sequence = sequence
            return None
        return Break("the sequence number did not rise within the shard", (shard, last.sequence), (shard, sequence))

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget these keys."""
        for key in keys:
            del self._last[key]

    def _forget_oldest(self, keys: int) -> None:
        """Forget several at once: the first place of a dict is found by walking over all that were deleted there."""
        self.forget(list(islice(self._last, 1 + keys // 64)))

    def _move(self, last: _Last, shard: str, sequence: str) -> Break | None:
        if shard in last.left:
            reason = "the key returned to a shard that it had left"
        elif not self._lineage.explains(last.shard, shard):
            reason = "the key changed its shard, and no reshard explains it"
        else:
            last.left = (*last.left, last.shard)
            last.shard, last.sequence = shard, sequence
            return None
        return Break(reason, (last.shard, last.sequence), (shard, sequence))
