"""What Airflow's form shows when somebody tests a connection, and how soon."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer
from sts import token_service

from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
from airflow_netmera_kinesis.preflight.check import Check, ok
from airflow_netmera_kinesis.testing import FakeKinesis, Faults

Test = Callable[..., tuple[bool, str]]
HOOKS = """hooks:
  - {name: purchases, trigger_type: EVENT, event_code: "n:ph", stream_name: netmera-purchases}
  - {name: carts, trigger_type: EVENT, event_code: "n:acp", stream_name: netmera-carts}
"""


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> Test:
    def tested(**extra: Any) -> tuple[bool, str]:
        keys = {"conn_type": "netmera_kinesis", "login": "AKIAACMEACMEACME", "password": "s3cret/of+acme"}
        written = {**keys, "extra": {"region": "eu-central-1", **extra}}
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(written))
        return NetmeraKinesisConnection().test_connection()

    return tested


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The hook definitions of section [netmera_kinesis]."""
    file = tmp_path / "hooks.yaml"
    file.write_text(HOOKS)
    monkeypatch.setenv("AIRFLOW__NETMERA_KINESIS__HOOKS", str(file))
    return file


@pytest.fixture(scope="module")
def moto_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@mock_aws
def test_it_says_what_was_checked_and_what_was_not(tested: Test) -> None:
    passed, answer = tested()
    assert passed
    assert answer == (
        "region: eu-central-1; who signs: the connection's keys; "
        "keys: accepted by https://kinesis.eu-central-1.amazonaws.com (region eu-central-1); "
        "not checked: streams: each hook's stream, and the right to write to it"
    )


def test_it_goes_to_the_endpoint_of_the_connection(
    tested: Test, fake_kinesis: FakeKinesis, capsys: pytest.CaptureFixture[str]
) -> None:
    passed, answer = tested(endpoint_url=fake_kinesis.endpoint_url)
    assert passed
    assert answer in capsys.readouterr().out  # airflow connections test prints no answer of a success by itself
    assert f"accepted by {fake_kinesis.endpoint_url} (region eu-central-1)" in answer


def test_an_inactive_connector_is_said(tested: Test, fake_kinesis: FakeKinesis) -> None:
    passed, answer = tested(endpoint_url=fake_kinesis.endpoint_url, active="false")
    assert passed
    assert "WARNING: active: the connector is INACTIVE, so no hook sends anything" in answer


def test_a_faulty_connection_is_told_by_its_field(tested: Test) -> None:
    passed, answer = tested(active="perhaps")
    assert not passed
    assert "extra 'active' is 'perhaps'" in answer


def test_keys_that_may_put_records_alone_pass(tested: Test, fake_kinesis: FakeKinesis, configured: Path) -> None:
    fake_kinesis.faults = Faults(denied=frozenset({"ListStreams", "DescribeStreamSummary", "ListShards"}))
    passed, answer = tested(endpoint_url=fake_kinesis.endpoint_url)
    assert passed
    assert "they may not list streams, which sending does not need" in answer
    assert "WARNING: stream netmera-carts, exists: nobody can tell" in answer


def test_the_streams_of_the_configured_hooks_are_looked_at(
    tested: Test, fake_kinesis: FakeKinesis, configured: Path
) -> None:
    fake_kinesis.core.create_stream("netmera-purchases", 4)
    passed, answer = tested(endpoint_url=fake_kinesis.endpoint_url)
    assert passed, "they may be meant for another connection"
    assert answer.endswith(
        "looked at, of the hooks of section [netmera_kinesis]: stream netmera-purchases, stream netmera-carts"
    )
    assert answer.count("not checked: right to write") == 1
    assert "WARNING: stream netmera-carts, exists (for hook carts): DescribeStreamSummary was refused" in answer


def test_configured_hooks_that_cannot_be_read_do_not_fail_the_connection(
    tested: Test, fake_kinesis: FakeKinesis, configured: Path
) -> None:
    configured.write_text("hooks: 5")
    passed, answer = tested(endpoint_url=fake_kinesis.endpoint_url)
    assert passed
    assert "not checked: hooks of section [netmera_kinesis]" in answer


def test_expired_keys_fail_with_what_to_do(tested: Test, fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.faults = Faults(expired_keys=frozenset({"AKIAACMEACMEACME"}))
    passed, answer = tested(endpoint_url=fake_kinesis.endpoint_url)
    assert not passed
    assert "ListStreams was refused with ExpiredTokenException: the keys have expired: put new ones" in answer


def test_a_role_that_may_not_be_assumed_fails(tested: Test, fake_kinesis: FakeKinesis) -> None:
    with token_service() as sts:
        sts.refuses = {"AKIAACMEACMEACME": "AccessDenied"}
        passed, answer = tested(
            role_arn="arn:aws:iam::111122223333:role/x",
            endpoint_url=fake_kinesis.endpoint_url,
            sts_endpoint_url=sts.endpoint_url,
        )
    assert not passed
    assert "STS refused with AccessDenied" in answer


def test_an_endpoint_where_nobody_listens_fails(tested: Test) -> None:
    passed, answer = tested(endpoint_url="http://127.0.0.1:9")
    assert not passed
    assert "Could not connect" in answer


@pytest.mark.parametrize("silent", ["endpoint_url", "sts_endpoint_url"])
def test_an_endpoint_that_never_answers_fails_within_three_seconds(
    tested: Test, silent: str, silent_endpoint: str
) -> None:
    extra = {"role_arn": "arn:aws:iam::111122223333:role/x"} if silent == "sts_endpoint_url" else {}
    started = time.monotonic()
    passed, answer = tested(**extra, **{silent: silent_endpoint})
    assert not passed
    assert "timeout" in answer.lower() or "no answer within" in answer
    assert time.monotonic() - started < 3


def test_streams_that_take_their_time_are_not_waited_for(
    tested: Test, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def check_keys(about: str, _: object) -> Iterator[Check]:
        yield ok(about, "keys", "accepted")

    def check_streams(*_: object) -> Iterator[Check]:
        over.wait(60)
        return iter(())

    monkeypatch.setattr("airflow_netmera_kinesis.connection_test.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("airflow_netmera_kinesis.connection_test.check_keys", check_keys)
    monkeypatch.setattr("airflow_netmera_kinesis.connection_test.check_streams", check_streams)
    passed, answer = tested()
    over.set()
    assert passed
    assert answer.endswith("not checked: the rest: there was no time for it: 0.5 s are over")


def test_an_endpoint_that_is_something_else_fails(tested: Test, moto_endpoint: str) -> None:
    passed, answer = tested(endpoint_url=f"{moto_endpoint}/moto-api/")
    assert not passed
    assert "check extra 'endpoint_url'" in answer


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # it is Airflow's own call
def test_airflow_tests_the_connection_through_its_provider(
    tested: Test, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested(endpoint_url=fake_kinesis.endpoint_url)
    from airflow.models.connection import Connection

    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    passed, answer = Connection.get_connection_from_secrets("netmera_kinesis_default").test_connection()  # type: ignore[no-untyped-call]
    assert passed, answer
    assert "keys: accepted by" in answer
