"""A deployment over the sample files: the stages by themselves, and in an Airflow that is started once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow_session import AirflowSession, Workplace
from sample_exports import STREAMS, SampleDeployment

from airflow_netmera_kinesis.testing import FakeKinesis


@pytest.fixture
def deployment(tmp_path: Path, fake_kinesis: FakeKinesis) -> SampleDeployment:
    for name, shards in STREAMS.items():
        fake_kinesis.core.create_stream(name, shards)
    return SampleDeployment(tmp_path, fake_kinesis)


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSession]:
    """One Airflow for all tests of the session; each test has its own folders and its own Kinesis."""
    with AirflowSession(tmp_path_factory.mktemp("airflow")) as session:
        yield session


@pytest.fixture
def workplace(tmp_path: Path, airflow: AirflowSession, fake_kinesis: FakeKinesis) -> Workplace:
    for name, shards in STREAMS.items():
        fake_kinesis.core.create_stream(name, shards)
    return Workplace(tmp_path, airflow, fake_kinesis)
