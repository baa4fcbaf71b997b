"""``netmera-kinesis preflight``, as a user types it, against the fake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from airflow_netmera_kinesis.cli import main
from airflow_netmera_kinesis.testing import FakeKinesis, FakeKinesisCore, Faults

pytestmark = pytest.mark.fake_kinesis({"netmera-purchases": 2})
HOOKS = 'hooks: [{name: purchases, trigger_type: EVENT, event_code: "n:ph", stream_name: netmera-purchases}]'


@pytest.fixture(autouse=True)
def place(tmp_path: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an export and definitions, in which the command is called, and a connection to the fake."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "a.ndjson").write_text("{}\n")
    (tmp_path / "hooks.yaml").write_text(HOOKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
    return tmp_path


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["preflight", "--exports", "exports", "--hooks", "hooks.yaml", *arguments])


def test_a_line_for_each_check_then_the_verdict() -> None:
    result = check("--staging", "staging", "--state", "state")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "ok           connection 'netmera_kinesis_default': region: eu-central-1"
    assert lines[-2:] == ["ok           state: writable: a file was written and deleted", "ready: 14 checks"]
    assert all(line.startswith(("ok  ", "not checked  ")) for line in lines[:-1])


def test_a_fault_is_said_with_what_to_do_and_the_status_is_1(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.clear()
    result = check()
    assert result.exit_code == 1
    assert "fault        stream netmera-purchases: exists (for hook purchases): " in result.output
    assert result.stdout.splitlines()[-1] == "NOT ready: 1 fault"


def test_what_may_pass_by_itself_is_status_3(monkeypatch: pytest.MonkeyPatch) -> None:
    core = FakeKinesisCore(creating_seconds=3_600)
    core.create_stream("netmera-purchases", 1)
    with FakeKinesis(core=core) as creating:
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", creating.airflow_connection())
        result = check()
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "NOT ready: 2 faults: all of them may pass by themselves"


def test_missing_rights_are_warnings_and_the_status_is_0(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.faults = Faults(denied=frozenset({"ListStreams", "DescribeStreamSummary", "ListShards"}))
    result = check()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "ready: 10 checks, 2 warnings"


def test_one_json_document_instead(fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.clear()
    result = check("--json")
    found: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, found["ready"], found["verdict"]) == (1, False, "NOT ready: 1 fault")
    (fault,) = [each for each in found["checks"] if each["verdict"] == "fault"]
    assert (fault["about"], fault["passing"]) == ("stream netmera-purchases", False)


def test_another_connection_is_named_by_its_id(fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ACME", fake_kinesis.airflow_connection())
    monkeypatch.delenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT")
    assert check("--conn-id", "acme").exit_code == 0
    result = check()
    assert result.exit_code == 1
    assert "connection 'netmera_kinesis_default' does not exist: create it" in result.output


def test_what_is_not_given_is_taken_from_the_configuration(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("exports", "staging", "state"):
        monkeypatch.setenv(f"AIRFLOW__NETMERA_KINESIS__{name.upper()}", str(place / name))
    monkeypatch.setenv("AIRFLOW__NETMERA_KINESIS__HOOKS", str(place / "hooks.yaml"))
    result = CliRunner().invoke(main, ["preflight"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "ready: 14 checks"


def test_exports_that_are_set_nowhere_are_status_2() -> None:
    result = CliRunner().invoke(main, ["preflight", "--hooks", "hooks.yaml"])
    assert result.exit_code == 2
    assert "exports is not set: give --exports" in result.output


def test_folders_inside_the_exports_are_a_fault() -> None:
    result = check("--staging", "exports/staging")
    assert result.exit_code == 1
    assert "which lies inside exports" in result.output
