"""A deployment over the sample files: the stages by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_exports import STREAMS, SampleDeployment

from airflow_netmera_kinesis.testing import FakeKinesis


@pytest.fixture
def deployment(tmp_path: Path, fake_kinesis: FakeKinesis) -> SampleDeployment:
    for name, shards in STREAMS.items():
        fake_kinesis.core.create_stream(name, shards)
    return SampleDeployment(tmp_path, fake_kinesis)
