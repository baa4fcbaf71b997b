"""A shard is written just under its limits, and left alone for a while when it says no."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.delivery.pacing import (
    ELASTIC_RATE,
    FIRST_PAUSE_SECONDS,
    GRACE_SECONDS,
    INCREASE_PER_SECOND,
    LEAST_DECREASE,
    LONGEST_PAUSE_SECONDS,
    MOST_DECREASE,
    SHARD_BYTES_PER_SECOND,
    SHARD_RECORDS_PER_SECOND,
    SLOWEST_RATE,
    STEADY_RATE,
    Pace,
    Paces,
    full_jitter,
)
from airflow_netmera_kinesis.delivery.shard_map import ANY_SHARD

NOW = 1_000.0
FULL = (500.0, SHARD_BYTES_PER_SECOND / 2)


def rate_of(pace: Pace) -> float:
    return pace._rate


def rested(pace: Pace, seconds: float) -> Pace:
    pace.refill(NOW + seconds)
    return pace


@given(st.integers(0, 2**16), st.integers(0, 200))
def test_a_pause_lies_anywhere_below_a_bound_that_doubles_and_ends_at_ten_seconds(seed: int, attempt: int) -> None:
    bound = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**attempt)
    assert 0.0 <= full_jitter(Random(seed), attempt) <= bound


def test_pauses_are_spread_over_the_whole_range() -> None:
    rng = Random(4)
    pauses = [full_jitter(rng, 3) for _ in range(1_000)]
    assert min(pauses) < 0.05
    assert max(pauses) > 0.75
    assert sum(pauses) / len(pauses) == pytest.approx(0.4, abs=0.05)


def test_a_new_shard_takes_half_a_second_at_once() -> None:
    pace = Pace(NOW)
    assert pace.allowance() == FULL
    assert pace.wait(NOW, 10_000, 10_000_000) == 0.0


def test_an_idle_shard_saves_up_half_a_second_and_no_more() -> None:
    records, size = rested(Pace(NOW), 3_600.0).allowance()
    assert (records, size) == pytest.approx((FULL[0] * STEADY_RATE, FULL[1] * STEADY_RATE))


def test_a_spent_shard_waits_until_a_quarter_of_a_second_may_go() -> None:
    pace = Pace(NOW)
    pace.take(500, 20_000)
    assert pace.wait(NOW, 10_000, 400_000) == pytest.approx(0.25)
    assert pace.wait(NOW, 49, 2_000) == pytest.approx(49 / (SHARD_RECORDS_PER_SECOND * STEADY_RATE))
    assert rested(pace, 0.25).wait(NOW + 0.25, 10_000, 400_000) == 0.0
    assert pace.allowance()[0] == pytest.approx(SHARD_RECORDS_PER_SECOND * STEADY_RATE * 0.25)


def test_bytes_hold_a_shard_as_records_do() -> None:
    pace = Pace(NOW)
    pace.take(3, int(SHARD_BYTES_PER_SECOND))
    assert pace.allowance()[1] < 0
    # Half a second's worth is owed, and a quarter more has to gather.
    assert pace.wait(NOW, 10, 10_000_000) == pytest.approx(0.5 / STEADY_RATE + 0.25)


@given(st.floats(0.001, 1.0), st.integers(0, 40), st.integers(1, 5_000), st.integers(1, 10_000_000))
def test_when_the_wait_is_over_at_least_one_record_may_go(
    share: float, rejections: int, queued: int, queued_bytes: int
) -> None:
    pace, now, rng = Pace(NOW, share), NOW, Random(1)
    for _ in range(rejections):
        now = max(now, pace.not_before)
        pace.reject(1, now, rng)
    now += pace.wait(now, queued, queued_bytes) + 1e-6
    pace.refill(now)
    assert pace.wait(now, queued, queued_bytes) == 0.0
    records, size = pace.allowance()
    assert records >= 1.0
    assert size > 0.0


def test_a_rejection_slows_the_shard_down_by_a_fifth_and_empties_what_it_saved() -> None:
    pace = Pace(NOW)
    pace.reject(1, NOW, Random(1))
    assert rate_of(pace) == pytest.approx(STEADY_RATE * (1 - LEAST_DECREASE))
    assert NOW < pace.not_before <= NOW + FIRST_PAUSE_SECONDS
    assert pace.allowance()[0] == 0.0
    assert pace.wait(NOW, 1, 1) >= pace.not_before - NOW


@pytest.mark.parametrize(
    ("rejected", "decrease"), [(50, LEAST_DECREASE), (100, 0.2), (150, 0.3), (250, 0.5), (500, MOST_DECREASE)]
)
def test_it_is_slowed_down_by_as_much_as_it_was_too_fast_within_bounds(rejected: int, decrease: float) -> None:
    pace = Pace(NOW)
    pace.take(500, 0)
    pace.reject(rejected, NOW, Random(1))
    assert rate_of(pace) == pytest.approx(STEADY_RATE * (1 - decrease))


def test_a_cut_has_a_second_to_show() -> None:
    pace = Pace(NOW)
    for at in (0.0, 0.2, 0.4, 0.6, 0.8):
        pace.take(100, 0)
        pace.reject(1, NOW + at, Random(1))
    assert rate_of(pace) == pytest.approx(STEADY_RATE * (1 - LEAST_DECREASE))
    slow = rate_of(rested(pace, 2.0))
    pace.reject(1, NOW + 2.0, Random(1))
    assert rate_of(pace) == pytest.approx(slow * (1 - LEAST_DECREASE))


def test_answers_that_crossed_on_the_way_count_once() -> None:
    pace = Pace(NOW)
    pace.reject(1, NOW, Random(1))
    pause = pace.not_before
    pace.reject(500, (NOW + pause) / 2, Random(1))
    assert (pace.rejections, pace.not_before) == (1, pause)
    assert rate_of(pace) == pytest.approx(STEADY_RATE * (1 - LEAST_DECREASE))


def test_when_slower_is_no_better_the_shard_is_written_as_fast_as_before() -> None:
    pace, rng, rates = Pace(NOW), Random(1), []
    for answer in range(40):
        now = NOW + answer / 2
        pace.refill(now)
        pace.take(500, 0)
        pace.reject(10, max(now, pace.not_before), rng)
        rates.append(rate_of(pace))
    assert min(rates[:10]) < 0.7
    assert min(rates[12:]) > 0.9


def test_a_shard_that_says_no_again_and_again_is_never_given_up() -> None:
    pace, now = Pace(NOW), NOW
    for _ in range(100):
        now = max(now, pace.not_before)
        pace.reject(1, now, Random(1))
    assert rate_of(pace) == SLOWEST_RATE
    assert pace.not_before <= now + LONGEST_PAUSE_SECONDS


def test_the_rate_rises_by_two_hundredths_a_second_up_to_just_under_the_limit() -> None:
    pace = Pace(NOW)
    pace.reject(1, NOW, Random(1))
    slow = rate_of(pace)
    assert rate_of(rested(pace, 5.0)) == pytest.approx(slow + 5 * INCREASE_PER_SECOND)
    assert rate_of(rested(pace, 500.0)) == STEADY_RATE


def test_a_stream_on_demand_is_probed_upward() -> None:
    assert rate_of(rested(Pace(NOW, elastic=True), 500.0)) == ELASTIC_RATE


def test_after_a_record_was_taken_the_next_pause_is_short_again() -> None:
    pace, now = Pace(NOW), NOW
    for _ in range(10):
        now = max(now, pace.not_before)
        pace.reject(1, now, Random(1))
    pace.accept()
    now = pace.not_before
    pace.reject(1, now, Random(1))
    assert pace.not_before <= now + FIRST_PAUSE_SECONDS


def test_where_the_shard_is_not_known_only_back_off_holds() -> None:
    pace = Pace(NOW, unlimited=True)
    pace.take(1_000_000, 10**12)
    assert pace.wait(NOW, 500, 500_000) == 0.0
    assert pace.allowance() == (float("inf"), float("inf"))
    pace.reject(1, NOW, Random(1))
    assert pace.wait(NOW, 500, 500_000) == pytest.approx(pace.not_before - NOW)


def test_a_clock_that_stands_still_or_goes_back_adds_nothing() -> None:
    pace = Pace(NOW)
    pace.take(500, 0)
    for then in (NOW, NOW - 100.0):
        pace.refill(then)
        assert pace.allowance()[0] == 0.0


def paces(*, elastic: bool = False) -> Paces:
    return Paces(elastic=elastic, unlimited=frozenset({ANY_SHARD}), rng=Random(2))


def test_each_shard_has_a_pace_of_its_own() -> None:
    each = paces()
    each.reject("a", 1, NOW)
    assert each.of("a", NOW).not_before > NOW
    assert each.of("b", NOW).not_before == NOW
    assert each.of("a", NOW) is each.of("a", NOW + 1)
    assert each.of(ANY_SHARD, NOW).allowance()[0] == float("inf")


def test_a_shard_that_two_tasks_write_to_gives_each_a_half() -> None:
    each = paces()
    before = each.of("a", NOW)
    each.share({"a": 0.5}, NOW)
    before.refill(NOW + 10.0)
    assert before.allowance()[0] == pytest.approx(FULL[0] * STEADY_RATE / 2)
    each.share({"b": 0.25}, NOW + 10.0)
    assert each.of("a", NOW + 10.0).share == 1.0
    assert each.of("b", NOW + 10.0).share == 0.25
    assert each.of("of a reshard", NOW + 10.0).share == 1.0


def test_whoever_learns_that_a_shard_is_shared_gets_back_what_was_cut_before() -> None:
    pace = Pace(NOW)
    pace.take(500, 0)
    pace.reject(250, NOW, Random(1))
    assert rate_of(pace) == pytest.approx(STEADY_RATE / 2)
    pace.reshare(0.25, NOW + 1.0)
    assert (pace.share, rate_of(pace)) == (0.25, STEADY_RATE)


def test_whoever_gets_a_larger_share_takes_it_at_once() -> None:
    pace = rested(Pace(NOW, 0.25), 100.0)
    pace.reshare(0.5, NOW + 100.0)
    assert rate_of(pace) == STEADY_RATE
    pace.take(500, 0)
    assert pace.wait(NOW + 100.0, 1_000, 0) == pytest.approx(
        (500 - pace_records(0.25) + 500 * STEADY_RATE * 0.25) / (500 * STEADY_RATE)
    )


def pace_records(share: float) -> float:
    """What an idle shard has saved up."""
    return SHARD_RECORDS_PER_SECOND * STEADY_RATE * share / 2


def test_just_after_shares_have_changed_rejections_are_nobodys_pace() -> None:
    pace = Pace(NOW, 0.5)
    pace.take(500, 0)
    pace.reject(400, NOW, Random(1))
    assert rate_of(pace) == STEADY_RATE
    assert pace.not_before > NOW
    rested(pace, GRACE_SECONDS)
    pace.reject(400, NOW + GRACE_SECONDS, Random(1))
    assert rate_of(pace) < STEADY_RATE
