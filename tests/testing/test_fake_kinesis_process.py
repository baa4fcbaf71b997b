from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_netmera_kinesis.testing import FakeKinesis, FakeKinesisProcess, Faults, Refused, ShardQuota
from airflow_netmera_kinesis.testing.__main__ import main

COMMAND = [sys.executable, "-m", "airflow_netmera_kinesis.testing", "--port", "0"]
STARTER = """
import subprocess, sys
child = subprocess.Popen([*sys.argv[1:], "--with-parent"], stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline(), flush=True)
sys.stdin.read()
"""


def put(kinesis: FakeKinesisProcess, count: int) -> int:
    import boto3

    client = boto3.client(
        "kinesis",
        endpoint_url=kinesis.endpoint_url,
        region_name="eu-central-1",
        aws_access_key_id="AKIAFAKE",
        aws_secret_access_key="any",
    )
    entry = {"PartitionKey": "ayse", "Data": b"{}"}
    failed: int = client.put_records(StreamName="purchases", Records=[entry] * count)["FailedRecordCount"]
    client.close()
    return failed


@pytest.fixture(scope="module")
def kinesis() -> Iterator[FakeKinesisProcess]:
    with FakeKinesisProcess("--stream", "purchases=2") as kinesis:
        yield kinesis


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_url_and_ends_well_on_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_it_ends_with_its_parent_if_asked() -> None:
    starter = [sys.executable, "-c", STARTER, *COMMAND]
    with subprocess.Popen(starter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split(maxsplit=1)
        assert "http://127.0.0.1:" in url
        parent.kill()
        parent.communicate()
    deadline = time.monotonic() + 10
    while _alive(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(int(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")  # an orphan may wait to be reaped
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_its_faults_quota_and_shards_can_be_changed_from_outside(kinesis: FakeKinesisProcess) -> None:
    assert put(kinesis, 10) == 0
    kinesis.set_faults(Faults(rejected=1))
    assert put(kinesis, 10) == 10
    kinesis.set_faults(Faults())
    kinesis.set_quota(ShardQuota(records_per_second=4))
    assert put(kinesis, 10) == 6
    kinesis.set_quota(None)
    kinesis.inject({0: "unheard_of"}, None)
    assert [put(kinesis, 10), put(kinesis, 10)] == [1, 0]
    kinesis.reshard("purchases", 5)
    counts = kinesis.counts("purchases")
    assert (counts.requests, counts.stored) == (5, 33)
    assert sum(counts.rejected.values()) == 16
    assert counts.failed == {"UnforeseenRecordException": 1}
    assert kinesis.store_zombies() == 0


@pytest.mark.parametrize("shards", [0, -1])
def test_what_cannot_be_done_from_outside_is_refused(kinesis: FakeKinesisProcess, shards: int) -> None:
    with pytest.raises(Refused, match="ValidationException"):
        kinesis.reshard("purchases", shards)
    with pytest.raises(Refused, match="KeyError"):
        kinesis.reshard("refunds", 2)
    with pytest.raises(Refused, match="meteorite"):
        kinesis.inject("meteorite")


def test_options_say_what_goes_wrong() -> None:
    options = ["--stream", "purchases", "--fault", "rejected=0.5", "--fault", "oversize=record", "--seed", "3"]
    with FakeKinesisProcess(*options, "--quota", "--records-per-second", "100", "--counts-only") as kinesis:
        failed = put(kinesis, 100)
        assert 25 < failed < 75
        assert kinesis.counts("purchases").stored == 100 - failed


@pytest.mark.parametrize("wrong", ["meteorite=1", "rejected=2", "rejected=often", "oversize=never"])
def test_a_wrong_option_is_told_before_anything_starts(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--fault", wrong])
    assert "--fault: " in capsys.readouterr().err


def test_a_process_that_cannot_start_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with FakeKinesis() as other:
        port = other.endpoint_url.rpartition(":")[2]
        with pytest.raises(RuntimeError, match="ended with code 1"), FakeKinesisProcess("--port", port):
            pass
    assert "address already in use" in capfd.readouterr().err
