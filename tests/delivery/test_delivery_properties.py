"""Whatever Kinesis answers and whenever a sender dies: nothing is lost, first occurrences are in order, counts agree.

NETMERA_KINESIS_EXAMPLES says how many plays are tried.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import Any

import pytest
from endings import End
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_play import STREAM, Play, Plot
from simulation import Place, place

from airflow_netmera_kinesis.delivery import ordering
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.request import RequestLimits
from airflow_netmera_kinesis.netmera.hook_definition import Packing
from airflow_netmera_kinesis.testing import Faults, Oversize, ShardQuota, event_ids

EXAMPLES = int(os.environ.get("NETMERA_KINESIS_EXAMPLES", "150"))


def often(*chances: float) -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, *chances])


FAULTS = st.builds(
    Faults,
    rejected=often(0.05, 0.4),
    internal_failure=often(0.05),
    internal_failure_stored=often(0.05),
    unheard_of=often(0.01, 0.1),
    throttled=often(0.1),
    kms_throttled=often(0.05),
    expired_token=often(0.05),
    access_denied=often(0.02),
    kms_denied=often(0.02),
    error_500_before=often(0.05),
    error_500_after=often(0.05),
    error_503_after=often(0.05),
    dropped_before=often(0.05),
    dropped_after=often(0.1),
    zombie=often(0.1),
    slow=often(0.05),
    zombie_seconds=st.sampled_from([(0.0, 0.5), (0.5, 2.0), (20.0, 90.0)]),
    oversize=st.sampled_from(list(Oversize)),
    shuffled=st.booleans(),
    explicit_nulls=st.booleans(),
    miscounted=st.booleans(),
    resharded=often(0.1, 0.5),
)
PLOTS = st.builds(
    Plot,
    count=st.one_of(st.integers(0, 9), st.integers(10, 400)),
    users=st.one_of(st.integers(1, 4), st.integers(1, 200)),
    oversized=st.one_of(st.just(frozenset[int]()), st.frozensets(st.integers(1, 60), max_size=2)),
    faults=FAULTS,
    quota=st.sampled_from([None, ShardQuota(), ShardQuota(records_per_second=20.0, burst_seconds=0.5)]),
    shards=st.integers(1, 4),
    lists=st.booleans(),
    unlisted=often(0.5),
    limits=st.builds(RequestLimits, st.sampled_from([1, 3, 500]), st.sampled_from([200, 5 * 1024 * 1024])),
    concurrency=st.sampled_from([1, 2, 8]),
    waiting=st.sampled_from([1, 10, 50_000]),
    packing=st.sampled_from(Packing),
    pack_always=st.booleans(),
    ends=st.lists(
        st.builds(
            End,
            st.sampled_from(["killed", "killed", "killed", "lease lost", "stopped"]),
            st.integers(0, 120),
            st.integers(0, 4),
        ),
        max_size=4,
    ),
    seed=st.integers(0, 2**16),
    partitions=st.sampled_from([1, 1, 2, 3]),
)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(PLOTS)
def test_nothing_is_lost_or_reordered_whatever_happens(plot: Plot) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "WAITING_RECORDS", plot.waiting)
        patch.setattr(ordering, "SPILL_CHUNK_RECORDS", 7)
        play = Play(plot)
        play.run()
    dead = play.dead
    judge_settled(play, dead)
    judge_stream(play, dead)
    judge_copies(play, dead)
    judge_counts(play)


def judge_settled(play: Play, dead: dict[Place, Entry]) -> None:
    """Every record is delivered or a dead letter, and those that can never be stored are dead letters."""
    assert play.settled == {place(record) for record in play.records}
    assert {(0, line, 0) for line in play.plot.oversized if line <= len(play.records)} <= dead.keys()
    assert not any(sender.journal.breaks for sender in play.senders)
    if not play.plot.faults.unheard_of:
        assert {line for _, line, _ in dead} <= play.plot.oversized


def judge_stream(play: Play, dead: dict[Place, Entry]) -> None:
    """Nothing is lost, first occurrences are in order, and nothing is there that should not be."""
    expected: dict[str, list[Any]] = defaultdict(list)
    for record in play.records:
        if place(record) not in dead:
            expected[record.key].append(("purchases", record.event_id))
    verdict = play.core.books.judge_order(STREAM, expected)
    assert not verdict.lost
    assert not verdict.order_breaks
    perhaps = dead.keys() & (play.told_unknown + play.in_the_air).keys()
    assert {identity for _, identity in verdict.strange} <= {("purchases", f"e{line}") for _, line, _ in perhaps}


def judge_copies(play: Play, dead: dict[Place, Entry]) -> None:
    """Each copy but one was sent because its answer was lost, or was in the air when the sender was killed."""
    stored = Counter(identity for record in play.core.books.in_order(STREAM) for identity in event_ids(record.data))
    excused = play.told_unknown + play.in_the_air
    for record in play.records:
        at = place(record)
        assert stored["purchases", record.event_id] <= (at not in dead) + excused[at]


def judge_counts(play: Play) -> None:
    """The senders' counts agree with the fake's books; a try that was killed has counted a little less or more."""
    books = play.core.books.counts(STREAM)
    receipts = [entry for sender in play.senders for entry, _ in sender.journal.receipts]
    if any(end.kind == "killed" for end in play.plot.ends):
        assert books.stored >= len(receipts)
        return
    assert books.stored == len(receipts) + books.unanswered
    counts = [delivery.counts for sender in play.senders for delivery in sender.finished]
    refused = [entry for sender in play.senders for entry, _ in sender.journal.dead]
    assert sum(each.entries for each in counts) == sum(sender.sent for sender in play.senders)
    assert sum(each.unknown for each in counts) == sum(play.told_unknown.values())
    assert sum(each.delivered for each in counts) == sum(len(entry.records) for entry in receipts)
    assert sum(each.refused for each in counts) == sum(len(entry.records) for entry in refused)
    assert sum(each.delivered + each.refused for each in counts) == len(play.records)
