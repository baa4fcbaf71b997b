"""A partition whose hooks pack: every event is delivered once, has its receipt, and the log says what that saved."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scene import PURCHASES, SLICE, Scene, log, some
from simulation import make_record

from airflow_netmera_kinesis.delivery.receipt import read_receipts
from airflow_netmera_kinesis.errors import ConfigurationError, StreamRefused
from airflow_netmera_kinesis.netmera.hook_definition import BatchLimits, Packing
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.state.dead_letter import read_dead_letters
from airflow_netmera_kinesis.tailing.unpacking import KPL_MAGIC
from airflow_netmera_kinesis.testing import FakeKinesis, Faults
from airflow_netmera_kinesis.testing.faults import RecordFate

PACKINGS = pytest.mark.parametrize("packing", [Packing.NDJSON, Packing.KPL])


class PackedScene(Scene):
    """A slice whose hook for purchases says more than the others."""

    def hook_says(self, **fields: Any) -> None:
        self.hooks = (msgspec.structs.replace(self.hooks[0], **fields), self.hooks[1])

    def stream_ignores_keys(self) -> None:
        self.kinesis.core.handle("DeleteStream", {"StreamName": PURCHASES})
        self.kinesis.core.create_stream(PURCHASES, 2, ignores_keys=True)

    def stored(self) -> list[bytes]:
        return [record.data for record in self.kinesis.core.books.in_order(PURCHASES)]


@pytest.fixture
def scene(tmp_path: Path, fake_kinesis: FakeKinesis, caplog: pytest.LogCaptureFixture) -> PackedScene:
    caplog.set_level(logging.INFO, log.name)
    fake_kinesis.core.create_stream(PURCHASES, 2)
    return PackedScene(tmp_path, fake_kinesis)


@PACKINGS
@pytest.mark.parametrize("always", [False, True])
def test_what_is_staged_arrives_once_and_in_order(scene: PackedScene, packing: Packing, always: bool) -> None:
    scene.hook_says(packing=packing, pack_always=always)
    scene.stage(some(1_000))
    assert scene.send() == {"staged": 1_000, "delivered": 1_000, "dead_letters": 0, "unknown": 0}
    verdict = scene.judge()
    assert verdict.clean
    assert verdict.duplicates == 0
    assert len(scene.stored()) < 100
    assert any(data.startswith(KPL_MAGIC) for data in scene.stored()) == (packing is Packing.KPL)


def test_a_packed_record_has_one_receipt_for_all_its_events(
    scene: PackedScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.hook_says(packing=Packing.NDJSON)
    scene.stage(some(500))
    scene.send()
    receipts = list(read_receipts(scene.state, SLICE, PURCHASES, 0))
    assert len(receipts) == len(scene.stored())
    assert sorted(line for receipt in receipts for _, line, *_ in receipt.firings) == list(range(1, 501))
    assert "500 receipts in order" in caplog.text
    assert "have no receipt" not in caplog.text


def test_the_log_says_what_packing_saved(scene: PackedScene, caplog: pytest.LogCaptureFixture) -> None:
    scene.hook_says(packing=Packing.NDJSON, pack_always=True)
    scene.stage([make_record(line, "ayşe", size=600) for line in range(1, 42)])
    scene.send()
    assert "41 events were packed into 1 records: that saved 40 of 41 PUT payload units of 25 KB" in caplog.text


def test_without_packing_the_log_says_nothing_of_it(scene: PackedScene, caplog: pytest.LogCaptureFixture) -> None:
    scene.stage(some(100))
    scene.send()
    assert "packed" not in caplog.text


def test_the_smallest_batch_of_a_streams_hooks_also_limits_its_packed_records(scene: PackedScene) -> None:
    scene.hook_says(packing=Packing.NDJSON, batch=BatchLimits(500, 1_000))
    scene.stage(some(500, users=3))
    scene.send()
    assert max(map(len, scene.stored())) <= 1_000 - len("user-1")
    assert scene.judge().clean


@PACKINGS
def test_a_try_that_failed_is_continued_and_nothing_that_the_ledger_knows_is_sent_again(
    scene: PackedScene, packing: Packing
) -> None:
    scene.hook_says(packing=packing)
    scene.stage(some(4_000, users=900))
    scene.settings = SendSettings(concurrency=1)
    scene.kinesis.core.inject(None, "access_denied", "access_denied")
    with pytest.raises(StreamRefused, match="AccessDenied"):
        scene.send()
    assert scene.kinesis.core.books.counts(PURCHASES).stored > 0
    assert scene.send()["delivered"] == 4_000
    verdict = scene.judge()
    assert verdict.clean
    assert verdict.duplicates == 0


@PACKINGS
def test_a_record_that_kinesis_refuses_is_a_dead_letter_for_each_event_in_it(
    scene: PackedScene, packing: Packing
) -> None:
    scene.hook_says(packing=packing)
    scene.stage([make_record(line, "ayşe") for line in range(1, 21)])
    scene.kinesis.core.inject({0: RecordFate.UNHEARD_OF})
    assert scene.send() == {"staged": 20, "delivered": 0, "dead_letters": 20, "unknown": 0}
    name = next(info.name for info in scene.state.list("dead_letters/"))
    letters = list(read_dead_letters(scene.state, name))
    assert [letter.line for letter in letters] == list(range(1, 21))
    assert [letter.event_id for letter in letters] == [f"e{line}" for line in range(1, 21)]
    assert letters[6].event == msgspec.json.decode(scene.records[6].payload)


def test_a_stream_that_ignores_keys_is_refused_with_the_reason_and_the_way_out(scene: PackedScene) -> None:
    scene.stream_ignores_keys()
    scene.stage(some(10))
    with pytest.raises(ConfigurationError, match=r"AUTO.*hook purchases asks for.*allow_unordered: true"):
        scene.send()
    assert scene.kinesis.core.books.counts(PURCHASES).requests == 0


@pytest.mark.parametrize("packing", [Packing.NONE, Packing.NDJSON])
def test_a_stream_that_ignores_keys_takes_what_needs_no_order(
    scene: PackedScene, packing: Packing, caplog: pytest.LogCaptureFixture
) -> None:
    scene.stream_ignores_keys()
    scene.hook_says(allow_unordered=True, packing=packing)
    scene.stage(some(1_000))
    assert scene.send()["delivered"] == 1_000
    assert not scene.judge().lost
    assert "so no user's order is kept; its hooks allow that" in caplog.text
    assert "1000 receipts\n" in caplog.text


def test_aggregates_are_not_sent_to_a_stream_that_ignores_keys(scene: PackedScene) -> None:
    scene.stream_ignores_keys()
    scene.hook_says(allow_unordered=True, packing=Packing.KPL)
    scene.stage(some(10))
    with pytest.raises(ConfigurationError, match="AUTO, and packing is kpl"):
        scene.send()


def test_where_nobody_may_ask_about_the_stream_a_hook_that_needs_no_order_is_not_judged_by_it(
    scene: PackedScene,
) -> None:
    scene.stream_ignores_keys()
    scene.hook_says(allow_unordered=True)
    scene.kinesis.core.faults = Faults(denied=frozenset({"DescribeStreamSummary", "ListShards"}))
    scene.stage(some(1_000))
    assert scene.send()["delivered"] == 1_000
    assert not scene.judge().lost


def test_order_that_is_not_asked_for_is_kept_all_the_same_where_keys_count(scene: PackedScene) -> None:
    scene.hook_says(allow_unordered=True)
    scene.stage(some(1_000))
    scene.send()
    assert scene.judge().clean
