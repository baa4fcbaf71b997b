"""A shard that rejects because it is written too fast is slowed down; one that rejects at any pace is not."""

from __future__ import annotations

from random import Random

import pytest
from play import Play
from simulation import make_record

from airflow_netmera_kinesis.delivery.rejection_share import MOST_USUAL, WINDOW_SECONDS, WINDOWS, RejectionShare
from airflow_netmera_kinesis.testing import Faults, ShardQuota

NOW = 1_000.0


def after(*windows: tuple[int, int]) -> tuple[RejectionShare, float]:
    """What was sent and rejected in each window; gives the last one's judgement, too."""
    share, too_much = RejectionShare(NOW), 0.0
    for sent, rejected in windows:
        share.send(sent)
        share.reject(rejected)
        too_much = share.judge(NOW)
    return share, too_much


@pytest.mark.parametrize(
    ("sent", "rejected", "too_much"),
    [
        (1_000, 0, 0.0),
        (1_000, 9, 0.0),  # a hundredth is nothing
        (1_000, 30, 0.03),
        (1_000, 500, 0.5),
        (500, 500, 1.0),
        (10, 1, 0.0),  # chance
        (0, 3, 0.0),  # answers to what was sent in the window before
        (0, 0, 0.0),
    ],
)
def test_what_is_rejected_beyond_chance_was_too_much(sent: int, rejected: int, too_much: float) -> None:
    assert after((sent, rejected))[1] == pytest.approx(too_much)


def test_what_is_rejected_in_each_window_alike_is_usual_and_not_too_much() -> None:
    share, too_much = after(*[(1_000, 25), (900, 20), (800, 15), (700, 20)])
    assert share.usual == pytest.approx(15 / 800)
    assert after(*[(1_000, 25)] * WINDOWS, (1_000, 25))[1] == 0.0
    assert after(*[(1_000, 25)] * WINDOWS, (1_000, 300))[1] == pytest.approx(0.275)
    assert too_much > 0.0


@pytest.mark.parametrize(
    "windows",
    [
        [(1_000, 25)] * (WINDOWS - 1),
        [*[(1_000, 25)] * WINDOWS, (1_000, 0)],
        [(1_000, 500), (500, 100), (400, 10), (390, 4)],
    ],
)
def test_as_long_as_the_pace_makes_a_difference_nothing_is_usual(windows: list[tuple[int, int]]) -> None:
    assert after(*windows)[0].usual == 0.0


def test_more_than_a_tenth_is_never_usual() -> None:
    assert after(*[(1_000, 400)] * WINDOWS)[0].usual == MOST_USUAL


def test_a_window_is_a_second() -> None:
    share, _ = after((1, 0))
    assert not share.is_due(NOW + WINDOW_SECONDS * 0.99)
    assert share.is_due(NOW + WINDOW_SECONDS)


@pytest.mark.parametrize(
    ("takes", "random", "elastic", "used", "rejected"),
    [
        (1_000, 0.02, False, 0.88, 0.03),
        (1_000, 0.0, True, 0.95, 0.02),  # on demand: the pace probes above the limit
        (500, 0.0, False, 0.95, 0.04),  # somebody else takes half of the shards, which has to be found out
    ],
)
def test_a_stream_is_used_and_hardly_rejects_whoever_else_writes_and_whatever_it_rejects_by_chance(
    takes: float, random: float, elastic: bool, used: float, rejected: float
) -> None:
    rng, count = Random(5), 40 * int(takes)
    play = Play(
        [make_record(line, f"user-{rng.randrange(10**6)}") for line in range(1, count + 1)],
        shards=2,
        quota=ShardQuota(records_per_second=takes),
        faults=Faults(rejected=random),
    )
    play.delivery = play.prepare(elastic=elastic)
    began = play.clock.now
    play.run()
    assert count / (2 * takes * (play.clock.now - began)) > used
    assert play.delivery.counts.rejected < rejected * play.delivery.counts.entries
    assert play.judge().clean
