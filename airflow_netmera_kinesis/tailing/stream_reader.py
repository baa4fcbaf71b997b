"""Read all shards of a stream side by side, a shard's children only after the shard itself: each key in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from airflow_netmera_kinesis.errors import StreamRefused, StreamUnreachable

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html: five calls a second for each shard
SECONDS_BETWEEN_CALLS = 0.2
SECONDS_WHEN_IDLE = 1.0
_THROTTLED = ("ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException")


class Arrived(msgspec.Struct, frozen=True):
    """One record as Kinesis keeps it."""

    shard: str
    sequence_number: str
    key: str
    data: bytes


class Start(msgspec.Struct, frozen=True):
    """Where to begin: ``TRIM_HORIZON``, ``LATEST``, or ``AT_TIMESTAMP`` with its moment."""

    kind: str = "TRIM_HORIZON"
    moment: datetime | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what GetShardIterator is asked."""
        at = {"Timestamp": self.moment} if self.moment else {}
        return {"ShardIteratorType": self.kind, **at}


class _Reading:
    """One shard that is being read."""

    def __init__(self, iterator: str) -> None:
        self.iterator: str | None = iterator
        self.due = 0.0
        self.caught_up = False
        self.last = ""


class StreamReader:
    """Yield the records of a stream; ``follow`` goes on when all is read, else that is the end.

    ``finished`` holds the shards that are closed and read to their end. Raises StreamRefused or StreamUnreachable.
    """

    def __init__(
        self,
        client: Any,
        stream: str,
        start: Start,
        *,
        follow: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._client, self._stream, self._start, self._follow = client, stream, start, follow
        self._clock, self._sleep = clock, sleep
        self._address = {"StreamARN" if stream.startswith("arn:") else "StreamName": stream}
        self._waiting: dict[str, tuple[str, ...]] = {}
        self._reading: dict[str, _Reading] = {}
        self.finished: set[str] = set()

    def records(self) -> Iterator[Arrived]:
        """Read on until the end, or for ever."""
        self._list()
        self._begin(self._start)
        while self._reading:
            for shard, reading in list(self._reading.items()):
                yield from self._read(shard, reading)
            if not self._follow and all(reading.caught_up for reading in self._reading.values()):
                return
            self._wait()

    def _read(self, shard: str, reading: _Reading) -> Iterator[Arrived]:
        if reading.due > self._clock() or (reading.caught_up and not self._follow):
            return
        answer = self._records(shard, reading)
        if answer is None:
            return
        for record in answer["Records"]:
            reading.last = record["SequenceNumber"]
            yield Arrived(shard, record["SequenceNumber"], record["PartitionKey"], record["Data"])
        reading.iterator = answer.get("NextShardIterator")
        reading.caught_up = not answer["Records"] and not answer.get("MillisBehindLatest")
        pause = SECONDS_WHEN_IDLE if reading.caught_up else SECONDS_BETWEEN_CALLS
        reading.due = self._clock() + pause
        if reading.iterator is None:
            del self._reading[shard]
            self.finished.add(shard)
            self._list()
            self._begin(Start())

    def _records(self, shard: str, reading: _Reading) -> Mapping[str, Any] | None:
        """Return what GetRecords says; None if it has to be asked again later."""
        answer, code = self._ask(self._client.get_records, {"ShardIterator": reading.iterator}, allowed=_THROTTLED)
        if code in _THROTTLED:
            reading.due = self._clock() + SECONDS_WHEN_IDLE
            return None
        if code == "ExpiredIteratorException":
            after = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": reading.last}
            reading.iterator = self._iterator(shard, after if reading.last else self._start.arguments())
            return None
        return answer

    def _wait(self) -> None:
        pause = min((reading.due for reading in self._reading.values()), default=0.0) - self._clock()
        if pause > 0:
            self._sleep(pause)

    def _list(self) -> None:
        """Find the shards that are not known yet; one that was closed before ``LATEST`` has nothing to say."""
        asked: dict[str, Any] = dict(self._address)
        while asked:
            page, _ = self._ask(self._client.list_shards, asked)
            for shard in page["Shards"]:
                name = shard["ShardId"]
                closed = shard["SequenceNumberRange"].get("EndingSequenceNumber") is not None
                known = name in self._waiting or name in self._reading or name in self.finished
                if not known and closed and self._start.kind == "LATEST" and not self.finished:
                    self.finished.add(name)
                elif not known:
                    parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
                    self._waiting[name] = tuple(parent for parent in parents if parent)
            asked = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}

    def _begin(self, start: Start) -> None:
        """Begin with every shard whose parents are read to their end, or have expired."""
        here = set(self._waiting) | set(self._reading)
        for name, parents in list(self._waiting.items()):
            if not here.intersection(parents):
                del self._waiting[name]
                self._reading[name] = _Reading(self._iterator(name, start.arguments()))

    def _iterator(self, shard: str, place: Mapping[str, Any]) -> str:
        asked = {**self._address, "ShardId": shard, **place}
        answer, _ = self._ask(self._client.get_shard_iterator, asked)
        return str(answer["ShardIterator"])

    def _ask(
        self, call: Callable[..., Any], asked: Mapping[str, Any], allowed: tuple[str, ...] = ()
    ) -> tuple[Mapping[str, Any], str]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call(**asked), ""
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in allowed or code == "ExpiredIteratorException":
                return {}, code
            raise StreamRefused(
                f"stream {self._stream}: {error.operation_name} was refused with {code}. Reading needs the rights "
                "kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords; check the stream's name, and the "
                "connection's region and keys"
            ) from None
        except BotoCoreError as error:
            raise StreamUnreachable(f"stream {self._stream}: it could not be read: {error}") from None
