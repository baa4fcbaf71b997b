"""Slices at the size of real exports: as many files, and as large ones, as a run may meet."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from deployment import STREAMS, Deployment, events, lines

from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)

FILES, LARGE_BYTES = 1_100, 300_000_000
# Events that no hook wants, and large ones, so that most of the time goes into reading.
BULK = lines([{**event, "eventCode": "n:vp", "params": {"note": "İ" * 50_000}} for event in events("bulk", 10)])


@pytest.fixture
def deployment(
    storage: Callable[[str], Folder], fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> Deployment:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nobody pulls the plug here
    return Deployment(storage, fake_kinesis)


def test_a_byte_and_300_megabytes_are_one_slice(deployment: Deployment) -> None:
    wanted = iter(events("06", 3_000))
    size = 0
    deployment.exports.write("app_20260905.ndjson", b"\n")
    with deployment.exports.writer("app_20260906.ndjson") as file:
        while size < LARGE_BYTES:
            size += file.write(BULK) + file.write(lines([next(wanted)]))
        size += file.write(lines(list(wanted)))
    deployment.sent["app_20260906.ndjson"] = events("06", 3_000)
    current = deployment.planned()
    assert [file.size for file in current.files] == [1, size]
    assert len(current.groups) == 2
    counts = deployment.run()
    assert counts is not None
    assert (counts["files"], counts["malformed"], counts["delivered"], counts["dead_letters"]) == (2, 0, 2_000, 0)
    deployment.assert_all_arrived()
    deployment.assert_tidy()
    assert deployment.plan() is None
    deployment.exports.delete("app_20260906.ndjson")  # neither disk nor memory is kept for the tests after this one


def test_1100_files_are_one_slice_of_fewer_tasks_than_airflow_maps(deployment: Deployment) -> None:
    deployment.sent = {f"app_20260906_{number:04d}.ndjson": events(f"{number}", 1, number) for number in range(FILES)}
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: deployment.exports.write(name, lines(deployment.sent[name])), deployment.sent))
    current = deployment.planned(max_files=2_000)
    assert len(current.files) == FILES
    assert len(current.groups) <= 1_000
    counts = deployment.run(max_files=2_000)
    assert counts is not None
    assert (counts["files"], counts["read"], counts["delivered"]) == (FILES, FILES, 734)
    deployment.assert_all_arrived(files=[file.name for file in current.files])
    deployment.assert_tidy()
    assert deployment.plan(max_files=2_000) is None
