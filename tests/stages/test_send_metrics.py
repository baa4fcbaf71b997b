"""What a send task tells of its work adds up over its tries, and its retries tell nothing twice."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from scene import PURCHASES, Scene, some

from airflow_netmera_kinesis.errors import StreamRefused
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.testing import FakeKinesis
from airflow_netmera_kinesis.testing.faults import Misfortune

pytestmark = pytest.mark.fake_kinesis({PURCHASES: 2})
STREAM = f"stream={PURCHASES}"


@pytest.fixture
def scene(tmp_path: Path, fake_kinesis: FakeKinesis) -> Scene:
    return Scene(tmp_path, fake_kinesis)


def test_a_try_tells_what_it_delivered_by_hook_and_stream(scene: Scene) -> None:
    newest = int(time.time() * 1000) - 5_000
    records = [msgspec.structs.replace(record, time_ms=newest - record.line) for record in some(200)]
    scene.stage([*records, msgspec.structs.replace(make_last(), time_ms=newest)])
    scene.send()
    counted = scene.metrics
    assert counted.of("delivered") == {f"hook=purchases {STREAM}": 201}
    books = scene.kinesis.core.books.counts(PURCHASES)
    assert counted.of("requests") == {STREAM: books.requests}
    assert counted.of("bytes") == {STREAM: sum(len(record.payload) + len(record.key) for record in scene.records)}
    assert counted.of("rejected") == counted.of("unknown") == counted.of("dead_letters") == {}
    assert 5 <= counted.gauges[f"lag {STREAM}"] < 65


def make_last() -> StagedRecord:
    return msgspec.structs.replace(some(1)[0], line=201, event_id="e201")


def test_tries_that_fail_tell_their_part_and_nothing_is_told_twice(scene: Scene) -> None:
    scene.stage(some(2_000))
    for _ in range(3):
        scene.kinesis.core.inject(None, None, None, None, Misfortune.KMS_DENIED)
        with pytest.raises(StreamRefused):
            scene.send()
    scene.send()
    assert scene.metrics.of("delivered") == {f"hook=purchases {STREAM}": 2_000}
    before = scene.metrics.counts.copy()
    scene.send()
    assert scene.metrics.counts == before, "a partition that is done tells nothing"
