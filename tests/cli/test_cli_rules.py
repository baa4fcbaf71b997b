"""Hooks with payload rules, as ``plan`` and ``match`` see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from airflow_netmera_kinesis.cli import main

HOOKS = """
hash_key: {variable: netmera_hash_key}
hooks:
  - name: purchases
    trigger_type: EVENT
    event_code: "n:ph"
    stream_name: netmera-purchases
    payload: {hash: [userId]}
    hash_partition_key: true
    oversize: fail
    batch: {max_bytes: 600}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hooks.yaml").write_text(HOOKS)
    (tmp_path / "exports").mkdir()
    event = {"eventCode": "n:ph", "userId": "u-ayşe", "timestamp": 1_788_728_400_000, "params": {"note": ""}}
    large = {**event, "params": {"note": "x" * 600}}
    lines = "".join(json.dumps(each) + "\n" for each in (event, large))
    (tmp_path / "exports" / "day.ndjson").write_text(lines)
    return tmp_path


def call(command: str, folder: Path, *arguments: str) -> Result:
    at = ["--exports", str(folder / "exports"), "--hooks", str(folder / "hooks.yaml")]
    return CliRunner().invoke(main, [command, *at, *arguments])


def test_plan_needs_no_key_and_counts_what_would_fail_a_run(folder: Path) -> None:
    report: Any = json.loads(call("plan", folder, "--json").stdout)
    (hook,) = report["hooks"]
    assert (hook["matches"], report["streams"][0]["records"]) == (2, 1)


def test_match_shows_the_hashes_that_a_run_would_send(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_NETMERA_HASH_KEY", "a key of the customer's own")
    (folder / "hooks.yaml").write_text(HOOKS.replace("oversize: fail", "oversize: dead_letter"))
    (record,) = map(json.loads, call("match", folder, "--output", "-").stdout.splitlines())
    assert len(record["partitionKey"]) == 64
    assert record["data"]["userId"] == record["data"]["identities"]["userId"] == record["partitionKey"]


def test_match_fails_where_a_run_would_and_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_NETMERA_HASH_KEY", "a key of the customer's own")
    result = call("match", folder)
    assert result.exit_code == 1
    assert result.stderr.startswith("netmera-kinesis: hook purchases, day.ndjson, line 2: payload and key have ")


def test_a_missing_key_is_told_before_anything_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_NETMERA_HASH_KEY", "")
    result = call("match", folder)
    assert result.exit_code == 2
    assert "hash_key: variable 'netmera_hash_key' does not exist or is empty" in result.stderr
