"""What a form hands to the tasks that plan a resend or a replay, and what they hand on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from deployment import STREAMS, events, lines
from operator_tasks import Tasks

from airflow_netmera_kinesis.operators.hook_matcher import HookMatcherOperator
from airflow_netmera_kinesis.operators.kinesis_hook_sender import KinesisHookSenderOperator
from airflow_netmera_kinesis.operators.replay import PlanReplayOperator
from airflow_netmera_kinesis.operators.resend import PlanResendOperator
from airflow_netmera_kinesis.operators.slice import CommitSliceOperator, GateSliceOperator
from airflow_netmera_kinesis.testing import FakeKinesis

pytestmark = pytest.mark.fake_kinesis(STREAMS)
RESEND = {"min_age": 0, "from_date": "20260906", "to_date": 20260906, "of_dag": "acme"}


@pytest.fixture
def tasks(tmp_path: Path, fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", fake_kinesis.airflow_connection())
    return Tasks(str(tmp_path))


def execute(tasks: Tasks, operator: type[Any], dag_id: str, run: str, **arguments: Any) -> tuple[Any, MagicMock]:
    ti = MagicMock(dag_id=dag_id, task_id="plan", run_id=run, map_index=-1, try_number=1)
    task = operator(task_id="plan", hooks=tasks.hooks, **arguments)
    return task.execute({"ti": ti, "dag_run": MagicMock(run_type="manual", run_id=run)}), ti


def finish(tasks: Tasks, groups: Any, **places: Any) -> Any:
    for group in groups:
        tasks.do(HookMatcherOperator, group=group, **places)
    limits = {"max_malformed": "100%", "max_dead_letters": "100%"}
    for partition in tasks.do(GateSliceOperator, slice=groups, **limits, **places):
        tasks.do(KinesisHookSenderOperator, partition=partition, max_dead_letters="100%", **places)
    return tasks.do(CommitSliceOperator, slice=groups, max_dead_letters="100%", **places)


def test_a_dry_run_of_a_resend_is_skipped_with_its_counts_in_xcom(tasks: Tasks, fake_kinesis: FakeKinesis) -> None:
    ti = MagicMock(dag_id="resend", task_id="plan", run_id="monday", map_index=-1, try_number=1)
    task = PlanResendOperator(task_id="plan", hooks=tasks.hooks, **tasks.places, **RESEND)  # type: ignore[arg-type]
    with pytest.raises(AirflowSkipException, match="dry run: of 20 matches nothing is sent"):
        task.execute({"ti": ti, "dag_run": MagicMock(run_type="manual")})
    pushed = ti.xcom_push.call_args.kwargs
    assert pushed["key"] == "would_send"
    hook = {"matches": 10, "records": 10, "dead_letters": {}}
    assert {**pushed["value"], "bytes": 0} == {
        "files": 1, "damaged": 0, "bytes": 0, "read": 30, "malformed": 0, "events": 30, "matches": 20,
        "hooks": {"purchases": hook, "logins": hook},
    }  # fmt: skip
    assert json.dumps(pushed["value"])
    assert fake_kinesis.books.counts("netmera-purchases").requests == 0


def test_a_resend_is_sent_by_the_tasks_of_every_slice_and_its_finished_run_is_skipped(
    tasks: Tasks,
    fake_kinesis: FakeKinesis,
) -> None:
    groups, _ = execute(tasks, PlanResendOperator, "acme", "monday", only_show="False", **tasks.places, **RESEND)
    assert finish(tasks, groups)["delivered"] == 20
    with pytest.raises(AirflowSkipException, match="which this run asked for, is sent"):
        execute(tasks, PlanResendOperator, "acme", "monday", only_show=False, **tasks.places, **RESEND)
    again, _ = execute(tasks, PlanResendOperator, "acme", "tuesday", only_show=False, **tasks.places, **RESEND)
    assert finish(tasks, again)["delivered"] == 20
    assert fake_kinesis.books.counts("netmera-purchases").stored == 20


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"from_date": None, "to_date": None}, "give from_date and to_date, or files"),
        ({"from_date": "yesterday"}, "from_date is 'yesterday'; allowed: a date such as"),
        ({"files": ["a.ndjson"]}, "allowed: a period, or names of files"),
        ({"only_show": "perhaps"}, "dry_run is 'perhaps'; allowed: true or false"),
        ({"order": "random"}, "order is 'random'"),
        ({"max_malformed": "many"}, "max_malformed is 'many'"),
    ],
    ids=str,
)
def test_a_slip_of_the_pen_fails_a_resend_at_once(tasks: Tasks, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(AirflowFailException, match=told):
        execute(tasks, PlanResendOperator, "resend", "monday", **{**tasks.places, **RESEND, **wrong})


def replay(tasks: Tasks, run: str, **arguments: Any) -> Any:
    places = {name: tasks.places[name] for name in ("staging", "state")}
    return execute(tasks, PlanReplayOperator, "replay", run, of_dag="acme", **{**places, **arguments})


def test_a_replay_is_shown_sent_and_marked(tasks: Tasks, fake_kinesis: FakeKinesis) -> None:
    nobody = [{**event, "userId": None, "identities": {"extId": "CRM-1"}} for event in events("07", 6)]
    tasks.exports.write("app_20260907.ndjson", lines(nobody))
    assert finish(tasks, tasks.plan())["dead_letters"] == 4
    with pytest.raises(AirflowSkipException, match="dry run: of 4 dead letters nothing is sent"):
        replay(tasks, "monday")
    hooks = [
        {"name": "purchases", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "netmera-purchases",
         "partition_key": ["userId", "extId"]},
    ]  # fmt: skip
    tasks.hooks = hooks
    groups, _ = replay(tasks, "monday", only_show=False, letters_of_hooks="purchases")
    counts = finish(tasks, groups, exports="dead-letters://acme")
    assert (counts["letters_delivered"], counts["letters_set_aside_again"]) == (2, 0)
    with pytest.raises(AirflowSkipException, match="which this run asked for, is sent"):
        replay(tasks, "monday", only_show=False)
    with pytest.raises(AirflowSkipException, match="no dead letter is to be replayed"):
        replay(tasks, "tuesday", only_show=False)
    with pytest.raises(AirflowFailException, match="reasons names 'BROKEN'; allowed: MALFORMED"):
        replay(tasks, "tuesday", reasons=["BROKEN"])
    assert fake_kinesis.books.counts("netmera-purchases").stored == 12
