"""A stream is read as consumers read it, a shard's children after the shard."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_netmera_kinesis.errors import StreamRefused, StreamUnreachable
from airflow_netmera_kinesis.tailing.stream_reader import SECONDS_WHEN_IDLE, Arrived, Start, StreamReader
from airflow_netmera_kinesis.testing import FakeKinesis

STREAM = "netmera-purchases"
USERS = [f"user-{number}" for number in range(8)]
pytestmark = pytest.mark.fake_kinesis({STREAM: 1})


class Clock:
    """Moves on when somebody sleeps; ``then`` happens at each of the sleeps."""

    def __init__(self, *then: Any) -> None:
        self.now = 0.0
        self.then = list(then)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.then:
            self.then.pop(0)()


class Enough(Exception):
    """Ends a reader that would follow for ever."""


def enough() -> None:
    raise Enough


def put(client: Any, *numbers: int) -> None:
    for number in numbers:
        client.put_record(StreamName=STREAM, PartitionKey=USERS[number % len(USERS)], Data=str(number).encode())


def read(client: Any, start: Start | None = None, clock: Clock | None = None, follow: bool = False) -> list[Arrived]:
    clock = clock or Clock()
    reader = StreamReader(client, STREAM, start or Start(), follow=follow, clock=lambda: clock.now, sleep=clock.sleep)
    found: list[Arrived] = []
    with suppress(Enough):
        found.extend(iter(reader.records()))
    return found


def numbers_by_user(records: list[Arrived]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for record in records:
        found.setdefault(record.key, []).append(int(record.data))
    return found


def test_all_is_read_and_each_key_in_order_across_a_reshard(fake_kinesis: FakeKinesis) -> None:
    client = fake_kinesis.client()
    put(client, *range(40))
    client.update_shard_count(StreamName=STREAM, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(client, *range(40, 80))
    client.update_shard_count(StreamName=STREAM, TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    put(client, *range(80, 120))
    records = read(client)
    assert len(records) == 120
    assert all(numbers == sorted(numbers) for numbers in numbers_by_user(records).values())
    assert len({record.shard for record in records}) == 4


def test_an_empty_stream_ends_at_once(fake_kinesis: FakeKinesis) -> None:
    assert read(fake_kinesis.client()) == []


def test_following_from_the_latest_finds_only_what_comes_later(fake_kinesis: FakeKinesis) -> None:
    client = fake_kinesis.client()
    put(client, 1, 2)

    def split() -> None:
        client.update_shard_count(StreamName=STREAM, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
        put(client, 5, 6)

    clock = Clock(lambda: put(client, 3, 4), lambda: None, split, *[lambda: None] * 4, enough)
    records = read(client, Start("LATEST"), clock, follow=True)
    assert sorted(int(record.data) for record in records) == [3, 4, 5, 6]


def test_a_moment_may_be_the_start(fake_kinesis: FakeKinesis) -> None:
    client = fake_kinesis.client()
    put(client, 1)
    moment = datetime.fromtimestamp(time.time(), timezone.utc)
    put(client, 2)
    assert [record.data for record in read(client, Start("AT_TIMESTAMP", moment))][-1:] == [b"2"]


class Grumbling:
    """A client whose first GetRecords calls are refused with the codes that are given."""

    def __init__(self, client: Any, *codes: str) -> None:
        self._client, self._codes = client, list(codes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_records(self, **asked: Any) -> Any:
        if self._codes:
            raise ClientError({"Error": {"Code": self._codes.pop(0), "Message": ""}}, "GetRecords")
        return self._client.get_records(**asked)


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ExpiredIteratorException"])
def test_throttling_and_an_expired_iterator_cost_only_time(fake_kinesis: FakeKinesis, code: str) -> None:
    client = fake_kinesis.client()
    put(client, *range(5))
    clock = Clock()
    assert len(read(Grumbling(client, code, code), clock=clock)) == 5
    assert clock.now < 10 * SECONDS_WHEN_IDLE


def test_a_refusal_names_the_rights_that_reading_needs(fake_kinesis: FakeKinesis) -> None:
    with pytest.raises(StreamRefused, match=r"refused with AccessDenied.*kinesis:GetRecords"):
        read(Grumbling(fake_kinesis.client(), "AccessDeniedException"))


def test_a_stream_that_does_not_exist_is_refused(fake_kinesis: FakeKinesis) -> None:
    reader = StreamReader(
        fake_kinesis.client(), "elsewhere", Start(), follow=False, clock=lambda: 0.0, sleep=lambda _: None
    )
    with pytest.raises(StreamRefused, match="stream elsewhere: ListShards was refused with ResourceNotFoundException"):
        list(reader.records())


def test_nobody_who_answers_is_said(fake_kinesis: FakeKinesis) -> None:
    one_try = Config(retries={"total_max_attempts": 1})
    client = fake_kinesis.client(endpoint_url="http://127.0.0.1:9", config=one_try)
    with pytest.raises(StreamUnreachable, match="it could not be read"):
        read(client)
