"""The conclusions that are drawn from a survey."""

from __future__ import annotations

import pytest

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.forecast.prices import Prices, read_prices, shipped_prices
from airflow_netmera_kinesis.forecast.report import Assumptions, StreamReport, report_of
from airflow_netmera_kinesis.forecast.stream_load import BUCKETS, StreamLoad
from airflow_netmera_kinesis.forecast.survey import Survey
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.partition_key import partition_of
from airflow_netmera_kinesis.state.match_result import HookResult

PRICES = Prices("nowhere-1", "2026-11", "USD", 0.01, 1.0, 0.1, 2.0)
HOOK = HookDefinition("purchases", event_code="n:ph", stream_name="netmera-purchases")
DAY_MS = 86_400_000


def reported(
    *records: tuple[str, int], within: float = 10, shards: tuple[int, ...] = (1,), days: float = 0
) -> StreamReport:
    load = StreamLoad()
    for key, size in records:
        load.add(partition_of(key, BUCKETS), key, size)
    hooks = (HookResult(0, "purchases", load.records, load.records),)
    found = Survey(hooks, {"netmera-purchases": load}, first_ms=0, last_ms=3 * DAY_MS)
    (stream,) = report_of(found, (HOOK,), Assumptions(within, 0.025, days, shards, 3, PRICES)).streams
    return stream


def test_load_is_given_in_what_a_shard_takes_in_a_second() -> None:
    (one,) = reported(*[("ada", 100)] * 5_000, within=10).shards
    assert (one.records_per_second, one.share) == (500, 0.5)
    assert one.megabytes_per_second == pytest.approx(0.0477, abs=1e-4)


def test_bytes_count_where_they_fill_the_shard_first() -> None:
    (one,) = reported(*[("ada", 1_048_576)] * 10, within=10).shards
    assert one.share == 1


def test_the_fewest_shards_that_stay_below_four_fifths_are_recommended() -> None:
    users = [(f"user-{n}", 100) for n in range(16_000)]
    stream = reported(*users, within=10, shards=(2, 3, 4))
    assert stream.recommended_shards == 3
    assert [shard.share <= 0.8 for shard in stream.shards] == [False, True, True]


def test_no_count_is_recommended_where_one_user_fills_a_shard() -> None:
    stream = reported(*[("ada", 100)] * 9_000, ("bob", 1), within=10)
    assert stream.recommended_shards is None
    assert stream.cost.provisioned_a_month is None


def test_strict_order_keeps_the_busiest_users_records_a_request_apart() -> None:
    stream = reported(*[("ada", 1_000)] * 400, ("bob", 100))
    assert (stream.seconds_in_order, stream.seconds_packed) == (10.0, 0.1)
    assert (stream.top_by_events[0].key, stream.top_by_events[0].seconds) == ("ada", 10.0)


def test_a_month_is_priced_by_the_days_that_the_events_span() -> None:
    cost = reported(*[("ada", 100)] * 3_000_000).cost
    months = 730 / 24 / 3
    assert cost.put_units == 3_000_000
    assert cost.put_units_a_month == pytest.approx(3_000_000 * months, abs=1)
    assert cost.on_demand_a_month == pytest.approx(73 + 2 * cost.gigabytes_a_month, abs=0.01)


def test_the_days_may_be_said() -> None:
    assert reported(("ada", 100), days=730 / 24).cost.put_units_a_month == 1


def test_an_empty_stream_needs_one_shard_and_costs_its_hours() -> None:
    stream = reported()
    assert (stream.recommended_shards, stream.cost.provisioned_a_month) == (1, 7.3)


def test_the_shipped_prices_say_their_region_and_date() -> None:
    prices = shipped_prices()
    assert (prices.region, prices.currency) == ("us-east-1", "USD")
    assert prices.as_of
    assert prices.provisioned(2, 1_000_000) == pytest.approx(2 * 730 * 0.015 + 0.014)


@pytest.mark.parametrize("text", ["region: x", "[1]", "region: {a: 1}", "shardhour: 1"])
def test_a_table_of_prices_must_be_whole(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"mine\.yaml: .*it must hold region, as_of, currency, shard_hour"):
        read_prices(text.encode(), "mine.yaml")
