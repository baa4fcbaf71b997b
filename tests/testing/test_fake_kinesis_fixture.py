from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = "airflow_netmera_kinesis.testing.pytest_plugin"
USERS_TEST = """
import pytest

from airflow_netmera_kinesis.testing import Faults


def test_it_starts_empty(fake_kinesis):
    client = fake_kinesis.client()
    assert client.list_streams()["StreamNames"] == []
    client.close()


@pytest.mark.fake_kinesis({"purchases": 2}, faults=Faults(rejected=1))
def test_a_marker_prepares_it(fake_kinesis):
    client = fake_kinesis.client()
    answer = client.put_records(StreamName="purchases", Records=[{"PartitionKey": "ayse", "Data": b"{}"}])
    client.close()
    assert answer["FailedRecordCount"] == 1
    assert fake_kinesis.books.in_order("purchases") == []
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_users_get_a_kinesis_for_each_of_their_tests(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(USERS_TEST)
    result = run("-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "--strict-markers", "-q", cwd=tmp_path)
    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_a_session_that_never_uses_it_loads_neither_airflow_nor_boto3(tmp_path: Path) -> None:
    code = f"import sys, {PLUGIN}; print({{'airflow', 'boto3', 'botocore', 'moto'}} & set(sys.modules))"
    result = run("-c", code, cwd=tmp_path)
    assert result.stdout.strip() == "set()", result.stderr
