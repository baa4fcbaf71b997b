from __future__ import annotations

from collections.abc import Callable

import pytest
from deployment import STREAMS, Deployment, events

from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)


@pytest.fixture
def deployment(storage: Callable[[str], Folder], fake_kinesis: FakeKinesis) -> Deployment:
    return Deployment(storage, fake_kinesis)


def test_what_is_new_arrives_once_in_order_and_nothing_is_left_behind(deployment: Deployment) -> None:
    deployment.export("app_EVENT_DATA_20260906.ndjson", events("06", 90))
    deployment.export("app_EVENT_DATA_20260907.ndjson", events("07", 60))
    counts = deployment.run(partitions=3)
    assert counts is not None
    assert (counts["files"], counts["read"], counts["events"], counts["firings"]) == (2, 150, 150, 100)
    assert (counts["staged"], counts["delivered"], counts["dead_letters"]) == (100, 100, 0)
    deployment.assert_all_arrived()
    deployment.assert_tidy()


def test_a_second_run_without_new_files_finds_nothing(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 30))
    deployment.run()
    assert deployment.run() is None
    assert deployment.arrived == 20


def test_an_empty_folder_is_nothing_new(deployment: Deployment) -> None:
    assert deployment.run() is None
    assert list(deployment.state.list()) == []


def test_a_run_that_kinesis_refuses_in_the_middle_is_finished_by_the_next_one(deployment: Deployment) -> None:
    deployment.export("app_20260906.ndjson", events("06", 90))
    current = deployment.planned()
    deployment.match(current)
    deployment.gate(current)
    deployment.send_some(current)
    assert 0 < deployment.arrived < 60
    counts = deployment.run()
    assert counts is not None
    assert counts["delivered"] == 60
    deployment.assert_all_arrived()
    deployment.assert_tidy()
