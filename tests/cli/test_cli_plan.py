"""``netmera-kinesis plan``, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from airflow_netmera_kinesis.cli import main

SAMPLES = Path(__file__).parent.parent.parent / "samples"
HOOKS = str(SAMPLES / "hooks.yaml")


def plan(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["plan", *arguments])


def planned(*arguments: str) -> Any:
    result = plan("--exports", str(SAMPLES / "events"), "--hooks", HOOKS, "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_it_finds_what_a_run_would_send() -> None:
    report = planned()
    expected = json.loads((SAMPLES / "expected.json").read_text())["hooks"]
    assert {hook["hook"]: hook["matches"] for hook in report["hooks"]} == {**expected, "message-logs": 0}
    assert (report["read"], report["malformed"], report["events"]) == (2_000, 0, 2_000)
    assert sum(stream["records"] for stream in report["streams"]) == sum(expected.values())
    assert report["inactive_hooks"] == ["retired"]


def test_codes_that_no_hook_matches_are_listed() -> None:
    unmatched = planned()["unmatched"]
    assert unmatched["n:oa"] == 441
    assert "n:ph" not in unmatched


def test_shards_users_and_prices_are_asked_for(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "{region: eu-central-1, as_of: '2026-11', currency: USD, shard_hour: 1, million_put_units: 0, "
        "stream_hour: 2, gigabyte_in: 0}"
    )
    stream = planned("--shards", "4,1", "--top", "1", "--prices", str(prices))["streams"][0]
    assert [shard["shards"] for shard in stream["shards"]] == [1, 4]
    assert len(stream["top_by_events"]) == 1
    assert (stream["cost"]["provisioned_a_month"], stream["cost"]["on_demand_a_month"]) == (730, 1460)


def test_the_text_fits_eighty_columns() -> None:
    result = plan("--exports", str(SAMPLES / "events"), "--hooks", HOOKS)
    assert result.exit_code == 0
    assert "recommended to send all in 300 s: 1 shard(s)" in result.stdout
    assert "441  n:oa" in result.stdout
    tables = [line for line in result.stdout.splitlines() if line.startswith(" ")]
    assert max(map(len, tables)) <= 80


def test_a_damaged_file_is_named_and_what_can_be_read_is_counted(tmp_path: Path) -> None:
    whole = (SAMPLES / "events" / "demoapp_EVENT_DATA_20260907.ndjson.gz").read_bytes()
    (tmp_path / "a_20260907.ndjson.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b_20260908.ndjson.gz").write_bytes(whole)
    result = plan("--exports", str(tmp_path), "--hooks", HOOKS, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [damaged["file"] for damaged in report["damaged"]] == ["a_20260907.ndjson.gz"]
    assert 1_000 < report["events"] == report["read"] - report["malformed"] < 2_000


def test_a_path_may_be_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    assert plan("--exports", "events/", "--hooks", "hooks.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--exports", "/nowhere/at/all"], "exports is '/nowhere/at/all': this worker finds neither"),
        (["--hooks", "/nowhere.yaml"], "hooks is '/nowhere.yaml': there is no such file"),
        (["--shards", "0"], "'0' is not a list of whole numbers from 1 to 4096"),
        (["--prices", "/nowhere.yaml"], "--prices is '/nowhere.yaml': it cannot be read"),
        (["--export-format", HOOKS], "unknown key 'hooks'"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_it(arguments: list[str], says: str) -> None:
    result = plan("--exports", str(SAMPLES / "events"), "--hooks", HOOKS, *arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    result = plan("--exports", str(tmp_path), "--hooks", HOOKS)
    assert (result.exit_code, "there is no file in it" in result.stderr) == (2, True)


def test_it_needs_neither_airflow_nor_aws() -> None:
    code = (
        "import sys; from airflow_netmera_kinesis.cli import main\n"
        f"main(['plan', '--exports', {str(SAMPLES / 'events')!r}, '--hooks', {HOOKS!r}], standalone_mode=False)\n"
        "assert not {'airflow', 'boto3', 'botocore'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
