"""A delivery tells once a minute, and at its end, what it has done since."""

from __future__ import annotations

from collections import Counter

from recorded_metrics import RecordedMetrics
from simulation import Clock

from airflow_netmera_kinesis.delivery.counts import DeliveryCounts
from airflow_netmera_kinesis.delivery.metering import Meter


class Metered:
    """A delivery as far as it is counted, of which an earlier try has delivered some."""

    def __init__(self, before: int = 0) -> None:
        self.metrics = RecordedMetrics()
        self.clock = Clock()
        self.counts = DeliveryCounts()
        self.delivered = Counter({0: before}) if before else Counter[int]()
        self.dead: Counter[tuple[int, str]] = Counter()
        self.meter = Meter(
            self.metrics,
            "netmera-purchases",
            {0: "purchases", 1: "payments"},
            delivered=lambda: self.delivered,
            dead=lambda: self.dead,
            clock=self.clock,
            now_ms=lambda: 1_788_728_460_000,
        )


def test_what_an_earlier_try_delivered_is_not_told_again() -> None:
    metered = Metered(before=100)
    metered.delivered += Counter({0: 30, 1: 5})
    metered.meter.tell(metered.counts)
    assert metered.metrics.of("delivered") == {
        "hook=purchases stream=netmera-purchases": 30,
        "hook=payments stream=netmera-purchases": 5,
    }


def test_each_telling_adds_what_is_new_and_nothing_twice() -> None:
    metered = Metered()
    for _ in range(3):
        metered.counts.requests += 2
        metered.counts.size += 1_000
        metered.dead[1, "REFUSED"] += 1
        metered.meter.tell(metered.counts)
        metered.meter.tell(metered.counts)
    stream = "stream=netmera-purchases"
    assert metered.metrics.counts == {
        f"requests {stream}": 6,
        f"bytes {stream}": 3_000,
        f"dead_letters hook=payments reason=REFUSED {stream}": 3,
    }


def test_it_tells_once_a_minute_however_often_one_looks() -> None:
    metered = Metered()
    told = 0
    for _ in range(601):
        metered.clock.now += 0.5
        metered.counts.requests += 1
        before = metered.metrics.counts.total()
        metered.meter.look(metered.counts)
        told += metered.metrics.counts.total() > before
    assert told == 5
    assert metered.metrics.counts.total() == 600


def test_the_lag_is_the_age_of_the_newest_delivered_event() -> None:
    metered = Metered()
    metered.meter.tell(metered.counts)
    assert metered.metrics.gauges == {}, "no event with a time was delivered yet"
    metered.counts.newest_ms = 1_788_728_400_000
    metered.meter.tell(metered.counts)
    assert metered.metrics.gauges == {"lag stream=netmera-purchases": 60.0}
