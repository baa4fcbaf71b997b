"""``netmera-kinesis tail``, as a user types it, against the fake."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from airflow_netmera_kinesis.cli import main
from airflow_netmera_kinesis.testing import FakeKinesis

STREAM = "netmera-purchases"
pytestmark = pytest.mark.fake_kinesis({STREAM: 2})


@pytest.fixture(autouse=True)
def connection(fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())


def tail(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tail", *arguments])


def payload(event: str, time_ms: int) -> bytes:
    data: dict[str, Any] = {"hookName": "purchases", "eventId": event, "eventData": {"timestamp": time_ms}}
    return json.dumps(data, separators=(",", ":")).encode()


def put(kinesis: FakeKinesis, key: str, data: bytes) -> None:
    kinesis.client().put_record(StreamName=STREAM, PartitionKey=key, Data=data)


def test_payloads_stand_on_lines_and_the_findings_beside_them(fake_kinesis: FakeKinesis) -> None:
    put(fake_kinesis, "ayse", payload("1", 1) + b"\n" + payload("2", 2))
    put(fake_kinesis, "bora", payload("3", 3))
    result = tail(STREAM)
    assert result.exit_code == 0
    assert sorted(json.loads(line)["eventId"] for line in result.stdout.splitlines()) == ["1", "2", "3"]
    assert "2 records with 3 payloads of 2 keys" in result.stderr


def test_events_out_of_order_end_with_a_failure(fake_kinesis: FakeKinesis) -> None:
    put(fake_kinesis, "ayse", payload("2", 2))
    put(fake_kinesis, "ayse", payload("1", 1))
    result = tail(STREAM, "--quiet")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "back in time 1" in result.stderr


def test_json_tells_where_each_payload_lies(fake_kinesis: FakeKinesis) -> None:
    put(fake_kinesis, "ayse", payload("1", 1))
    put(fake_kinesis, "ayse", b"\xffnot json")
    result = tail(STREAM, "--json")
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["partitionKey"], first["data"]["eventId"]) == ("ayse", "1")
    assert first["shardId"].startswith("shardId-")
    assert int(first["sequenceNumber"]) < int(second["sequenceNumber"])
    assert second["data"] == "\ufffdnot json"
    assert json.loads(result.stderr)["foreign"] == 1


def test_a_limit_ends_it(fake_kinesis: FakeKinesis) -> None:
    for number in range(5):
        put(fake_kinesis, "ayse", payload(str(number), number))
    assert len(tail(STREAM, "--limit", "2").stdout.splitlines()) == 2


@pytest.mark.parametrize("start", ["latest", "2099-01-01"])
def test_what_lies_before_the_start_is_left_out(fake_kinesis: FakeKinesis, start: str) -> None:
    put(fake_kinesis, "ayse", payload("1", 1))
    result = tail(STREAM, "--from", start)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["elsewhere"], 1, "stream elsewhere: ListShards was refused with ResourceNotFoundException"),
        ([STREAM, "--from", "yesterday"], 2, "'yesterday' is neither trim_horizon, latest, nor a time"),
        ([STREAM, "--conn-id", "nowhere"], 2, "connection 'nowhere' does not exist"),
        ([], 2, "Missing argument 'STREAM'"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], status: int, says: str) -> None:
    result = tail(*arguments)
    assert (result.exit_code, says in result.stderr) == (status, True), result.stderr
