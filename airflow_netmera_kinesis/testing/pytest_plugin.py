"""Give every pytest session the ``fake_kinesis`` fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_netmera_kinesis.testing.fake_kinesis import FakeKinesis


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "fake_kinesis(streams, **options): what the fake_kinesis fixture starts with, as FakeKinesis takes it",
    )


@pytest.fixture
def fake_kinesis(request: pytest.FixtureRequest) -> Iterator[FakeKinesis]:
    """Start a Kinesis of the test's own on the loopback interface; see :class:`FakeKinesis`.

    ``@pytest.mark.fake_kinesis({"purchases": 2}, quota=ShardQuota())`` gives it streams and options.
    """
    marker = request.node.get_closest_marker("fake_kinesis")
    with FakeKinesis(*marker.args, **marker.kwargs) if marker else FakeKinesis() as kinesis:
        yield kinesis
