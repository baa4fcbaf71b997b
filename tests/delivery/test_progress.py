"""A long delivery says once a minute how it goes."""

from __future__ import annotations

import logging
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from play import Play, people
from simulation import Clock

from airflow_netmera_kinesis.delivery.counts import DeliveryCounts
from airflow_netmera_kinesis.delivery.loop import Delivery
from airflow_netmera_kinesis.delivery.progress import Progress
from airflow_netmera_kinesis.errors import StreamStalled
from airflow_netmera_kinesis.testing import Faults

log = logging.getLogger("progress")


class Watched:
    """A delivery as far as it is looked at, and the progress that looks."""

    def __init__(self, caplog: pytest.LogCaptureFixture, total: int = 1_000) -> None:
        caplog.set_level(logging.INFO, logger="progress")
        self._caplog = caplog
        self.clock = Clock()
        self.progress = Progress(log, "netmera-purchases", total, self.clock)
        self.state: Any = SimpleNamespace(counts=DeliveryCounts(), waiting=0, rejections=Counter[str]())

    def after(self, seconds: float, delivered: int = 0) -> list[str]:
        self.clock.now += seconds
        self.state.counts.delivered += delivered
        self._caplog.clear()
        self.progress.look(cast("Delivery", self.state))
        return [record.getMessage() for record in self._caplog.records]


def test_a_minute_passes_before_anything_is_said(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(caplog)
    assert watched.after(0.0) == []
    assert watched.after(59.9, delivered=500) == []
    assert len(watched.after(0.1)) == 1


def test_one_line_a_minute_however_often_one_looks(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(caplog)
    assert sum(len(watched.after(0.5, delivered=1)) for _ in range(601)) == 5


def test_the_line_says_how_far_how_fast_what_waits_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(caplog, total=36_000)
    watched.state.waiting = 77
    [line] = watched.after(60.0, delivered=12_000)
    assert line == (
        "stream netmera-purchases: delivered 12000 of 36000, 200 a second, 77 waiting; rejected by shard: none; "
        "about 2 minutes to go"
    )


def test_rejections_are_those_of_the_last_minute(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(caplog)
    watched.state.rejections.update({"shardId-000000000003": 9, "shardId-000000000001": 2})
    [first] = watched.after(60.0, delivered=10)
    assert "shardId-000000000003 9, shardId-000000000001 2" in first
    watched.state.rejections["shardId-000000000001"] += 4
    [second] = watched.after(60.0, delivered=10)
    assert "rejected by shard: shardId-000000000001 4;" in second


def test_of_many_shards_that_reject_the_busiest_are_named(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(caplog)
    watched.state.rejections.update({f"shardId-{shard:012d}": 10 - shard for shard in range(7)})
    [line] = watched.after(60.0, delivered=10)
    assert "shardId-000000000004 6, 2 more 9;" in line


def test_a_line_a_minute_comes_also_while_nothing_may_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="progress")
    play = Play(people(40, users=40), faults=Faults(throttled=1.0))
    progress = Progress(log, "netmera-purchases", 40, play.clock)
    play.delivery = play.prepare(tick=progress.look, stall_timeout=600.0)
    with pytest.raises(StreamStalled):
        play.run()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 9
    for line in lines:
        assert line.startswith("stream netmera-purchases: delivered 0 of 40, 0 a second, ")
        assert "rejected by shard: the whole stream " in line


def test_without_a_delivery_no_end_is_in_sight(caplog: pytest.LogCaptureFixture) -> None:
    [line] = Watched(caplog).after(75.0)
    assert line.endswith("no end in sight")
