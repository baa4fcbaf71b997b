"""A run whose hook hashes: its key comes from Airflow, is the same from plan to commit, and is seen nowhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_netmera_kinesis.netmera.hashing import HashKey
from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator, PlanSliceOperator
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis({"netmera-purchases": 2})
KEY, ANOTHER = "hunter2-hunter2-hunter2", "hunter3-hunter3-hunter3"
HOOKS = {
    "hash_key": {"variable": "netmera_hash_key"},
    "hooks": [
        {
            "name": "purchases",
            "trigger_type": "EVENT",
            "event_code": "n:ph",
            "stream_name": "netmera-purchases",
            "payload": {"hash": ["userId"]},
            "hash_partition_key": True,
        }
    ],
}


class Tasks:
    """The operators of one run, on one export of two events of one user."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.places = {name: str(root / name) for name in ("exports", "staging", "state")}
        (root / "exports").mkdir()
        lines = [{"eventCode": "n:ph", "userId": "u-ayşe", "id": f"e{n}"} for n in (1, 2)]
        (root / "exports" / "day.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def do(self, operator: type[Any], **arguments: Any) -> Any:
        task = operator(task_id="task", **self.places, **arguments)
        ti = MagicMock(dag_id="acme", task_id="task", run_id="manual", map_index=-1, try_number=1)
        return task.execute({"ti": ti, "dag_run": MagicMock(run_type="manual")})

    def plan(self) -> Any:
        (reference,) = self.do(PlanSliceOperator, hooks=HOOKS, min_age=0)
        return reference

    def send(self, reference: Any) -> Any:
        (partition,) = self.do(GateSliceOperator, slice=[reference])
        self.do(KinesisHookSenderOperator, partition=partition)
        return self.do(CommitSliceOperator, slice=[reference])


@pytest.fixture
def tasks(tmp_path: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
    monkeypatch.setenv("AIRFLOW_VAR_NETMERA_HASH_KEY", KEY)
    return Tasks(tmp_path)


def test_a_users_hashes_are_the_same_in_key_and_payload_and_keep_their_order(
    tasks: Tasks, fake_kinesis: FakeKinesis, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reference = tasks.plan()
        tasks.do(HookMatcherOperator, group=reference)
        tasks.send(reference)
    records = fake_kinesis.books.in_order("netmera-purchases")
    payloads = [json.loads(record.data) for record in records]
    assert [payload["eventId"] for payload in payloads] == ["e1", "e2"]
    found = {record.partition_key for record in records} | {payload["userId"] for payload in payloads}
    assert found == {HashKey(KEY).of_text("u-ayşe")}
    written = b"".join(path.read_bytes() for path in tasks.root.rglob("*") if path.is_file())
    assert KEY.encode() not in written
    assert KEY not in caplog.text


def test_a_missing_key_is_told_by_plan(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_NETMERA_HASH_KEY", "")
    with pytest.raises(AirflowFailException, match="hash_key: variable 'netmera_hash_key' does not exist or is empty"):
        tasks.plan()
    assert not Path(tasks.places["staging"]).exists()


def test_a_key_that_changes_between_plan_and_match_is_seen_and_the_next_run_begins_anew(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = tasks.plan()
    monkeypatch.setenv("AIRFLOW_VAR_NETMERA_HASH_KEY", ANOTHER)
    with pytest.raises(AirflowFailException, match="the hash key in variable 'netmera_hash_key' has changed since"):
        tasks.do(HookMatcherOperator, group=former)
    reference = tasks.plan()
    assert reference["slice"] != former["slice"]
    tasks.do(HookMatcherOperator, group=reference)
    assert tasks.send(reference)["delivered"] == 2
