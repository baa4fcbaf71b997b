"""``netmera-kinesis send``, as a user types it, against the fake."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from deployment import STREAMS, USERS, events, lines

from airflow_netmera_kinesis.cli import main
from airflow_netmera_kinesis.cli.send import STATE_OF
from airflow_netmera_kinesis.stages.plan import LEASE
from airflow_netmera_kinesis.state import lease
from airflow_netmera_kinesis.state.slice import state_key
from airflow_netmera_kinesis.storage import LocalFolder
from airflow_netmera_kinesis.testing import FakeKinesis, Faults, judge_order, read_stream

pytestmark = pytest.mark.fake_kinesis(STREAMS)
HOOKS = """
hooks:
  - {name: purchases, trigger_type: EVENT, event_code: "n:ph", stream_name: netmera-purchases, batch: {max_records: 10}}
  - {name: logins, trigger_type: EVENT, event_code: "n:cl", stream_name: netmera-activity, batch: {max_records: 10}}
"""
FILES = {"app_20260906.ndjson": events("06", 60), "app_20260907.ndjson": events("07", 60)}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with exports and definitions, in which the command is called, and a connection to the fake."""
    (tmp_path / "exports").mkdir()
    for name, made in FILES.items():
        (tmp_path / "exports" / name).write_bytes(lines(made))
    (tmp_path / "hooks.yaml").write_text(HOOKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
    return tmp_path


def send(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["send", "--exports", "exports", "--hooks", "hooks.yaml", *arguments])


def assert_all_arrived(kinesis: FakeKinesis, duplicates: int = 0) -> None:
    made = [event for name in sorted(FILES) for event in FILES[name]]
    found = 0
    for stream, code, hook in (("netmera-purchases", "n:ph", "purchases"), ("netmera-activity", "n:cl", "logins")):
        expected: dict[str, list[Any]] = {}
        for event in made:
            if event["eventCode"] == code:
                expected.setdefault(event["userId"], []).append((hook, event["id"]))
        arrived = [
            (record["PartitionKey"], record["Data"])
            for records in read_stream(kinesis.client(), stream).values()
            for record in records
        ]
        verdict = judge_order(arrived, expected)
        assert verdict.clean, verdict
        found += verdict.duplicates
    assert found <= duplicates


@pytest.mark.parametrize("partitions", ["1", "3"])
def test_all_that_matches_is_sent_and_a_second_call_finds_nothing_new(
    fake_kinesis: FakeKinesis, partitions: str
) -> None:
    first, second = send("--partitions", partitions), send("--partitions", partitions)
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert "files 2, read 120 = malformed 0 + events 120; firings 80 = delivered 80" in first.stdout
    assert second.stdout == "Nothing new.\n"
    assert_all_arrived(fake_kinesis)


def test_state_and_staging_lie_in_the_present_folder_unless_something_else_is_said(place: Path) -> None:
    assert send().exit_code == 0
    assert sorted(path.name for path in (place / ".netmera-kinesis").iterdir()) == ["staging", "state"]
    assert send("--state", "elsewhere/state", "--staging", "elsewhere/staging").stdout.startswith("slice ")


def test_more_files_than_a_slice_takes_are_sent_in_several(fake_kinesis: FakeKinesis) -> None:
    report = json.loads(send("--max-files", "1", "--json").stdout)
    assert [committed["counts"]["files"] for committed in report["slices"]] == [1, 1]
    assert report["delivered"] == 80
    assert_all_arrived(fake_kinesis)


def test_an_inactive_connector_sends_nothing_and_says_so(
    fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = json.loads(fake_kinesis.airflow_connection())
    connection["extra"]["active"] = False
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(connection))
    result = send()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "is inactive: nothing was read or sent" in result.stderr
    assert fake_kinesis.books.counts("netmera-purchases").stored == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_says_how_to_go_on_and_goes_on(
    fake_kinesis: FakeKinesis, number: signal.Signals
) -> None:
    fake_kinesis.faults = Faults(latency=0.2)
    command = [
        sys.executable, "-c", "from airflow_netmera_kinesis.cli import main; main()",
        "send", "--exports", "exports", "--hooks", "hooks.yaml", "--concurrency", "1",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not fake_kinesis.books.counts("netmera-purchases").stored:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        said, complained = process.communicate()
    assert (process.returncode, said) == (130, ""), complained
    assert complained.strip().endswith("call the same command again to go on")
    stored = sum(fake_kinesis.books.counts(stream).stored for stream in STREAMS)
    assert stored < 80
    fake_kinesis.faults = Faults()
    assert send().exit_code == 0
    assert_all_arrived(fake_kinesis)


def test_a_second_one_is_told_who_is_at_work_and_to_try_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(lease, "LOOK_EVERY_SECONDS", 0.02)
    state = LocalFolder(place / "state").child(state_key(STATE_OF, str(place / "exports")))
    with lease.hold(state, LEASE, "the other one"):
        result = send("--state", "state")
    assert result.exit_code == 3
    assert "the other one" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--conn-id", "nowhere"], 2, "connection 'nowhere' does not exist"),
        (["--partitions", "0"], 2, "partitions is '0'; allowed: a whole number from 1 to 1024"),
        (["--max-malformed", "many"], 2, "max_malformed is 'many'"),
        (["--order", "random"], 2, "order is 'random'; allowed: file or timestamp"),
        (["--exports", "nowhere"], 2, "finds neither a folder nor a file there"),
        (["--state", "exports/state"], 2, "lies inside exports"),
        (["--staging", "hooks.yaml"], 2, "staging is"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    fake_kinesis: FakeKinesis, arguments: list[str], status: int, says: str
) -> None:
    result = send(*arguments)
    assert result.exit_code == status, result.output
    assert says in result.stderr
    assert fake_kinesis.books.counts("netmera-purchases").requests == 0


def test_a_stream_that_does_not_exist_is_refused(place: Path) -> None:
    (place / "hooks.yaml").write_text(HOOKS.replace("netmera-purchases", "netmera-elsewhere"))
    result = send()
    assert result.exit_code in (1, 2), result.output
    assert "netmera-elsewhere" in result.stderr
    assert not any(user in result.stderr for user in USERS)


def test_a_user_who_wants_to_see_more_sees_what_tasks_log() -> None:
    result = send("--verbose")
    assert "committed slice" in result.stderr
    assert not any(user in result.stderr for user in USERS)


def test_hashed_payloads_need_their_key_and_never_show_it(
    place: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "payload: {hash: [userId]}, hash_key: {variable: netmera_hash_key}, batch: {max_records: 10}}"
    (place / "hooks.yaml").write_text(HOOKS.replace("batch: {max_records: 10}}", rule, 1))
    refused = send()
    assert (refused.exit_code, "variable" in refused.stderr) == (2, True)
    key = "a-key-of-thirty-two-characters-or-more"
    monkeypatch.setenv("AIRFLOW_VAR_NETMERA_HASH_KEY", key)
    sent = send("--verbose")
    assert sent.exit_code == 0, sent.output
    assert key not in sent.output
    stored = b"".join(
        record["Data"]
        for records in read_stream(fake_kinesis.client(), "netmera-purchases").values()
        for record in records
    )
    assert b'"userId":"ayse"' not in stored
