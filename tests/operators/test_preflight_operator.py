"""The task between plan and match: what it checks, and what Airflow does about what it finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from deployment import STREAMS, events, lines

from airflow_netmera_kinesis.errors import NotReadyYet
from airflow_netmera_kinesis.operators.preflight import NetmeraPreflightOperator
from airflow_netmera_kinesis.operators.slice import PlanSliceOperator
from airflow_netmera_kinesis.testing import FakeKinesis, FakeKinesisCore, Faults

pytestmark = pytest.mark.fake_kinesis(STREAMS)
HOOKS = [
    {"name": "purchases", "trigger_type": "EVENT", "event_code": "n:ph", "stream_name": "netmera-purchases"},
    {"name": "logins", "trigger_type": "EVENT", "event_code": "n:cl", "stream_name": "netmera-activity"},
]
Do = Callable[..., Any]


@pytest.fixture
def connect(fake_kinesis: FakeKinesis, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def connect(**extra: Any) -> None:
        connection = json.loads(fake_kinesis.airflow_connection())
        connection["extra"] |= extra
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", json.dumps(connection))

    connect()
    return connect


@pytest.fixture
def do(tmp_path: Path, connect: Callable[..., None]) -> Do:
    places = {name: f"{tmp_path}/{name}" for name in ("exports", "staging", "state")}
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "app_20260906.ndjson").write_bytes(lines(events("06", 30)))

    def do(operator: type[Any], **arguments: Any) -> Any:
        task = operator(task_id="task", **{**places, **arguments})
        ti = MagicMock(dag_id="acme", task_id="task", run_id="monday", map_index=-1, try_number=1)
        return task.execute({"ti": ti, "dag_run": MagicMock(run_type="scheduled", run_id="monday")})

    return do


def preflight(do: Do, planned: Any) -> Any:
    return do(NetmeraPreflightOperator, slice=planned)


def test_a_slice_is_checked_once_and_again_after_a_change(do: Do, connect: Callable[..., None]) -> None:
    planned = do(PlanSliceOperator, hooks=HOOKS, min_age=0)
    first = preflight(do, planned)
    assert first["slice"] == planned[0]["slice"]
    assert first["checks"] > 10
    assert preflight(do, planned)["checks"] == 0

    connect(session_token="of-temporary-keys")
    assert preflight(do, planned)["checks"] > 10
    planned = do(PlanSliceOperator, hooks=HOOKS[:1], min_age=0)
    assert 0 < preflight(do, planned)["checks"] < first["checks"]
    assert preflight(do, planned)["checks"] == 0


def test_without_a_slice_it_always_checks_what_the_definitions_say(do: Do) -> None:
    for _ in range(2):
        assert do(NetmeraPreflightOperator, hooks=HOOKS)["checks"] > 10
    broken = [{"name": "purchases", "trigger_type": "EVENT"}]
    with pytest.raises(AirflowFailException, match="hook 'purchases': stream_name and stream_arn are both missing"):
        do(NetmeraPreflightOperator, hooks=broken)


def test_a_missing_stream_fails_without_a_retry_and_names_all_of_them(do: Do, fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.core.clear()
    planned = do(PlanSliceOperator, hooks=HOOKS, min_age=0)
    with pytest.raises(AirflowFailException, match=r"netmera-purchases: exists (.|\n)*netmera-activity: exists"):
        preflight(do, planned)
    for name, shards in STREAMS.items():
        fake_kinesis.core.create_stream(name, shards)
    assert preflight(do, planned)["checks"] > 10


def test_a_stream_that_is_being_created_is_left_to_a_retry(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    core = FakeKinesisCore(creating_seconds=3_600)
    core.create_stream("netmera-purchases", 1)
    with FakeKinesis(core=core) as creating:
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT", creating.airflow_connection())
        planned = do(PlanSliceOperator, hooks=HOOKS[:1], min_age=0)
        with pytest.raises(NotReadyYet, match="all of them may pass by themselves"):
            preflight(do, planned)


def test_the_right_to_put_records_is_all_it_needs(do: Do, fake_kinesis: FakeKinesis) -> None:
    fake_kinesis.faults = Faults(denied=frozenset({"ListStreams", "DescribeStreamSummary", "ListShards"}))
    assert preflight(do, do(PlanSliceOperator, hooks=HOOKS, min_age=0))["warnings"] == 4


def test_an_inactive_connector_skips_it(do: Do, connect: Callable[..., None]) -> None:
    planned = do(PlanSliceOperator, hooks=HOOKS, min_age=0)
    connect(active=False)
    with pytest.raises(AirflowSkipException, match="is inactive"):
        preflight(do, planned)
