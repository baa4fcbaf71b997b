"""Decide whether what arrived is what was sent: nothing lost, every key in order, and how much came twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping

import msgspec

from airflow_netmera_kinesis.tailing.unpacking import unpack

Identity = Hashable


class OrderBreak(msgspec.Struct, frozen=True):
    """For one key, ``late`` came first in what was sent, yet arrived after ``early``."""

    key: str
    late: Identity
    early: Identity


class Verdict(msgspec.Struct, frozen=True):
    """What a judge found. ``lost`` and ``strange`` (never sent) are (key, identity); ``duplicates`` a count."""

    arrived: int
    duplicates: int
    lost: tuple[tuple[str, Identity], ...]
    strange: tuple[tuple[str, Identity], ...]
    order_breaks: tuple[OrderBreak, ...]

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing strange, nothing out of order; duplicates are for the caller to judge."""
        return not (self.lost or self.strange or self.order_breaks)


class _EventId(msgspec.Struct):
    hookName: str | None = None  # noqa: N815 - the payload's own spelling
    eventId: str | None = None  # noqa: N815


def event_ids(data: bytes) -> list[Identity]:
    """Read the dedupe keys, (hookName, eventId), of all the payloads in a record."""
    ids = (msgspec.json.decode(payload, type=_EventId) for payload in unpack(data))
    return [(found.hookName, found.eventId) for found in ids]


def judge_order(
    arrivals: Iterable[tuple[str, bytes]],
    expected: Mapping[str, Iterable[Identity]],
    read: Callable[[bytes], Iterable[Identity]] = event_ids,
) -> Verdict:
    """Compare what arrived with what was sent, by the first occurrence of each identity within its key.

    ``arrivals`` are (partition key, data) in the order of arrival; ``expected`` gives each key's identities in the
    order in which they were to be sent; ``read`` finds the identities in a record.
    """
    firsts: dict[str, dict[Identity, None]] = {key: {} for key in expected}
    arrived = 0
    for key, data in arrivals:
        seen = firsts.setdefault(key, {})
        for identity in read(data):
            arrived += 1
            seen.setdefault(identity)
    ranks = {key: {identity: rank for rank, identity in enumerate(dict.fromkeys(ids))} for key, ids in expected.items()}
    return Verdict(
        arrived=arrived,
        duplicates=arrived - sum(map(len, firsts.values())),
        lost=tuple((key, i) for key, rank in ranks.items() for i in rank if i not in firsts[key]),
        strange=tuple((key, i) for key, seen in firsts.items() for i in seen if i not in ranks.get(key, ())),
        order_breaks=tuple(found for key, seen in firsts.items() for found in _breaks(key, seen, ranks.get(key, {}))),
    )


def _breaks(key: str, seen: Iterable[Identity], rank: Mapping[Identity, int]) -> Iterable[OrderBreak]:
    highest: Identity = None
    for identity in seen:
        if identity not in rank:
            continue
        if highest is not None and rank[identity] < rank[highest]:
            yield OrderBreak(key, late=identity, early=highest)
        else:
            highest = identity
