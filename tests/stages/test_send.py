"""What is staged for a partition stands in Kinesis once, in order, and a second try goes on where the first stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scene import LOGINS, PURCHASES, SLICE, LoopbackConnector, Scene, log, some
from simulation import make_record

from airflow_netmera_kinesis.delivery.receipt import read_receipts, save_break
from airflow_netmera_kinesis.delivery.stream_description import list_shards
from airflow_netmera_kinesis.errors import (
    ConfigurationError,
    LeaseTaken,
    OrderBroken,
    QuotaExceeded,
    SliceRefused,
    StagingError,
    StreamRefused,
    StreamUnreachable,
)
from airflow_netmera_kinesis.netmera.hook_definition import BatchLimits
from airflow_netmera_kinesis.quota import parse_quota
from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.state.dead_letter import read_dead_letters
from airflow_netmera_kinesis.state.lease import Lease
from airflow_netmera_kinesis.state.ledger import done_counts, open_ledger
from airflow_netmera_kinesis.state.open_slice import end_slice
from airflow_netmera_kinesis.testing import FakeKinesis, Faults
from airflow_netmera_kinesis.testing.faults import RecordFate


@pytest.fixture
def scene(tmp_path: Path, fake_kinesis: FakeKinesis) -> Scene:
    fake_kinesis.core.create_stream(PURCHASES, 2)
    fake_kinesis.core.create_stream(LOGINS, 1)
    return Scene(tmp_path, fake_kinesis)


def test_what_is_staged_arrives_once_and_in_order(scene: Scene) -> None:
    scene.stage(some(1_000))
    assert scene.send() == {"staged": 1_000, "delivered": 1_000, "dead_letters": 0, "unknown": 0}
    verdict = scene.judge()
    assert verdict.clean
    assert verdict.duplicates == 0
    done = done_counts(scene.state, SLICE, PURCHASES, 0)
    assert done is not None
    assert done.delivered == {0: 1_000}


def test_every_delivered_record_has_a_receipt_with_its_event_id(scene: Scene) -> None:
    scene.stage(some(50))
    scene.send()
    receipts = list(read_receipts(scene.state, SLICE, PURCHASES, 0))
    assert {event_id for receipt in receipts for *_, event_id in receipt.firings} == {
        record.event_id for record in scene.records
    }
    stored = {record.sequence_number for record in scene.kinesis.core.books.in_order(PURCHASES)}
    assert {int(receipt.sequence) for receipt in receipts} == {int(number) for number in stored}


def stage_logins_too(scene: Scene) -> None:
    logins = [msgspec.structs.replace(record, hook=1, line=record.line + 100) for record in some(100)]
    scene.stage(some(100) + logins)
    scene.kinesis.core.handle("DeleteStream", {"StreamName": LOGINS})


def test_a_stream_that_does_not_exist_stops_the_slice_before_anything_is_sent(scene: Scene) -> None:
    stage_logins_too(scene)
    with pytest.raises(ConfigurationError, match=f"{LOGINS}.*ResourceNotFound.*hook logins.*Nothing of slice"):
        scene.send()
    assert scene.kinesis.core.books.counts(PURCHASES).stored == 0


def test_streams_are_sent_side_by_side_and_one_that_fails_does_not_hold_up_the_other(scene: Scene) -> None:
    stage_logins_too(scene)
    with open_ledger(scene.state, SLICE, PURCHASES, 0) as ledger:
        ledger.delivered([(0, 1, 0)])
    with pytest.raises(StreamRefused, match=f"{LOGINS}.*ResourceNotFound.*abandon_slice={SLICE}"):
        scene.send()
    assert done_counts(scene.state, SLICE, PURCHASES, 0) is not None
    assert len(scene.kinesis.core.books.in_order(PURCHASES)) == 99
    scene.kinesis.core.create_stream(LOGINS, 1)
    assert scene.send()["delivered"] == 200
    assert len(scene.kinesis.core.books.in_order(LOGINS)) == 100


def test_a_lease_that_is_lost_keeps_a_request_from_leaving_that_was_cut_already(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, left = LeaseTaken("this process was paused"), iter([True])

    def check(_: Lease) -> None:
        if threading.current_thread().name.startswith("put-records") and not next(left, False):
            raise taken

    scene.stage(some(1_500))
    with monkeypatch.context() as patched:
        patched.setattr(Lease, "check", check)
        with pytest.raises(LeaseTaken, match=str(taken)):
            scene.send()
    counts = scene.kinesis.core.books.counts(PURCHASES)
    assert counts.requests == 1
    with open_ledger(scene.state, SLICE, PURCHASES, 0) as ledger:
        assert ledger.delivered_count == counts.stored > 0
    assert scene.send()["delivered"] == 1_500
    assert scene.judge().clean


def test_nobody_who_answers_is_no_reason_to_give_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.stage(some(10))
    nobody = LoopbackConnector("http://127.0.0.1:9")
    nobody.settings = LoopbackConnector(scene.kinesis.endpoint_url).settings
    monkeypatch.setattr(nobody, "get_conn", lambda: LoopbackConnector("http://127.0.0.1:9").get_conn())
    with pytest.raises(StreamUnreachable, match="Check the connection's region and endpoint_url"):
        send_partition(
            scene.state, scene.staging, SLICE, 0, scene.settings,
            connect=lambda: nobody, stop=threading.Event(), who="test", log=log,
        )  # fmt: skip


def test_files_follow_one_another_in_the_order_of_the_slice(scene: Scene) -> None:
    records = [msgspec.structs.replace(record, file=record.line % 3) for record in some(90, users=2)]
    records.sort(key=lambda record: record.file)
    scene.stage(records, files=3)
    scene.send()
    assert scene.judge().clean


def test_by_timestamp_files_are_merged_by_event_time(scene: Scene) -> None:
    scene.order = "timestamp"
    records = [
        msgspec.structs.replace(record, file=record.line % 2, time_ms=1_000 * record.line)
        for record in some(60, users=2)
    ]
    scene.stage(records, files=2)
    scene.send()
    assert scene.judge().clean


def test_a_try_that_failed_is_continued_and_nothing_that_the_ledger_knows_is_sent_again(scene: Scene) -> None:
    scene.stage(some(600, users=300))
    scene.settings = SendSettings(concurrency=1)
    scene.kinesis.core.inject(None, "access_denied", "access_denied")
    with pytest.raises(StreamRefused, match="AccessDenied"):
        scene.send()
    first = scene.kinesis.core.books.counts(PURCHASES).stored
    assert 0 < first < 600
    counts = scene.send()
    assert counts["delivered"] == 600
    verdict = scene.judge()
    assert verdict.clean
    assert verdict.duplicates == 0


def test_a_done_partition_sends_nothing_more(scene: Scene) -> None:
    scene.stage(some(10))
    scene.send()
    before = scene.kinesis.core.books.counts(PURCHASES).requests
    assert scene.send()["delivered"] == 10
    assert scene.kinesis.core.books.counts(PURCHASES).requests == before


def test_new_keys_take_effect_in_a_running_task(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.stage(some(100))
    scene.kinesis.core.inject("expired_token")
    assert scene.send()["delivered"] == 100
    assert "reading the connection again" in caplog.text


def test_after_a_renewal_shards_are_listed_with_the_new_keys_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.stage(some(600, users=600))
    scene.keys = iter(["OLD"])
    listed: list[int] = []

    def connect_anew() -> Iterator[str]:
        scene.kinesis.core.reshard(PURCHASES, 4)
        scene.kinesis.faults = Faults(expired_keys=frozenset({"OLD"}))
        yield "NEW"

    def listing(client: Any, stream: str, address: Any) -> Any:
        shards = list_shards(client, stream, address)
        listed.append(len(shards.shards))
        return shards

    scene.keys = chain(scene.keys, connect_anew())
    monkeypatch.setattr("airflow_netmera_kinesis.stages.stream.list_shards", listing)
    monkeypatch.setattr("airflow_netmera_kinesis.delivery.shard_watch.RELOAD_PAUSE_SECONDS", 0.0)
    scene.kinesis.core.inject("expired_token")
    assert scene.send()["delivered"] == 600
    assert listed[0] == 2
    assert listed[-1] == 4


def test_a_permanent_error_is_a_dead_letter_with_kinesis_own_words(scene: Scene) -> None:
    scene.stage(some(10, users=10))
    scene.kinesis.core.inject({2: RecordFate.UNHEARD_OF})
    counts = scene.send()
    assert (counts["delivered"], counts["dead_letters"]) == (9, 1)
    [letter] = read_dead_letters(scene.state, next(info.name for info in scene.state.list("dead_letters/")))
    assert letter.reason.value == "REFUSED"
    assert (letter.hook, letter.stream, letter.file) == ("purchases", PURCHASES, "day-0.ndjson")
    assert not letter.perhaps_stored


def test_too_many_dead_letters_fail_the_task(scene: Scene) -> None:
    scene.settings = SendSettings(max_dead_letters=parse_quota("5", "max_dead_letters"))
    scene.stage(some(200, users=200))
    scene.kinesis.core.faults = Faults(unheard_of=1.0)
    with pytest.raises(QuotaExceeded, match="hook purchases: 6 of 200"):
        scene.send()


def test_a_part_that_was_changed_fails_before_anything_is_sent(scene: Scene) -> None:
    scene.stage(some(10))
    [name] = [info.name for info in scene.staging.list() if info.name.endswith(".part")]
    data = bytearray(scene.staging.read(name))
    data[-3] ^= 1
    scene.staging.write(name, bytes(data))
    with pytest.raises(StagingError, match="was changed"):
        scene.send()
    assert scene.kinesis.core.books.counts(PURCHASES).requests == 0


def test_a_stream_that_ignores_keys_is_refused(scene: Scene) -> None:
    scene.kinesis.core.handle("DeleteStream", {"StreamName": PURCHASES})
    scene.kinesis.core.create_stream(PURCHASES, 2, ignores_keys=True)
    scene.stage(some(10))
    with pytest.raises(ConfigurationError, match="AUTO"):
        scene.send()


def test_with_the_right_to_put_records_alone_everything_arrives(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.stage(some(500))
    scene.kinesis.core.faults = Faults(denied=frozenset({"DescribeStreamSummary", "ListShards"}))
    assert scene.send()["delivered"] == 500
    assert scene.judge().clean
    assert "not allowed to call DescribeStreamSummary" in caplog.text


def test_a_broken_order_that_is_written_down_is_never_retried_away(scene: Scene) -> None:
    scene.stage(some(10))
    save_break(scene.state, SLICE, PURCHASES, 0, {"reason": "the sequence number did not rise within the shard"})
    with pytest.raises(OrderBroken, match=f"earlier try.*abandon_slice={SLICE}"):
        scene.send()
    assert scene.kinesis.core.books.counts(PURCHASES).requests == 0


def test_a_slice_that_is_not_open_is_refused(scene: Scene) -> None:
    scene.stage(some(10))
    end_slice(scene.state, SLICE)
    with pytest.raises(SliceRefused, match="not open any more"):
        scene.send()


def test_a_task_that_is_asked_to_end_keeps_its_ledger(scene: Scene) -> None:
    scene.stage(some(100))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Exception, match="stopped"):
        scene.send(stop)
    assert scene.send()["delivered"] == 100


def test_another_region_in_the_connection_is_refused_while_a_slice_is_open(scene: Scene) -> None:
    scene.stage(some(10))
    other = FakeKinesis()
    with other, pytest.raises(ConfigurationError, match="was begun for"):
        send_partition(
            scene.state, scene.staging, SLICE, 0, scene.settings,
            connect=lambda: LoopbackConnector(other.endpoint_url),
            stop=threading.Event(), who="test", log=log,
        )  # fmt: skip


def test_a_hooks_own_batch_limits_hold(scene: Scene) -> None:
    scene.hooks = (msgspec.structs.replace(scene.hooks[0], batch=BatchLimits(7, 5_000_000)), scene.hooks[1])
    scene.stage([make_record(line, f"user-{line}") for line in range(1, 71)])
    scene.send()
    assert scene.kinesis.core.books.counts(PURCHASES).requests == 10


def test_what_an_earlier_try_settled_is_left_alone(scene: Scene) -> None:
    scene.stage(some(10))
    with open_ledger(scene.state, SLICE, PURCHASES, 0) as ledger:
        ledger.delivered([(0, line, 0) for line in range(1, 6)])
    scene.send()
    assert len(scene.kinesis.core.books.in_order(PURCHASES)) == 5
