"""A fake Kinesis without sockets and a clock that moves only when told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_netmera_kinesis.testing import FakeKinesis, FakeKinesisCore


class Clock:
    """Seconds since the epoch, standing still."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def core(clock: Clock) -> FakeKinesisCore:
    """A Kinesis with one stream, ``purchases``, of two shards."""
    return FakeKinesisCore({"purchases": 2}, clock=clock)


@pytest.fixture
def kinesis() -> Iterator[FakeKinesis]:
    """The same over HTTP, by the real clock."""
    with FakeKinesis({"purchases": 2}) as kinesis:
        yield kinesis
