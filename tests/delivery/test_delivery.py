"""Delivery keeps every user's order and loses nothing, whatever Kinesis answers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from play import STREAM, Play, people
from simulation import BookJournal, SimulatedTransport, list_shards, make_record, place

from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import Answered, EntryAnswer, Lost
from airflow_netmera_kinesis.delivery.request import Request, RequestLimits
from airflow_netmera_kinesis.delivery.shard_map import ShardMap
from airflow_netmera_kinesis.errors import DeliveryError, OrderBroken, QuotaExceeded, StreamRefused, StreamStalled
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.testing import Faults, ShardQuota
from airflow_netmera_kinesis.testing.faults import Misfortune, Oversize, RecordFate


def test_everything_arrives_once_and_each_user_in_order() -> None:
    play = Play(people(3_000, users=40))
    play.run()
    verdict = play.judge()
    assert verdict.clean
    assert (verdict.arrived, verdict.duplicates) == (3_000, 0)
    assert play.delivery.counts.delivered == 3_000


def test_requests_are_full_when_there_are_enough_users() -> None:
    play = Play([make_record(line, f"user-{line}") for line in range(1, 5_001)], shards=20)
    play.run()
    assert [len(request.entries) for request in play.transport.sent] == [500] * 10


def test_a_request_never_holds_two_records_of_one_user() -> None:
    play = Play(people(1_000, users=10))
    play.run()
    for request in play.transport.sent:
        keys = [entry.key for entry in request.entries]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("limit", "sizes"), [(100, [100, 100, 50]), (500, [250]), (1, [1] * 250)])
def test_a_hook_may_ask_for_fewer_records_a_request(limit: int, sizes: list[int]) -> None:
    play = Play([make_record(line, f"user-{line}") for line in range(1, 251)])
    play.delivery = play.prepare(limits=RequestLimits(records=limit))
    play.run()
    assert [len(request.entries) for request in play.transport.sent] == sizes


def test_a_request_stays_within_its_bytes_keys_included() -> None:
    records = [make_record(line, f"user-{line:02d}", size=993) for line in range(1, 21)]
    play = Play(records)
    play.delivery = play.prepare(limits=RequestLimits(size=5_000))
    play.run()
    assert [request.size for request in play.transport.sent] == [5_000] * 4
    assert play.judge().clean


def test_a_record_larger_than_a_request_goes_alone() -> None:
    play = Play([make_record(1, "ayşe", size=900), make_record(2, "mehmet", size=100)])
    play.delivery = play.prepare(limits=RequestLimits(size=500))
    play.run()
    assert [len(request.entries) for request in play.transport.sent] == [1, 1]
    assert play.judge().clean


def test_a_rejected_record_goes_again_and_nothing_later_of_its_user_overtakes_it() -> None:
    play = Play(people(500, users=5), faults=Faults(rejected=0.3))
    play.run()
    verdict = play.judge()
    assert verdict.clean
    assert verdict.duplicates == 0
    assert play.delivery.counts.rejected > 100


def test_only_the_rejected_records_go_again() -> None:
    play = Play([make_record(line, f"user-{line}") for line in range(1, 11)])
    play.core.inject({3: RecordFate.REJECTED, 7: RecordFate.REJECTED})
    play.run()
    first, *others = play.transport.sent
    assert len(first.entries) == 10
    again = [entry.records[0].line for request in others for entry in request.entries]
    assert sorted(again) == sorted(first.entries[place].records[0].line for place in (3, 7))


@pytest.mark.parametrize(
    "misfortune", [Misfortune.DROPPED_AFTER, Misfortune.ERROR_500_AFTER, Misfortune.ERROR_503_AFTER, Misfortune.SLOW]
)
def test_a_lost_answer_is_sent_again_first_and_counted_as_unknown(misfortune: Misfortune) -> None:
    play = Play([make_record(line, "ayşe") for line in range(1, 4)])
    play.core.inject(misfortune)
    play.run()
    verdict = play.judge()
    assert verdict.clean
    assert verdict.duplicates == 1
    assert play.delivery.counts.unknown == play.journal.losses == 1
    assert [request.entries[0].records[0].line for request in play.transport.sent] == [1, 1, 2, 3]


@pytest.mark.parametrize("misfortune", [Misfortune.DROPPED_BEFORE, Misfortune.ERROR_500_BEFORE])
def test_what_was_not_stored_makes_no_duplicate(misfortune: Misfortune) -> None:
    play = Play([make_record(line, "ayşe") for line in range(1, 4)])
    play.core.inject(misfortune)
    play.run()
    assert play.judge().clean
    assert play.judge().duplicates == 0


@pytest.mark.parametrize("misfortune", [Misfortune.THROTTLED, Misfortune.KMS_THROTTLED])
def test_a_throttled_request_is_surely_not_stored(misfortune: Misfortune) -> None:
    play = Play([make_record(line, "ayşe") for line in range(1, 4)])
    play.core.inject(misfortune)
    play.run()
    assert play.judge().clean
    assert play.delivery.counts.unknown == 0
    assert play.delivery.counts.rejected == 1


def test_an_internal_failure_of_one_record_is_unknown() -> None:
    play = Play([make_record(1, "ayşe"), make_record(2, "mehmet")])
    play.core.inject({0: RecordFate.INTERNAL_FAILURE_STORED})
    play.run()
    assert play.judge().duplicates == play.delivery.counts.unknown == 1


def test_a_code_that_nobody_has_heard_of_is_permanent() -> None:
    play = Play([make_record(line, "ayşe") for line in (1, 2)])
    play.core.inject({0: RecordFate.UNHEARD_OF})
    play.run()
    assert [entry.records[0].line for entry, _ in play.journal.dead] == [1]
    assert play.judge().clean
    assert play.delivery.counts.refused == 1


def test_a_record_refused_after_an_unknown_answer_is_perhaps_stored() -> None:
    play = Play([make_record(1, "ayşe")])
    play.core.inject(Misfortune.DROPPED_AFTER, {0: RecordFate.UNHEARD_OF})
    play.run()
    [(entry, _)] = play.journal.dead
    assert {place(record) for record in entry.records} == play.journal.lost


@pytest.mark.parametrize("oversize", list(Oversize))
def test_an_oversize_record_is_found_however_kinesis_answers_it(oversize: Oversize) -> None:
    records = [make_record(line, f"user-{line}", size=1_048_577 if line == 5 else 50) for line in range(1, 12)]
    play = Play(records, faults=Faults(oversize=oversize))
    play.run()
    assert [entry.records[0].line for entry, _ in play.journal.dead] == [5]
    assert play.judge().clean
    assert play.judge().duplicates == 0


def test_expired_credentials_are_renewed_once_and_everything_arrives() -> None:
    play = Play(people(2_000, users=900), faults=Faults(expired_keys=frozenset({"old"})))
    play.run()
    assert play.transport.renewals == 1
    assert play.judge().clean


def test_credentials_that_stay_refused_fail_clearly_and_nothing_is_lost() -> None:
    play = Play(people(100, users=10), faults=Faults(access_denied=1.0))
    with pytest.raises(StreamRefused, match=r"netmera-purchases.*AccessDeniedException"):
        play.run()
    play.core.faults = Faults()
    play.again()
    assert play.judge().clean


def test_a_missing_stream_fails_at_once() -> None:
    play = Play([make_record(1, "ayşe")])
    play.core.handle("DeleteStream", {"StreamName": STREAM})
    play.transport._lists = False
    with pytest.raises(StreamRefused, match="ResourceNotFoundException"):
        play.run()


def test_a_stream_that_takes_nothing_stalls_and_the_message_says_what_stood_in_the_way() -> None:
    play = Play([make_record(1, "ayşe")], faults=Faults(rejected=1.0))
    play.delivery = play.prepare(stall_timeout=900.0)
    began = play.clock.now
    with pytest.raises(
        StreamStalled, match=r"nothing was delivered for 900 s.*ProvisionedThroughputExceeded.*shardId-"
    ):
        play.run()
    assert 900.0 < play.clock.now - began < 960.0
    assert not play.journal.dead


def test_a_stalled_delivery_goes_on_where_it_stopped() -> None:
    play = Play(people(50, users=5), faults=Faults(throttled=1.0))
    with pytest.raises(StreamStalled):
        play.run()
    play.core.faults = Faults()
    play.again()
    verdict = play.judge()
    assert verdict.clean
    assert verdict.duplicates == 0


def test_a_throttled_shard_holds_up_its_own_records_only() -> None:
    play = Play(people(1_000, users=200), shards=4)
    blocked = {f"user-{n}" for n in range(200) if play.transport.shards().shard_of(f"user-{n}")[-1] == "0"}
    assert blocked
    play.core.faults = Faults(keys=dict.fromkeys(blocked, RecordFate.REJECTED))
    play.delivery = play.prepare(stall_timeout=20.0)
    with pytest.raises(StreamStalled, match="shardId-000000000000"):
        play.run()
    delivered = {(record.file, record.line, record.hook) for record in play.records if record.key not in blocked}
    assert delivered == play.journal.settled


def test_a_resharded_stream_keeps_everybodys_order() -> None:
    play = Play(people(3_000, users=60), faults=Faults(resharded=0.2), quota=ShardQuota())
    play.run()
    assert play.judge().clean
    assert len(play.core.books.by_shard(STREAM)) > 2


def test_receipts_out_of_order_are_written_down_and_fail_the_delivery() -> None:
    play = Play([make_record(line, "ayşe") for line in range(1, 4)])

    class Backwards(SimulatedTransport):
        def receive(self, timeout: float) -> Any:
            arrived = super().receive(timeout)
            if arrived is None:
                return None
            request, _ = arrived
            line = request.entries[0].records[0].line
            return request, Answered([EntryAnswer(str(10**55 - line), "shardId-000000000000")])

    play.transport = Backwards(play.core, play.clock, STREAM, play.rng)
    play.delivery = play.prepare()
    with pytest.raises(OrderBroken, match="did not rise"):
        play.run()
    assert len(play.journal.breaks) == 1


def test_an_error_that_no_network_explains_ends_the_delivery_at_once_and_quotes_no_event() -> None:
    play = Play([make_record(1, "ayşe")])

    class Buggy(SimulatedTransport):
        def receive(self, timeout: float) -> Any:
            arrived = super().receive(timeout)
            return arrived and (arrived[0], Lost("UnicodeError", "", bug=UnicodeError("ayşe")))

    play.transport = Buggy(play.core, play.clock, STREAM, play.rng)
    play.delivery = play.prepare()
    with pytest.raises(DeliveryError, match=r"sending failed with UnicodeError.*bug") as failed:
        play.run()
    assert "ayşe" not in str(failed.value)
    assert play.journal.losses == 1


def test_a_hot_user_spills_to_disk_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_netmera_kinesis.delivery.ordering.WAITING_RECORDS", 50)
    hot = [make_record(line, "hot") for line in range(1, 1_001)]
    others = [make_record(line, f"user-{line}") for line in range(1_001, 1_501)]
    play = Play([*hot, *others])
    seen: list[Entry] = []
    play.journal.delivered = lambda receipts: seen.extend(entry for entry, _ in receipts)  # type: ignore[method-assign]
    play.run()
    assert play.spill.pushed > 800
    assert play.judge().clean
    last_other = max(at for at, entry in enumerate(seen) if entry.key != "hot")
    assert sum(entry.key == "hot" for entry in seen[:last_other]) < 100


@pytest.mark.parametrize("lists", [True, False])
def test_a_throttled_stream_is_used_almost_fully_and_hardly_rejects(*, lists: bool) -> None:
    rng = Random(5)
    play = Play(
        [make_record(line, f"user-{rng.randrange(10**6)}") for line in range(1, 40_001)],
        shards=2,
        quota=ShardQuota(),
        lists=lists,
    )
    began = play.clock.now
    play.run()
    # The quota's burst lets the first second's worth through at once.
    seconds = play.clock.now - began
    assert 40_000 / (seconds * 2_000) > 0.95
    assert play.delivery.counts.rejected < 0.02 * play.delivery.counts.entries
    assert play.judge().clean


def test_too_many_refusals_end_the_delivery_and_nothing_that_was_stored_is_forgotten() -> None:
    class Strict(BookJournal):
        def refused(self, entry: Entry, code: str, message: str) -> None:
            super().refused(entry, code, message)
            raise QuotaExceeded("hook purchases: more dead letters than allowed")

    play = Play(
        [make_record(line, f"user-{line}") for line in range(1, 5_001)], shards=9, faults=Faults(unheard_of=0.01)
    )
    play.journal = Strict()
    play.delivery = play.prepare()
    with pytest.raises(QuotaExceeded):
        play.run()
    stored = {record for record in play.records if place(record) in play.journal.settled} - {
        record for entry, _ in play.journal.dead for record in entry.records
    }
    assert len(play.transport.sent) > 1
    assert 0 < play.core.books.counts(STREAM).stored == len(stored) == len(play.journal.receipts)


def test_where_shards_may_not_be_listed_a_rejection_tells_whom_to_leave_alone() -> None:
    play = Play([make_record(line, f"user-{line}") for line in range(1, 51)], lists=False)
    blocked = [f"user-{n}" for n in range(51) if list_shards(play.core, STREAM).shard_of(f"user-{n}")[-1] == "1"]
    play.core.faults = Faults(keys=dict.fromkeys(blocked, RecordFate.REJECTED))
    play.delivery = play.prepare(stall_timeout=60.0)
    with pytest.raises(StreamStalled, match="shardId-000000000001"):
        play.run()
    # Sixty seconds of growing pauses, at most ten seconds each.
    assert len(play.transport.sent) < 60


def test_a_reshard_that_cannot_be_looked_up_now_is_looked_up_later() -> None:
    class Unlucky(SimulatedTransport):
        listings = 0

        def send(self, request: Request) -> None:
            super().send(request)
            if len(self.sent) == 3:
                self._core.reshard(STREAM, 4)

        def shards(self) -> ShardMap:
            self.listings += 1
            if self.listings in (2, 3):
                raise StreamRefused(f"stream {STREAM}: ListShards was refused with LimitExceededException")
            return super().shards()

    play = Play([make_record(line, f"user-{line}") for line in range(1, 12_001)], quota=ShardQuota())
    play.transport = transport = Unlucky(play.core, play.clock, STREAM, play.rng)
    play.delivery = play.prepare()
    play.run()
    assert play.judge().clean
    assert transport.listings == 4


def test_a_source_that_takes_its_time_is_no_stall() -> None:
    play = Play([make_record(line, f"user-{line}") for line in range(1, 4)])
    play.delivery = play.prepare(stall_timeout=60.0)

    def slowly() -> Iterator[StagedRecord]:
        play.clock.now += 3_600.0
        yield from play.records

    play.delivery.run(slowly())
    assert play.judge().clean


def test_the_first_thing_that_went_wrong_is_what_the_error_says() -> None:
    play = Play(people(3_000, users=2_000), shards=8)
    play.core.inject(None, "kms_denied", "access_denied", "access_denied", "access_denied", "access_denied")
    with pytest.raises(StreamRefused, match="KMSAccessDenied"):
        play.run()
