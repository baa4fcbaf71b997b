"""A stream whose record limit is smaller now than it was when its records were matched."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from scene import PURCHASES, SLICE, Scene, some

from airflow_netmera_kinesis.errors import QuotaExceeded, RecordTooLarge
from airflow_netmera_kinesis.netmera.payload_rules import OnOversize, Oversize
from airflow_netmera_kinesis.quota import parse_quota
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, Reason, read_dead_letters
from airflow_netmera_kinesis.testing import FakeKinesis, Faults

pytestmark = pytest.mark.fake_kinesis({PURCHASES: 2})
LIMIT = 1024 * 1024


@pytest.fixture
def scene(tmp_path: Path, fake_kinesis: FakeKinesis) -> Scene:
    return Scene(tmp_path, fake_kinesis)


def large(record: StagedRecord, size: int = LIMIT + 1) -> StagedRecord:
    """A record of ``size`` bytes, key included, most of them in its user's attributes."""
    payload = {**json.loads(record.payload), "eventData": {"name": "Purchase"}, "userAttributes": {"note": ""}}
    empty = len(msgspec.json.encode(payload)) + len(record.key)
    payload["userAttributes"]["note"] = "x" * (size - empty)
    return msgspec.structs.replace(record, payload=msgspec.json.encode(payload))


def stage(scene: Scene, oversize: Oversize, *records: StagedRecord) -> None:
    scene.hooks = (msgspec.structs.replace(scene.hooks[0], oversize=oversize), *scene.hooks[1:])
    scene.stage(list(records))


def dead_letters(scene: Scene) -> list[DeadLetter]:
    names = [info.name for info in scene.state.list(f"dead_letters/{SLICE}/")]
    return [letter for name in names for letter in read_dead_letters(scene.state, name)]


def arrived(scene: Scene) -> list[dict[str, object]]:
    return [json.loads(record.data) for record in scene.kinesis.core.books.in_order(PURCHASES)]


def test_what_the_stream_takes_to_the_byte_is_sent(scene: Scene) -> None:
    stage(scene, Oversize(OnOversize.FAIL), *(large(record, LIMIT) for record in some(2)))
    assert scene.send()["delivered"] == 2


def test_what_is_too_large_now_is_a_dead_letter_and_the_rest_is_sent(scene: Scene) -> None:
    one, two, three = some(3, users=1)
    stage(scene, Oversize(), one, large(two), three)
    assert scene.send() == {"staged": 3, "delivered": 2, "dead_letters": 1, "unknown": 0}
    (letter,) = dead_letters(scene)
    assert (letter.reason, letter.file, letter.line, letter.hook) == (Reason.TOO_LARGE, "day-0.ndjson", 2, "purchases")
    assert letter.message == f"payload and key have more than the {LIMIT} bytes that the stream takes now"
    assert letter.is_payload
    assert scene.metrics.of("dead_letters") == {f"hook=purchases reason=TOO_LARGE stream={PURCHASES}": 1}


def test_what_can_be_done_without_is_taken_out_before_it_is_sent(scene: Scene) -> None:
    stage(scene, Oversize(OnOversize.DROP, ("userAttributes",)), large(some(1)[0]))
    assert scene.send()["delivered"] == 1
    (payload,) = arrived(scene)
    assert payload["truncated"] == ["userAttributes"]
    assert payload["eventData"] == {"name": "Purchase"}
    assert "userAttributes" not in payload


def test_oversize_fail_fails_the_task_after_what_is_on_its_way_has_arrived(scene: Scene) -> None:
    first, second = some(2)
    stage(scene, Oversize(OnOversize.FAIL), first, large(second, LIMIT + 7))
    with pytest.raises(RecordTooLarge) as error:
        scene.send()
    assert str(error.value) == (
        f"hook purchases, day-0.ndjson, line 2: payload and key have {LIMIT + 7} bytes, more than the {LIMIT} bytes "
        "that the stream takes now, and the hook says oversize: fail. To go on, let it say dead_letter or "
        "{drop: [paths]}, or raise the limit. Other definitions hold from the next slice on: if a part of this one was "
        f"sent, run once with abandon_slice={SLICE}"
    )
    described = scene.kinesis.core.handle("DescribeStreamSummary", {"StreamName": PURCHASES})
    arn = described["StreamDescriptionSummary"]["StreamARN"]
    scene.kinesis.core.handle("UpdateMaxRecordSize", {"StreamARN": arn, "MaxRecordSizeInKiB": 2_048})
    assert scene.send()["delivered"] == 2


def test_too_many_of_them_fail_the_task(scene: Scene) -> None:
    scene.settings = SendSettings(max_dead_letters=parse_quota("1", "max_dead_letters"))
    stage(scene, Oversize(), *(large(record) for record in some(3)))
    with pytest.raises(QuotaExceeded, match="2 of 3 firings became dead letters"):
        scene.send()


def test_where_nobody_may_ask_for_the_limit_kinesis_itself_judges(scene: Scene) -> None:
    scene.kinesis.core.faults = Faults(denied=frozenset({"DescribeStreamSummary"}))
    stage(scene, Oversize(OnOversize.FAIL), large(some(1)[0]))
    assert scene.send()["dead_letters"] == 1
    (letter,) = dead_letters(scene)
    assert letter.reason is Reason.REFUSED
