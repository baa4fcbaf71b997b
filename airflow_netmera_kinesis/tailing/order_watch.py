"""Check, as a consumer can, that each user's events arrive in order and where they belong."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container
from typing import Generic, TypeVar

import msgspec

from airflow_netmera_kinesis.tailing.stream_reader import Arrived
from airflow_netmera_kinesis.tailing.unpacking import unpack

REMEMBERED_KEYS = 200_000
REMEMBERED_EVENTS = 500_000
Value = TypeVar("Value")


class _EventData(msgspec.Struct):
    timestamp: int | None = None


class _Payload(msgspec.Struct):
    hook_name: str | None = msgspec.field(default=None, name="hookName")
    event_id: str | None = msgspec.field(default=None, name="eventId")
    event_data: _EventData | None = msgspec.field(default=None, name="eventData")


class Findings(msgspec.Struct):
    """What was seen; ``foreign`` payloads are not of this connector.

    ``two_shards`` counts records whose key had arrived in another shard that is still open. ``back_in_time`` counts
    first occurrences that are older than what had arrived of their key before.
    """

    records: int = 0
    payloads: int = 0
    foreign: int = 0
    duplicates: int = 0
    two_shards: int = 0
    back_in_time: int = 0
    keys: int = 0
    shards: set[str] = msgspec.field(default_factory=set)

    @property
    def in_order(self) -> bool:
        return not self.two_shards and not self.back_in_time


class _Recent(Generic[Value]):
    """Remember what was touched last, in bounded memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[object, Value] = OrderedDict()

    def get(self, key: object) -> Value | None:
        return self._values.get(key)

    def put(self, key: object, value: Value) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class OrderWatch:
    """Take the records as they arrive; memory is bounded, so what lies far apart is not compared."""

    def __init__(self) -> None:
        self.findings = Findings()
        self._shards: _Recent[str] = _Recent(REMEMBERED_KEYS)
        self._times: _Recent[int] = _Recent(REMEMBERED_KEYS)
        self._seen: _Recent[bool] = _Recent(REMEMBERED_EVENTS)

    def take(self, arrived: Arrived, finished: Container[str]) -> list[bytes]:
        """Look at one record and return its payloads; ``finished`` are the shards that are read to their end."""
        found = self.findings
        found.records += 1
        found.shards.add(arrived.shard)
        before = self._shards.get(arrived.key)
        if before is None:
            found.keys += 1
        elif before != arrived.shard and before not in finished:
            found.two_shards += 1
        self._shards.put(arrived.key, arrived.shard)
        payloads = unpack(arrived.data)
        for payload in payloads:
            self._look_into(arrived.key, payload)
        return payloads

    def _look_into(self, key: str, payload: bytes) -> None:
        found = self.findings
        found.payloads += 1
        try:
            event = msgspec.json.decode(payload, type=_Payload)
        except msgspec.DecodeError:
            event = _Payload()
        if event.hook_name is None or event.event_id is None:
            found.foreign += 1
            return
        if self._seen.get((event.hook_name, event.event_id)):
            found.duplicates += 1
            return
        self._seen.put((event.hook_name, event.event_id), True)
        time_ms = event.event_data.timestamp if event.event_data else None
        if time_ms is None:
            return
        latest = self._times.get(key)
        if latest is not None and time_ms < latest:
            found.back_in_time += 1
        else:
            self._times.put(key, time_ms)
