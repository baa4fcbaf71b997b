"""``netmera-kinesis match``, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from airflow_netmera_kinesis.cli import main

SAMPLES = Path(__file__).parent.parent.parent / "samples"
HOOKS = str(SAMPLES / "hooks.yaml")
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())["hooks"]


def match(folder: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["match", "--exports", str(SAMPLES / folder), "--hooks", HOOKS, *arguments])


def test_records_are_counted_by_hook() -> None:
    result = match("events", "--json")
    assert result.exit_code == 0
    counts = json.loads(result.stdout)
    assert {hook["hook"]: hook["records"] for hook in counts["hooks"]} == {**EXPECTED, "message-logs": 0}
    assert (counts["read"], counts["malformed"], counts["events"]) == (2_000, 0, 2_000)


def test_records_are_written_as_a_consumer_would_get_them() -> None:
    result = match("events", "--output", "-")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(records) == sum(EXPECTED.values())
    assert {record["stream"] for record in records} == {"netmera-purchases", "netmera-carts", "netmera-activity"}
    assert all(record["partitionKey"] == record["data"]["userId"] for record in records)
    assert "purchases" in result.stderr, "the counts stand beside the records"


def test_dead_letters_are_written_with_their_reason(tmp_path: Path) -> None:
    letters = tmp_path / "dead.ndjson"
    result = match("faulty/missing_user.ndjson", "--dead-letters", str(letters))
    assert result.exit_code == 0, result.output
    written = [json.loads(line)["reason"] for line in letters.read_text().splitlines()]
    assert set(written) == {"MISSING_USER_ID"}
    assert f"MISSING_USER_ID {len(written)}" in result.stdout


def test_dead_letters_on_standard_output_stand_there_alone() -> None:
    result = match("faulty/missing_user.ndjson", "--dead-letters", "-", "--json")
    assert {json.loads(line)["reason"] for line in result.stdout.splitlines()} == {"MISSING_USER_ID"}
    assert json.loads(result.stderr)["events"] == 5


def test_a_damaged_file_makes_it_fail_and_is_named() -> None:
    result = match("faulty/truncated.ndjson.gz")
    assert result.exit_code == 1
    assert "damaged: truncated.ndjson.gz: truncated gzip" in result.stdout
    assert "1 files: read " in result.stdout


def test_of_a_damaged_file_all_is_counted_that_could_be_read() -> None:
    counts = json.loads(match("faulty/truncated.ndjson.gz", "--json").stdout)
    assert counts["read"] == counts["malformed"] + counts["events"]
    assert counts["events"] >= sum(hook["firings"] for hook in counts["hooks"]) > 0


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read() -> None:
    result = match("events", "--output", "/nowhere/records.ndjson")
    assert result.exit_code == 2
    assert "'/nowhere/records.ndjson': No such file or directory" in result.stderr
